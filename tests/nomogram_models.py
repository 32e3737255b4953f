"""Models with every kind of input, made without training, to try charts on."""

from __future__ import annotations

from typing import Any

import numpy as np

from discresorb import Predictor
from discresorb.design import Covariate, Design

QUANTILES = ("0.0", "0.1", "0.25", "0.5", "0.75", "0.9", "1.0")
SIZE = {"name": "size_mm", "label": "size", "unit": "mm", "kind": "number", "range": [0.5, 40.0]}
FLAG = {"label": "a free fragment", "unit": "", "kind": "flag", "range": [0.0, 1.0], "levels": []}
WORK = {"name": "work", "label": "work", "unit": "", "kind": "category", "range": [0.0, 2.0]}
AGE = {"name": "age", "label": "age", "unit": "years", "kind": "number", "range": [16.0, 100.0]}
LEVELS = ["desk", "mixed", "heavy, by hand"]
LINEAR = [{"type": "linear"}]


def covariates() -> list[dict[str, Any]]:
    knots = [3.2, 5.8, 8.2, 11.6]
    return [
        {**SIZE, "levels": [], "terms": [{"type": "natural spline", "knots": knots}]},
        {**FLAG, "name": "sequestrated", "terms": LINEAR},
        {**AGE, "levels": [], "terms": LINEAR},
        {**WORK, "levels": LEVELS, "terms": [{"type": "levels"}]},
        {**FLAG, "name": "smoker", "label": "smoker", "terms": LINEAR},
    ]


def model(base: Predictor, distribution: str, *, cure: bool, **changed: Any) -> Predictor:
    """Give a model of a spline, two flags, a category, and an age that may be missing."""
    by_others = np.array([45.0, 0.2, 0.8, 1.0, 0.5, -0.5, 0.3])
    imputation = {
        "predictors": ["months_since_onset", "size_mm", "sequestrated", "work[mixed]",
                       "work[heavy, by hand]", "smoker"],
        "columns": [{"column": "age", "coefficients": by_others,
                     "low": 20.0, "high": 80.0}],
    }  # fmt: skip
    stored = {**base.artifact, "covariates": covariates(), "imputation": imputation}
    names = Design([Covariate.from_artifact(each) for each in stored["covariates"]]).names
    # size, its two bends, sequestrated, age, two kinds of work, smoker
    location = np.array([1.6, 0.06, -0.05, 0.08, -0.9, 0.006, 0.1, 0.2, 0.1])
    ever = np.array([-4.0, 0.9, -0.5, 0.3, 2.5, -0.02, -0.3, -0.6, -0.2]) if cure else None
    count = 1 + len(names) + 1 + (len(location) if cure else 0)
    ages = dict(zip(QUANTILES, [18.0, 33.0, 42.0, 50.0, 58.0, 66.0, 85.0], strict=True))
    fingerprint = stored["fingerprint"]
    shares = {
        "age": {"missing": 0.15},
        "work": {"shares": [0.4, 0.35, 0.25], "missing": 0.0},
        "smoker": {"shares": [0.7, 0.3], "missing": 0.0},
    }
    return Predictor(
        {
            **stored,
            "model_id": f"{distribution}-made",
            "distribution": distribution,
            "cure": cure,
            "location": location,
            "cure_coefficients": ever,
            "covariance": 0.01 * np.eye(count),
            "parameter_names": [f"parameter {i}" for i in range(count)],
            "fingerprint": {
                **fingerprint,
                "quantiles": {**fingerprint["quantiles"], "age": ages},
                "shares": {**fingerprint["shares"], **shares},
            },
            **changed,
        }
    )
