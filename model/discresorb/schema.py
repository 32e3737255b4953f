"""What an artifact must hold, checked before anything is computed from it.

The hash says that a file is the one that was saved; this says that what was saved is a model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from discresorb.cells import FORMULA_STARTS, show
from discresorb.design import Design
from discresorb.schema_design import lacking, wrong_covariate, wrong_design
from discresorb.schema_patients import wrong_fingerprint, wrong_support

__all__ = ["MOST_BETWEEN_STUDY_SD", "wrong_with"]

_REQUIRED: Final[Mapping[str, type | tuple[type, ...]]] = {
    "model_id": str,
    "distribution": str,
    "cure": bool,
    "covariates": list,
    "imputation": (dict, type(None)),
    "parameter_names": list,
    "location": np.ndarray,
    "log_scale": float,
    "cure_coefficients": (np.ndarray, type(None)),
    "cure_columns": (list, type(None)),
    "covariance": np.ndarray,
    "between_study_sd": (float, type(None)),
    "penalty": float,
    "support": dict,
    "longest_follow_up": float,
    "endpoint": str,
    "estimand": str,
    "data_origin": str,
    "fingerprint": dict,
    "parent_model": (str, type(None)),
    "lineage": list,
    "versions": dict,
    "metrics": dict,
}
_LINEAGE: Final = {
    "model_id": str,
    "level": (int, type(None)),
    "patients": int,
    "seen_resorbed": (int, type(None)),
    "sha256": str,
    "data_origin": str,
    "log_score_before": (float, type(None)),
    "log_score_after": (float, type(None)),
}
_LONGEST_ID: Final = 200  # every scored row bears it
_DEEPEST: Final = 8
_MOST_PARTS: Final = 100_000
_PART_LETTERS: Final = 10  # so many letters of a text count as a part
_MOST_TOLD: Final = 20
_LARGEST_INTEGER: Final = 2**53  # what JSON readers keep whole
# a covariance is positive definite; this much of its largest eigenvalue is rounding
_ROUNDING: Final = 1e-9
_LARGEST_LOG: Final = 700.0
MOST_BETWEEN_STUDY_SD: Final = 10.0  # on the logit scale; 10 already says nothing of p


def wrong_with(artifact: Mapping[str, Any]) -> list[str]:
    """Give all that is wrong with an artifact of the current format, in words; [] if nothing.

    Each stage is only asked once the one before found nothing, because it relies on it.
    """
    for stage in (_not_plain, _missing_keys, _wrong_parts, _wrong_numbers):
        found = stage(artifact)
        if found:
            left = len(found) - _MOST_TOLD
            return found if left <= 0 else [*found[:_MOST_TOLD], f"and {left} more problems"]
    return []


def _not_plain(artifact: Mapping[str, Any]) -> list[str]:
    """Only dicts by text, lists, text, numbers, None and float arrays; not too many, not too deep.

    Parts that are shared count each time, so that what is small in a file is small here too.
    """
    waiting: list[tuple[Any, str, int]] = [(artifact, "it", 0)]
    found, seen = [], 0
    while waiting:
        value, where, depth = waiting.pop()
        seen += _parts(value)
        if depth > _DEEPEST or seen > _MOST_PARTS:
            return [f"{where} is nested too deeply or holds too much"]
        if isinstance(value, dict):
            found += [odd for key in value for odd in _wrong_text(key, f"a key of {where}")]
            waiting += [(part, show(key), depth + 1) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [(part, where, depth + 1) for part in value]
        elif isinstance(value, np.ndarray | float):
            found += [] if np.isfinite(value).all() else [f"{where} is not finite"]
        elif type(value) is int:
            found += [] if abs(value) <= _LARGEST_INTEGER else [f"{where} is too large"]
        elif type(value) not in (bool, type(None)):
            found += _wrong_text(value, where)
    return found


def _parts(value: Any) -> int:
    """Count what a part holds before any of it is looked at."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(_parts(key) for key in value)
    if isinstance(value, str):
        return len(value) // _PART_LETTERS
    if isinstance(value, np.ndarray):
        return int(value.size)
    return 1 + len(value) if isinstance(value, list) else 1


