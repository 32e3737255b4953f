r"""Which part of a model has changed where new patients come from: case mix, baseline, or effects.

**Estimand**: how the population of the new patients differs from that of the training: in who the
patients are (`case_mix_drift`), in when and how often patients alike resorb, and in how their
covariates tell them apart. The last two are asked by the test by which a model is updated
(`closed_test`): nothing changed, locations (the baseline), slopes and spread or single covariates
(effects). What was seen of the patients, and how closely they were imaged, is set beside the
training's, but follows from the schedule of MRIs as much as from anything else, and is no test of
the model.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb.predictor import Predictor
from discresorb_training.carried import carried_levels
from discresorb_training.case_mix_drift import case_mix_facts, spread_facts
from discresorb_training.closed_test import closed_test, compare_levels, significance
from discresorb_training.cohort import Cohort
from discresorb_training.errors import ConvergenceError
from discresorb_training.fingerprint import events_of
from discresorb_training.levels import SPREAD, Level, Levels, levels_of
from discresorb_training.performance import linear_predictors
from discresorb_training.subspace import Patients, Subspace, theta_of

__all__ = ["drift_facts"]

_POWER = 0.8
_LOOSELY = 10.0  # times the spread between centres: next to no hold on what is shown


def drift_facts(
    predictor: Predictor, cohort: Cohort, design: Array, months: float
) -> dict[str, Any]:
    """Compare new patients with those of a model's training, and with what the model says of them.

    Parameters
    ----------
    predictor : Predictor
        The model.
    cohort : Cohort
        The new patients.
    design : float array, (n, 1 + k)
        Columns that the model's coefficients multiply.
    months : float
        After the index MRI, at which a changed baseline is shown as a share resorbed.
    """
    fingerprint = predictor.artifact["fingerprint"]
    covariates = case_mix_facts(cohort, fingerprint)
    told = [each["changed"] for each in covariates if each["changed"] is not None]
    predictors = linear_predictors(predictor._curve, design)
    return {
        "patients": len(cohort.y),
        "training_patients": fingerprint["rows"],
        "case_mix": {
            "changed": any(told) if told else None,
            "covariates": covariates,
            "linear_predictors": spread_facts(predictors, fingerprint),
        },
        "events": {"now": events_of(cohort), "then": fingerprint.get("events")},
        "model": _model_facts(predictor, design, cohort.y, months),
    }


def _model_facts(predictor: Predictor, design: Array, y: Array, months: float) -> dict[str, Any]:
    """Ask how much of the model these patients would have changed."""
    facts: dict[str, Any] = {
        "level": None,
        "highest": None,
        "barred": [],
        "tests": [],
        "baseline": {"changed": None, "p": None, "shifts": [], "months": months, "resorbed": None},
        "effects": {"changed": None, "shifts": [], "coefficients": []},
        "would_show": [],
        "why": "",
    }
    curve = predictor._curve
    patients, levels = Patients.of(curve, design, y), levels_of(curve, design)
    carried = carried_levels(levels, y)
    facts["highest"] = carried.highest
    facts["barred"] = [{"level": level, "why": why} for level, why in carried.barred.items()]
    if not carried.highest:
        return {**facts, "why": carried.barred[1]}
    try:
        alphas = significance(carried.followed)
        level, tests = closed_test(curve, patients, levels, carried.highest, alphas=alphas)
        facts["level"] = level
        facts["tests"] = [{**asdict(each), "rejected": each.rejected} for each in tests]
        facts["baseline"] |= _baseline(predictor, patients, levels, level)
        if level:
            shifted = _moved(curve, levels[1], _fit(predictor, patients, levels, 1))
            facts["baseline"]["resorbed"] = {
                "model": _resorbed(curve, design, y, months),
                "here": _resorbed(shifted, design, y, months),
            }
        facts["effects"] |= _effects(predictor, patients, levels, level, carried.highest)
        facts["would_show"] = _would_show(predictor, patients, levels, carried.highest, alphas[0])
    except ConvergenceError as error:
        return {**facts, "why": str(error)}
    return facts


def _baseline(
    predictor: Predictor, patients: Patients, levels: Levels, level: int
) -> dict[str, Any]:
    if level == 0:
        return {"changed": False}
    test = compare_levels(predictor._curve, patients, levels, 0, 1)
    shifts = _shifts(levels[1], _fit(predictor, patients, levels, 1))
    return {"changed": level == 1 or test.rejected, "p": test.p, "shifts": shifts}


def _moved(curve: CureCurve, level: Level, phi: Array) -> CureCurve:
    """Give the model with what a level's fit changed."""
    theta, k = theta_of(curve) + level.directions @ phi, len(curve.location)
    cure = None if curve.cure is None else theta[k + 1 :]
    return replace(curve, location=theta[:k], log_scale=float(theta[k]), cure=cure)


