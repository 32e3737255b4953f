"""Which levels of updating a centre's patients carry, and in words why not the others.

A freed parameter needs four patients seen resorbed, one followed but never seen resorbed (where
there is a cure fraction), and eight followed in all: then the closed test keeps its level and the
held-back estimates gain more where the centre differs than they lose where it does not, as
`benchmarks/updating.py` prints for 60 patients. Level 3 moreover needs the sample size of Riley
2019 (doi:10.1002/sim.7992) for its slopes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb_training.levels import EFFECT, EVER, LEVEL_NAMES, Level, Levels
from discresorb_training.sample_size import needed_patients

__all__ = ["Carried", "carried_levels"]

_RESORBED, _NEVER, _FOLLOWED = 4, 1, 8  # patients for each freed parameter


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
    followed = int(_followed(y).sum())
    if not slopes or not followed:
        return ""
    needed = needed_patients(slopes, float(np.isfinite(y["upper"]).sum() / followed))
    if needed is not None and followed >= needed:
        return ""
    return (
        f"{slopes} slopes of their own need {needed or 'more'} patients imaged after the index MRI "
        f"(Riley 2019), but there are {followed}"
    )
