"""Training tables: dates or months, and every problem with its row."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from discresorb.errors import InputFileError
from discresorb_training.cohort import cohort_from_frame

GOOD = {
    "patient_id": "A",
    "size_mm": "9",
    "sequestrated": "yes",
    "months_since_onset": "1",
    "last_herniated_months": "4",
    "first_resorbed_months": "7",
    "exit_reason": "resorbed",
    "exit_months": "7",
}


def problems(*rows: dict[str, Any]) -> list[str]:
    with pytest.raises(InputFileError) as caught:
        cohort_from_frame(pd.DataFrame(list(rows)))
    assert caught.value.exit_status == 3
    assert len(caught.value.problems) == len(caught.value.with_values)
    return list(caught.value.with_values)


def test_months() -> None:
    rows = [
        GOOD,
        {**GOOD, "patient_id": "B", "first_resorbed_months": "", "exit_reason": "surgery"},
    ]
    cohort = cohort_from_frame(pd.DataFrame(rows))
    np.testing.assert_array_equal(cohort.X, [[9, 1], [9, 1]])
    assert cohort.y.tolist() == [(4, 7, 1), (4, np.inf, 1)]
    assert cohort.last_seen.tolist() == [7, 4]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_dates_are_months(kind: Any) -> None:
    onset = datetime.date(2020, 1, 1)

    def after(months: float) -> datetime.date:
        return onset + datetime.timedelta(days=round(months * 30.4375))

    row = {
        "size_mm": 9.0,
        "sequestrated": True,
        "onset_date": onset,
        "imaging_date": after(1),
        "last_herniated_date": after(4),
        "first_resorbed_date": after(7),
    }
    y = cohort_from_frame(kind([row])).y
    days = np.array([[30, 122, 213]]) / 30.4375
    np.testing.assert_allclose([list(y[["entry", "lower", "upper"]][0])], days, rtol=1e-12)


def test_a_row_uses_one_complete_set_not_bits_of_two() -> None:
    row = {
        **GOOD,
        "onset_date": "2019-01-01",
        "imaging_date": "2019-02-01",
        "last_herniated_date": "",
        "first_resorbed_date": "2019-08-03",
    }
    assert cohort_from_frame(pd.DataFrame([row])).y.tolist() == [(4, 7, 1)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size_mm": ""}, "size_mm is missing"),
        ({"size_mm": "99"}, "size_mm entered as 99"),
        ({"sequestrated": "maybe"}, "sequestrated entered as maybe"),
        ({"months_since_onset": ""}, "times are incomplete"),
        ({"months_since_onset": "5"}, "last seen herniated at 4.00 months, before the index MRI"),
        ({"first_resorbed_months": "4"}, "first seen resorbed at 4.00 months, not after"),
        ({"first_resorbed_months": "3"}, "first seen resorbed at 3.00 months, not after"),
        ({"first_resorbed_months": ""}, "exit_reason resorbed does not go with"),
        ({"exit_reason": "surgery"}, "exit_reason surgery does not go with"),
        ({"exit_reason": "died"}, "exit_reason entered as died, but must be one of resorbed"),
        ({"exit_months": "5"}, "exit_months is before the last MRI"),
        ({"months_since_onset": "250"}, "months_since_onset entered as 250"),
    ],
)
def test_one_problem(change: dict[str, str], words: str) -> None:
    (problem,) = problems({**GOOD, **change})
    assert "row 1: " in problem
    assert words in problem


def test_all_problems_of_all_rows() -> None:
    bad = {**GOOD, "size_mm": "99", "sequestrated": "", "months_since_onset": ""}
    found = problems(GOOD, bad)
    assert len(found) == 2
    assert "row 1: patient_id A appears 2 times" in found[0]
    for words in ("size_mm entered", "sequestrated is missing", "times are incomplete", "2 times"):
        assert words in found[1]


def test_an_unreadable_cell_is_told_once() -> None:
    (problem,) = problems({**GOOD, "first_resorbed_months": "3,5"})
    assert problem.endswith("first_resorbed_months entered as 3,5, but must be a number from 0 to "
                            "600 months, with a decimal point")  # fmt: skip


def test_dates_and_months_that_disagree() -> None:
    dates = {
        "onset_date": "2019-01-01",
        "imaging_date": "2019-02-01",
        "last_herniated_date": "2019-05-03",
    }
    (problem,) = problems({**GOOD, **dates, "first_resorbed_date": ""})
    assert "first_resorbed_months is entered, but first_resorbed_date" in problem
    (problem,) = problems({**GOOD, **dates, "first_resorbed_date": "2019-12-01"})
    assert "first_resorbed_months and onset_date to first_resorbed_date do not agree" in problem


def test_a_resorption_in_the_other_set_is_not_lost() -> None:
    dates = {
        "onset_date": "2019-01-01",
        "imaging_date": "2019-02-01",
        "last_herniated_date": "2019-05-03",
        "first_resorbed_date": "",
    }
    row = {**GOOD, **dates, "months_since_onset": "", "exit_reason": "", "exit_months": ""}
    (problem,) = problems(row)
    assert "first_resorbed_months is entered, but first_resorbed_date" in problem
    row = {**GOOD, "first_resorbed_months": "", "exit_reason": "", "exit_months": ""}
    (problem,) = problems({**row, **dates, "onset_date": "", "first_resorbed_date": "2019-08-01"})
    assert "first_resorbed_date is entered, but first_resorbed_months" in problem


def test_no_time_is_beyond_what_months_may_be() -> None:
    (problem,) = problems(
        {
            "size_mm": "9",
            "sequestrated": "no",
            "onset_date": "1910-01-01",
            "imaging_date": "1910-02-01",
            "last_herniated_date": "2010-02-01",
            "first_resorbed_date": "",
        }
    )
    assert "a time later than 600 months after onset" in problem


def test_long_ids_are_told_apart() -> None:
    prefix = "hospital-of-somewhere-spinal-cohort-2019-patient-"
    rows = [{**GOOD, "patient_id": f"{prefix}{number}"} for number in (1, 2)]
    assert len(cohort_from_frame(pd.DataFrame(rows)).y) == 2


def test_long_lists_of_problems_are_capped() -> None:
    found = problems(*({**GOOD, "patient_id": str(i), "size_mm": "x"} for i in range(50)))
    assert len(found) == 21
    assert found[-1] == "… and 30 more rows with problems"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame([GOOD]).drop(columns="size_mm"), "missing columns: size_mm"),
        (pd.DataFrame([GOOD]).drop(columns="months_since_onset"), "either months_since_onset"),
        (pd.DataFrame([GOOD]).iloc[:0], "there are no patients"),
        (
            pd.DataFrame([GOOD]).rename(columns={"exit_reason": "Exit_Reason"}),
            "must be written exit_reason",
        ),
        (pd.DataFrame([GOOD]).assign(**{"7": 1}).rename(columns={"7": 7, "size_mm": 8}), "size_mm"),
        (pd.DataFrame([[1, 2]], columns=["size_mm", "size_mm"]), "size_mm appears 2 times"),
        ([1, 2], "must be a pandas or polars DataFrame, not list"),
    ],
)
def test_tables_that_do_not_fit(frame: Any, words: str) -> None:
    with pytest.raises(InputFileError, match=words):
        cohort_from_frame(frame)
