"""Columns read thousands at a time hold what each cell read alone holds."""

from __future__ import annotations

import datetime
import decimal
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from discresorb import conversion
from discresorb.cells import NUMBER_PATTERN, read_cell, read_column
from discresorb.columns import SCORING_COLUMNS, Column
from discresorb.conversion import Converter, Numbers, native_cells
from discresorb.errors import Problem
from discresorb.writing import is_formula

COLUMNS = {column.name: column for column in SCORING_COLUMNS if column.kind != "text"}
COLUMN = st.sampled_from(list(COLUMNS.values()))

ODD_NUMBERS = (
    "1e1", "1E+01", "1.", ".5", "+7", "-0", "0x1f", "1_0", "1d2", "1e", "e1", "inf", "-Infinity",
    "nan", "NaN", "٣", "１２", "1,5", "1 2", "+-1", "--1", "1.2.3", "9" * 400, "1e999", "1e-999",
    "0.50000000000000000001", "8.2999999999999998", "\t9", "9\x1c", "9\u00a0", "\ufeff9", "True",
)  # fmt: skip
ODD_DATES = (
    "2026-01-05", "+2026-1-05", "2026-1-5", "2026-02-30", "2026-13-01", "0001-01-01", "0000-01-01",
    "9999-12-31", "10000-01-01", "2026-01-05T00:00", "20260105", " 2026-01-05\n", "٢٠٢٦-01-05",
    "2026/01/05", "-2026-01-05", "2026-W01-1",
)  # fmt: skip
ODD_FLAGS = ("yes", "NO", " Yes\t", "1", "0", "1.0", "0.0", "00", "true", "FALSE", "ja", "ﬁ", "oui")
BLANKS = ("", " ", "\u3000", "\n", "=1", "@", "-x")
TEXTS: st.SearchStrategy[str | None] = st.one_of(
    st.none(),
    st.sampled_from([*ODD_NUMBERS, *ODD_DATES, *ODD_FLAGS, *BLANKS]),
    st.from_regex(NUMBER_PATTERN, fullmatch=True, alphabet="0123456789.eE+-"),
    st.floats(allow_nan=False).map(repr),
    st.dates().map(str),
    st.text(alphabet="0123456789.+-eE, _naif\t", max_size=8),
)


def alone(column: Column, cells: list[Any]) -> list[float | Problem]:
    return [read_cell(column, cell) for cell in cells]


def assert_read_alike(found: Numbers, expected: list[float | Problem]) -> None:
    # ruff takes this for a pandas object, but `Numbers.values` is an array of ours
    values = found.values.tolist()  # noqa: PD011  # for the reason above
    bad = {at for at, each in enumerate(expected) if isinstance(each, Problem)}
    assert set(found.problems.tolist()) == bad
    for value, each in zip(values, expected, strict=True):
        wanted = math.nan if isinstance(each, Problem) else each
        assert value == wanted or (math.isnan(value) and math.isnan(wanted))


@given(column=COLUMN, texts=st.lists(TEXTS, max_size=30))
@example(column=COLUMNS["size_mm"], texts=list(ODD_NUMBERS))
@example(column=COLUMNS["months_to_surgery"], texts=list(ODD_NUMBERS))
@example(column=COLUMNS["onset_date"], texts=list(ODD_DATES))
@example(column=COLUMNS["sequestrated"], texts=list(ODD_FLAGS))
def test_text_is_read_as_each_cell_is(column: Column, texts: list[str | None]) -> None:
    expected = alone(column, texts)
    found = Converter(column).convert(pl.Series(texts, dtype=pl.String))
    assert_read_alike(found, expected)
    values, problems = read_column(column, texts)
    assert_read_alike(Numbers(values, np.array(list(problems), dtype=np.intp)), expected)
    if found.plain:  # then the guard against formulas does not look
        assert not any(is_formula(text) for text in texts if text is not None)


