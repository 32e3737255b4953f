"""Patients like those in training, drawn from what a model keeps of them.

The artifact holds no rows, but ranges by patient type, quantiles and shares. Patients are drawn
from these, each covariate by itself within its type, since how covariates go together is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, Column
from discresorb.distributions import Array
from discresorb.predictor import Predictor

__all__ = [
    "level_names",
    "median_entry",
    "ranges_by_type",
    "similar_patients",
    "training_range",
    "typical_patient",
]

_MEDIAN = "0.5"


def similar_patients(predictor: Predictor, n: int, seed: int) -> Array:
    """Draw patients like those in training.

    Parameters
    ----------
    predictor : Predictor
        The model.
    n : int
        Patients.
    seed : int
        The same seed draws the same patients.

    Returns
    -------
    float array, (n, k)
        Covariates in the model's order; nan where one is missing.
    """
    rng = np.random.default_rng(seed)
    support = predictor.artifact["support"]
    groups = support["groups"]
    sizes = np.array([group["n"] for group in groups], float)
    which = rng.choice(len(groups), n, p=sizes / sizes.sum())
    levels = np.array([group["level"] for group in groups])
    found = np.empty((n, len(predictor.columns)))
    for j, column in enumerate(predictor.columns):
        if column.name == support["by"]:
            found[:, j] = levels[which]
        elif column.kind == "number":
            found[:, j] = _numbers(predictor, column, which, rng)
        else:
            found[:, j] = rng.choice(len(level_names(column)), n, p=_shares(predictor, column))
        if column.name in predictor.design.optional:
            found[rng.random(n) < _missing(predictor, column), j] = np.nan
    return found


def level_names(column: Column) -> tuple[str, ...]:
    """Name what a flag or category can be, in the order of its values."""
    return column.levels or ("no", "yes")


def training_range(predictor: Predictor, name: str) -> tuple[float, float]:
    """Give the ends of the central 98 % of training patients, whatever their type."""
    groups = predictor.artifact["support"]["groups"]
    ranges = [group["ranges"][name] for group in groups if name in group["ranges"]]
    quantiles = _quantiles(predictor, name)
    if not ranges:
        return min(quantiles.values()), max(quantiles.values())
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def ranges_by_type(predictor: Predictor, name: str) -> dict[float, tuple[float, float]]:
    """Give the ends of the central 98 % of each patient type, by its level."""
    return {
        group["level"]: (group["ranges"][name][0], group["ranges"][name][1])
        for group in predictor.artifact["support"]["groups"]
        if name in group["ranges"]
    }


def median_entry(predictor: Predictor) -> float:
    """Give the training patients' median of months since onset at the index MRI."""
    return _quantiles(predictor, MONTHS_SINCE_ONSET.name)[_MEDIAN]


def typical_patient(predictor: Predictor) -> list[float]:
    """Give the median of each number and the most frequent level of each flag or category."""
    return [
        _quantiles(predictor, column.name)[_MEDIAN]
        if column.kind == "number"
        else float(np.argmax(_shares(predictor, column)))
        for column in predictor.columns
    ]


def _quantiles(predictor: Predictor, name: str) -> Mapping[str, float]:
    """Give quantiles by their share; the middle of the range where the model keeps none."""
    kept = predictor.artifact["fingerprint"].get("quantiles", {}).get(name)
    if kept:
        found: Mapping[str, float] = kept
        return found
    groups = predictor.artifact["support"]["groups"]
    ranges = [group["ranges"][name] for group in groups if name in group["ranges"]] or [[0.0, 1.0]]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    return {"0.0": low, _MEDIAN: 0.5 * (low + high), "1.0": high}


def _numbers(predictor: Predictor, column: Column, which: Array, rng: np.random.Generator) -> Array:
    """Draw by the quantiles of all patients, within the range of each patient's type."""
    quantiles = _quantiles(predictor, column.name)
    shares, values = np.array([*map(float, quantiles)]), np.array([*quantiles.values()])
    all_of_them = training_range(predictor, column.name)
    ranges = np.array(
        [
            group["ranges"].get(column.name, all_of_them)
            for group in predictor.artifact["support"]["groups"]
        ]
    )
    low, high = ranges[which].T
    at_low, at_high = np.interp(low, values, shares), np.interp(high, values, shares)
    drawn = np.interp(at_low + rng.random(len(which)) * (at_high - at_low), shares, values)
    return np.clip(drawn, low, high)


def _kept(predictor: Predictor, column: Column) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (
        predictor.artifact["fingerprint"].get("shares", {}).get(column.name, {})
    )
    return found


def _missing(predictor: Predictor, column: Column) -> float:
    return float(_kept(predictor, column).get("missing", 0.0))


def _shares(predictor: Predictor, column: Column) -> Array:
    """Give the share of each level; those of the patient types where the model keeps no others."""
    count = len(level_names(column))
    shares = np.array(_kept(predictor, column).get("shares", []), float)
    support = predictor.artifact["support"]
    if len(shares) != count and column.name == support["by"]:
        shares = np.zeros(count)
        for group in support["groups"]:
            shares[int(group["level"])] = group["n"]
    if len(shares) != count and column.kind == "flag":
        shares = _shares_of_flag(_quantiles(predictor, column.name))
    if len(shares) != count or shares.sum() <= 0.0:
        shares = np.ones(count)
    return shares / shares.sum()


def _shares_of_flag(quantiles: Mapping[str, float]) -> Array:
    """Give the shares of no and yes, which lie between two of the quantiles kept."""
    no = [float(share) for share, value in quantiles.items() if value <= 0.5]
    yes = [float(share) for share, value in quantiles.items() if value > 0.5]
    share = 0.5 * (max(no, default=0.0) + min(yes, default=1.0))
    return np.array([share, 1.0 - share])
