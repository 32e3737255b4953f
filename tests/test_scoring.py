"""One patient, a frame of either kind and a CSV must give the same; rows stay where they are."""

from __future__ import annotations

import csv
import datetime
import io
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import SYNTHETIC
from hypothesis import given
from hypothesis import strategies as st

from discresorb import InputError, Predictor
from discresorb.columns import OUTPUT_COLUMNS, SCORING_COLUMNS
from discresorb.errors import InputFileError
from discresorb.jobs import Form, Job
from discresorb.score_file import score_file
from discresorb.score_files import run_job
from discresorb.scoring import Scorer
from discresorb.writing import CsvWriter

NAMES = [column.name for column in SCORING_COLUMNS]
OUTPUTS = [column.name for column in OUTPUT_COLUMNS]

# what people type, good and bad
CELLS = {
    "patient_id": st.sampled_from(["007", "a,b", 'say "x"', "", "=1+1"]),
    "size_mm": st.sampled_from(
        ["11", "0.5", "40", "8.25", " 9 ", "", "0", "-3", "8,2", "big", "41"]
    ),
    "sequestrated": st.sampled_from(["yes", "no", "1", "0.0", "TRUE", "", "perhaps", "2"]),
    "onset_date": st.sampled_from(["2026-01-01", "2026-01-20", "", "2026-02-31", "03/04/2025"]),
    "imaging_date": st.sampled_from(["2026-02-16", "2026-01-01", "", "tomorrow"]),
    "surgery_date": st.sampled_from(["2026-05-20", "2026-09-01", "", "2026-01-10"]),
    "months_since_onset": st.sampled_from(["", "", "1.5", "0", "241", "x"]),
    "months_to_surgery": st.sampled_from(["", "", "3", "0", "600", "-1"]),
    "symptoms_changed": st.sampled_from(["", "yes", "no", "unsure"]),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=8)


def one_by_one(predictor: Predictor, row: Any) -> dict[str, Any]:
    try:
        return predictor.predict(**row).to_dict()
    except InputError as error:
        return {
            **dict.fromkeys(OUTPUTS),
            "reimage_reason": "",
            "warnings": "",
            "problems": "; ".join(error.with_values),
            "model_id": predictor.model_id,
        }


def same(found: Any, expected: Any) -> bool:
    if expected is None or (isinstance(expected, float) and math.isnan(expected)):
        return found is None or found is pd.NA or found == "" or found != found
    if isinstance(expected, bool):
        return found in (expected, str(expected).lower())
    if isinstance(expected, float | int):
        return float(found) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    return bool(found == expected)


def assert_same(found: list[Any], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        for name in OUTPUTS:
            assert same(row[name], wanted[name]), (name, row[name], wanted[name])


def through_csv(predictor: Predictor, text: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8", newline="")
    stream = io.BytesIO()
    score_file(Scorer(predictor), path, CsvWriter(stream, raw_text=True))
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode(), newline="")))


def written_as(name: str, predictor: Predictor, source: Path) -> list[dict[str, Any]]:
    target = source.with_name(name)
    run_job(Scorer(predictor), Job(str(source), target), Form())[1].install()
    if target.suffix == ".parquet":
        return pl.read_parquet(target).to_dicts()
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


@given(rows=ROWS)
def test_every_way_in_gives_the_same(
    rows: list[dict[str, str]], predictor: Predictor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = [one_by_one(predictor, row) for row in rows]
    in_pandas = predictor.score(pd.DataFrame(rows))
    assert_same(in_pandas.to_dict("records"), expected)
    in_polars = predictor.score(pl.DataFrame(rows))
    assert_same(in_polars.to_dicts(), expected)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, NAMES)
    writer.writeheader()
    writer.writerows(rows)
    written = through_csv(predictor, text.getvalue(), tmp_path_factory.mktemp("rows"))
    assert_same(written, expected)
    through_parquet = tmp_path_factory.mktemp("typed") / "rows.parquet"
    pl.DataFrame(rows).write_parquet(through_parquet)
    assert_same(written_as("out.parquet", predictor, through_parquet), expected)
    assert_same(written_as("out.jsonl", predictor, through_parquet), expected)
    for row, back in zip(rows, written, strict=True):
        assert {name: back[name] for name in NAMES} == row  # every input cell passes through


