"""Random patients as they would be typed, for any model, and the models to ask about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from composed import CURVED, OPTIONAL, composed

from discresorb import Predictor, load
from discresorb.columns import UNLIMITED, Column
from discresorb.distributions import DISTRIBUTIONS, Array

__all__ = ["MODELS", "Cells", "model", "patients", "texts"]

Cells = dict[str, Any]

HERE = Path(__file__).parent
MODELS = [
    "shipped",
    "format 1",
    *(
        f"{shape} {distribution} {cure}"
        for shape in ("linear", "curved")
        for distribution in DISTRIBUTIONS
        for cure in ("cure", "all")
    ),
    "narrow lognormal cure",
    "narrow weibull all",
]


def model(name: str) -> Predictor:
    """A model that `load` or `composed` gives, by its name."""
    if name == "shipped":
        return load(HERE.parent / "artifacts" / "default.joblib")
    if name == "format 1":
        return load(HERE / "data" / "format_1" / "default.joblib")
    shape, distribution, cure = name.split()
    options: dict[str, Any] = {"distribution": distribution, "cure": cure == "cure"}
    if shape == "narrow":  # σ is small, so that z is far from 0
        return composed(log_scale=-3.5, **options)
    if shape == "linear":
        return composed(between_study_sd=0.5 if cure == "cure" else None, **options)
    return composed(
        CURVED,
        optional=OPTIONAL,
        by="smoker" if cure == "cure" else None,
        cure_columns=[0, 2, 5, 8] if distribution != "weibull" and cure == "cure" else None,
        between_study_sd=None if distribution == "lognormal" else 0.25,
        seed=2,
        **options,
    )


def mixture(rng: Array, *parts: Array) -> Array:
    """Take each value from one of some arrays, by chance."""
    return np.choose(rng.integers(0, len(parts), len(parts[0])), parts)


def numbers(column: Column, rng: Array, n: int) -> Array:
    """Numbers that may be entered: usual, at an end, or far from anything seen."""
    far = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-3, 4, n)
    farthest = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(4, 308, n)
    low, high = (end if abs(end) < UNLIMITED else 0.0 for end in (column.low, column.high))
    usual = (rng.uniform(0.5, 15.0, n), rng.normal(40.0, 15.0, n), rng.normal(0.0, 3.0, n))
    ends = rng.choice([low, high], n)
    others = (ends, far, np.where(rng.random(n) < 0.5, far, farthest))
    return np.clip(mixture(rng, *usual, *usual, *usual, *others), column.low, column.high)


def months(most: float, rng: Array, n: int) -> Array:
    """Months up to so many: none, the most, usual ones, and seconds."""
    usual = (rng.uniform(0.0, 12.0, n), rng.uniform(0.0, 24.0, n).round(1))
    moments = 10.0 ** rng.uniform(-6.0, 0.0, n)
    known = rng.choice([0.0, most, 6.0], n)
    return mixture(rng, *usual, *usual, rng.uniform(0.0, most, n), moments, known)


def texts(column: Column, rng: Array, n: int, missing: float) -> list[str]:
    if column.kind == "number":
        found = list(map(repr, numbers(column, rng, n).tolist()))
    else:
        found = rng.choice(column.levels or ["yes", "no"], n).tolist()
    return ["" if gone else text for gone, text in zip(rng.random(n) < missing, found, strict=True)]


def patients(predictor: Predictor, n: int, seed: int = 0) -> list[Cells]:
    """A quarter with dates, the others with months."""
    rng = np.random.default_rng(seed)
    optional = predictor.design.optional
    columns = {
        column.name: texts(column, rng, n, 0.2 * (column.name in optional))
        for column in predictor.columns
    }
    by_dates = rng.random(n) < 0.25
    day = np.datetime64("1972-01-01") + rng.integers(0, 20_000, n)
    for name in ("onset_date", "imaging_date", "surgery_date"):
        columns[name] = np.where(by_dates, day.astype(str), "").tolist()
        day = day + rng.integers(0, 900, n)
    for name, most in (("months_since_onset", 240.0), ("months_to_surgery", 600.0)):
        entered = map(repr, months(most, rng, n).tolist())
        columns[name] = ["" if no else text for no, text in zip(by_dates, entered, strict=True)]
    columns["symptoms_changed"] = rng.choice(["yes", "no", ""], n).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
