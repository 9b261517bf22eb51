"""A matplotlib figure as a piece of a page: the page's own colours, names of its own, nothing from elsewhere.

matplotlib writes a document with a style for every element, identifiers such as `axes_1`, and metadata with addresses;
two of these in one page would disturb it and each other. Here the drawing alone is kept. Colours are stand-ins that
become variables of the page, so that a plot is dark where the page is.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from markupsafe import Markup

# stand-ins for the colours that the page defines
INK, MUTED, LINE = "#010101", "#020202", "#030303"
SERIES = tuple(f"#0{k}0{k}ff" for k in range(1, 9))
VARIABLES = {INK: "var(--text)", MUTED: "var(--muted)", LINE: "var(--line)"} | {
    colour: f"var(--series-{k})" for k, colour in enumerate(SERIES, 1)
}
COLOUR = re.compile("#[0-9a-f]{6}")
SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "symdiff",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.parse_math": False,  # names are text, whatever dollars they hold
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "path.simplify": False,
}


def settings() -> dict[Any, Any]:
    """Return what a plot is drawn with, for `matplotlib.rc_context`."""
    return dict(SETTINGS)


def as_markup(figure: Any, name: str, title: str) -> Markup:
    """Return the SVG of a figure, its identifiers begun by `name`, read aloud as `title`."""
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context(settings()), warnings.catch_warnings():
        # a character that matplotlib's own font lacks is still a character to the browser
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(file.getvalue())  # noqa: S314 matplotlib's own output
    _cleaned(root, name)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    root.set("style", "stroke-linejoin:round;stroke-linecap:butt")
    heading = ET.Element("title", {"id": f"{name}-title"})
    heading.text = title
    root.insert(0, heading)
    # the ground that the plot stands on, wherever it is put
    root.insert(
        1, ET.Element("rect", {"class": "paper", "width": "100%", "height": "100%", "style": "fill:var(--page)"})
    )
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 texts are escaped by the writer of XML


def _cleaned(root: ET.Element, name: str) -> None:
    """Drop metadata, styles and unused identifiers; put the page's colours in."""
    used = {match for element in root.iter() for value in element.attrib.values() for match in _targets(value)}
    for element in root.iter():
        for child in [child for child in element if _local(child.tag) in ("metadata", "style")]:
            element.remove(child)
        element.tag = _local(element.tag)
        attributes = {_local(key): value for key, value in element.attrib.items()}
        element.attrib.clear()
        for key, value in attributes.items():
            if key == "id" and value not in used:
                continue
            element.set(key, _renamed(key, value, name))
        # no line break of the document is part of a text
        element.tail = None
        if element.text is not None and not element.text.strip():
            element.text = None
    for key in ("version", "width", "height"):
        if key != "version":
            root.set(key, f"{float(root.attrib[key].removesuffix('pt')) * 4 / 3:.0f}")
    root.attrib.pop("version", None)


def _targets(value: str) -> list[str]:
    return re.findall(r"url\(#([\w-]+)\)", value) + ([value[1:]] if value.startswith("#") else [])


def _renamed(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return f"#{name}-{value.removeprefix('#')}"
    if key in ("style", "clip-path"):
        value = value.replace("url(#", f"url(#{name}-")
        return COLOUR.sub(lambda match: VARIABLES.get(match[0], match[0]), value)
    return value


def _local(name: str) -> str:
    return name.rpartition("}")[2]
