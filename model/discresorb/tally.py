"""Counting what was scored, what was not and why, over batches and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from discresorb.advice import CHANGED, LIKELY, LONG_WAIT
from discresorb.errors import Problem
from discresorb.scoring import Scored

__all__ = ["Kind", "Tally"]

# of each kind of problem so many rows are named
MOST_NAMED: Final = 5


@dataclass
class Kind:
    """Rows with one kind of problem.

    Parameters
    ----------
    count : int
        How many.
    first : list of (str, int)
        File and number of the first ones, from 1 on.
    example : Problem
        The first one's.
    """

    example: Problem
    count: int = 0
    first: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Tally:
    """Counts over rows.

    Parameters
    ----------
    rows, scored : int
        All, and those that were scored.
    flagged : int
        Rows for which any reason to image again applies.
    reasons : list of int
        Rows for which each reason does, in the bits' order.
    guarded : int
        Cells that got a leading ``'``.
    kinds : dict
        Kinds of problems, by name.
    """

    rows: int = 0
    scored: int = 0
    flagged: int = 0
    reasons: list[int] = field(default_factory=lambda: [0, 0, 0])
    guarded: int = 0
    kinds: dict[str, Kind] = field(default_factory=dict)

    @classmethod
    def of(cls, scored: Scored, guarded: int = 0) -> Tally:
        """Count one batch; its rows are numbered from 1 on, its file has no name yet."""
        bits = scored.bits
        each = [int(np.count_nonzero(bits & bit)) for bit in (LONG_WAIT, CHANGED, LIKELY)]
        counts = int(scored.usable.sum()), int(np.count_nonzero(bits)), each
        return cls(len(scored), *counts, guarded, _kinds(scored.problems))

    def add(self, other: Tally, name: str = "", before: int = 0) -> None:
        """Add the counts of what comes next; its rows follow those counted for the same file.

        Parameters
        ----------
        other : Tally
            Of a batch if it is given a name, else of whole files.
        name : str
            Of the file that the batch belongs to.
        before : int
            Rows of that file before the first one counted here.
        """
        for kind, theirs in other.kinds.items():
            ours = self.kinds.setdefault(kind, Kind(theirs.example))
            ours.count += theirs.count
            named = [
                (name, before + self.rows + row) if name else (file, row)
                for file, row in theirs.first
            ]
            ours.first = (ours.first + named)[:MOST_NAMED]
        self.rows += other.rows
        self.scored += other.scored
        self.flagged += other.flagged
        self.reasons = [a + b for a, b in zip(self.reasons, other.reasons, strict=True)]
        self.guarded += other.guarded

    @property
    def hides_values(self) -> bool:
        """Whether there is more to say about the problems with what was entered."""
        return any(kind.example.words != kind.example.rule for kind in self.kinds.values())

    @property
    def unscored(self) -> int:
        """Rows that could not be scored."""
        return self.rows - self.scored


def _kinds(problems: Mapping[int, Iterable[Problem]]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for row in sorted(problems):
        told: set[str] = set()
        for problem in problems[row]:
            if problem.kind in told:
                continue  # a row counts once
            told.add(problem.kind)
            kind = kinds.setdefault(problem.kind, Kind(problem))
            kind.count += 1
            if len(kind.first) < MOST_NAMED:
                kind.first.append(("", row + 1))
    return kinds
