"""Subgroups in which performance is looked at, and those too small to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, Column
from discresorb.distributions import Array
from discresorb_training.answerable import LEAST, known_by
from discresorb_training.cohort import Cohort

__all__ = ["Subgroups", "subgroups_of"]

_MOST_LEVELS = 30


@dataclass(frozen=True)
class Subgroups:
    """Which patients belong to which subgroup.

    Parameters
    ----------
    members : mapping
        Name → which of the patients, (n,); large enough to be shown.
    suppressed : sequence of str
        Names of those that are not.
    """

    members: Mapping[str, Array]
    suppressed: Sequence[str]


def subgroups_of(
    cohort: Cohort, months: float, recorded: Mapping[str, Sequence[str]] | None = None
) -> Subgroups:
    """Split by every covariate, by months since onset and by what else is recorded.

    A flag makes two subgroups, a number two halves at its median, a text column one for each of its
    values. A subgroup is shown if at least ten of it are known to have resorbed, and ten to be
    herniated still, by the horizon: fewer say nothing, and might point to a person.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    months : float
        Horizon, after the index MRI.
    recorded : mapping, optional
        Column name → text of each patient; empty where it is not recorded.
    """
    found: dict[str, Array] = {}
    for column, values in zip(cohort.covariates, cohort.X.T, strict=True):
        found |= _halves(column, values) if column.kind == "number" else _levels(column, values)
    found |= _halves(MONTHS_SINCE_ONSET, cohort.y["entry"])
    for name, texts in (recorded or {}).items():
        levels = sorted({text for text in texts if text})
        found |= {f"{name} {level}": np.array(texts) == level for level in levels[:_MOST_LEVELS]}
    resorbed, herniated = known_by(cohort.y, months)
    shown = {
        name: members
        for name, members in found.items()
        if min((resorbed & members).sum(), (herniated & members).sum()) >= LEAST
    }
    return Subgroups(shown, [name for name in found if name not in shown])


def _halves(column: Column, values: Array) -> dict[str, Array]:
    middle = float(f"{np.median(values):.3g}")
    unit = f" {column.unit}" if column.unit else ""
    return {
        f"{column.name} below {middle:g}{unit}": values < middle,
        f"{column.name} {middle:g}{unit} or more": values >= middle,
    }


def _levels(column: Column, values: Array) -> dict[str, Array]:
    return {f"{column.name} no": values == 0.0, f"{column.name} yes": values == 1.0}
