"""Frames come back as they were, with the output columns beside theirs."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from discresorb import Predictor
from discresorb.columns import OUTPUT_COLUMNS

OUTPUTS = [column.name for column in OUTPUT_COLUMNS]
N = 3


def needed(**columns: Any) -> dict[str, Any]:
    return {
        "size_mm": [9.0, 11.0, 7.0],
        "sequestrated": [1, 0, 1],
        "months_since_onset": [1.0] * N,
        "months_to_surgery": [3.0] * N,
    } | columns


INDEXES = {
    "doubled": pd.Index([7, 7, 7]),
    "text": pd.Index(["b", "a", "c"], name="who"),
    "several levels": pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")]),
    "days": pd.date_range("2026-01-01", periods=N, tz="Asia/Tokyo"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_index_and_types_stay(name: str, predictor: Predictor) -> None:
    frame = pd.DataFrame(
        needed(
            note=pd.array(["x", None, "=1"], dtype="string"),
            level=pd.Categorical(["L4", "L5", None]),
            when=pd.date_range("2026-01-01", periods=N, tz="Asia/Tokyo"),
            wide=pd.array([1, None, 3], dtype="Int64"),
            mixed=[1, "a", None],
        )
    ).set_index(INDEXES[name])
    frame[5] = [1, 2, 3]
    frame[("a", "b")] = 1.5
    before = frame.copy(deep=True)
    scored = predictor.score(frame)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(scored[list(frame.columns)], frame)
    assert list(scored.columns) == [*frame.columns, *OUTPUTS]
    assert scored.index.equals(frame.index)
    assert scored["p_resorbed"].notna().all()
    assert scored["p_resorbed"].dtype == float


DAY = datetime.date(2026, 1, 5)
LATER = datetime.date(2026, 2, 5)
# the same three days, as frames may hold them
DAYS: dict[str, Any] = {
    "text": (["2026-01-05"] * N, ["2026-02-05"] * N, ["2026-05-05"] * N),
    "python dates": ([DAY] * N, [LATER] * N, [LATER.replace(month=5)] * N),
    "strings": tuple(
        pd.array([day] * N, dtype="string") for day in ("2026-01-05", "2026-02-05", "2026-05-05")
    ),
    **{
        kind: tuple(
            pd.to_datetime(pd.Series([day] * N)).dt.tz_localize(zone)
            for day in ("2026-01-05 00:30", "2026-02-05 00:30", "2026-05-05 23:30")
        )
        for kind, zone in (("times", None), ("east", "Pacific/Auckland"), ("west", "US/Hawaii"))
    },
    "mixed": (
        [DAY, "2026-01-05", pd.Timestamp(DAY)],
        [np.datetime64(LATER), " 2026-02-05 ", LATER],
        [pd.Timestamp("2026-05-05 12:00", tz="UTC"), "2026-05-05", datetime.datetime(2026, 5, 5)],
    ),
}


@pytest.mark.parametrize("kind", DAYS)
def test_days_of_any_type_are_the_same_days(kind: str, predictor: Predictor) -> None:
    names = ("onset_date", "imaging_date", "surgery_date")
    covariates = {name: needed()[name] for name in ("size_mm", "sequestrated")}
    frame = pd.DataFrame(covariates | dict(zip(names, DAYS[kind], strict=True)))
    scored = predictor.score(frame)
    assert scored["problems"].tolist() == [""] * N
    expected = predictor.predict(
        size_mm=9, sequestrated=True, onset_date=DAY, imaging_date=LATER, surgery_date="2026-05-05"
    )
    assert scored["p_resorbed"][0] == pytest.approx(expected.probability, rel=1e-12)
    if kind in ("east", "west"):
        in_polars = pl.DataFrame(covariates).with_columns(
            **{name: pl.Series(frame[name].dt.tz_localize(None)) for name in names}
        )
        zone = {"east": "Pacific/Auckland", "west": "US/Hawaii"}[kind]
        in_polars = in_polars.with_columns(pl.col(names).dt.replace_time_zone(zone))
        found = predictor.score(in_polars)["p_resorbed"].to_list()
        assert found == scored["p_resorbed"].tolist()


def test_what_is_missing_is_missing_whatever_says_so(predictor: Predictor) -> None:
    frame = pd.DataFrame(needed(size_mm=pd.Series([None, pd.NA, float("nan")], dtype=object)))
    words = {"size_mm is missing; it must be a number from 0.5 to 40 mm"}
    assert set(predictor.score(frame)["problems"]) == words
    frame["size_mm"] = pd.Series([pd.NaT, "", "  "], dtype=object)
    assert set(predictor.score(frame)["problems"]) == words
    frame["size_mm"] = pd.array([None] * N, dtype="string")
    assert set(predictor.score(frame)["problems"]) == words


def test_values_of_every_type_in_one_column(predictor: Predictor) -> None:
    frame = pd.DataFrame(needed(size_mm=pd.Series([True, [9], "9"], dtype=object)))
    problems = predictor.score(frame)["problems"].tolist()
    assert problems[0].startswith("size_mm entered as True, but")
    assert problems[1].startswith("size_mm entered as [9], but")
    assert problems[2] == ""
