"""When to image again before operating: reasons for a clinician to weigh, never an order.

Two reasons are the case report's own recommendation: symptoms changed since the index MRI, and six
months since it, counted from 181 days, the shortest six calendar months. No guideline stating them
was found, and they are named as the report's. The third is a probability of resorption at or above
a threshold. A threshold may come from two costs: imaging pays where p × (cost of the operation
avoided) ≥ (cost of the scan). Regression on MRI does not by itself make surgery needless, so the
benefit so reckoned is an upper bound.
"""

from __future__ import annotations

import math
import numbers
from typing import Final

from discresorb.clock import SIX_MONTHS
from discresorb.distributions import Array
from discresorb.errors import InputError

__all__ = [
    "CASE_REPORT_NOTE",
    "DEFAULT_THRESHOLD",
    "UPPER_BOUND_NOTE",
    "advice_sentence",
    "check_threshold",
    "is_case_reports",
    "reason_bits",
    "reason_names",
    "reason_sentences",
    "short_reasons",
    "threshold_from_costs",
]

DEFAULT_THRESHOLD: Final = 0.20
LONG_WAIT, CHANGED, LIKELY = 1, 2, 4
UPPER_BOUND_NOTE: Final = (
    "A threshold from costs is an upper bound on the benefit of imaging: regression on MRI does "
    "not by itself make surgery needless."
)
_CASE_REPORT: Final = "the case report's rule, not a guideline"
CASE_REPORT_NOTE: Final = (
    "The case report: a herniation seen on MRI in March 2019, changed symptoms, surgery in "
    "September 2019, and nothing left to remove."
)


def check_threshold(threshold: float) -> float:
    """Return a threshold that is a probability above zero, or raise InputError."""
    if not isinstance(threshold, numbers.Real) or not 0.0 < threshold <= 1.0:
        raise InputError(
            f"threshold entered as {threshold!r}, but must be a number above 0 and at most 1; "
            f"the default is {DEFAULT_THRESHOLD:g}"
        )
    return threshold


def threshold_from_costs(scan_cost: float, operation_cost: float) -> float:
    """Threshold at which imaging just pays: cost of a scan over cost of the operation avoided."""
    if not (0.0 < scan_cost <= operation_cost < math.inf):
        raise InputError(
            f"costs entered as {scan_cost:g} for the scan and {operation_cost:g} for the "
            "operation, but both must be above 0 and the scan must not cost more"
        )
    return scan_cost / operation_cost


def reason_bits(probability: Array, wait: Array, changed: Array, threshold: float) -> Array:
    """Which reasons apply, as a number from 0 to 7 that indexes `reason_sentences`.

    Parameters
    ----------
    probability : float or float array
        p by the surgery date.
    wait : float or float array
        Months from the index MRI to surgery.
    changed : float or float array
        1 if symptoms have changed, 0 or nan if not or not known.
    threshold : float
        Lowest p that is a reason to image again.
    """
    return (
        LONG_WAIT * (wait >= SIX_MONTHS)
        + CHANGED * (changed == 1.0)
        + LIKELY * (probability >= threshold)
    )


def reason_names(threshold: float) -> tuple[str, str, str]:
    """Name the three reasons shortly, in the order of their bits."""
    return ("six months or more", "symptoms changed", f"probability at least {threshold:g}")


def reason_sentences(threshold: float) -> list[tuple[str, ...]]:
    """Give, for each number of `reason_bits`, the reasons in words."""
    return _for_each_number(
        (
            f"six months or more (from 181 days) between index MRI and surgery ({_CASE_REPORT})",
            f"symptoms changed since the index MRI ({_CASE_REPORT})",
            f"probability of resorption at or above the threshold of {threshold:g}",
        )
    )


def short_reasons(threshold: float) -> list[tuple[str, ...]]:
    """Give, for each number of `reason_bits`, the reasons' names."""
    return _for_each_number(reason_names(threshold))


def _for_each_number(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [
        tuple(word for bit, word in enumerate(words) if number & (1 << bit))
        for number in range(1 << len(words))
    ]


def is_case_reports(reason: str) -> bool:
    """Whether a reason in words is the case report's own."""
    return _CASE_REPORT in reason


def advice_sentence(reasons: tuple[str, ...]) -> str:
    """Word the advice for a clinician to weigh."""
    if reasons:
        return "Consider imaging again before surgery: " + "; ".join(reasons) + "."
    return (
        "None of the reasons checked here speaks for imaging again before surgery; clinical "
        "judgement comes first."
    )
