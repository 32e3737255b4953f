"""Subgroups in which performance is looked at, and those too small to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, TRAINING_COLUMNS, Column
from discresorb.distributions import Array
from discresorb_training.answerable import LEAST, known_by
from discresorb_training.cohort import COVARIATES, Cohort

__all__ = ["Subgroups", "subgroups_of", "unfit_for_subgroups"]

_MOST_LEVELS = 30


@dataclass(frozen=True)
class Subgroups:
    """Which patients belong to which subgroup.

    Parameters
    ----------
    members : mapping
        Name → which of the patients, (n,); large enough to be shown.
    suppressed : mapping
        What was split by → how many of its groups are not.
    """

    members: Mapping[str, Array]
    suppressed: Mapping[str, int]


def subgroups_of(
    cohort: Cohort, months: float, recorded: Mapping[str, Sequence[str]] | None = None
) -> Subgroups:
    """Split by every covariate, by months since onset and by what else is recorded.

    A flag makes two subgroups, a category one for each level, a number two halves at its median, a
    text column one for each of its values; a patient of whom it is missing belongs to none. A
    subgroup is shown if at least ten of it are known to have resorbed, and ten to be herniated
    still, by the horizon: fewer say nothing, and their names might point to a person.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    months : float
        Horizon, after the index MRI.
    recorded : mapping, optional
        Column name → text of each patient; empty where it is not recorded.
    """
    by: dict[str, dict[str, Array]] = {}
    for column, values in zip(cohort.covariates, cohort.X.T, strict=True):
        split = _halves if column.kind == "number" else _levels
        by[column.name] = split(column, values)
    by[MONTHS_SINCE_ONSET.name] = _halves(MONTHS_SINCE_ONSET, cohort.y["entry"])
    for name, texts in (recorded or {}).items():
        levels = sorted({text for text in texts if text})
        by[name] = {f"{name} {level}": np.array(texts) == level for level in levels}
    resorbed, herniated = known_by(cohort.y, months)
    shown: dict[str, Array] = {}
    suppressed = Counter[str]()
    for split_by, groups in by.items():
        for name, members in groups.items():
            if min((resorbed & members).sum(), (herniated & members).sum()) >= LEAST:
                shown[name] = members
            else:
                suppressed[split_by] += 1
    return Subgroups(shown, suppressed)


def unfit_for_subgroups(name: str, texts: Sequence[str]) -> str:
    """Say why a column cannot make subgroups; empty text if it can."""
    reserved = {column.name for column in (*COVARIATES, *TRAINING_COLUMNS)} - {"site_id"}
    if name in reserved:
        return f"{name} is a column of the training data itself and makes no subgroups"
    levels = len({text for text in texts if text})
    if levels > _MOST_LEVELS:
        return (
            f"{name} has {levels} different values, but at most {_MOST_LEVELS} make subgroups; "
            "bring a column of groups"
        )
    return ""


def _halves(column: Column, values: Array) -> dict[str, Array]:
    middle = float(f"{np.nanmedian(values):.3g}")
    unit = f" {column.unit}" if column.unit else ""
    return {
        f"{column.name} below {middle:g}{unit}": values < middle,
        f"{column.name} {middle:g}{unit} or more": values >= middle,
    }


def _levels(column: Column, values: Array) -> dict[str, Array]:
    return {
        f"{column.name} {level}": values == code
        for code, level in enumerate(column.levels or ("no", "yes"))
    }
