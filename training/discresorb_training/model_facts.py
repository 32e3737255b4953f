"""A model as plain data for report and model card: coefficients in words, equation, an example."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, Column
from discresorb.curve import normal_quantile
from discresorb.design import Design
from discresorb.distributions import DISTRIBUTIONS
from discresorb.equation import equation
from discresorb.predictor import Predictor
from discresorb.wording import interval_label

__all__ = ["model_facts", "typical_patient", "typical_value", "worked_example"]

_WAIT = 6.0


def model_facts(predictor: Predictor) -> dict[str, Any]:
    """Describe a model from its artifact alone.

    Parameters
    ----------
    predictor : Predictor
        The model.
    """
    artifact = predictor.artifact
    return {
        "model_id": predictor.model_id,
        "notices": list(predictor.notices),
        "endpoint": predictor.endpoint,
        "estimand": predictor.estimand,
        "data_origin": artifact["data_origin"],
        "distribution": DISTRIBUTIONS[artifact["distribution"]].label,
        "cure": artifact["cure"],
        "penalty": artifact.get("penalty"),
        "between_study_sd": artifact["between_study_sd"],
        "interval": interval_label(artifact["between_study_sd"]),
        "covariates": [
            {
                **{key: each[key] for key in ("name", "label", "unit", "kind", "range", "levels")},
                "form": _form(each),
                "optional": each["name"] in predictor.design.optional,
            }
            for each in artifact["covariates"]
        ],
        "coefficients": _coefficients(artifact, predictor.design),
        "support": artifact["support"],
        "longest_follow_up": artifact["longest_follow_up"],
        "equation": equation(artifact),
        "example": worked_example(predictor, typical_patient(predictor), _WAIT),
        "training": dict(artifact["metrics"]),
        "fingerprint": artifact["fingerprint"],
        "parent_model": artifact["parent_model"],
        "versions": artifact["versions"],
    }


def _form(covariate: Mapping[str, Any]) -> str:
    """Say how a covariate enters."""
    term = covariate["terms"][0]
    if term["type"] == "natural spline":
        return "natural spline with knots at " + ", ".join(f"{knot:.4g}" for knot in term["knots"])
    if term["type"] == "levels":
        levels = covariate["levels"]
        return f"{', '.join(levels[1:])}, each against {levels[0]}"
    return "linear" if covariate["kind"] == "number" else "yes, against no"


def _coefficients(artifact: Mapping[str, Any], design: Design) -> list[dict[str, Any]]:
    """Give every parameter with its interval and, for slopes, what it says."""
    cure = artifact["cure_coefficients"]
    values = [*artifact["location"], artifact["log_scale"], *([] if cure is None else cure)]
    half = normal_quantile(0.95) * np.sqrt(np.maximum(np.diag(artifact["covariance"]), 0.0))
    units = _units(design)
    return [
        {
            "name": name,
            "value": float(value),
            "low": float(value - width),
            "high": float(value + width),
            "words": _in_words(name, value, width, units),
        }
        for name, value, width in zip(artifact["parameter_names"], values, half, strict=True)
    ]


def _units(design: Design) -> dict[str, str]:
    """Say what one more of each of the design's columns means; empty for a part of a curve."""
    units: dict[str, str] = {}
    for covariate in design.covariates:
        column, names = covariate.column, covariate.names
        if covariate.knots:
            units |= dict.fromkeys(names, "")
        elif column.levels:
            for name, level in zip(names, column.levels[1:], strict=True):
                units[name] = f"{column.name} {level}, against {column.levels[0]}"
        elif column.kind == "flag":
            units[column.name] = f"{column.name}, yes, against no"
        else:
            units[column.name] = f"{column.name}, each {column.unit or 'unit'} more"
    return units


def _in_words(name: str, value: float, half: float, units: Mapping[str, str]) -> str:
    on_ever = name.startswith("cure_")
    unit = units.get(name.removeprefix("cure_"))
    if unit is None:
        return {
            "intercept": "log months to resorption, of those who ever resorb, where every "
            "covariate is 0",
            "log_scale": "log of the spread σ of log months to resorption",
            "cure_intercept": "logit of the probability of ever resorbing, where every covariate "
            "is 0",
        }[name]
    if not unit:
        return "part of a curve, to be read with the others of the same covariate"
    ratio, low, high = (math.exp(value + shift) for shift in (0.0, -half, half))
    what = "odds of ever resorbing" if on_ever else "time to resorption, of those who ever resorb,"
    return f"{unit}: {what} × {ratio:.3g} (95 % interval {low:.3g} to {high:.3g})"


def typical_patient(predictor: Predictor) -> dict[str, Any]:
    """Give medians of numbers and of months since onset; flags are yes, levels the first."""
    quantiles = predictor.artifact["fingerprint"]["quantiles"]
    found: dict[str, Any] = {}
    for column in predictor.columns:
        found[column.name] = 1.0 if column.kind == "flag" else (*column.levels, "")[0]
        if column.kind == "number":
            found[column.name] = typical_value(column, quantiles[column.name]["0.5"])
    name = MONTHS_SINCE_ONSET.name
    return {**found, name: max(round(quantiles[name]["0.5"], 1), 0.1)}


def typical_value(column: Column, value: float) -> float:
    """Round a number that stands for many: to a tenth, or three digits, and still allowed."""
    rounded = round(value, 1) if abs(value) >= 1.0 else float(f"{value:.3g}")
    return min(max(rounded, column.low), column.high)


def worked_example(predictor: Predictor, patient: Mapping[str, Any], wait: float) -> Any:
    """Compute one prediction by the printed equation, every step shown.

    Parameters
    ----------
    predictor : Predictor
        The model.
    patient : mapping
        Covariates and months since onset.
    wait : float
        Months from the index MRI to surgery.
    """
    artifact = predictor.artifact
    entry = patient[MONTHS_SINCE_ONSET.name]
    row = predictor.row(**patient)
    sigma = math.exp(artifact["log_scale"])
    location = float(row @ artifact["location"])
    z = [(math.log(t) - location) / sigma for t in (entry, entry + wait)]
    survival = [float(_survival(artifact["distribution"], each)) for each in z]
    ever = 1.0
    if artifact["cure"]:
        columns = artifact["cure_columns"]
        entering = row if columns is None else row[columns]
        ever = 1.0 / (1.0 + math.exp(-float(entering @ artifact["cure_coefficients"])))
    p = ever * (survival[0] - survival[1]) / (1.0 - ever + ever * survival[0])
    found = predictor.predict(**patient, months_to_surgery=wait)
    return {
        "inputs": {**patient, "entry": entry, "horizon": entry + wait},
        "steps": [
            ["z(entry)", z[0]],
            ["z(horizon)", z[1]],
            ["S(z(entry))", survival[0]],
            ["S(z(horizon))", survival[1]],
            ["pi", ever],
            ["p", p],
        ],
        "predicted": {"p": found.probability, "low": found.low, "high": found.high},
    }


def _survival(distribution: str, z: float) -> Any:
    return np.exp(DISTRIBUTIONS[distribution].log_survival(np.array(z)))