def _resorbed(curve: CureCurve, design: Array, y: Array, months: float) -> float:
    """Give the share of these patients who resorb within so many months, by a model."""
    return float(curve.probability(design, y["entry"], y["entry"] + months).mean())


def _effects(
    predictor: Predictor, patients: Patients, levels: Levels, level: int, highest: int
) -> dict[str, Any]:
    if level < 2:
        return {"changed": None if highest < 2 else False}
    fit = _fit(predictor, patients, levels, level)
    own = theta_of(predictor._curve)
    names = predictor.artifact["parameter_names"]
    return {
        "changed": True,
        "shifts": _shifts(levels[2], _fit(predictor, patients, levels, 2)),
        "coefficients": [
            {"name": name, "model": float(model), "here": float(here)}
            for name, model, here in zip(
                names, own, own + levels[level].directions @ fit, strict=True
            )
        ],
    }


def _fit(predictor: Predictor, patients: Patients, levels: Levels, level: int) -> Array:
    """Give φ at a level, held so loosely that it shows what these patients say."""
    precision = np.linalg.inv(levels.covariance(level, SPREAD.times(_LOOSELY)))
    origin, directions = theta_of(predictor._curve), levels[level].directions
    return Subspace(patients, origin, directions, precision).maximum().theta


def _shifts(level: Level, phi: Array) -> list[dict[str, Any]]:
    """Give factors of time, of odds and of spread, and slopes, which are 1 in the model."""
    return [
        {"kind": each.kind, "of": each.of, "value": _readable(each.kind, each.vector, float(by))}
        for each, by in zip(level.free, phi, strict=True)
    ]


def _readable(kind: str, vector: Array, by: float) -> float:
    if kind == "slope":
        return 1.0 + by
    return math.exp(by * float(vector[np.argmax(np.abs(vector))]))  # a logarithm alone moves


def _would_show(
    predictor: Predictor, patients: Patients, levels: Levels, highest: int, alpha: float
) -> list[dict[str, Any]]:
    r"""Give the factor of time alone, and of the odds alone, that shows four times in five.

    The first test's statistic is then about a noncentral χ² with
    :math:`\delta^2 d' (H^{-1} + V)^{-1} d`, where d is the direction, H the patients' information
    and V the model's own covariance.
    """
    curve = predictor._curve
    information = -patients.at(theta_of(curve)).hessian
    together = np.linalg.solve(
        np.eye(len(information)) + information @ curve.covariance, information
    )
    needed = _noncentrality(len(levels[highest].free), alpha)
    found = []
    for each in levels[1].free:
        own = float(each.vector @ together @ each.vector)
        if own > 0.0:
            factor = _readable(each.kind, each.vector, math.sqrt(needed / own))
            found.append({"of": each.of, "factor": factor})
    return found


def _noncentrality(df: int, alpha: float) -> float:
    """Give the noncentrality by which χ² is beyond its critical value four times in five."""
    critical = chi2.isf(alpha, df)
    return float(brentq(lambda size: ncx2.sf(critical, df, size) - _POWER, 0.1, 100.0))
