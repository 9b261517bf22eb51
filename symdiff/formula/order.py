"""The order of a formula's tokens, and what of it is shown to Python's parser.

Operands and operators take turns, parentheses and branches close, nothing nests deeper than the limits: all this is
checked here, so that a message can name the column. What is left for `ast.parse` is precedence. It gets ASCII text in
which each number and each name is a placeholder `t0`, `t1`, ...: so a name may be Greek or a Python keyword, a literal
keeps all its digits, and no word of the formula reaches Python's own parser.
"""

from __future__ import annotations

import ast
import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from symdiff.errors import ParseError
from symdiff.formula.text import Token, error_at, shown

MAX_PARENTHESES = 100  # Python's own parser stops at 200
MAX_CHAIN = 100  # signs, `not`, `**` and `else` in a row: each waits for all that follow
BLOCK = 200  # `ast.parse` nests one level a term; Python 3.11 stops at 3,000, sooner within deep calls

_PREFIX = frozenset({"+", "-", "~", "not"})


class Tree(NamedTuple):
    """Python's tree of a formula, and the columns at which each token starts and ends in what Python read."""

    body: ast.expr
    starts: list[int]
    ends: list[int]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Return the numbers of the first and the last token of a part of the tree."""
        end = self.starts[-1] if node.end_col_offset is None else node.end_col_offset
        return bisect.bisect_left(self.starts, node.col_offset), bisect.bisect_right(self.ends, end) - 1


def tree(text: str, tokens: Sequence[Token]) -> Tree:
    """Check the order of the tokens of `text`, then let Python arrange them by precedence.

    A name in the tree is the placeholder `t` followed by the number of its token. Sums of more than 200 terms are
    grouped, since the tree of a sum is as deep as it is long.

    Raises ParseError where the order is not that of a formula.

    >>> from symdiff.formula.text import cut
    >>> ast.unparse(tree("2*lambda + 1", cut("2*lambda + 1", [])).body)
    't0 * t2 + t4'
    """
    order = _Order(text, tokens)
    order.check()
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    column = 0
    for index, token in enumerate(tokens):
        before = order.before.get(index, "")
        word = f"t{index}" if token.kind in {"number", "name"} else token.text
        after = order.after.get(index, "") + " "
        pieces += (before, word, after)
        starts.append(column + len(before))
        ends.append(starts[-1] + len(word))
        column = ends[-1] + len(after)
    try:
        body = ast.parse("".join(pieces).rstrip(), mode="eval").body
    except SyntaxError as error:
        place = max(0, bisect.bisect_right(starts, (error.offset or 1) - 1) - 1)
        reason = "Python's grammar wants parentheses here, around 'not ...' or around an inner 'a if c else b'"
        raise error_at(text, tokens[place].start, reason) from None
    except (RecursionError, MemoryError, ValueError):
        raise ParseError(f"the formula '{shown(text)}' is too long or too deep for Python's parser; split it") from None
    return Tree(body, starts, ends)


@dataclass
class _Level:
    """One pair of parentheses while it is read."""

    opened: int  # token
    first: int  # token of the sum that is being read
    ifs: int = 0  # that lack their `else`
    elses: int = 0
    chain: int = 0  # signs, powers and branches that wait for what follows
    signs: list[int] = field(default_factory=list[int])  # the + and - of the sum that is being read


class _Order:
    """Reads the tokens once; afterwards `before` and `after` hold the parentheses that group long sums."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.levels = [_Level(-1, 0)]
        self.waiting = 0
        self.before: dict[int, str] = {}
        self.after: dict[int, str] = {}

    def check(self) -> None:
        operand = True  # is expected next
        for index, token in enumerate(self.tokens):
            operand = self._operand(index, token) if operand else self._operator(index, token)
            if len(self.levels) > MAX_PARENTHESES + 1:
                raise self._error(
                    index, f"more than {MAX_PARENTHESES} parentheses inside each other; split the formula"
                )
            if self.waiting > MAX_CHAIN:
                raise self._error(index, f"more than {MAX_CHAIN} signs, powers or branches in a row; split the formula")
        last = len(self.tokens) - 1
        opened = self.levels[-1].opened
        if not operand and opened >= 0 and self.tokens[opened].kind == "[":
            raise self._error(opened, "this bracket is never closed; add ]")
        if operand:
            raise self._error(last, f"the formula ends after '{self.tokens[last].text}'; complete it")
        if len(self.levels) > 1:
            raise self._error(self.levels[-1].opened, "this parenthesis is never closed; add )")
        self._end_part(last, last + 1)

    def _error(self, index: int, reason: str) -> ParseError:
        return error_at(self.text, self.tokens[index].start, reason)

    def _operand(self, index: int, token: Token) -> bool:
        level = self.levels[-1]
        if token.kind in {"number", "name"}:
            return False
        if token.kind == "(":
            self.levels.append(_Level(index, index + 1))
        elif token.kind in _PREFIX:
            self._wait(level, level.chain + 1)
            if token.kind == "not":
                self._end_sum(level, index)
        elif not index:
            raise self._error(index, f"a formula cannot begin with '{token.text}'; write a number or a name before it")
        elif token.kind in {")", "]"} and self.tokens[index - 1].kind in {"(", "["}:
            raise self._error(index, "nothing stands between these parentheses; write an argument or a formula there")
        else:
            pair = f"'{self.tokens[index - 1].text}' and '{token.text}'"
            raise self._error(index, f"a number or a name is missing between {pair}; write it")
        return True

    def _operator(self, index: int, token: Token) -> bool:
        level = self.levels[-1]
        previous = self.tokens[index - 1]
        if token.kind in {"(", "["} and previous.kind == "name":
            self.levels.append(_Level(index, index + 1))
            return True
        if token.kind == "[":
            raise self._error(index, "a subscript follows the name of an array; write such as x[i]")
        if token.kind == ".T":
            return False
        if token.kind in {"number", "name", "(", "not", "~"}:
            pair = f"'{shown(previous.text, 20)}' and '{shown(token.text, 20)}'"
            raise self._error(index, f"an operator is missing between {pair}; write * for a product")
        if token.kind in {")", "]"}:
            opening, what = ("(", "parenthesis") if token.kind == ")" else ("[", "bracket")
            if len(self.levels) == 1:
                raise self._error(index, f"this {what} was never opened; take it out or add {opening}")
            if self.tokens[level.opened].kind != opening:
                raise self._error(index, f"this {what} closes '{self.tokens[level.opened].text}'; close that one first")
            self._end_part(index, index)
            self.levels.pop()
            return False
        if token.kind == "**":
            self._wait(level, level.chain + 1)
        elif token.kind in {"+", "-", "*", "/", "@"}:
            self._wait(level, level.elses)
            if token.kind in {"+", "-"}:
                level.signs.append(index)
        elif token.kind == ",":
            if len(self.levels) == 1:
                raise self._error(index, "a comma outside a function's parentheses; write one formula, and 0.5 for 0,5")
            self._end_part(index, index)
        else:
            self._end_sum(level, index)
            self._branch(index, token, level)
        return True

    def _branch(self, index: int, token: Token, level: _Level) -> None:
        if token.kind == "if":
            level.ifs += 1
        elif token.kind == "else":
            if not level.ifs:
                raise self._error(index, "'else' without 'if'; write 'a if condition else b'")
            level.ifs -= 1
            level.elses += 1
        self._wait(level, level.elses)

    def _wait(self, level: _Level, chain: int) -> None:
        self.waiting += chain - level.chain
        level.chain = chain

    def _end_part(self, index: int, end: int) -> None:
        """End what stands between parentheses and commas before token `end`; a complaint is about token `index`."""
        level = self.levels[-1]
        if level.ifs:
            raise self._error(index, "an 'if' lacks its 'else'; write 'a if condition else b'")
        self._end_sum(level, end)
        level.elses = 0
        self._wait(level, 0)

    def _end_sum(self, level: _Level, end: int) -> None:
        """Write a sum of more than BLOCK terms as (a + ... )+( - b ...), which is as many levels less deep."""
        if len(level.signs) > BLOCK:
            self.before[level.first] = "("
            self.before |= dict.fromkeys(level.signs[BLOCK::BLOCK], ")+(")
            self.after[end - 1] = ")"
        level.signs.clear()
        level.first = end + 1
