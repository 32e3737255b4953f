"""What a set of patients can say of a model, and what it cannot, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training.errors import TrainingError
from discresorb_training.working import certain_bounds

__all__ = ["DEFAULT_MONTHS", "LEAST", "Answerable", "answerable_months", "known_by"]

LEAST = 10  # patients known resorbed, and known still herniated, that a figure needs
DEFAULT_MONTHS = (3.0, 6.0, 12.0)
_LONGEST = 600.0


@dataclass(frozen=True)
class Answerable:
    """Horizons that the data can answer, and why not the others.

    Parameters
    ----------
    months : tuple of float
        After the index MRI, rising.
    reasons : sequence of str
        One for each horizon that was asked for and left out.
    """

    months: tuple[float, ...]
    reasons: Sequence[str]


def known_by(y: Array, months: float) -> tuple[Array, Array]:
    """Tell who was seen resorbed by so many months after the index MRI, and who herniated then."""
    low, high = certain_bounds(y, y["entry"] + months)
    return low == 1.0, high == 0.0


def answerable_months(y: Array, asked: Sequence[float] = DEFAULT_MONTHS) -> Answerable:
    """Keep the horizons at which enough patients are known resorbed and known herniated.

    Parameters
    ----------
    y : structured array, (n,)
        From `interval_outcome`.
    asked : sequence of float
        Months after the index MRI.

    Raises
    ------
    InputError
        If a horizon makes no sense.
    TrainingError
        If the data can answer none, or hold too few seen resorbed or never seen resorbed.
    """
    if not len(asked) or not all(0.0 < each <= _LONGEST for each in asked):
        raise InputError(
            f"months entered as {', '.join(f'{each:g}' for each in asked) or 'none'}, but must be "
            f"one or more numbers above 0 and up to {_LONGEST:g}"
        )
    _check_both_seen(y)
    kept, reasons = [], []
    for months in sorted(set(asked)):
        resorbed, herniated = (int(each.sum()) for each in known_by(y, months))
        if min(resorbed, herniated) >= LEAST:
            kept.append(float(months))
        else:
            reasons.append(_reason(months, resorbed, herniated, _longest(y)))
    if not kept:
        raise TrainingError("; ".join(reasons) + _what_can_be(y))
    return Answerable(tuple(kept), reasons)


def _check_both_seen(y: Array) -> None:
    resorbed = int(np.isfinite(y["upper"]).sum())
    never = len(y) - resorbed
    patients = "1 patient" if len(y) == 1 else f"{len(y)} patients"
    if resorbed < LEAST:
        raise TrainingError(
            f"seen resorbed: {resorbed} of {patients}, but at least {LEAST} are needed to say how "
            "good predictions are; follow more patients, or these for longer"
        )
    if never < LEAST:
        raise TrainingError(
            f"never seen resorbed: {never} of {patients}, but at least {LEAST} are needed to say "
            "how good predictions are; a series of those who resorbed cannot show who does not. "
            "Bring everyone who was imaged, whatever became of them"
        )


def _reason(months: float, resorbed: int, herniated: int, longest: float) -> str:
    if longest < months:
        return (
            f"{months:g} months lies beyond follow-up: nobody was imaged later than {longest:.1f} "
            "months after the index MRI"
        )
    return (
        f"{months:g} months after the index MRI {resorbed} patients are known to have resorbed and "
        f"{herniated} to be herniated still, but at least {LEAST} of each are needed"
    )


def _longest(y: Array) -> float:
    last = np.where(np.isfinite(y["upper"]), y["upper"], y["lower"])
    return float((last - y["entry"]).max())


def _what_can_be(y: Array) -> str:
    """Name the horizons, in whole months, that could be asked for instead."""
    able = [
        months
        for months in range(1, int(_longest(y)) + 1)
        if min(int(each.sum()) for each in known_by(y, float(months))) >= LEAST
    ]
    if not able:
        return "; these data can answer no other whole month either"
    return f"; these data can answer from {able[0]} to {able[-1]} months"
