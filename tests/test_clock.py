"""Months, dates, and which of the two a row is scored by."""

from __future__ import annotations

import datetime
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from discresorb.clock import DAYS_PER_MONTH, SIX_MONTHS, Moment, day_name, resolve, resolve_many

NAN = math.nan
DAYS = st.one_of(st.just(NAN), st.integers(735_000, 745_000).map(float))
MONTHS = st.one_of(st.just(NAN), st.floats(0, 240))


def day(text: str) -> float:
    return float(datetime.date.fromisoformat(text).toordinal())


def test_a_month_is_30_4375_days() -> None:
    entry, wait, problems = resolve(
        Moment(day("2019-03-01"), day("2019-03-15"), day("2019-09-20"), NAN, NAN)
    )
    assert (entry, wait, problems) == (14 / 30.4375, 189 / 30.4375, [])
    assert DAYS_PER_MONTH == 30.4375


def test_no_half_year_is_shorter_than_six_months() -> None:
    for year in (2023, 2024):  # with and without a leap day
        for month in range(1, 13):
            start = datetime.date(year, month, 1)
            end = datetime.date(year + (month > 6), (month + 5) % 12 + 1, 1)
            assert (end - start).days / DAYS_PER_MONTH >= SIX_MONTHS
    assert datetime.timedelta(180).days / DAYS_PER_MONTH < SIX_MONTHS


def test_dates_are_used_where_both_are_complete() -> None:
    entry, wait, problems = resolve(
        Moment(day("2026-01-05"), day("2026-02-16"), day("2026-05-20"), 1.4, 3.0)
    )
    assert problems == []
    assert (entry, wait) == (42 / 30.4375, 93 / 30.4375)


def test_conflict_beyond_a_tenth_of_a_month() -> None:
    dates = day("2026-01-05"), day("2026-02-16"), day("2026-05-20")
    assert resolve(Moment(*dates, 42 / 30.4375 + 0.09, NAN))[2] == []
    problems = resolve(Moment(*dates, 42 / 30.4375 + 0.11, 9.0))[2]
    assert len(problems) == 2
    assert "months_since_onset" in problems[0].words
    assert "months_to_surgery" in problems[1].words


def test_an_unreadable_cell_is_not_called_missing_too() -> None:
    moment = Moment(NAN, day("2026-02-16"), day("2026-05-20"), NAN, NAN)
    assert [problem.words for problem in resolve(moment)[2]] == ["onset_date is missing"]
    assert resolve(moment, {"onset_date"})[2] == []


@given(DAYS, DAYS, DAYS, MONTHS, MONTHS)
def test_many_rows_never_trust_what_one_row_refuses(
    onset: float, imaging: float, surgery: float, since: float, to: float
) -> None:
    moment = (onset, imaging, surgery, since, to)
    entry, wait, problems = resolve(Moment(*moment))
    many_entry, many_wait, suspect = resolve_many(Moment(*(np.array([each]) for each in moment)))
    if problems:
        assert suspect[0]
    else:
        assert (many_entry[0], many_wait[0]) == (entry, wait)
        assert not suspect[0]


def test_dates_read_the_same_in_every_locale() -> None:
    assert day_name(day("2019-09-20")) == "20 Sep 2019"
