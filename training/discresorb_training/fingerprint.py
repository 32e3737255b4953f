"""What a model keeps of the patients that it was trained on: by which later ones are compared.

Counts, quantiles and shares, and a hash by which the very same patients are known again; no row of
anybody.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, Column
from discresorb.distributions import Array
from discresorb_training.cohort import Cohort

__all__ = [
    "PREDICTORS",
    "QUANTILES",
    "columns_of",
    "content_hash",
    "events_of",
    "fingerprint_of",
    "known_hashes",
    "quantiles",
]

QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
PREDICTORS = ("log_time", "logit_ever")


def fingerprint_of(cohort: Cohort, predictors: Array) -> dict[str, Any]:
    """Describe the patients of a training.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    predictors : float array, (n, 1 or 2)
        The model's linear predictors for them: of log time, and of logit π if it has a cure
        fraction.
    """
    return {
        "rows": len(cohort.X),
        "sha256": content_hash(cohort),
        "quantiles": {
            column.name: quantiles(values)
            for column, values in columns_of(cohort)
            if not column.levels
        },
        "shares": {column.name: _shares(column, values) for column, values in columns_of(cohort)},
        "events": events_of(cohort),
        "linear_predictors": {
            name: {share: round(value, 6) for share, value in quantiles(values).items()}
            for name, values in zip(PREDICTORS, predictors.T, strict=False)
        },
    }


def content_hash(cohort: Cohort) -> str:
    """Give the SHA-256 of covariates and outcome, the same in whatever order patients stand."""
    rows = np.column_stack([cohort.X, *(cohort.y[name] for name in cohort.y.dtype.names or ())])
    return hashlib.sha256(rows[np.lexsort(rows.T)].tobytes()).hexdigest()


def known_hashes(cohort: Cohort) -> tuple[str, str]:
    """Give what a model may know these patients by; those of format 1 knew them in their order."""
    in_order = np.ascontiguousarray(cohort.X).tobytes() + np.ascontiguousarray(cohort.y).tobytes()
    return content_hash(cohort), hashlib.sha256(in_order).hexdigest()


def columns_of(cohort: Cohort) -> list[tuple[Column, Array]]:
    """Give every covariate with its values, and months since onset as the last."""
    covariates = list(zip(cohort.covariates, cohort.X.T, strict=True))
    return [*covariates, (MONTHS_SINCE_ONSET, cohort.y["entry"])]


def events_of(cohort: Cohort) -> dict[str, Any]:
    """Describe what was seen of patients after their index MRI, and how closely they were imaged.

    Follow-up is from the index MRI to the last one, of those imaged again; a gap is between the
    last MRI that showed the herniation and the first that did not.
    """
    y = cohort.y
    seen = np.isfinite(y["upper"])
    followed = cohort.last_seen - y["entry"]
    return {
        "seen_resorbed": float(seen.mean()),
        "never_imaged_again": float((followed <= 0.0).mean()),
        "followed": quantiles(followed[followed > 0.0]),
        "gap": quantiles((y["upper"] - y["lower"])[seen]),
    }


def quantiles(values: Array) -> dict[str, float]:
    """Give quantiles by their share, of what is known; nothing of nothing."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {}
    return dict(zip(map(str, QUANTILES), np.quantile(known, QUANTILES).tolist(), strict=True))


def _shares(column: Column, values: Array) -> dict[str, Any]:
    """Give the share of each level, or of the ranges up to and between the inner quantiles."""
    known = values[~np.isnan(values)]
    if column.kind == "number":
        edges = np.unique(np.quantile(known, QUANTILES[1:-1])) if len(known) else np.empty(0)
        counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
        found: dict[str, Any] = {"edges": edges.tolist()}
    else:
        counts = np.bincount(known.astype(int), minlength=len(column.levels) or 2)
        found = {}
    total = float(len(values))
    return {
        **found,
        "shares": [count / total for count in counts.tolist()],
        "missing": float(total - len(known)) / total,
    }
