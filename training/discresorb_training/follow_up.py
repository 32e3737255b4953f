"""What is seen of simulated patients: MRIs, and the exit that ends follow-up.

All times are whole days since onset, as in a record of visits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import roots_hermitenorm

from discresorb.clock import DAYS_PER_MONTH
from discresorb.distributions import Array
from discresorb_training.draws import Draws
from discresorb_training.settings import Settings

__all__ = ["FollowUp", "follow"]

_LEAST_GAP = 7.0  # days between MRIs driven by severity
_MEAN_DELAY = 0.5 * DAYS_PER_MONTH  # from resorption to the MRI that it leads to
_YEAR = 12.0


@dataclass(frozen=True)
class FollowUp:
    """What was seen, in days since onset.

    Parameters
    ----------
    visits : float array, (n, most visits)
        MRIs after the index MRI up to the exit, in order; NaN where there was none.
    last_herniated : float array, (n,)
        Last MRI that still showed the herniation; the index MRI if no other did.
    first_resorbed : float array, (n,)
        First MRI that showed it resorbed; infinite if never seen.
    exit, reason : array, (n,)
        When and how follow-up ended.
    """

    visits: Array
    last_herniated: Array
    first_resorbed: Array
    exit: Array
    reason: Array


def follow(
    draws: Draws, settings: Settings, entry: Array, event: Array, severity: Array
) -> FollowUp:
    """Follow patients from the index MRI on.

    Parameters
    ----------
    entry, event : float array, (n,)
        Index MRI, and resorption (infinite for never), in days since onset.
    severity : float array, (n,)
        Standard normal score of symptom severity.
    draws : Draws
        Where random numbers come from.
    settings : Settings
        Visits, surgery, loss, and the study's end.
    """
    end = entry + np.rint(settings.follow_up * DAYS_PER_MONTH)
    surgery = entry + _days_to_surgery(draws, settings, severity)
    lost = entry + _days_to_loss(draws, settings)
    leaves = np.minimum(np.minimum(surgery, lost), end)
    plan = _by_protocol if settings.visits == "protocol" else _by_symptoms
    visits = plan(draws, settings, entry, event, severity, end)
    visits = np.where(visits <= leaves[:, None], visits, np.inf)

    resorbed = visits >= event[:, None]
    first_resorbed = np.where(resorbed, visits, np.inf).min(axis=1)
    last_herniated = np.maximum(np.where(resorbed, 0.0, _finite(visits)).max(axis=1), entry)
    seen = np.isfinite(first_resorbed)
    leaves = np.where(seen, first_resorbed, leaves)
    return FollowUp(
        np.where(visits <= leaves[:, None], visits, np.nan),
        last_herniated,
        first_resorbed,
        leaves,
        np.select(
            [seen, leaves == surgery, leaves == lost], ["resorbed", "surgery", "lost"], "end"
        ),
    )


def _finite(visits: Array) -> Array:
    return np.where(np.isfinite(visits), visits, 0.0)


def _by_protocol(
    draws: Draws, settings: Settings, entry: Array, event: Array, severity: Array, end: Array
) -> Array:
    planned = np.array(settings.visit_months)
    first, second, missed = (
        draws.uniform(purpose, each=len(planned))
        for purpose in ("jitter", "second jitter", "missed")
    )
    months = planned + settings.visit_jitter * (first - second)
    days = entry[:, None] + np.rint(months * DAYS_PER_MONTH)
    return np.where(missed < settings.visit_missed, np.inf, days)


def _by_symptoms(
    draws: Draws, settings: Settings, entry: Array, event: Array, severity: Array, end: Array
) -> Array:
    mean_gap = settings.visit_gap * DAYS_PER_MONTH * np.exp(-settings.visit_severity * severity)
    triggered = np.ceil(event + _MEAN_DELAY * draws.exponential("delay"))
    days = [np.where(draws.uniform("triggered") < settings.visit_triggered, triggered, np.inf)]
    latest = entry
    while (latest < end).any():
        gap = mean_gap * draws.exponential(f"gap {len(days)}")
        latest = latest + np.maximum(np.rint(gap), _LEAST_GAP)
        days.append(latest)
    visits = np.sort(np.column_stack(days), axis=1)
    again = np.diff(visits, axis=1, prepend=0.0) == 0.0
    return np.where(again | (visits > end[:, None]), np.inf, visits)


def _days_to_surgery(draws: Draws, settings: Settings, severity: Array) -> Array:
    """Weibull times; the share by a year is met over all severities."""
    if settings.surgery_by_year == 0.0:
        return np.full(draws.n, np.inf)
    hazard = _hazard_of_a_year(settings.surgery_by_year, settings.surgery_severity)
    hazard = hazard * np.exp(settings.surgery_severity * severity)
    with np.errstate(over="ignore"):  # a tiny hazard: never
        months = _YEAR * (draws.exponential("surgery") / hazard) ** (1.0 / settings.surgery_shape)
    return np.maximum(np.rint(months * DAYS_PER_MONTH), 1.0)


def _hazard_of_a_year(share: float, log_ratio: float) -> float:
    """Cumulative hazard at severity 0 that gives the share over standard normal severities."""
    severity, weight = roots_hermitenorm(60)
    weight = weight / weight.sum()
    ratio = np.exp(log_ratio * severity)

    def excess(log_hazard: float) -> float:
        return float(weight @ -np.expm1(-np.exp(log_hazard) * ratio)) - share

    middle = np.log(-np.log1p(-share))
    reach = 1.0 + abs(log_ratio) * severity.max()
    return float(np.exp(brentq(excess, middle - reach, middle + reach)))


def _days_to_loss(draws: Draws, settings: Settings) -> Array:
    if settings.lost_by_year == 0.0:
        return np.full(draws.n, np.inf)
    with np.errstate(over="ignore"):  # a tiny hazard: never
        months = draws.exponential("lost") * _YEAR / -np.log1p(-settings.lost_by_year)
    return np.maximum(np.rint(months * DAYS_PER_MONTH), 1.0)
