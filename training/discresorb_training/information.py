"""What a cohort must hold before a model is trained on it, and what to warn of, with rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from discresorb.columns import Column
from discresorb.distributions import Array
from discresorb_training.cohort import Cohort
from discresorb_training.errors import TrainingError

__all__ = ["FOLDS", "check_information", "warnings_of"]

FOLDS: Final = 5
_SHOWN: Final = 8


def check_information(cohort: Cohort) -> None:
    """Refuse a cohort that carries no model, with everything that is missing.

    Raises
    ------
    TrainingError
        With what is missing, and in which rows.
    """
    counting = _counting(cohort)
    if not counting.any():
        raise TrainingError("every weight is 0; somebody must count")
    events = int(np.isfinite(cohort.y["upper"][counting]).sum())
    problems = []
    if events < 2 * FOLDS:
        problems.append(
            f"seen resorbed: {events} of {counting.sum()} patients, but at least {2 * FOLDS} are "
            "needed to train and to check what was trained"
        )
    for column, values in zip(cohort.covariates, cohort.X.T, strict=True):
        problems += _too_alike(column, np.where(counting, values, np.nan))
    if problems:
        raise TrainingError("; ".join(problems))


def warnings_of(cohort: Cohort) -> list[str]:
    """Word what the data leave to assumptions, with rows."""
    counting = _counting(cohort)
    seen = np.isfinite(cohort.y["upper"]) & counting
    found = []
    first = seen & (cohort.y["lower"] == cohort.y["entry"])
    if seen.any() and first.sum() == seen.sum():
        found.append(
            f"all {int(seen.sum())} resorptions were seen at the first MRI after the index MRI "
            f"({rows_of(first)}): such data say by when, hardly when; the time to resorption rests "
            "on the assumed distribution. Bring patients with several MRIs"
        )
    for column, values in zip(cohort.covariates, cohort.X.T, strict=True):
        missing = np.isnan(values[counting]).sum()
        if missing > 0.5 * counting.sum():
            found.append(
                f"{column.name} is missing in {missing} of {counting.sum()} patients: most of what "
                "its effect rests on is filled in. Bring patients of whom it is known, or leave "
                "it out"
            )
        found += _separations(column, np.where(counting, values, np.nan), seen)
    return found


def _counting(cohort: Cohort) -> Array:
    """Tell who counts: nobody of weight 0 adds to what a model rests on."""
    return np.ones(len(cohort.y), bool) if cohort.weights is None else cohort.weights > 0.0


def rows_of(where: Array) -> str:
    """Name the rows in which something is true, the first of them if there are many."""
    rows = (np.flatnonzero(where) + 1).tolist()
    if len(rows) == len(where) > 1:
        return f"rows 1 to {len(where)}"
    shown = ", ".join(map(str, rows[:_SHOWN]))
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def _too_alike(column: Column, values: Array) -> Iterator[str]:
    known = values[~np.isnan(values)]
    if not len(known):
        yield f"{column.name} is missing in every patient ({rows_of(np.isnan(values))})"
        return
    if known.min() == known.max():
        yield (
            f"{column.name} is the same in every patient ({rows_of(~np.isnan(values))}); its "
            "effect cannot be trained. Leave it out, or bring patients who differ"
        )
        return
    for code in _codes(column):
        here = values == code
        if here.sum() < FOLDS:
            yield (
                f"{column.name} is {_value(column, code)} in {int(here.sum())} of {len(known)} "
                f"patients ({rows_of(here)}), but at least {FOLDS} are needed to train its effect "
                "and to check it"
            )


def _separations(column: Column, values: Array, seen: Array) -> Iterator[str]:
    """Word where a covariate tells those seen resorbed from the others without exception."""
    for code in _codes(column):
        here = values == code
        for what, among in (("nobody", seen), ("everybody", ~seen)):
            if here.any() and not (here & among).any():
                yield (
                    f"{what} with {column.name} {_value(column, code)} was seen resorbed "
                    f"({rows_of(here)}): the size of this effect rests on the penalty"
                )
    if column.kind != "number":
        return
    known = ~np.isnan(values)
    of_whom = "" if known[seen].all() else ", where it is known,"
    resorbed, others = (values[each & known] for each in (seen, ~seen))
    if not (len(resorbed) and len(others)):
        return
    if resorbed.min() > others.max() or resorbed.max() < others.min():
        way = "above" if resorbed.min() > others.max() else "below"
        yield (
            f"{column.name} of everybody seen resorbed{of_whom} ({rows_of(seen & known)}) lies "
            f"{way} that of everybody else: the size of this effect rests on the penalty"
        )


def _codes(column: Column) -> list[float]:
    if column.kind == "number":
        return []
    return [float(code) for code in range(len(column.levels) or 2)]


def _value(column: Column, code: float) -> str:
    if column.kind == "flag":
        return "yes" if code else "no"
    return column.levels[int(code)]
