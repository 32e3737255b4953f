"""One clock: months since symptom onset, and how dates become months.

The index MRI stands at ``entry`` on this clock and the planned surgery at ``horizon``. A row may
say so in dates, in months, or in both; `resolve` decides which is used and says what is wrong.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from discresorb.columns import (
    DATE_COLUMNS,
    IMAGING_DATE,
    MONTHS_COLUMNS,
    MONTHS_SINCE_ONSET,
    MONTHS_TO_SURGERY,
    ONSET_DATE,
    SURGERY_DATE,
    Column,
)
from discresorb.distributions import Array
from discresorb.errors import Problem

__all__ = [
    "AGREEMENT_MONTHS",
    "DAYS_PER_MONTH",
    "MONTH_NAMES",
    "SIX_MONTHS",
    "Moment",
    "day_name",
    "months_between",
    "resolve",
    "resolve_many",
]

DAYS_PER_MONTH: Final = 30.4375
# the shortest six calendar months (1 September to 1 March), so that no half-year is missed
SIX_MONTHS: Final = 181 / DAYS_PER_MONTH
# two complete sets of one row must tell the same story to within this
AGREEMENT_MONTHS: Final = 0.1
_SUM_AGREEMENT: Final = 2 * AGREEMENT_MONTHS
_INCOMPLETE: Final = "dates or months missing"
_DISAGREE: Final = "dates and months disagree"
_EXPECTED: Final = "expected onset, then index MRI, then surgery"

MONTH_NAMES: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


def months_between(start_day: Array, end_day: Array) -> Array:
    """Months from one day number to another; one month is 30.4375 days."""
    return (end_day - start_day) / DAYS_PER_MONTH


def day_name(day: float) -> str:
    """Write a day number for a person, the same in every locale: 20 Sep 2019."""
    date = datetime.date.fromordinal(int(day))
    return f"{date.day} {MONTH_NAMES[date.month - 1]} {date.year}"


@dataclass(frozen=True, slots=True)
class Moment:
    """What a row says about time: numbers, nan where the cell is empty or unusable.

    Parameters
    ----------
    onset, imaging, surgery : float
        Day numbers (proleptic Gregorian ordinals).
    since_onset, to_surgery : float
        Months.
    """

    onset: Array
    imaging: Array
    surgery: Array
    since_onset: Array
    to_surgery: Array

    def has_dates(self) -> bool:
        """Whether all three dates of one row are there, so that it is scored by them."""
        return not math.isnan(self.onset + self.imaging + self.surgery)


def resolve(moment: Moment, unreadable: Collection[str] = ()) -> tuple[float, float, list[Problem]]:
    """Find entry and horizon of one row.

    Parameters
    ----------
    moment : Moment
        Of plain floats.
    unreadable : collection of str
        Columns whose cell has a problem of its own, so that it is not called missing as well.

    Returns
    -------
    entry, wait : float
        Months since onset at the index MRI, and from there to surgery; nan where there are
        problems. Dates are used where they are complete, else months.
    problems : list of Problem
        Every one of them; empty if the row can be scored.
    """
    m = moment
    problems = _order_problems(m) + _disagreements(m) + _beyond(m)
    if m.has_dates():
        entry, wait = months_between(m.onset, m.imaging), months_between(m.imaging, m.surgery)
    elif not math.isnan(m.since_onset + m.to_surgery):
        entry, wait = m.since_onset, m.to_surgery
    else:
        entry = wait = math.nan
        problems += _incomplete(m, unreadable)
    return (math.nan, math.nan, problems) if problems else (entry, wait, problems)


def resolve_many(moment: Moment) -> tuple[Array, Array, Array]:
    """Find entry and horizon of many rows at once.

    Returns
    -------
    entry, wait : float arrays
        As `resolve` gives them for rows that are not suspect.
    suspect : bool array
        Rows that may have a problem; `resolve` has the last word on them.
    """
    m = moment
    date_entry, date_wait = months_between(m.onset, m.imaging), months_between(m.imaging, m.surgery)
    use_dates = ~np.isnan(date_entry + date_wait)
    entry: Array = np.where(use_dates, date_entry, m.since_onset)
    wait: Array = np.where(use_dates, date_wait, m.to_surgery)
    fine = (
        ~np.isnan(entry + wait)
        & (entry <= MONTHS_SINCE_ONSET.high)
        & (wait <= MONTHS_TO_SURGERY.high)
    )
    # comparisons with nan are false, so what is not entered raises no suspicion
    too_far = (date_entry > MONTHS_SINCE_ONSET.high) | (date_wait > MONTHS_TO_SURGERY.high)
    out_of_order = (date_entry < 0) | (date_wait < 0) | (m.surgery < m.onset)
    disagree = (
        (np.abs(date_entry - m.since_onset) > AGREEMENT_MONTHS)
        | (np.abs(date_wait - m.to_surgery) > AGREEMENT_MONTHS)
        | (
            np.abs(months_between(m.onset, m.surgery) - m.since_onset - m.to_surgery)
            > _SUM_AGREEMENT
        )
    )
    return entry, wait, ~fine | too_far | out_of_order | disagree


def _order_problems(m: Moment) -> list[Problem]:
    pairs = [
        (ONSET_DATE, m.onset, IMAGING_DATE, m.imaging),
        (IMAGING_DATE, m.imaging, SURGERY_DATE, m.surgery),
    ]
    if math.isnan(m.imaging):
        pairs.append((ONSET_DATE, m.onset, SURGERY_DATE, m.surgery))
    return [
        Problem(
            "dates out of order",
            f"{late.name} is before {early.name}; {_EXPECTED}",
            f"{late.name} {_iso(after)} is before {early.name} {_iso(before)}; {_EXPECTED}",
        )
        for early, before, late, after in pairs
        if after < before
    ]


def _disagreements(m: Moment) -> list[Problem]:
    compared = [
        (MONTHS_SINCE_ONSET.name, m.since_onset, ONSET_DATE, m.onset, IMAGING_DATE, m.imaging),
        (MONTHS_TO_SURGERY.name, m.to_surgery, IMAGING_DATE, m.imaging, SURGERY_DATE, m.surgery),
    ]
    agree = f"they must agree within {AGREEMENT_MONTHS:g}"
    found = [
        Problem(
            _DISAGREE,
            f"{name} is not the time between {start.name} and {end.name}; {agree} months",
            f"{name} entered as {entered:g}, but {start.name} and {end.name} are "
            f"{months_between(a, b):.2f} months apart; {agree}",
        )
        for name, entered, start, a, end, b in compared
        if b >= a and abs(months_between(a, b) - entered) > AGREEMENT_MONTHS
    ]
    total = m.since_onset + m.to_surgery
    apart = months_between(m.onset, m.surgery)
    if not found and m.surgery >= m.onset and abs(apart - total) > _SUM_AGREEMENT:
        sum_of = f"{MONTHS_SINCE_ONSET.name} and {MONTHS_TO_SURGERY.name} add up to"
        dates = f"{ONSET_DATE.name} and {SURGERY_DATE.name}"
        found.append(
            Problem(
                _DISAGREE,
                f"{sum_of} another time than that between {dates}",
                f"{sum_of} {total:g}, but {dates} are {apart:.2f} months apart",
            )
        )
    return found


def _beyond(m: Moment) -> list[Problem]:
    return [
        Problem(
            "dates too far apart",
            f"{start.name} and {end.name} must be at most {column.high:g} months apart",
            f"{start.name} and {end.name} are {months_between(a, b):.2f} months apart, but must "
            f"be at most {column.high:g}",
        )
        for column, start, a, end, b in (
            (MONTHS_SINCE_ONSET, ONSET_DATE, m.onset, IMAGING_DATE, m.imaging),
            (MONTHS_TO_SURGERY, IMAGING_DATE, m.imaging, SURGERY_DATE, m.surgery),
        )
        if months_between(a, b) > column.high
    ]


def _incomplete(m: Moment, unreadable: Collection[str]) -> list[Problem]:
    def split(columns: tuple[Column, ...], values: tuple[float, ...]) -> tuple[list[str], bool]:
        missing = [
            column.name
            for column, value in zip(columns, values, strict=True)
            if math.isnan(value) and column.name not in unreadable
        ]
        return missing, len(missing) < len(columns)

    dates, some_dates = split(DATE_COLUMNS, (m.onset, m.imaging, m.surgery))
    months, some_months = split(MONTHS_COLUMNS, (m.since_onset, m.to_surgery))
    if not dates or not months:
        return []  # complete but for cells whose own problem is already told
    if some_dates != some_months:
        missing = dates if some_dates else months
        verb = "is" if len(missing) == 1 else "are"
        return [Problem(_INCOMPLETE, f"{_listed(missing)} {verb} missing")]
    return [
        Problem(
            _INCOMPLETE,
            f"{_listed(dates)}, or {_listed(months)}, are missing; "
            "enter all three dates, or both months",
        )
    ]


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _iso(day: float) -> str:
    return datetime.date.fromordinal(int(day)).isoformat()
