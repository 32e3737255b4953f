"""The outcome: when a herniation was last seen, first seen resorbed, and from when it was watched.

Times run from symptom onset, in any one unit. Intervals are (lower, upper].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputError

__all__ = ["OUTCOME", "check_outcome", "interval_outcome"]

OUTCOME = np.dtype([("lower", "f8"), ("upper", "f8"), ("entry", "f8")])
_SHOWN = 5


def interval_outcome(
    *, lower: Sequence[float] | Array, upper: Sequence[float] | Array, entry: Any = 0.0
) -> Array:
    """Build the structured outcome array that `ResorptionModel.fit` takes.

    Parameters
    ----------
    lower : float array, (n,)
        Last MRI that still showed the herniation; at least entry.
    upper : float array, (n,)
        First MRI that showed it resorbed; ``inf`` if never seen; equal to lower for an exactly
        observed time.
    entry : float or float array, (n,), default 0
        Index MRI, from which on the patient is watched. 0 means no delayed entry.

    Returns
    -------
    structured array, (n,), with fields lower, upper, entry

    Raises
    ------
    InputError
        With every kind of problem and the first rows that have it.
    """
    try:
        lower, upper, entry = (np.asarray(each, dtype=float) for each in (lower, upper, entry))
    except (TypeError, ValueError):
        raise InputError("lower, upper and entry must hold numbers only") from None
    if lower.ndim != 1 or lower.shape != upper.shape:
        raise InputError(
            f"lower and upper must be one-dimensional and equally long, but have shapes "
            f"{lower.shape} and {upper.shape}"
        )
    if entry.shape not in ((), lower.shape):
        raise InputError(f"entry has shape {entry.shape}, but must be a number or {lower.shape}")
    y = np.empty(len(lower), dtype=OUTCOME)
    y["lower"], y["upper"], y["entry"] = lower, upper, entry
    return check_outcome(y)


def check_outcome(y: Any) -> Array:
    """Return y if it is a sound outcome array, else raise InputError with all problems."""
    y = np.asarray(y)
    if y.dtype != OUTCOME or y.ndim != 1:
        raise InputError("y must be made by interval_outcome(lower=…, upper=…, entry=…)")
    lower, upper, entry = y["lower"], y["upper"], y["entry"]
    problems = [
        _where(~np.isfinite(entry) | (entry < 0), "entry must be a finite number of 0 or more"),
        _where(~np.isfinite(lower) | (lower < 0), "lower must be a finite number of 0 or more"),
        _where(np.isnan(upper), "upper must be a number, or inf if resorption was never seen"),
        _where(lower < entry, "lower must not be before entry"),
        _where(upper < lower, "upper must not be before lower"),
        _where(
            (upper == lower) & (lower <= entry),
            "an exact time (lower equal to upper) must be after entry",
        ),
    ]
    found = [problem for problem in problems if problem]
    if found:
        raise InputError(found)
    return y


def _where(bad: Array, words: str) -> str:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return ""
    shown = ", ".join(str(row) for row in rows[:_SHOWN].tolist())
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"{words}: positions {shown}{more}"
