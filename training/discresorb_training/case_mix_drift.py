r"""Whether new patients are such patients as a model was trained on.

**Estimand**: for each covariate, and for months since onset, whether its distribution in the
population of the new patients is that of the training's. The new patients are counted by level, or
by range between the training's stored quantiles, and both samples' counts compared by

.. math:: \chi^2 = \sum_j \frac{(\sqrt{m/n}\, a_j - \sqrt{n/m}\, b_j)^2}{a_j + b_j},

with a of n new and b of m training patients, so that the training's own size is allowed for.
Ranges in which fewer than five of either are to be expected are joined with their neighbours. Over
all covariates p values are Holm's (Scand J Stat 1979;6:65). A covariate may differ clearly and by
little: the figures beside p say by how much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import chdtrc

from discresorb.columns import Column
from discresorb.distributions import Array
from discresorb_training.cohort import Cohort
from discresorb_training.fingerprint import PREDICTORS, QUANTILES, columns_of, quantiles

__all__ = ["ALPHA", "NOT_HELD", "case_mix_facts", "holm", "p_of_counts", "spread_facts"]

ALPHA = 0.05
NOT_HELD = "the model file does not hold this; it was made by an earlier version"
_LEAST_EXPECTED = 5.0
_TOO_FEW = "too few patients to compare"


def case_mix_facts(cohort: Cohort, fingerprint: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare each covariate, and months since onset, with the training.

    Parameters
    ----------
    cohort : Cohort
        The new patients.
    fingerprint : mapping
        Of the training.

    Returns
    -------
    list of dict
        ``now`` and ``then`` are medians of a number, or shares of levels; ``missing`` is the share
        of whom it is missing, now and then; ``p`` is of the one comparison, ``p_holm`` of it among
        all; ``why`` says why there is none.
    """
    found = [_compared(column, values, fingerprint) for column, values in columns_of(cohort)]
    asked = [each for each in found if each["p"] is not None]
    for each, adjusted in zip(asked, holm([each["p"] for each in asked]), strict=True):
        each["p_holm"], each["changed"] = adjusted, adjusted < ALPHA
    return found


def spread_facts(predictors: Array, fingerprint: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Set the model's linear predictors beside those of the training: 10th, 50th, 90th percentile.

    Parameters
    ----------
    predictors : float array, (n, 1 or 2)
        Of the new patients.
    fingerprint : mapping
        Of the training.
    """
    stored = fingerprint.get("linear_predictors", {})
    return [
        {
            "name": name,
            "now": _middle(quantiles(values)),
            "then": _middle(stored[name]),
        }
        for name, values in zip(PREDICTORS, predictors.T, strict=False)
        if stored.get(name)
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p values for being several, by Holm's step-down.

    Parameters
    ----------
    p : sequence of float
        One a test.
    """
    adjusted, largest = [1.0] * len(p), 0.0
    for rank, position in enumerate(np.argsort(p, kind="stable").tolist()):
        largest = max(largest, min(1.0, (len(p) - rank) * p[position]))
        adjusted[position] = largest
    return adjusted


def p_of_counts(new: Array, training: Array) -> float | None:
    """Compare two samples' counts by χ²; None where too few are to be expected.

    Parameters
    ----------
    new, training : float array, (ranges,)
        Counts, neighbours beside each other.
    """
    joined = _joined(np.column_stack([new, training]).astype(float))
    if len(joined) < 2:
        return None
    n, m = joined.sum(axis=0)
    differences = np.sqrt(m / n) * joined[:, 0] - np.sqrt(n / m) * joined[:, 1]
    statistic = float((differences**2 / joined.sum(axis=1)).sum())
    return float(chdtrc(len(joined) - 1, statistic))


def _joined(counts: Array) -> Array:
    """Join neighbours until enough of the smaller sample are to be expected in each."""
    sizes = counts.sum(axis=0)
    needed = _LEAST_EXPECTED * sizes.sum() / max(sizes.min(), 1.0)
    ranges: list[Array] = []
    waiting = np.zeros(2)
    for each in counts:
        waiting = waiting + each
        if waiting.sum() >= needed:
            ranges.append(waiting)
            waiting = np.zeros(2)
    if ranges and waiting.any():
        ranges[-1] = ranges[-1] + waiting
    return np.array(ranges)


def _compared(column: Column, values: Array, fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    stored = fingerprint.get("shares", {}).get(column.name) or _from_quantiles(column, fingerprint)
    facts: dict[str, Any] = {
        "name": column.name,
        "unit": column.unit,
        "kind": column.kind,
        "now": _now(column, values),
        "then": None,
        "missing": [float(np.isnan(values).mean()), None],
        "p": None,
        "p_holm": None,
        "changed": None,
        "why": "",
    }
    if stored is None:
        return {**facts, "why": NOT_HELD}
    then = np.array([*stored["shares"], stored["missing"]])
    if column.kind == "number":
        facts["then"] = fingerprint["quantiles"][column.name].get("0.5")
    else:
        facts["then"] = dict(zip(_levels(column), stored["shares"], strict=True))
    facts["missing"][1] = stored["missing"]
    facts["p"] = p_of_counts(_counts(column, values, stored), fingerprint["rows"] * then)
    return facts if facts["p"] is not None else {**facts, "why": _TOO_FEW}


def _now(column: Column, values: Array) -> Any:
    """Give the median of a number, or the share of each level."""
    if column.kind == "number":
        return quantiles(values).get("0.5")
    return {level: float((values == code).mean()) for code, level in enumerate(_levels(column))}


def _counts(column: Column, values: Array, stored: Mapping[str, Any]) -> Array:
    """Count by range or level, and those that are missing as the last."""
    missing = np.isnan(values)
    known, width = values[~missing], len(stored["shares"])
    if column.kind != "number":
        counts = np.bincount(known.astype(int), minlength=width).astype(float)
    else:
        # halfway on an edge that is only known to be a quantile, else up to it
        left, right = (
            np.searchsorted(stored["edges"], known, side=side) for side in _sides(stored)
        )
        counts = 0.5 * (np.bincount(left, minlength=width) + np.bincount(right, minlength=width))
    return np.append(counts, missing.sum())


def _sides(stored: Mapping[str, Any]) -> tuple[Any, Any]:
    return ("left", "right") if stored.get("nominal") else ("left", "left")


def _from_quantiles(column: Column, fingerprint: Mapping[str, Any]) -> dict[str, Any] | None:
    """Take the shares that quantiles stand for, where an earlier version kept no others."""
    kept = fingerprint["quantiles"].get(column.name)
    if column.kind != "number" or not kept:
        return None
    inner = [kept[str(share)] for share in QUANTILES[1:-1]]
    if len(set(inner)) < len(inner):
        return None
    shares = np.diff([0.0, *QUANTILES[1:-1], 1.0]).tolist()
    return {"edges": inner, "shares": shares, "missing": 0.0, "nominal": True}


def _levels(column: Column) -> list[str]:
    return list(column.levels or ("no", "yes"))


def _middle(kept: Mapping[str, float]) -> list[float]:
    return [kept[share] for share in ("0.1", "0.5", "0.9")]
