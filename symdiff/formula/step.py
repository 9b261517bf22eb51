"""One step in building a formula: what is made is measured, and errors quote the part of the text it was made of."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symdiff.errors import ParseError
from symdiff.formula.names import Vocabulary
from symdiff.formula.order import Tree
from symdiff.formula.size import Sizes
from symdiff.formula.text import Token, error_at, shown

MAX_SECONDS = 10.0  # of processor time; long texts of many functions take longest

# what SymPy raises where it cannot work something out
_FAILURES = (ArithmeticError, MemoryError, NotImplementedError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Formula:
    """A formula while it is built: its text, its tree, what its words mean, and how large its parts are."""

    text: str
    tokens: Sequence[Token]
    tree: Tree
    vocabulary: Vocabulary
    sizes: Sizes = field(default_factory=Sizes)
    started: float = field(default_factory=time.thread_time)
    # whether it may hold matrices and indexed arrays, and what is bound where it is read: indices, and `entry`
    arrays: bool = False
    bound: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    def word(self, node: ast.Name) -> str:
        """Return the number or name for which a placeholder stands."""
        return self.tokens[int(node.id[1:])].text

    def made(self, node: ast.expr, make: Callable[[], Any]) -> Any:
        """Return make() if all numbers in it are real, finite and not too large.

        Raises ParseError, quoting the part of the text at `node`, if they are not or SymPy or the time gives up.
        """
        if time.thread_time() - self.started > MAX_SECONDS:
            self.permit(node, f"up to here SymPy took more than {MAX_SECONDS:g} s; split or simplify the formula")
        try:
            result = make()
        except ParseError:
            raise
        except _FAILURES as error:
            reason = f"SymPy cannot work it out ({shown(str(error)) or type(error).__name__})"
            raise self.refusal(node, reason) from None
        self.permit(node, self.sizes.refused(result))
        return result

    def permit(self, node: ast.expr, reason: str | None) -> None:
        """Go on if there is no reason to refuse the part at `node`."""
        if reason:
            raise self.refusal(node, reason)

    def refusal(self, node: ast.expr, reason: str) -> ParseError:
        """Return the error that quotes the part at `node`."""
        first, last = self.tree.span(node)
        part = self.text[self.tokens[first].start : self.tokens[last].end]
        return self.error(node, f"'{shown(part, 40)}' is refused: {reason}")

    def error_after(self, node: ast.expr, reason: str) -> ParseError:
        """Return the error at the operator that follows `node`, past the parentheses around it."""
        _, last = self.tree.span(node)
        place = next(i for i in range(last + 1, len(self.tokens)) if self.tokens[i].kind != ")")
        return error_at(self.text, self.tokens[place].start, reason)

    def error(self, node: ast.expr, reason: str) -> ParseError:
        """Return the error at the place where `node` begins."""
        first, _ = self.tree.span(node)
        return error_at(self.text, self.tokens[first].start, reason)