def test_typed_columns_give_what_text_gives(predictor: Predictor) -> None:
    text = pd.read_csv(SYNTHETIC / "waiting_list.csv", dtype=str, keep_default_na=False)
    expected = [one_by_one(predictor, row) for row in text[NAMES].to_dict("records")]
    typed = text.assign(
        size_mm=pd.to_numeric(text["size_mm"]),
        sequestrated=text["sequestrated"].isin(["yes", "1"]),
        months_since_onset=pd.to_numeric(text["months_since_onset"]),
        months_to_surgery=pd.to_numeric(text["months_to_surgery"]).astype("Float64"),
        **{
            name: pd.to_datetime(text[name], format="%Y-%m-%d")
            for name in ("onset_date", "imaging_date", "surgery_date")
        },
    )
    assert_same(predictor.score(typed).to_dict("records"), expected)
    records = [
        {name: None if value is pd.NaT or value is pd.NA else value for name, value in row.items()}
        for row in typed[NAMES].astype(object).to_dict("records")
    ]
    assert_same(predictor.score(pl.DataFrame(records, strict=False)).to_dicts(), expected)


def test_python_objects_give_what_text_gives(predictor: Predictor) -> None:
    """As a database driver or a cluster hands them over: dates, truth values, decimals, None."""
    rows: list[dict[str, Any]] = [
        {"size_mm": "9", "sequestrated": "yes", "onset_date": "2026-01-05",
         "imaging_date": "2026-02-16", "surgery_date": "2026-05-20", "symptoms_changed": "no"},
        {"size_mm": "8.5", "sequestrated": "no", "onset_date": "2026-01-05",
         "imaging_date": "2026-02-16", "surgery_date": "2026-05-20", "symptoms_changed": ""},
        {"size_mm": "8.5", "sequestrated": "", "onset_date": "2026-01-05",
         "imaging_date": "2026-02-16", "surgery_date": "2026-05-20", "symptoms_changed": "yes"},
        {"size_mm": "", "sequestrated": "no", "onset_date": "2026-03-05",
         "imaging_date": "2026-02-16", "surgery_date": "", "symptoms_changed": ""},
        {"size_mm": "8.5", "sequestrated": "no", "onset_date": "1899-01-05",
         "imaging_date": "2026-02-16", "surgery_date": "9999-12-31", "symptoms_changed": ""},
    ]  # fmt: skip
    expected = [one_by_one(predictor, row) for row in rows]
    flags = {"yes": True, "no": False, "": None}
    typed = pd.DataFrame(
        {
            "size_mm": [Decimal(row["size_mm"]) if row["size_mm"] else None for row in rows],
            **{
                name: pd.Series([flags[row[name]] for row in rows], dtype=object)
                for name in ("sequestrated", "symptoms_changed")
            },
            **{
                name: [datetime.date.fromisoformat(r[name]) if r[name] else None for r in rows]
                for name in ("onset_date", "imaging_date", "surgery_date")
            },
        }
    )
    found = predictor.score(typed)
    assert_same(found.to_dict("records"), expected)
    pd.testing.assert_frame_equal(found[typed.columns], typed)
    in_polars = pl.DataFrame({name: typed[name].tolist() for name in typed.columns})
    assert_same(predictor.score(in_polars).to_dicts(), expected)
    # dates where truth values belong, and the other way round, are problems of each row
    onsets: list[Any] = [True, False, None, None, 1]
    mixed = typed.assign(sequestrated=typed["onset_date"], onset_date=onsets)
    problems = predictor.score(mixed)["problems"].tolist()
    assert problems[0].startswith("sequestrated entered as 2026-01-05, but must be yes or no")
    assert "onset_date entered as True" in problems[0]


