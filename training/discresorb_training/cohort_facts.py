"""A cohort as plain data for a report: flow, covariates, gaps, curves for typical patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, Column
from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb.predictor import Predictor
from discresorb_training.cohort import Cohort
from discresorb_training.errors import TrainingError
from discresorb_training.model_facts import typical_value
from discresorb_training.nonparametric import nonparametric_curve

__all__ = ["LEAST_FOR_CURVE", "cohort_facts", "typical_curves"]

_QUARTILES = (0.25, 0.5, 0.75)
_SPAN = 24.0
_POINTS = 49
_AROUND = 0.125  # share of patients on either side who are like the typical one
LEAST_FOR_CURVE = 50  # patients who say something of the time after the index MRI


def cohort_facts(cohort: Cohort) -> dict[str, Any]:
    """Describe patients, what was seen of them, and how closely they were imaged.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    """
    y = cohort.y
    seen = np.isfinite(y["upper"])
    followed = cohort.last_seen - y["entry"]
    return {
        "flow": cohort.flow(),
        "covariates": [
            *(_summary(c, v, seen) for c, v in zip(cohort.covariates, cohort.X.T, strict=True)),
            _summary(MONTHS_SINCE_ONSET, y["entry"], seen),
        ],
        "gaps": sorted(round(each, 2) for each in (y["upper"] - y["lower"])[seen].tolist()),
        "followed": _quartiles(followed[followed > 0.0]),
        "longest_follow_up": float(followed.max()),
        "centres": len({site for site in cohort.sites or [] if site}),
    }


def _summary(column: Column, values: Array, seen: Array) -> dict[str, Any]:
    """Summarise a covariate by what was seen of the patients."""
    groups = {"all": seen | True, "seen resorbed": seen, "not seen resorbed": ~seen}
    return {
        "name": column.name,
        "meaning": column.meaning,
        "unit": column.unit,
        "kind": column.kind,
        "groups": {name: _described(column, values[rows]) for name, rows in groups.items()},
        "missing": int(np.isnan(values).sum()),
    }


def _described(column: Column, values: Array) -> Any:
    """Give quartiles of a number; of a flag how many of how many; of a category each level's."""
    known = values[~np.isnan(values)]
    if column.kind == "number":
        return _quartiles(known)
    if column.kind == "flag":
        return [int(known.sum()), len(known)]
    return [[level, int((known == code).sum())] for code, level in enumerate(column.levels)]


def _quartiles(values: Array) -> list[float]:
    return np.quantile(values, _QUARTILES).tolist() if len(values) else []


def typical_curves(predictor: Predictor, cohort: Cohort) -> list[dict[str, Any]]:
    """Give curves of typical patients, with an estimate from their like that needs no model.

    For each level of the first flag, two patients: at the quartiles of the first number (size),
    other numbers and months since onset at the median of their like. Their like are the quarter of
    the level's patients whose size is nearest; the nonparametric estimate is theirs, given that
    they were herniated as long after onset as the typical patient was imaged.

    Parameters
    ----------
    predictor : Predictor
        The model.
    cohort : Cohort
        The patients.
    """
    return [_panel(predictor, cohort, name, rows) for name, rows in _groups(cohort)]


def _groups(cohort: Cohort) -> Iterator[tuple[str, Array]]:
    kinds = [column.kind for column in cohort.covariates]
    flag = cohort.X[:, kinds.index("flag")] if "flag" in kinds else np.zeros(len(cohort.X))
    for level in np.unique(flag[~np.isnan(flag)]):
        rows = flag == level
        name = ""
        if "flag" in kinds:
            answer = "yes" if level else "no"
            name = f"{cohort.covariates[kinds.index('flag')].name} {answer}"
        known = (
            values
            for kind, values in zip(kinds, cohort.X.T, strict=True)
            if kind == "number" and not np.isnan(values[rows]).all()
        )
        number = next(known, None)
        if number is None:
            yield name, rows
            continue
        for middle in (_QUARTILES[0], _QUARTILES[2]):
            low, high = np.nanquantile(number[rows], [middle - _AROUND, middle + _AROUND])
            yield name, rows & (number >= low) & (number <= high)


def _panel(predictor: Predictor, cohort: Cohort, name: str, rows: Array) -> dict[str, Any]:
    patient = _typical(cohort, rows)
    months = np.linspace(0.0, _SPAN, _POINTS)
    curve = predictor.curve(months=months, **patient)
    entry = patient[MONTHS_SINCE_ONSET.name]
    numbers = [
        column for column in cohort.covariates if column.kind == "number" and column.name in patient
    ]
    alone = len(numbers) == 1 and numbers[0].unit
    inputs = [
        f"{'' if alone else f'{column.name} '}{patient[column.name]:g} {column.unit}".strip()
        for column in numbers
    ]
    return {
        "title": ", ".join(filter(None, [*inputs, name])),
        "patient": patient,
        "patients": int(rows.sum()),
        "months": months.tolist(),
        "p": _rounded(curve.probability),
        "low": _rounded(curve.low),
        "high": _rounded(curve.high),
        "nonparametric": _nonparametric(cohort.y[rows], entry),
    }


def _typical(cohort: Cohort, rows: Array) -> dict[str, Any]:
    """Give the median of every number, and the most frequent flag or level, of what is known."""
    found: dict[str, Any] = {}
    for column, values in zip(cohort.covariates, cohort.X.T, strict=True):
        known = values[rows & ~np.isnan(values)]
        if not len(known):
            continue
        if column.kind == "number":
            found[column.name] = typical_value(column, float(np.median(known)))
        else:
            most = int(np.bincount(known.astype(int)).argmax())
            found[column.name] = column.levels[most] if column.levels else float(most)
    entry = max(round(float(np.median(cohort.y["entry"][rows])), 1), 0.1)
    return {**found, MONTHS_SINCE_ONSET.name: entry}


def _nonparametric(y: Array, entry: float) -> dict[str, Any] | None:
    """Give steps in months after the index MRI; None where too few patients, or no estimate."""
    try:
        curve = nonparametric_curve(y, entry)
    except (InputError, TrainingError):
        return None
    if curve.patients < LEAST_FOR_CURVE:
        return None
    shown = curve.times <= entry + _SPAN
    return {
        "times": _rounded(curve.times[shown] - entry),
        "low": _rounded(curve.resorbed_low[shown]),
        "high": _rounded(curve.resorbed_high[shown]),
        "n": curve.patients,
    }


def _rounded(values: Array) -> list[float]:
    return [round(each, 5) for each in values.tolist()]
