"""What a model was trained on, and the warnings for a patient outside it.

Ranges are those of the central 98 % of training patients *of the same type* (by the first flag
covariate, sequestration in the default model): a late, sequestrated profile that hardly occurs in
the data can be biased though both of its values occur separately.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, Column
from discresorb.distributions import Array

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Support"]

# position among covariates and entry, both ends, and the words around the value
_Limit = tuple[int, float, float, str, str]


@dataclass(frozen=True)
class Support:
    """Training ranges by patient type, and the longest follow-up.

    Parameters
    ----------
    columns : sequence of Column
        The model's covariates.
    by : int or None
        Position of the covariate that makes the type.
    ranges : mapping
        Level of that covariate (0.0 if none) → column name → (low, high).
    central : float
        Share of training patients that each range holds.
    longest_follow_up : float
        Months since onset.
    """

    columns: Sequence[Column]
    by: int | None
    ranges: Mapping[float, Mapping[str, tuple[float, float]]]
    central: float
    longest_follow_up: float
    _limits: Mapping[float, Sequence[_Limit]] = field(init=False, repr=False)

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any], columns: Sequence[Column]) -> Support:
        """Read the artifact's ``support`` and ``longest_follow_up``."""
        stored = artifact["support"]
        names = [column.name for column in columns]
        return cls(
            columns,
            None if stored["by"] is None else names.index(stored["by"]),
            {
                group["level"]: {name: (low, high) for name, (low, high) in group["ranges"].items()}
                for group in stored["groups"]
            },
            stored["central"],
            artifact["longest_follow_up"],
        )

    def __post_init__(self) -> None:
        limits = {
            level: [self._limit(level, name, *ends) for name, ends in ranges.items()]
            for level, ranges in self.ranges.items()
        }
        object.__setattr__(self, "_limits", limits)

    def warnings(self, covariates: Sequence[float], entry: float, horizon: float) -> list[str]:
        """Word what lies outside the training data for one patient."""
        level = 0.0 if self.by is None else covariates[self.by]
        limits = self._limits.get(level)
        if limits is None:
            return [self._unknown(level)]
        values = (*covariates, entry)
        found = [
            _around(before, after, values[position])
            for position, low, high, before, after in limits
            if values[position] < low or values[position] > high  # nan is neither
        ]
        return [*found, self._late(horizon)] if horizon > self.longest_follow_up else found

    def words(self, covariates: Array, entry: Array, horizon: Array) -> list[str]:
        """Give the warnings of many patients, joined by ``; ``; covariates are (n, k).

        Values repeat, so what lies outside is put in words once a value.
        """
        import polars as pl

        levels = np.zeros(len(entry)) if self.by is None else covariates[:, self.by]
        values = np.column_stack([covariates, entry])
        known = np.zeros(len(entry), dtype=bool)
        columns = []
        for level, limits in self._limits.items():
            of_level = levels == level
            known |= of_level
            for position, low, high, before, after in limits:
                value = values[:, position]
                beyond = of_level & ((value < low) | (value > high))
                columns.append(_worded(value, beyond, partial(_around, before, after)))
        columns.append(_worded(horizon, known & (horizon > self.longest_follow_up), self._late))
        columns.append(_worded(levels, ~known, self._unknown))
        joined = pl.concat_str(columns, separator="; ", ignore_nulls=True)
        return list(pl.select(joined).to_series().to_list())

    def _late(self, horizon: float) -> str:
        return (
            f"surgery {horizon:.1f} months after onset lies beyond the longest follow-up in "
            f"training ({self.longest_follow_up:.1f} months)"
        )

    def _unknown(self, level: float) -> str:
        return f"no training patients{self._type(level)}"

    def _limit(self, level: float, name: str, low: float, high: float) -> _Limit:
        columns = [*self.columns, MONTHS_SINCE_ONSET]
        position = [column.name for column in columns].index(name)
        unit = f" {columns[position].unit}" if columns[position].unit else ""
        after = (
            f"{unit} lies outside the central {100 * self.central:g} % of "
            f"training patients{self._type(level)} ({low:.3g} to {high:.3g})"
        )
        return position, low, high, f"{name} of ", after

    def outside(self, covariates: Array, entry: Array, horizon: Array) -> Array:
        """Which of many patients get a warning; covariates are (n, k)."""
        levels = np.zeros(len(entry)) if self.by is None else covariates[:, self.by]
        inside = np.zeros(len(entry), dtype=bool)
        for level, ranges in self.ranges.items():
            fits = levels == level
            for position, column in enumerate(self.columns):
                if column.name in ranges:
                    low, high = ranges[column.name]
                    fits &= ~((covariates[:, position] < low) | (covariates[:, position] > high))
            low, high = ranges[MONTHS_SINCE_ONSET.name]
            inside |= fits & (entry >= low) & (entry <= high)
        return ~inside | (horizon > self.longest_follow_up)

    def _type(self, level: float) -> str:
        if self.by is None:
            return ""
        name = self.columns[self.by].name
        return f" with {name} {'yes' if level == 1.0 else 'no'}"


def _around(before: str, after: str, value: float) -> str:
    return f"{before}{value:.4g}{after}"


def _worded(values: Array, where: Array, words: Callable[[float], str]) -> pl.Series:
    """Put some of the values in words; null for the others."""
    import polars as pl

    different, which = np.unique(values[where], return_inverse=True)
    code = np.zeros(len(values), dtype=np.int64)
    code[where] = which + 1
    return pl.Series([None, *map(words, different.tolist())], dtype=pl.String).gather(code)
