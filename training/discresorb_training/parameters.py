"""The simulator's parameters as `discresorb calibrate` wrote them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from discresorb.errors import InputFileError
from discresorb_training.evidence import read_data

__all__ = ["PARAMETERS_FILE", "Parameters", "calibrated", "read_parameters"]

PARAMETERS_FILE = "parameters.json"
_LARGEST = 1e6  # no parameter comes near; the settings say what each may be


@dataclass(frozen=True)
class Parameters:
    """Law of resorption in a typical centre, and the spread between centres.

    Parameters
    ----------
    distribution, latency, scale, ever
        As in `process.Process`.
    site_sd : float
        SD of centre effects on the logit scale.
    """

    distribution: str
    latency: tuple[float, ...]
    scale: float
    ever: tuple[float, ...]
    site_sd: float


@cache
def calibrated() -> Parameters:
    """Read the shipped parameters."""
    return _parameters(json.loads(read_data(PARAMETERS_FILE)))


def read_parameters(path: Path) -> Parameters:
    """Read a file that `discresorb calibrate -o` wrote.

    Raises
    ------
    InputFileError
        If it is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not _has_parameters(content):
        raise InputFileError(
            f"{path} does not hold the simulator's parameters; `discresorb calibrate -o FILE` "
            "writes them"
        )
    return _parameters(content)


def _has_parameters(content: dict[str, Any]) -> bool:
    lists = [content.get(name) for name in ("latency", "ever")]
    numbers = [content.get(name) for name in ("scale", "between_study_sd")]
    for each in lists:
        numbers += each if isinstance(each, list) else [None]
    return isinstance(content.get("distribution"), str) and all(
        isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < _LARGEST
        for number in numbers
    )


def _parameters(content: dict[str, Any]) -> Parameters:
    return Parameters(
        content["distribution"],
        tuple(float(each) for each in content["latency"]),
        float(content["scale"]),
        tuple(float(each) for each in content["ever"]),
        float(content["between_study_sd"]),
    )
