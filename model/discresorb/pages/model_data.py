"""A model as plain data from which a page computes and says what `Predictor.predict` would.

Numbers keep all their digits. Words that do not depend on the patient come from where Python says
them too; the page only forms the sentences that hold a patient's own numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from discresorb.advice import (
    DEFAULT_THRESHOLD,
    advice_sentence,
    check_threshold,
    reason_sentences,
)
from discresorb.cells import NUMBER_PATTERN
from discresorb.clock import AGREEMENT_MONTHS, DAYS_PER_MONTH, MONTH_NAMES, SIX_MONTHS
from discresorb.columns import (
    DATE_COLUMNS,
    FALSE_WORDS,
    MONTHS_COLUMNS,
    MONTHS_SINCE_ONSET,
    SYMPTOMS_CHANGED,
    TRUE_WORDS,
    UNLIMITED,
    Column,
)
from discresorb.curve import LEVEL, normal_quantile
from discresorb.design import Covariate, Design
from discresorb.predictor import Predictor
from discresorb.support import Support
from discresorb.training_patients import median_entry, typical_patient
from discresorb.wording import LIMITS, TOO_FAR, filled_in

__all__ = ["ENGINE_SCRIPTS", "model_data"]

# each rests on those before it; together they define one global object, `discresorb`
ENGINE_SCRIPTS: Final = (
    "numbers.js",
    "distributions.js",
    "cure_curve.js",
    "clock.js",
    "reading.js",
    "engine.js",
)


def model_data(predictor: Predictor, threshold: float = DEFAULT_THRESHOLD) -> dict[str, Any]:
    """Give all that a page needs to predict with a model, as data that JSON can hold.

    Parameters
    ----------
    predictor : Predictor
        The model.
    threshold : float, default 0.20
        Probability from which on imaging again is advised.

    Raises
    ------
    InputError
        If the threshold is none.
    """
    artifact, design = predictor.artifact, predictor.design
    reasons = reason_sentences(check_threshold(threshold))
    return {
        "model_id": predictor.model_id,
        "endpoint": predictor.endpoint,
        "estimand": predictor.estimand,
        "data_origin": artifact["data_origin"],
        "notices": list(predictor.notices),
        "interval_label": predictor.interval_label,
        "limits": LIMITS,
        "threshold": float(threshold),
        "covariates": [_covariate(each, design) for each in design.covariates],
        "times": {
            column.name: _column(column)
            for column in (*DATE_COLUMNS, *MONTHS_COLUMNS, SYMPTOMS_CHANGED)
        },
        "curve": _curve(predictor),
        "support": _support(predictor._support),
        "typical": _typical(predictor),
        "clock": {
            "days_per_month": DAYS_PER_MONTH,
            "six_months": SIX_MONTHS,
            "agreement": AGREEMENT_MONTHS,
            "month_names": list(MONTH_NAMES),
        },
        "cells": {"number": NUMBER_PATTERN, "yes": list(TRUE_WORDS), "no": list(FALSE_WORDS)},
        # by the number that `reason_bits` gives
        "reasons": [list(each) for each in reasons],
        "advice": [advice_sentence(each) for each in reasons],
        "filled_in": filled_in([]),
        "too_far": TOO_FAR,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "label": column.meaning,
        "unit": column.unit,
        "kind": column.kind,
        "low": None if column.low == -UNLIMITED else column.low,
        "high": None if column.high == UNLIMITED else column.high,
        "levels": list(column.levels),
        "allowed": column.allowed,
    }


def _covariate(covariate: Covariate, design: Design) -> dict[str, Any]:
    """Describe a covariate, with what stands in for each of its columns if it may be missing."""
    optional = covariate.column.name in design.optional
    by_column = {each.column: each for each in design.imputations}
    stand_ins = [by_column[name] for name in covariate.basic_names] if optional else []
    return {
        **_column(covariate.column),
        "optional": optional,
        "knots": list(covariate.knots),
        "imputation": [
            {"coefficients": each.coefficients.tolist(), "low": each.low, "high": each.high}
            for each in stand_ins
        ],
    }


def _curve(predictor: Predictor) -> dict[str, Any]:
    """Give the parameters, with half as many numbers of a root of their covariance as it has.

    A gradient's squared length under the root is its variance; a triangular root serves as well.
    """
    artifact, curve = predictor.artifact, predictor._curve
    triangle = np.linalg.qr(curve._root.T, mode="r")
    cure = None
    if curve.cure is not None:
        columns = artifact["cure_columns"]
        every = list(range(len(curve.location)))
        cure = {
            "coefficients": curve.cure.tolist(),
            "columns": every if columns is None else columns,
        }
    return {
        "distribution": curve.distribution.name,
        "location": curve.location.tolist(),
        "scale": curve._scale,
        "cure": cure,
        # each row from the diagonal on
        "root": [row[j:].tolist() for j, row in enumerate(triangle)],
        "between_study_variance": (curve.between_study_sd or 0.0) ** 2,
        "quantile": normal_quantile(LEVEL),
    }


def _support(support: Support) -> dict[str, Any]:
    """Give the training ranges by patient type, with the words around a value outside them."""
    names = [*(column.name for column in support.columns), MONTHS_SINCE_ONSET.name]
    return {
        "by": support.by,
        "groups": [
            {
                "level": level,
                "limits": [
                    {
                        "name": names[position],
                        "position": position,
                        "low": low,
                        "high": high,
                        "before": before,
                        "after": after,
                    }
                    for position, low, high, before, after in limits
                ],
            }
            for level, limits in support._limits.items()
        ],
        "unknown": {"yes": support._unknown(1.0), "no": support._unknown(0.0)},
        "longest_follow_up": support.longest_follow_up,
    }


def _typical(predictor: Predictor) -> dict[str, Any]:
    """Give the typical training patient, rounded so that it can be typed."""

    def typed(column: Column, value: float) -> float:
        return min(max(float(f"{value:.4g}"), column.low), column.high)

    values = zip(predictor.columns, typical_patient(predictor), strict=True)
    return {
        "covariates": [
            typed(column, value) if column.kind == "number" else value for column, value in values
        ],
        "entry": typed(MONTHS_SINCE_ONSET, median_entry(predictor)),
    }
