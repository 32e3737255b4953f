"""What an artifact must say of its covariates and of what stands in for missing ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np

from discresorb.cells import FORMULA_STARTS
from discresorb.columns import UNLIMITED
from discresorb.design import Design

__all__ = ["lacking", "wrong_covariate", "wrong_design", "wrong_range"]

_COVARIATE: Final = {
    "name": str,
    "label": str,
    "unit": str,
    "kind": str,
    "range": list,
    "levels": list,
    "terms": list,
}
_IMPUTATION: Final = {"column": str, "coefficients": np.ndarray, "low": float, "high": float}


def lacking(part: Any, keys: Mapping[str, Any], prefix: str) -> list[str]:
    """Name the keys that a part lacks, or that are of another type."""
    if not isinstance(part, dict):
        return [f"{prefix or 'it'} is {type(part).__name__}, not a dict"]
    return [
        f"{prefix}{key} is {type(part[key]).__name__}"
        if key in part
        else f"{prefix}{key} is missing"
        for key, kind in keys.items()
        if key not in part or not isinstance(part[key], kind)
    ]


def wrong_range(value: Any, where: str) -> list[str]:
    """Say so if a value is no two numbers in order."""
    fits = isinstance(value, list) and len(value) == 2
    if fits and all(type(end) in (int, float) for end in value) and value[0] <= value[1]:
        return []
    return [f"{where} is not two numbers in order"]


def wrong_covariate(covariate: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with one covariate."""
    wrong = lacking(covariate, _COVARIATE, "covariate ")
    if wrong:
        return wrong
    name, levels, terms = covariate["name"], covariate["levels"], covariate["terms"]
    ends = covariate["range"]
    if len(ends) == 2:
        ends = [far if end is None else end
                for end, far in zip(ends, (-UNLIMITED, UNLIMITED), strict=True)]  # fmt: skip
    wrong += wrong_range(ends, f"range of {name}")
    texts = [name, covariate["label"], covariate["unit"], *levels]
    wrong += [f"{text!r} is not printable" for text in texts if not str(text).isprintable()]
    if name.startswith(FORMULA_STARTS):  # problems and warnings of scored rows begin with it
        wrong.append(f"covariate {name} would run as a formula in a spreadsheet")
    wrong += _wrong_levels(levels, name)
    if len(terms) != 1 or not isinstance(terms[0], dict):
        return [*wrong, f"terms of {name} are not one dict"]
    kinds = {"linear": ("number", "flag"), "natural spline": ("number",), "levels": ("category",)}
    if covariate["kind"] not in kinds.get(str(terms[0].get("type")), ()):
        wrong.append(
            f"{name} is a {covariate['kind']} with {terms[0].get('type')} terms, which this "
            "version of discresorb cannot use; install the version that trained the model"
        )
    elif (covariate["kind"] == "category") != (len(levels) > 1):
        wrong.append(f"{name} has {len(levels)} levels")
    elif terms[0]["type"] == "natural spline":
        wrong += _wrong_knots(terms[0].get("knots"), name)
    elif "knots" in terms[0]:
        wrong.append(f"{name} has knots, but no spline")
    return wrong


def _wrong_levels(levels: Any, name: str) -> list[str]:
    if not all(type(level) is str for level in levels) or len(set(levels)) < len(levels):
        return [f"levels of {name} are not different texts"]
    if not all(levels) or any(level != level.strip() for level in levels):
        return [
            f"levels of {name} hold one that is empty or has blanks around it, which no cell can "
            "match: blanks are trimmed, and an empty cell is a missing value"
        ]
    return []


def _wrong_knots(knots: Any, name: str) -> list[str]:
    fits = isinstance(knots, list) and len(knots) > 2 and all(type(k) is float for k in knots)
    if fits and all(low < high for low, high in pairwise(knots)):
        return []
    return [f"knots of {name} are not three or more rising numbers"]


def wrong_design(artifact: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with what stands in for missing covariates."""
    if artifact["imputation"] is None:
        return []
    wrong = lacking(artifact["imputation"], {"predictors": list, "columns": list}, "imputation ")
    if wrong:
        return wrong
    for each in artifact["imputation"]["columns"]:
        wrong += lacking(each, _IMPUTATION, "imputation ")
        if not wrong and set(each) != set(_IMPUTATION):
            wrong.append("imputation holds what is not known")
    if wrong:
        return wrong
    design = Design.from_artifact(artifact)
    if artifact["imputation"]["predictors"] != design.predictor_names:
        wrong.append("imputation names other predictors than the covariates that may not miss")
    width = 1 + len(design.predictor_names)
    needed = [
        name
        for each in design.covariates
        if each.column.name in design.optional
        for name in each.basic_names
    ]
    if sorted(needed) != sorted(each.column for each in design.imputations):
        wrong.append("imputation is not of all columns of its covariates, or of others")
    for each in design.imputations:
        if np.shape(each.coefficients) != (width,) or not each.low <= each.high:
            wrong.append(f"imputation of {each.column} does not fit its predictors")
    return wrong
