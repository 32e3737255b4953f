"""Models composed by hand: every distribution, form of covariate and gap, without any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discresorb import Predictor
from discresorb.columns import MONTHS_SINCE_ONSET, SEQUESTRATED, SIZE_MM, Column
from discresorb.design import Covariate, Design, Imputation
from discresorb.distributions import Array
from discresorb.schema import wrong_with
from discresorb.wording import ESTIMAND

__all__ = ["CURVED", "MANY", "OPTIONAL", "PLAIN", "composed"]

PLAIN = (Covariate(SIZE_MM), Covariate(SEQUESTRATED))
CURVED = (
    Covariate(SIZE_MM, (3.5, 5.75, 8.0, 12.25)),
    Covariate(SEQUESTRATED),
    Covariate(Column("age", "number", "age at the index MRI", "years", 16.0), (30.0, 45.0, 61.5)),
    Covariate(Column("work", "category", "work", levels=("desk", "2", "heavy, by hand"))),
    Covariate(Column("bmi", "number", "bmi", "kg/m²", high=80.0)),
    Covariate(Column("smoker", "flag", "smoker")),
    Covariate(Column("depth", "number", "depth")),
)
OPTIONAL = ("age", "work", "bmi")
MANY = (*PLAIN, *(Covariate(Column(f"x{j}", "number", f"input {j}")) for j in range(10)))
# of each covariate: a value in the middle, and the half-width of what was seen in training
_SEEN: Mapping[str, tuple[float, float]] = {
    "size_mm": (7.0, 5.0),
    "age": (45.0, 25.0),
    "bmi": (26.0, 8.0),
    "depth": (-1.0, 3.0),
    MONTHS_SINCE_ONSET.name: (3.0, 2.875),
}
_UNIT = (0.0, 1.0)


def composed(
    covariates: Sequence[Covariate] = PLAIN,
    *,
    distribution: str = "loglogistic",
    cure: bool = True,
    optional: Sequence[str] = (),
    cure_columns: list[int] | None = None,
    between_study_sd: float | None = None,
    by: str | None = "sequestrated",
    seed: int = 1,
    **more: Any,
) -> Predictor:
    """Compose a model with coefficients drawn by a seed.

    Further keywords replace what the artifact holds.
    """
    rng = np.random.default_rng(seed)
    design = Design(covariates, _imputations(covariates, optional, rng))
    width = len(design.names) + 1
    cure_width = (width if cure_columns is None else len(cure_columns)) if cure else 0
    spreads = np.array([0.3, *map(_spread, design.names)])
    location = rng.normal(0.0, 0.4, width) * spreads
    ever = (rng.normal(0.0, 1.0, width) * spreads)[:cure_width]
    location[0], ever[:1] = 1.7, 0.5
    names = ["intercept", *design.names]
    kept = range(width) if cure_columns is None else cure_columns
    count = width + 1 + cure_width
    factor = rng.normal(0.0, 0.1, (count, count)) / np.sqrt(count)
    factor *= np.array([*spreads, 1.0, *spreads[:cure_width]])[:, None]
    artifact = {
        "format": 2,
        "model_id": f"{distribution}-composed",
        "distribution": distribution,
        "cure": cure,
        **design.to_artifact(),
        "parameter_names": [*names, "log_scale", *(f"cure_{names[j]}" for j in kept if cure)],
        "location": location,
        "log_scale": -0.6,
        "cure_coefficients": ever if cure else None,
        "cure_columns": cure_columns,
        "covariance": factor @ factor.T,
        "between_study_sd": between_study_sd,
        "penalty": 0.0,
        "support": _support(covariates, by),
        "longest_follow_up": 24.25,
        "fingerprint": {},
        "endpoint": "gone on MRI",
        "estimand": ESTIMAND,
        "data_origin": "observed",
        "parent_model": None,
        "lineage": [],
        "versions": {},
        "metrics": {},
        **more,
    }
    assert wrong_with(artifact) == []
    return Predictor(artifact)


def _spread(column: str) -> float:
    """Give the size that a slope may have."""
    name = column.partition("_s")[0] if column not in _SEEN else column
    return 1.0 / _SEEN.get(name, _UNIT)[1]


def _imputations(
    covariates: Sequence[Covariate], optional: Sequence[str], rng: Array
) -> list[Imputation]:
    stand_ins = [
        (name, _SEEN.get(each.column.name, (0.5, 0.5)))
        for each in covariates
        if each.column.name in optional
        for name in each.basic_names
    ]
    missing = [Imputation(name, np.empty(0), 0.0, 1.0) for name, _ in stand_ins]
    count = len(Design(covariates, missing).predictor_names)
    return [
        Imputation(
            name,
            np.array([middle, *rng.normal(0.0, 0.05 * half, count)]),
            middle - half,
            middle + half,
        )
        for name, (middle, half) in stand_ins
    ]


def _support(covariates: Sequence[Covariate], by: str | None) -> dict[str, Any]:
    numbers = [each.column.name for each in covariates if each.column.kind == "number"]
    groups = []
    for level in (0.0,) if by is None else (0.0, 1.0):
        ranges = {}
        for name in (*numbers, MONTHS_SINCE_ONSET.name):
            middle, half = _SEEN.get(name, _UNIT)
            ranges[name] = [middle - half, middle + half + level]
        groups.append({"level": level, "n": 100, "ranges": ranges})
    return {"by": by, "central": 0.98, "groups": groups}
