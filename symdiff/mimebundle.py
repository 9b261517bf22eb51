"""What notebooks ask of an object; the texts themselves are made in `symdiff.notebook`, when they are asked for."""

from __future__ import annotations

from typing import Any


class Shown:
    """What has `_repr_html_`, and perhaps `_repr_latex_`, for front ends that ask for everything at once."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return plain text, HTML and LaTeX by their MIME types, those that there are and are wanted."""
        made = {"text/plain": repr(self)}
        for kind, name in (("text/html", "_repr_html_"), ("text/latex", "_repr_latex_")):
            found = getattr(self, name)() if hasattr(self, name) else None
            made |= {} if found is None else {kind: found}
        wanted = made if include is None else {kind: made[kind] for kind in made if kind in include}
        return {kind: text for kind, text in wanted.items() if kind not in (exclude or ())}