def _wrong_text(value: object, where: str) -> list[str]:
    """Tell what is wrong with what should be text; it will be shown on terminals."""
    if type(value) is not str:
        return [f"{where} is not plain data"]
    return [] if value.isprintable() else [f"{where} holds characters that cannot be printed"]


def _missing_keys(artifact: Mapping[str, Any]) -> list[str]:
    return lacking(artifact, _REQUIRED, "")


def _wrong_parts(artifact: Mapping[str, Any]) -> list[str]:
    wrong = []
    if artifact["model_id"].startswith(FORMULA_STARTS):  # it is written into every scored row
        wrong.append("its model_id would run as a formula in a spreadsheet")
    if len(artifact["model_id"]) > _LONGEST_ID:
        wrong.append(f"its model_id is longer than {_LONGEST_ID} letters")
    for covariate in artifact["covariates"]:
        wrong += wrong_covariate(covariate)
    wrong += [f"parameter name {n!r} is no text" for n in artifact["parameter_names"]
              if not isinstance(n, str)]  # fmt: skip
    wrong += [
        f"covariate {name} appears twice"
        for name in _doubled(
            [str(each.get("name")) for each in artifact["covariates"] if isinstance(each, dict)]
        )
    ]
    return wrong or wrong_design(artifact) or _wrong_patients(artifact)


def _doubled(names: Sequence[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _wrong_patients(artifact: Mapping[str, Any]) -> list[str]:
    return _wrong_lineage(artifact) or wrong_support(artifact) or wrong_fingerprint(artifact)


def _wrong_lineage(artifact: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with the models before this one, where they are named."""
    wrong = []
    for each in artifact["lineage"]:
        missing = lacking(each, _LINEAGE, "lineage ")
        wrong += missing
        if not missing and each["level"] is not None and None in each.values():
            wrong.append(f"lineage says too little of the update to {each['model_id']}")
    return wrong


def _wrong_numbers(artifact: Mapping[str, Any]) -> list[str]:
    names = Design.from_artifact(artifact).names
    width = len(names) + 1
    columns = artifact["cure_columns"]
    wrong = [f"column {name} appears twice" for name in _doubled(names)]
    if columns is not None and (
        any(type(column) is not int for column in columns)
        or sorted(set(columns)) != columns
        or not set(columns) <= set(range(width))
    ):
        wrong.append("cure_columns do not name columns in order")
    if artifact["cure"] == (artifact["cure_coefficients"] is None):
        wrong.append("cure_coefficients do not go with cure")
    cure_width = (width if columns is None else len(columns)) if artifact["cure"] else 0
    count = width + 1 + cure_width
    shapes = {"location": (width,), "covariance": (count, count)}
    if artifact["cure"]:
        shapes["cure_coefficients"] = (cure_width,)
    wrong += [
        f"{key} has shape {np.shape(artifact[key])}, but must have {shape}"
        for key, shape in shapes.items()
        if np.shape(artifact[key]) != shape
    ]
    if len(artifact["parameter_names"]) != count:
        wrong.append(f"there are {len(artifact['parameter_names'])} parameter names, not {count}")
    if abs(artifact["log_scale"]) > _LARGEST_LOG:
        wrong.append("log_scale is beyond anything that a logarithm can be")
    spread = artifact["between_study_sd"]
    if spread is not None and not 0.0 <= spread <= MOST_BETWEEN_STUDY_SD:
        wrong.append(f"between_study_sd is {spread:g}")
    return wrong or _wrong_covariance(artifact["covariance"])


def _wrong_covariance(covariance: Any) -> list[str]:
    values = np.linalg.eigvalsh(covariance)
    if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=0.0):
        return ["covariance is not symmetric"]
    if values[0] < -_ROUNDING * values[-1] or values[-1] < 0.0:
        return ["covariance is not positive definite"]
    return []
