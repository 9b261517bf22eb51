"""Colours of a picture, in a light and a dark page; each text has a contrast of at least 4.5 with what it stands on."""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "box": "#f3f5f7",
    "input": "#e3eefb",
    "ink": "#16191d",
    "muted": "#555f69",
    "line": "#6b7682",
    "active": "#16191d",
    "value": "#0a4a8f",
    "adjoint": "#9a1c1c",
    "partial": "#5b3394",
}
DARK: Mapping[str, str] = {
    "paper": "#0f1318",
    "box": "#1d242d",
    "input": "#14304f",
    "ink": "#e8edf2",
    "muted": "#abb5c0",
    "line": "#8a96a3",
    "active": "#e8edf2",
    "value": "#93c7ff",
    "adjoint": "#ffa79e",
    "partial": "#cfb5ff",
}
# what each text may stand on
TEXTS: Mapping[str, tuple[str, ...]] = {
    "ink": ("paper", "box", "input"),
    "muted": ("paper", "box", "input"),
    "value": ("box", "input"),
    "adjoint": ("box", "input"),
    "partial": ("paper",),
}


def style() -> str:
    """The rules of a picture; they say its class, since a style inside a page holds for the whole page.

    >>> "prefers-color-scheme: dark" in style()
    True
    """
    return f"{_rules(LIGHT)}\n@media (prefers-color-scheme: dark) {{\n{_rules(DARK)}\n}}"


def _rules(colours: Mapping[str, str]) -> str:
    fills = {
        ".paper": f"fill:{colours['paper']}",
        ".box": f"fill:{colours['box']};stroke:{colours['line']}",
        ".input .box": f"fill:{colours['input']}",
        ".output .box": f"stroke:{colours['active']}",
        ".curve": f"fill:none;stroke:{colours['line']}",
        ".head": f"fill:{colours['line']}",
        ".active .curve": f"stroke:{colours['active']}",
        ".active .head": f"fill:{colours['active']}",
        "text": f"fill:{colours['ink']}",
        **{f".{name}": f"fill:{colours[name]}" for name in ("muted", "value", "adjoint", "partial")},
    }
    return "\n".join(f".symdiff-picture {selector} {{{rule}}}" for selector, rule in fills.items())
