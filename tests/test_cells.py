"""One cell: a number, or words that name what was entered and what is allowed."""

from __future__ import annotations

import datetime
import decimal
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discresorb.cells import is_number, read_cell, read_column
from discresorb.columns import IMAGING_DATE, MONTHS_SINCE_ONSET, SEQUESTRATED, SIZE_MM, Column
from discresorb.errors import Problem

DAY = float(datetime.date(2026, 2, 16).toordinal())


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (SIZE_MM, "11", 11.0),
        (SIZE_MM, " 8.5\t", 8.5),
        (SIZE_MM, "1.1e1", 11.0),
        (SIZE_MM, 11, 11.0),
        (SIZE_MM, np.float32(11), 11.0),
        (SIZE_MM, decimal.Decimal("8.5"), 8.5),
        (SIZE_MM, 0.5, 0.5),
        (SIZE_MM, 40, 40.0),
        (MONTHS_SINCE_ONSET, "0", 0.0),
        *[(SEQUESTRATED, word, 1.0) for word in ("1", "1.0", "true", "YES", " Yes ", True, 1, 1.0)],
        *[(SEQUESTRATED, word, 0.0) for word in ("0", "0.0", "False", "no", "NO", False, 0, 0.0)],
        (SEQUESTRATED, np.True_, 1.0),
        (IMAGING_DATE, "2026-02-16", DAY),
        (IMAGING_DATE, datetime.date(2026, 2, 16), DAY),
        (IMAGING_DATE, datetime.datetime(2026, 2, 16, 14, 30), DAY),
        (IMAGING_DATE, np.datetime64("2026-02-16"), DAY),
        (IMAGING_DATE, pd.Timestamp("2026-02-16"), DAY),
    ],
)
def test_readable(column: Column, value: object, expected: float) -> None:
    assert read_cell(column, value) == expected


@pytest.mark.parametrize(
    "value", [None, "", "  ", math.nan, np.nan, pd.NA, pd.NaT, np.datetime64("NaT")]
)
@pytest.mark.parametrize("column", [SIZE_MM, SEQUESTRATED, IMAGING_DATE])
def test_empty(column: Column, value: object) -> None:
    read = read_cell(column, value)
    assert isinstance(read, float)
    assert math.isnan(read)


NUMBER = "size_mm entered as {}, but must be a number from 0.5 to 40 mm"
FLAG = "sequestrated entered as {}, but must be yes or no (also true/false, 1/0)"
UNSEEN = "; it holds a character that cannot be seen, so type it anew"
DASH = ", with the hyphen of a keyboard"
MONTHS = "months_since_onset entered as {}, but must be a number from 0 to 240 months"
DATE = "imaging_date entered as {}, but must be a date written YYYY-MM-DD"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (SIZE_MM, "large", NUMBER.format("large")),
        (SIZE_MM, "-8", NUMBER.format("-8")),
        (SIZE_MM, "0", NUMBER.format("0")),
        (SIZE_MM, 40.01, NUMBER.format("40.01")),
        (SIZE_MM, "8,2", NUMBER.format("8,2") + ", with a decimal point"),
        (SIZE_MM, "NA", NUMBER.format("NA")),
        (SIZE_MM, "nan", NUMBER.format("nan")),
        (SIZE_MM, "inf", NUMBER.format("inf")),
        (SIZE_MM, "1_1", NUMBER.format("1_1")),
        (SIZE_MM, "١١", NUMBER.format("١١")),
        (SIZE_MM, True, NUMBER.format("True")),
        (SIZE_MM, [11], NUMBER.format("[11]")),
        (SIZE_MM, b"11", NUMBER.format("b'11'")),
        (SIZE_MM, 11j, NUMBER.format("11j")),
        (SIZE_MM, "8\x1b[31m", NUMBER.format("8 [31m") + UNSEEN),
        (SIZE_MM, "\u200e11", NUMBER.format("11") + UNSEEN),
        (IMAGING_DATE, "2026-02-16\u200b", DATE.format("2026-02-16") + UNSEEN),
        (IMAGING_DATE, "2026\u201102\u201116", DATE.format("2026\u201102\u201116") + DASH),
        (IMAGING_DATE, "2026\u201302\u201316", DATE.format("2026\u201302\u201316") + DASH),
        (MONTHS_SINCE_ONSET, "\u22123", f"{MONTHS.format(chr(0x2212) + '3')}{DASH}"),
        (SIZE_MM, "8\u20139", NUMBER.format("8\u20139")),  # a range is none with a hyphen, either
        (SEQUESTRATED, "\u2013", FLAG.format("\u2013")),
        (SIZE_MM, "11\u00a0mm", NUMBER.format("11 mm")),
        (SIZE_MM, "x" * 60, NUMBER.format("x" * 39 + "…")),
        (SEQUESTRATED, "perhaps", FLAG.format("perhaps")),
        (SEQUESTRATED, "2", FLAG.format("2")),
        (SEQUESTRATED, 0.5, FLAG.format("0.5")),
        (IMAGING_DATE, "03/04/2025", DATE.format("03/04/2025")),
        (IMAGING_DATE, "20260216", DATE.format("20260216")),
        (IMAGING_DATE, "2026-2-16", DATE.format("2026-2-16")),
        (IMAGING_DATE, "2026-02-31", DATE.format("2026-02-31") + "; there is no such day"),
        (IMAGING_DATE, 20260216, DATE.format("20260216")),
        (
            IMAGING_DATE,
            pd.Timestamp(np.datetime64("20260-01-01", "s")),
            DATE.format("20260-01-01 00:00:00"),
        ),
    ],
)
def test_refused_in_words(column: Column, value: object, words: str) -> None:
    problem = read_cell(column, value)
    assert isinstance(problem, Problem)
    assert problem.words == words
    assert problem.rule == f"{column.name} must be{words.partition(', but must be')[2]}"


def test_an_endless_integer() -> None:
    problem = read_cell(SIZE_MM, 10**5000)
    assert isinstance(problem, Problem)
    assert problem.words == NUMBER.format("an integer too long to show")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_printed_number_reads_back(x: float) -> None:
    assert is_number(repr(x))
    assert read_cell(Column("x", "number", ""), repr(x)) == x


@given(
    st.sampled_from([SIZE_MM, SEQUESTRATED, IMAGING_DATE]),
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(-5, 60), st.floats(), st.text(max_size=8))
    ),
)
def test_a_column_reads_as_its_cells(column: Column, cells: list[object]) -> None:
    values, problems = read_column(column, cells)
    for position, cell in enumerate(cells):
        read = read_cell(column, cell)
        if isinstance(read, Problem):
            assert problems[position] == read
            assert math.isnan(values[position])
        else:
            assert position not in problems
            assert values[position] == read or (math.isnan(values[position]) and math.isnan(read))


@given(st.lists(st.one_of(st.floats(), st.floats(0, 50)), max_size=20))
def test_a_typed_column_reads_as_its_cells(cells: list[float]) -> None:
    for column in (SIZE_MM, SEQUESTRATED, MONTHS_SINCE_ONSET):
        typed, typed_problems = read_column(column, np.array(cells, dtype=float))
        values, problems = read_column(column, cells)
        assert typed_problems == problems
        np.testing.assert_array_equal(typed, values)


def test_a_typed_column_of_flags_is_no_number() -> None:
    values, problems = read_column(SIZE_MM, np.array([True, False]))
    assert sorted(problems) == [0, 1]
    assert np.isnan(values).all()