def test_index_columns_and_kind_stay(predictor: Predictor) -> None:
    frame = pd.DataFrame(
        {"note": ["x", "y"], "size_mm": [11, 7.0], "sequestrated": [1, 0],
         "months_since_onset": [0.5, 1.0], "months_to_surgery": [6.2, 2.0]},
        index=[7, 7],
    )  # fmt: skip
    scored = predictor.score(frame)
    assert list(scored.index) == [7, 7]
    assert list(scored.columns) == [*frame.columns, *OUTPUTS]
    pd.testing.assert_frame_equal(scored[frame.columns], frame)
    assert scored["reimage"].dtype == "boolean"
    in_polars = predictor.score(pl.DataFrame(frame.to_dict("list")))
    assert isinstance(in_polars, pl.DataFrame)
    assert in_polars.columns == list(scored.columns)


def test_dates_equal_months(predictor: Predictor) -> None:
    by_dates = predictor.predict(
        size_mm=9,
        sequestrated=False,
        onset_date=datetime.date(2026, 1, 5),
        imaging_date=np.datetime64("2026-02-16"),
        surgery_date="2026-05-20",
    )
    by_months = predictor.predict(
        size_mm=9,
        sequestrated=False,
        months_since_onset=42 / 30.4375,
        months_to_surgery=93 / 30.4375,
    )
    assert by_dates.probability == by_months.probability
    assert (by_dates.low, by_dates.high) == (by_months.low, by_months.high)


def test_no_rows(predictor: Predictor) -> None:
    empty = pd.DataFrame(columns=NAMES)
    assert list(predictor.score(empty).columns) == [*NAMES, *OUTPUTS]
    assert len(predictor.score(empty)) == 0


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"size_mm": [1]}), "missing columns: sequestrated"),
        (
            pd.DataFrame({"Size_mm": [1], "sequestrated": [1]}),
            "column 'Size_mm' must be written size_mm",
        ),
        (pd.DataFrame([[1, 2]], columns=["size_mm", "size_mm"]), "size_mm appears 2 times"),
        (pd.DataFrame(columns=[*NAMES, "p_low"]), "already there: p_low"),
        (pl.LazyFrame({"size_mm": [1]}), "collect a lazy frame first"),
        ({"size_mm": [1]}, "needs a pandas or polars DataFrame, but was given dict"),
    ],
)
def test_a_frame_that_does_not_fit(predictor: Predictor, frame: Any, words: str) -> None:
    with pytest.raises(InputFileError, match=words):
        predictor.score(frame)


def test_odd_types_are_problems_of_their_row(predictor: Predictor) -> None:
    base = {
        "sequestrated": [1, 1],
        "months_since_onset": [1.0, 1.0],
        "months_to_surgery": [3.0, 3.0],
    }
    ints = pd.DataFrame({**base, "size_mm": pd.array([50, None], dtype="Int64")})
    problems = predictor.score(ints)["problems"].tolist()
    assert problems[0].startswith("size_mm entered as 50, but")
    assert problems[1].startswith("size_mm is missing")
    in_polars = pl.DataFrame({**base, "size_mm": [50, None]})
    assert predictor.score(in_polars)["problems"].to_list() == problems
    far = np.array(["2026-01-01", "20260-01-01"], dtype="datetime64[s]")
    late = pd.DataFrame({**base, "size_mm": [9, 9], "imaging_date": far})
    assert predictor.score(late)["problems"].tolist()[0] == ""
    assert "imaging_date entered as 20260-01-01" in predictor.score(late)["problems"][1]
    wide = pl.DataFrame({**base, "size_mm": pl.Series([9, 50], dtype=pl.Int128)})
    assert predictor.score(wide)["p_resorbed"].is_null().to_list() == [False, True]


def test_a_bad_threshold_is_refused(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="threshold entered as 0"):
        predictor.score(pd.DataFrame(columns=NAMES), threshold=0.0)


def test_reasons_follow_the_threshold(predictor: Predictor) -> None:
    frame = pd.read_csv(SYNTHETIC / "waiting_list.csv", dtype=str, keep_default_na=False)
    low, high = (predictor.score(frame, threshold=t)["reimage"].sum() for t in (0.01, 1.0))
    assert low == len(frame)
    assert high < low
