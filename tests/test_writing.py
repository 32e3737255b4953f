"""Cells that a spreadsheet would run are defused, and only those."""

from __future__ import annotations

import csv
import io
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discresorb import Predictor
from discresorb.cells import NUMBER_PATTERN
from discresorb.score_file import score_file
from discresorb.scoring import Scorer
from discresorb.writing import CsvWriter

CELL = st.one_of(
    st.sampled_from(
        ["-5", "+9", "=1", "@x", "\tx", "\t7", "\rx", "-x", "- 5", "-5 ", "+1e3", "-٣"]
    ),
    st.text(alphabet="=+-@\t\r1.e x'é", max_size=4),
)
NAMES = (
    *("patient_id", "size_mm", "sequestrated", "onset_date", "months_since_onset"),
    *("months_to_surgery", "symptoms_changed", "note"),
)


def guarded(cell: str) -> str:
    """Give the cell as the definition has it."""
    is_number = re.fullmatch(NUMBER_PATTERN, cell.strip()) is not None
    return f"'{cell}" if cell[:1] in tuple("=+-@\t\r") and not is_number else cell


@given(rows=st.lists(st.tuples(*[CELL] * len(NAMES)), min_size=1, max_size=8), typed=st.booleans())
def test_the_guard_is_what_is_defined(
    rows: list[tuple[str, ...]],
    typed: bool,
    predictor: Predictor,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("guard")
    if typed:
        path = folder / "in.parquet"
        kinds = [pl.Categorical if n % 2 else pl.String for n in range(len(NAMES))]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.String), orient="row")
        frame.cast(dict(zip(NAMES, kinds, strict=True))).write_parquet(path)
    else:
        path = folder / "in.csv"
        with path.open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows([NAMES, *rows])
    stream = io.BytesIO()
    tally = score_file(Scorer(predictor), path, CsvWriter(stream))
    written = list(csv.reader(io.StringIO(stream.getvalue().decode(), newline="")))[1:]
    expected = [[guarded(cell) for cell in row] for row in rows]
    assert [row[: len(NAMES)] for row in written] == expected
    changed = sum(cell[:1] == "'" for row in expected for cell in row)
    kept = sum(cell[:1] == "'" for row in rows for cell in row)
    assert tally.guarded == changed - kept
    raw = io.BytesIO()
    assert score_file(Scorer(predictor), path, CsvWriter(raw, raw_text=True)).guarded == 0
    back = list(csv.reader(io.StringIO(raw.getvalue().decode(), newline="")))[1:]
    assert [tuple(row[: len(NAMES)]) for row in back] == rows
