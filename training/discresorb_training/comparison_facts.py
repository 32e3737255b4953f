"""A comparison of models as plain data: what its table and JSON are filled from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from discresorb.distributions import Array
from discresorb_training.answerable import Answerable, known_by
from discresorb_training.drift import drift_facts
from discresorb_training.external import notes_on
from discresorb_training.paired import Compared, Judged, interval_of
from discresorb_training.performance import METRICS, OVERALL, Evaluation, Key, Metric
from discresorb_training.performance_facts import WITHOUT_INTERVAL

__all__ = ["comparison_facts"]

LOG_SCORE: Key = ("log_score", None)
# metric → whether higher is better; others are read beside the value that is right
_HEADLINES = {"log_score": True, "brier": False, "auc": True}
_POWER = 1.96 + 0.84  # standard errors by which a true difference shows four times in five


def comparison_facts(
    found: Compared,
    models: Sequence[Judged],
    answerable: Answerable,
    reference: float,
    repeats: int,
) -> dict[str, Any]:
    """Describe a comparison.

    Parameters
    ----------
    found : Compared
        What was measured.
    models : sequence of Judged
        The first is the one that others are compared with.
    answerable : Answerable
        Horizons.
    reference : float
        The horizon of verdicts.
    repeats : int
        Resamples that were drawn.
    """
    y, working = models[0].cohort.y, found.evaluations[0].working
    plausible = {id(each) for each in found.evaluations[0].plausible}
    return {
        "kind": "comparison",
        "patients": len(y),
        "months": list(answerable.months),
        "reference_months": reference,
        "not_answered": list(answerable.reasons),
        "known": [
            dict(zip(("resorbed", "herniated"), (int(each.sum()) for each in known_by(y, months)),
                     strict=True))
            for months in answerable.months
        ],
        "repeats": repeats,
        "failures": dict(found.failures),
        "working_models": [
            {"name": each.name, "aic": each.aic, "plausible": id(each) in plausible}
            for each in working
        ],
        "working_covariates": found.components,
        "models": [
            {
                "name": each.name,
                "model_id": each.predictor.model_id,
                "notices": list(each.predictor.notices),
                "notes": notes_on(each.predictor, each.cohort),
                "without_a_chance": _without_a_chance(evaluation),
                **_metrics(found, answerable, found.estimate[k], found.drawn[:, k]),
                "drift": drift_facts(each.predictor, each.cohort, evaluation.design, reference),
            }
            for k, (each, evaluation) in enumerate(zip(models, found.evaluations, strict=True))
        ],
        "differences": [
            _difference(found, models, k, answerable, reference) for k in range(1, len(models))
        ],
    }  # fmt: skip


def _without_a_chance(evaluation: Evaluation) -> int:
    """Count the patients to whose outcome the model gave no chance at all."""
    if math.isfinite(evaluation.log_score()):
        return 0
    return sum(not math.isfinite(each) for each in evaluation.log_scores())


def _metrics(
    found: Compared, answerable: Answerable, estimate: Array, drawn: Array
) -> dict[str, Any]:
    low, high = interval_of(drawn, estimate)
    at = {key: k for k, key in enumerate(found.keys)}

    def entry(metric: Metric, months: float | None) -> dict[str, Any]:
        k = at[metric.key, months]
        bare = metric.key in WITHOUT_INTERVAL
        return {
            **asdict(metric),
            "estimate": _number(estimate[k]),
            "low": None if bare else _number(low[k]),
            "high": None if bare else _number(high[k]),
        }

    several = len(answerable.months) > 1
    return {
        "overall": [
            entry(each, None)
            for each in OVERALL
            if several or not each.key.startswith("integrated")
        ],
        "at": [
            {"months": months, "metrics": [entry(each, months) for each in METRICS]}
            for months in answerable.months
        ],
    }


def _difference(
    found: Compared, models: Sequence[Judged], k: int, answerable: Answerable, reference: float
) -> dict[str, Any]:
    with np.errstate(invalid="ignore"):  # of two infinite scores, no difference
        estimate = found.estimate[k] - found.estimate[0]
        drawn = found.drawn[:, k] - found.drawn[:, 0]
    return {
        "model": models[k].name,
        "first": models[0].name,
        "same_model": models[k].predictor.model_id == models[0].predictor.model_id,
        "same_predictions": _same_predictions(found.evaluations[k], found.evaluations[0]),
        **_metrics(found, answerable, estimate, drawn),
        "verdicts": list(_verdicts(found, k, estimate, drawn, reference)),
    }


def _same_predictions(one: Evaluation, other: Evaluation) -> bool:
    """Tell whether two models give everybody the same chance of everything that was seen."""
    return bool(np.array_equal(one.log_scores(), other.log_scores()))


def _verdicts(
    found: Compared, k: int, estimate: Array, drawn: Array, reference: float
) -> Iterator[dict[str, Any]]:
    """Say of each headline metric which model does better, or that the data cannot tell."""
    low, high = interval_of(drawn, estimate)
    n = len(found.evaluations[0].y)
    for name, higher_is_better in _HEADLINES.items():
        months = None if name == LOG_SCORE[0] else reference
        at = list(found.keys).index((name, months))
        by, ends = _number(estimate[at]), (_number(low[at]), _number(high[at]))
        told = _told(found.estimate[k, at], found.estimate[0, at], ends, higher_is_better)
        verdict: dict[str, Any] = {
            "key": name, "months": months, "difference": by, "low": ends[0], "high": ends[1],
            "better": told,
        }  # fmt: skip
        if by is not None:
            error = float(np.nanstd(drawn[:, at], ddof=1))
            verdict["standard_error"] = error
            verdict["least_difference_that_shows"] = _POWER * error
            verdict["patients_needed"] = math.ceil(n * (_POWER * error / by) ** 2) if by else None
        yield verdict


def _told(
    own: float, first: float, ends: tuple[float | None, float | None], higher_is_better: bool
) -> str | None:
    """Give "model" or "first" for the one that does better; None if the data cannot tell."""
    low, high = ends
    if low is None or high is None:
        if np.isfinite(own) == np.isfinite(first):
            return None
        return "model" if np.isfinite(own) else "first"
    if low <= 0.0 <= high:
        return None
    return "model" if (low > 0.0) == higher_is_better else "first"


def _number(value: float) -> float | None:
    """Give a number, or None where there is none to give: JSON has no nan."""
    return float(value) if math.isfinite(value) else None
