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
        return _parameters(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputFileError(
            f"{path} does not hold the simulator's parameters; `discresorb calibrate -o FILE` "
            "writes them"
        ) from None


def _parameters(content: dict[str, Any]) -> Parameters:
    return Parameters(
        str(content["distribution"]),
        tuple(float(each) for each in content["latency"]),
        float(content["scale"]),
        tuple(float(each) for each in content["ever"]),
        float(content["between_study_sd"]),
    )
