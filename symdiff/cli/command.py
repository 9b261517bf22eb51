"""How the words of a command line are read: formulas that begin with a minus sign, and mistakes that say their remedy.

click takes `-x**2` for a row of short options and lets the last of a repeated option win. Here the words are put in
order before click sees them: options first, then `--`, then the formula.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from symdiff.errors import OptionError

OPTION_WORD = re.compile(r"(--[A-Za-z][A-Za-z0-9_-]+)(?:=.*)?", re.DOTALL)


class OptionalValue(click.Option):
    """An option of which the value may be left out; it is then `-`."""


class Command(click.Command):
    """A subcommand whose formula may begin with a minus sign."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words after the command's name."""
        return super().parse_args(ctx, arranged(ctx.info_name or "", self.get_params(ctx), args))


def arranged(name: str, parameters: Iterable[click.Parameter], words: Sequence[str]) -> list[str]:
    """Put options first, then `--`, then the formula or model.

    Raises OptionError for an unknown option, one without its value or given twice, and for several formulas.

    >>> arranged("derive", [click.Argument(["expr"]), click.Option(["--wrt"])], ["-x**2", "--wrt", "x"])
    ['--wrt', 'x', '--', '-x**2']
    """
    options = {word: option for option in parameters if isinstance(option, click.Option) for word in option.opts}
    found: list[str] = []
    formulas: list[str] = []
    seen: set[str | None] = set()
    rest = Words(words)
    for word in rest:
        if word == "--":
            formulas += rest
            break
        head, equals, value = word.partition("=")
        option = options.get(word) or (options.get(head) if equals else None)
        if option is None:
            formulas.append(_formula(name, word, [text for o in options.values() if not o.hidden for text in o.opts]))
            continue
        if option.name in seen and not option.multiple:
            raise OptionError(f"{head if equals else word} is given twice; give it once")
        seen.add(option.name)
        if option.is_flag or option.count:
            found.append(word)
        elif equals:
            found += [head, value]
        else:
            following = rest.peek()
            absent = following is None or following == "--" or following in options
            if absent and not isinstance(option, OptionalValue):
                raise OptionError(f"{word} needs a value; see symdiff {name} --help")
            found += [word, "-" if absent else next(rest)]
    allowed = sum(isinstance(parameter, click.Argument) for parameter in parameters)
    if len(formulas) > allowed:
        raise OptionError(_too_many(name, allowed, formulas))
    return [*found, "--", *formulas]


class Words(Iterator[str]):
    """Iterate over words with a look at the next.

    >>> words = Words(["a", "b"])
    >>> words.peek(), next(words), words.peek()
    ('a', 'a', 'b')
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(words)
        self._place = 0

    def __next__(self) -> str:
        word = self.peek()
        if word is None:
            raise StopIteration
        self._place += 1
        return word

    def peek(self) -> str | None:
        """Return the next word without taking it; None at the end."""
        return self._words[self._place] if self._place < len(self._words) else None


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the nearest of the allowed words, or nothing.

    >>> nearest("chek", ["check", "train"])
    '; did you mean check?'
    """
    import difflib  # only for mistakes: help should be quick

    close = difflib.get_close_matches(word, list(allowed), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def message_of(error: click.ClickException) -> str:
    """Write click's complaint the way of this project: what was given, where, what to do."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "symdiff"
    text = " ".join(error.format_message().split()).rstrip(".")
    return f"{text[:1].lower()}{text[1:]}; see {path} --help"


def _formula(name: str, word: str, options: Sequence[str]) -> str:
    """Return a word that is no known option, if it can be a formula."""
    match = OPTION_WORD.fullmatch(word)
    if match:
        hint = nearest(match[1], options) or f"; see symdiff {name} --help"
        raise OptionError(f"{name} has no option {match[1]}{hint}")
    if f"-{word}" in options:
        raise OptionError(f"{name} has no option {word}; did you mean -{word}?")
    return word


def _too_many(name: str, allowed: int, words: Sequence[str]) -> str:
    given = shlex.join(words)
    given = given if len(given) <= 60 else given[:57] + "..."
    if not allowed:
        return f"{name} takes no formula or model, but got {given}; leave it out"
    whole = " ".join(words)
    split = len(whole) <= 60 and re.search(r"\s[-+*/,<>=)]|[-+*/,<>=(]\s", whole)
    remedy = f"; put it in quotes: {shlex.quote(whole)}" if split else "; give one, a formula in quotes"
    return f"{name} takes one formula or model, but got {len(words)} words ({given}){remedy}"
