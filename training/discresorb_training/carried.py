"""Which levels of updating a centre's patients carry, and in words why not the others.

A freed parameter needs four patients seen resorbed, one followed but never seen resorbed (where
there is a cure fraction), and eight followed in all: then the closed test keeps its level and the
held-back estimates gain more where the centre differs than they lose where it does not, as
`benchmarks/updating.py` prints for 60 patients. Level 3 moreover needs the sample size of Riley
2019 (doi:10.1002/sim.7992) for its slopes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb_training.levels import EFFECT, EVER, LEVEL_NAMES, Level, Levels

__all__ = ["Carried", "carried_levels", "patients_to_refit"]

_RESORBED, _NEVER, _FOLLOWED = 4, 1, 8  # patients for each freed parameter
_SHRINKAGE, _SHARE_OF_R2 = 0.9, 0.15


@dataclass(frozen=True)
class Carried:
    """Highest level that may be chosen, and why not those above.

    Parameters
    ----------
    highest : int
        0 if none.
    barred : dict
        Level → reason in words.
    followed : int
        Patients with an MRI after the index MRI.
    """

    highest: int
    barred: dict[int, str]
    followed: int


def carried_levels(levels: Levels, y: Array) -> Carried:
    """Tell which levels the patients carry; above one that is barred all are.

    Parameters
    ----------
    levels : Levels
        From `levels_of`.
    y : structured array, (n,)
        From `interval_outcome`.
    """
    barred: dict[int, str] = {}
    for level in levels.all[1:]:
        reason = _too_few(level, y) or _too_small(level, y)
        if not reason and barred:
            reason = f"level {level.number - 1} is barred"
        if reason:
            barred[level.number] = reason
    highest = max(set(range(len(LEVEL_NAMES))) - set(barred))
    return Carried(highest, barred, int(_followed(y).sum()))


def _too_few(level: Level, y: Array) -> str:
    seen, followed = np.isfinite(y["upper"]), _followed(y)
    free = len(level.free)
    never = _NEVER if any(each.of == EVER for each in level.free) else 0
    lacking = [
        f"{there} {what}, but needs {least * free}"
        for what, there, least in (
            ("seen resorbed", int(seen.sum()), _RESORBED),
            ("followed but never seen resorbed", int((followed & ~seen).sum()), never),
            ("with an MRI after the index MRI", int(followed.sum()), _FOLLOWED),
        )
        if there < least * free
    ]
    return f"it frees {free} parameters and has {'; '.join(lacking)}" if lacking else ""


def _followed(y: Array) -> Array:
    """Tell who was imaged after the index MRI, and so says something."""
    return np.asarray(np.isfinite(y["upper"]) | (y["lower"] > y["entry"]))


def _too_small(level: Level, y: Array) -> str:
    slopes = sum(each.kind == EFFECT for each in level.free)
    needed = patients_to_refit(slopes, float(np.isfinite(y["upper"]).mean())) if slopes else 0
    if len(y) >= needed:
        return ""
    return (
        f"{slopes} slopes of their own need about {needed:.0f} patients (Riley 2019, shrinkage "
        f"{_SHRINKAGE:g}, R² {100 * _SHARE_OF_R2:.0f} % of the largest), but there are {len(y)}"
    )


def patients_to_refit(slopes: int, event_share: float) -> float:
    """Give the patients that so many slopes need, by the first criterion of Riley 2019.

    Parameters
    ----------
    slopes : int
        Effects of covariates on log time and on logit π.
    event_share : float
        Seen resorbed, of all patients.
    """
    if not event_share:
        return math.inf
    r2 = _SHARE_OF_R2 * -math.expm1(2.0 * event_share * (math.log(event_share) - 1.0))
    return math.ceil(slopes / ((_SHRINKAGE - 1.0) * math.log1p(-r2 / _SHRINKAGE)))
