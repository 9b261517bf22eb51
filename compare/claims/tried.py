"""One claim with all the points that it was tried at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compare.claims.judging import Judge
from compare.claims.reading import Claim
from compare.claims.values import Found
from compare.points import Point
from compare.truth import Truth

Known = tuple[Point, Truth]
Tried = tuple[Point, Truth, Found]


@dataclass(frozen=True)
class Judged:
    """One claim at the points asked for, at those beside, and its simplest failure."""

    claim: Claim
    judge: Judge
    given: tuple[Tried, ...]
    extra: tuple[Tried, ...]
    example: Tried | None
    everywhere: bool

    @property
    def every(self) -> tuple[Tried, ...]:
        """All points, also those that only help to guess."""
        return self.given + self.extra

    @property
    def counted(self) -> tuple[Tried, ...]:
        """The points that the verdict rests on."""
        return self.every if self.everywhere else self.given


def tried(judge: Judge, known: Sequence[Known]) -> tuple[Tried, ...]:
    """Try a claim at points of which the truth is known."""
    found = judge.beside([point for point, _ in known], [truth for _, truth in known])
    return tuple((point, truth, one) for (point, truth), one in zip(known, found, strict=True))
