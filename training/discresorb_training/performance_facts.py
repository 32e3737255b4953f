"""Performance as plain data: what tables, JSON, figures, model card and report are filled from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from discresorb.distributions import Array
from discresorb_training.answerable import LEAST, Answerable, known_by
from discresorb_training.by_centre import Centre
from discresorb_training.errors import ConvergenceError
from discresorb_training.external import External
from discresorb_training.internal import Internal
from discresorb_training.measure import SUBGROUP_METRICS, THRESHOLDS, Measure
from discresorb_training.performance import METRICS, OVERALL, Evaluation, Key, Metric
from discresorb_training.recalibration import refit_predictors
from discresorb_training.subgroups import Subgroups

__all__ = ["WITHOUT_INTERVAL", "external_facts", "internal_facts"]

_BINS = 40
# distances, which resampling inflates: their percentiles would not hold the estimate
WITHOUT_INTERVAL = ("ici", "e50", "e90")


@dataclass(frozen=True)
class _Table:
    """Values by key: estimate and interval, and what they were before the optimism went."""

    estimate: Mapping[Key, float]
    low: Mapping[Key, float]
    high: Mapping[Key, float]
    apparent: Mapping[Key, float] | None = None

    def entry(self, key: Key) -> dict[str, float | None]:
        """Give one value with its interval as JSON takes it."""
        bare = key[0] in WITHOUT_INTERVAL
        found = {
            "estimate": _number(self.estimate[key]),
            "low": None if bare else _number(self.low[key]),
            "high": None if bare else _number(self.high[key]),
        }
        if self.apparent is not None:
            found["apparent"] = _number(self.apparent[key])
        return found


def internal_facts(
    found: Internal,
    evaluation: Evaluation,
    measure: Measure,
    answerable: Answerable,
    subgroups: Subgroups,
    centres: Sequence[Centre],
    repeats: int,
) -> dict[str, Any]:
    """Describe internal validation.

    Parameters
    ----------
    found : Internal
        Of the bootstrap.
    evaluation : Evaluation
        Of the final model on its own patients.
    measure, answerable, subgroups
        What was measured, at which horizons, for whom.
    centres : sequence of Centre
        Each held out in turn.
    repeats : int
        Bootstrap samples that were drawn.
    """
    table = _Table(
        _mapped(found.keys, found.apparent - found.optimism),
        _mapped(found.keys, found.low),
        _mapped(found.keys, found.high),
        _mapped(found.keys, found.apparent),
    )
    by_p = np.argsort(found.p, kind="stable")
    return {
        "kind": "internal",
        "notes": [],
        **_common(table, evaluation, measure, answerable, subgroups),
        "repeats": repeats,
        "failures": dict(found.failures),
        "chosen": dict(found.chosen.most_common()),
        "instability": {  # in the order of p, so that nobody's row is told
            "p": _rounded(found.p[by_p]),
            "low": _rounded(found.p_low[by_p]),
            "high": _rounded(found.p_high[by_p]),
            "mean_absolute_difference": found.p_error,
        },
        "centres": [_centre(each) for each in centres],
    }


def external_facts(
    found: External,
    evaluation: Evaluation,
    measure: Measure,
    answerable: Answerable,
    subgroups: Subgroups,
    repeats: int,
) -> dict[str, Any]:
    """Describe external validation; parameters as in `internal_facts`.

    Parameters
    ----------
    found : External
        Of the resamples.
    evaluation, measure, answerable, subgroups, repeats
        As in `internal_facts`.
    """
    table = _Table(
        _mapped(found.keys, found.estimate),
        _mapped(found.keys, found.low),
        _mapped(found.keys, found.high),
    )
    return {
        "kind": "external",
        **_common(table, evaluation, measure, answerable, subgroups),
        "repeats": repeats,
        "failures": dict(found.failures),
    }


def _common(
    table: _Table,
    evaluation: Evaluation,
    measure: Measure,
    answerable: Answerable,
    subgroups: Subgroups,
) -> dict[str, Any]:
    ranges = evaluation.ranges(measure.months)

    def metric(each: Metric, months: float | None) -> dict[str, Any]:
        key = (each.key, months)
        low, high = ranges[key]
        span = None if each in OVERALL[:2] else [_number(low), _number(high)]
        return {**asdict(each), **table.entry(key), "range": span}

    def horizon(months: float) -> dict[str, Any]:
        resorbed, herniated = known_by(evaluation.y, months)
        certain = evaluation.certain(months)
        return {
            "months": months,
            "known_resorbed": int(resorbed.sum()),
            "known_herniated": int(herniated.sum()),
            "expected_resorbed": float(evaluation.weights(months).sum()),
            "metrics": [
                {**metric(each, months), "certain": _pair(certain.get(each.key))}
                for each in METRICS
            ],
        }

    plausible = {id(each) for each in evaluation.plausible}
    return {
        "patients": len(evaluation.y),
        "months": list(measure.months),
        "reference_months": measure.reference,
        "not_answered": list(answerable.reasons),
        "working_models": [
            {"name": each.name, "aic": each.aic, "plausible": id(each) in plausible}
            for each in evaluation.working
        ],
        "overall": [
            metric(each, None)
            for each in OVERALL
            if len(measure.months) > 1 or not each.key.startswith("integrated")
        ],
        "at": [horizon(months) for months in measure.months],
        "calibration": _calibration(table, evaluation, measure),
        "decision": _decision(table),
        "subgroups": _subgroups(table, subgroups),
        "refit": _refit(evaluation),
    }


def _calibration(table: _Table, evaluation: Evaluation, measure: Measure) -> dict[str, Any]:
    smooth = [
        {"p": float(p), **table.entry(("smooth", float(k)))} for k, p in enumerate(measure.grid)
    ]
    groups = [
        {
            "patients": size,
            "p": _number((table.apparent or table.estimate)["group p", float(k)]),
            **table.entry(("group w", float(k))),
        }
        for k, size in enumerate(measure.sizes(evaluation))
        if size
    ]
    p = evaluation.probability(measure.reference)
    counts = np.histogram(p, bins=_BINS, range=(0.0, 1.0))[0]
    return {"smooth": smooth, "groups": groups, "histogram": counts.tolist()}


def _decision(table: _Table) -> dict[str, Any]:
    keys = [("net benefit", float(k)) for k in range(len(THRESHOLDS))]
    return {
        "thresholds": list(THRESHOLDS),
        "model": [_number(table.estimate[key]) for key in keys],
        "low": [_number(table.low[key]) for key in keys],
        "high": [_number(table.high[key]) for key in keys],
        "everybody": [
            _number((table.apparent or table.estimate)["net benefit of all", float(k)])
            for k in range(len(THRESHOLDS))
        ],
    }


def _subgroups(table: _Table, subgroups: Subgroups) -> dict[str, Any]:
    shown = [
        {
            "name": name,
            "patients": int(members.sum()),
            "metrics": {key: table.entry((f"{key} | {name}", None)) for key in SUBGROUP_METRICS},
        }
        for name, members in subgroups.members.items()
    ]
    return {"shown": shown, "suppressed": dict(subgroups.suppressed), "least": LEAST}


def _refit(evaluation: Evaluation) -> dict[str, Any]:
    try:
        found = refit_predictors(evaluation.curve, evaluation.design, evaluation.y)
    except ConvergenceError as error:
        return {"parameters": [], "why": str(error)}
    return {"parameters": [asdict(each) for each in found], "why": ""}


def _centre(centre: Centre) -> dict[str, Any]:
    values = {key: _number(value) for key, value in centre.values.items()}
    return {
        "name": centre.name,
        "patients": centre.patients if centre.patients >= LEAST else f"< {LEAST}",
        "values": values,
        "why": centre.why,
    }  # fmt: skip


def _mapped(keys: Sequence[Key], values: Array) -> dict[Key, float]:
    return dict(zip(keys, values.tolist(), strict=True))


def _pair(bounds: tuple[float, float] | None) -> list[float | None] | None:
    return None if bounds is None else [_number(each) for each in bounds]


def _number(value: float) -> float | None:
    """Give a number, or None where there is none to give: JSON has no nan."""
    return float(value) if math.isfinite(value) else None


def _rounded(values: Array) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
