"""The new centres of the updating study; sizes and shifts fixed before anything was run.

Every centre departs from the calibrated law, which is the parent's, in what is said here and in
nothing else. "No shift" is the parent's own population, without a centre effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from discresorb_training import Settings

__all__ = ["PARENT_PATIENTS", "SCENARIOS", "SIZES", "NewCentres"]

PARENT_PATIENTS: Final = 2_000
SIZES: Final = (60, 200, 800)
LATER, LESS = 0.35, -1.0  # shifted baseline: of the location of log T, and of logit π
HALF = 0.5  # shifted slope: every effect of a covariate, on log T and on logit π
BY_SIZE, BY_TYPE = -0.10, 0.0  # other effects: on log T, of size_mm and of sequestrated


@dataclass(frozen=True)
class NewCentres:
    """One way in which new centres differ from the parent's population.

    Parameters
    ----------
    name : str
        In words.
    right : int
        Level of updating that holds the centre's law, and no more than it.
    settings : Settings
        Of the centre's patients.
    """

    name: str
    right: int
    settings: Settings


_PARENT = Settings()
_MEAN = np.array(
    [1.0, float(np.dot(_PARENT.type_shares, _PARENT.size_mean)), _PARENT.type_shares[-1]]
)


def _turned(line: tuple[float, ...], *slopes: float) -> tuple[float, ...]:
    """Give a linear predictor other slopes, and the intercept by which its mean stays."""
    intercept = float(np.dot(line, _MEAN) - np.dot(slopes, _MEAN[1:]))
    return (intercept, *slopes)


def _moved(line: tuple[float, ...], by: float) -> tuple[float, ...]:
    return (line[0] + by, *line[1:])


SCENARIOS: Final = (
    NewCentres("no shift", 0, _PARENT),
    NewCentres(
        "shifted baseline",
        1,
        replace(_PARENT, latency=_moved(_PARENT.latency, LATER), ever=_moved(_PARENT.ever, LESS)),
    ),
    NewCentres(
        "shifted slope",
        2,
        replace(
            _PARENT,
            latency=_turned(_PARENT.latency, *(HALF * each for each in _PARENT.latency[1:])),
            ever=_turned(_PARENT.ever, *(HALF * each for each in _PARENT.ever[1:])),
        ),
    ),
    NewCentres(
        "other effects", 3, replace(_PARENT, latency=_turned(_PARENT.latency, BY_SIZE, BY_TYPE))
    ),
)