@given(column=COLUMN, texts=st.lists(TEXTS, max_size=12))
def test_it_does_not_matter_what_was_read_before(column: Column, texts: list[str | None]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    converter = Converter(column)
    converter.convert(series)
    assert_read_alike(converter.convert(series.reverse()), alone(column, texts[::-1]))


def columns_of() -> dict[str, pl.Series]:
    day = datetime.date(2026, 1, 5)
    zone = "Pacific/Auckland"  # where days begin before UTC's do
    return {
        "floats": pl.Series([8.3, math.nan, None, -1.0, math.inf, 1.0, 0.0]),
        "small floats": pl.Series([8.3, math.nan, None, 41.0], dtype=pl.Float32),
        "integers": pl.Series([0, 1, 11, -3, 400]),
        "integers and none": pl.Series([1, None, 50], dtype=pl.UInt8),
        "wide integers": pl.Series([1, None, 2**100], dtype=pl.Int128),
        "truth": pl.Series([True, False]),
        "truth and none": pl.Series([True, None]),
        "decimals": pl.Series([decimal.Decimal("8.3"), None, decimal.Decimal("50.1")]),
        "categories": pl.Series(["8.3", "yes", None, "2026-01-05", "=1"], dtype=pl.Categorical),
        "chosen": pl.Series(["1", "no"], dtype=pl.Enum(["no", "1"])),
        "days": pl.Series([day, None, datetime.date(1, 1, 1)]),
        "times": pl.Series([datetime.datetime(2026, 1, 5, 23, 59), None]),
        "times in a zone": pl.Series([datetime.datetime(2026, 1, 5)]).dt.replace_time_zone(zone),
        "spans": pl.Series([datetime.timedelta(3)]),
        "hours": pl.Series([datetime.time(3)]),
        "bytes": pl.Series([b"9"]),
        "lists": pl.Series([[9.0], None]),
        "nothing": pl.Series([None, None]),
    }


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_typed_columns_are_read_as_each_cell_is(column: Column) -> None:
    for series in columns_of().values():
        found = Converter(column).convert(native_cells(nw.from_native(series, series_only=True)))
        assert_read_alike(found, alone(column, series.to_list()))


PANDAS: dict[str, pd.Series[Any]] = {
    "strings": pd.Series(["9", pd.NA, "1", "2026-01-05", "x"], dtype="string"),
    "objects": pd.Series(["9", 9, 9.0, None, pd.NA, pd.NaT, True, datetime.date(2026, 1, 5), [1]]),
    "python dates": pd.Series([datetime.date(2026, 1, 5), None]),
    "nullable": pd.Series([1, None, 50], dtype="Int64"),
    "nullable truth": pd.Series([True, None], dtype="boolean"),
    "categories": pd.Series(["1", None, "x"], dtype="category"),
    "times": pd.to_datetime(pd.Series(["2026-01-05 23:59", None])),
    "times in a zone": pd.to_datetime(pd.Series(["2026-01-05"])).dt.tz_localize("Pacific/Auckland"),
    "periods": pd.Series(pd.period_range("2026-01-05", periods=2)),
    "decimals": pd.Series([decimal.Decimal("8.3"), None]),
}


@pytest.mark.parametrize("name", PANDAS)
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_columns_of_pandas_are_read_as_each_cell_is(column: Column, name: str) -> None:
    series = PANDAS[name]
    found = Converter(column).convert(native_cells(nw.from_native(series, series_only=True)))
    assert_read_alike(found, alone(column, series.tolist()))


@pytest.mark.parametrize("name", ["size_mm", "onset_date"])
def test_threads_share_a_converter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_MOST_KNOWN", 1)  # each forgets what another has just read
    converter = Converter(COLUMNS[name])
    texts = pl.Series([f"x{n % 7}" for n in range(400)])
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(converter.convert, [texts] * 40))
    finally:
        sys.setswitchinterval(usual)
    assert all(len(each.problems) == 400 for each in found)


def test_long_and_many_texts_are_not_kept() -> None:
    converter = Converter(COLUMNS["size_mm"])
    converter.convert(pl.Series([f"{n}" + "x" * 1_000 for n in range(10)]))
    assert not converter._known
    converter.convert(pl.Series([f"x{n}" for n in range(conversion._MOST_KNOWN + 10)]))
    assert len(converter._known) <= conversion._MOST_KNOWN
