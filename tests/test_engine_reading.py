"""What is typed into the calculator is read as a CSV's cells are, to the same words."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from composed import CURVED, OPTIONAL, composed
from engine import Engine
from hypothesis import given
from hypothesis import strategies as st

from discresorb import Predictor
from discresorb.clock import MONTH_NAMES, day_name
from discresorb.columns import FALSE_WORDS, SYMPTOMS_CHANGED, TRUE_WORDS, Column
from discresorb.design import Covariate
from discresorb.rows import TIME_COLUMNS, Patient, read_patient

Cells = dict[str, str]

LONG = "a very long answer that nobody should have to read to its end, but does"
ANYTHING = [
    *("large", "NA", "nan", "NaN", "inf", "-Infinity", "null", "None", "-", "?", LONG, "x" * 41),
    *(
        "x" * 40,
        "😀" * 40,
        "😀" * 41,
        "a\tb",
        "a\u00a0b",
        "8\x1b[31m",
        "a \n b",
        "\ufeff5",
        "\u200b5",
    ),
    *("2019\u201109\u201120", "2019\u201309\u201320", "\u22125", "\u2013", "8\u20135", "5\ufe63"),
    *("=1+1", "<b>5</b>", "'5'", '"', "\\", "é", "İ", "ﬀ", "\u2028", "0x10", "1_0", "1e", ".", "+"),
]
BLANK = ["", " ", "\t", "\u00a0", "\u3000", "\x1c", "\x85", " \r\n ", "\u2003\u2028"]
NUMBERS = [
    *(
        "11",
        " 8.5 ",
        "\u00a08.5\u3000",
        "\x1c9\x85",
        "+5",
        "-5",
        "-0",
        "0",
        "0.5",
        ".5",
        "5.",
        "40",
    ),
    *(
        "40.0",
        "40.000000000000001",
        "40.00001",
        "1e1",
        "1E+1",
        "1e-400",
        "1e400",
        "-1e400",
        "1e308",
    ),
    *("0.1", "0.30000000000000004", "123456789.123456789", "5e-324", "1.7976931348623157e308"),
    *("1.7976931348623159e308", "0" * 50 + "7", "8,5", "-8,5", "8,", ",5", "1,000", "1,000.5"),
    *("１１", "١١", "²", "8 5", "8.5.1", "--5", "+-5", "5mm", "5 mm", "1e5.5", "240", "240.01"),
    *("600", "600.0000001", "16", "15.9", "80", "80.1", "2", "3.14159265358979", "0.0625", "12.25"),
]
FLAGS = [
    *TRUE_WORDS,
    *FALSE_WORDS,
    "YES",
    " No ",
    "True",
    "fAlSe",
    "y",
    "n",
    "ja",
    "2",
    "1.00",
    "-1",
]
LEVELS = [
    "desk",
    "2",
    "2.0",
    "2.000",
    "2.",
    "02",
    "-2.0",
    " desk ",
    "Desk",
    "heavy, by hand",
    "heavy",
]
DAYS = [
    *("2019-03-01", "2019-03-15", "2019-09-20", "2020-02-29", "2019-02-29", "2019-02-31"),
    *("1900-02-29", "2000-02-29", "0001-01-01", "0001-12-31", "9999-12-31", "0000-01-01"),
    *("2019-13-01", "2019-00-10", "2019-04-31", "2019-12-00", "19-03-01", "2019-3-1", "2019/03/01"),
    *("01.03.2019", "20190301", "2019-W10-1", "2019-03-01T00:00", "2019-03-01 ", "２０１９-03-01"),
    *("2019-03-01Z", "+2019-03-01", "2018-12-31", "2019-01-01", "2039-03-02", "2089-01-01"),
]
CELLS = {"number": NUMBERS, "flag": FLAGS, "category": LEVELS, "date": DAYS}


@pytest.fixture(scope="module")
def curved() -> Predictor:
    # names that every JavaScript object has must not be found where no cell was typed
    odd = (Covariate(Column("constructor", "number", "a part")),
           Covariate(Column("toString", "flag", "a word")))  # fmt: skip
    return composed((*CURVED, *odd), optional=(*OPTIONAL, "constructor", "toString"))


def expected(predictor: Predictor, cells: Cells) -> tuple[Patient, list[str]]:
    patient, problems = read_patient(predictor.columns, cells, predictor.design.optional)
    return patient, [problem.words for problem in problems]


def without_nan(values: Sequence[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]


def check(predictor: Predictor, rows: Sequence[Cells], found: Sequence[dict[str, Any]]) -> int:
    """Hold what was read against the library; count the rows without a problem."""
    fine = 0
    named = {column.name for column in (*predictor.columns, *TIME_COLUMNS)} | {
        SYMPTOMS_CHANGED.name
    }
    for cells, its in zip(rows, found, strict=True):
        mine, words = expected(predictor, cells)
        assert [each["words"] for each in its["problems"]] == words, cells
        for each in its["problems"]:
            assert set(each["columns"]) <= named
            assert each["columns"]
            assert all(name in each["words"] for name in each["columns"])
        assert (its["patient"] is None) == bool(words)
        if not words:
            fine += 1
            read = its["patient"]
            assert read["covariates"] == without_nan(mine.covariates), cells
            others = [read[key] for key in ("entry", "wait", "changed", "surgeryDay")]
            assert others == without_nan([mine.entry, mine.wait, mine.changed, mine.surgery_day]), (
                cells
            )
    return fine


def columns_of(predictor: Predictor) -> list[Column]:
    return [*predictor.columns, *TIME_COLUMNS, SYMPTOMS_CHANGED]


def a_cell(column: Column, rng: Any, share_good: float) -> str:
    good = {
        "number": f"{rng.uniform(17, 39):.3g}",
        "flag": str(rng.choice([*TRUE_WORDS, *FALSE_WORDS])),
        "category": str(rng.choice(column.levels or ["-"])),
        "date": str(np.datetime64("2019-01-01") + rng.integers(0, 400)),
    }[column.kind]
    drawn = rng.random()
    if drawn < share_good:
        return good
    if drawn < share_good + 0.1:
        return str(rng.choice(BLANK))
    return str(rng.choice(CELLS[column.kind] if drawn < 0.97 else ANYTHING))


@pytest.mark.parametrize("share_good", [0.1, 0.6, 0.9])
def test_cells_are_read_as_the_library_reads_them(
    engine: Engine, curved: Predictor, share_good: float
) -> None:
    rng = np.random.default_rng(int(100 * share_good))
    rows = []
    for _ in range(1200):
        cells = {each.name: a_cell(each, rng, share_good) for each in columns_of(curved)}
        for name in rng.choice(list(cells), rng.integers(0, 6)):
            cells.pop(str(name), None)
        for names in (("onset_date", "imaging_date", "surgery_date"),
                      ("months_since_onset", "months_to_surgery")):  # fmt: skip
            if rng.random() < 0.3:
                cells = {name: text for name, text in cells.items() if name not in names}
        rows.append(cells)
    fine = check(curved, rows, engine.ask("model.read(row)", rows, curved))
    assert share_good < 0.5 or fine > 10


def test_every_cell_alone_is_read_as_the_library_reads_it(
    engine: Engine, curved: Predictor
) -> None:
    rows = [
        {column.name: text}
        for column in columns_of(curved)
        for text in (*CELLS[column.kind], *BLANK, *ANYTHING)
    ]
    check(curved, rows, engine.ask("model.read(row)", rows, curved))


COMPLETE = {"size_mm": "9", "sequestrated": "no", "smoker": "no", "depth": "1"}


def test_times_are_resolved_as_the_library_resolves_them(engine: Engine, curved: Predictor) -> None:
    """Dates in and out of order, months that agree and that do not, and any of them missing."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(2500):
        first = int(rng.choice([1, 2, 737_000, 737_060, 3_652_050]))
        gaps = rng.choice([0, 1, 3, 4, 6, 30, 181, 3000, 9000, 20000], 2) * rng.choice([1, 1, -1])
        days = np.clip(first + np.array([0, gaps[0], gaps.sum()]), 1, 3_652_059)
        months = np.diff(days) / 30.4375 + rng.choice([0, 0.05, 0.0999999, 0.11, -0.2, 5], 2)
        cells = dict(
            zip(
                (column.name for column in TIME_COLUMNS),
                [
                    *(datetime.date.fromordinal(int(day)).isoformat() for day in days),
                    *(f"{each:.{rng.integers(1, 9)}g}" for each in months),
                ],
                strict=True,
            )
        )
        kept = {name: text for name, text in cells.items() if rng.random() < 0.85}
        rows.append({**COMPLETE, **kept})
    fine = check(curved, rows, engine.ask("model.read(row)", rows, curved))
    assert 100 < fine < 2400


@given(data=st.data())
def test_any_text_is_read_as_the_library_reads_it(
    engine: Engine, curved: Predictor, data: st.DataObject
) -> None:
    text = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=60)
    rows = [{column.name: data.draw(text)} for column in columns_of(curved)]
    check(curved, rows, engine.ask("model.read(row)", rows, curved))


def test_the_calendar_is_pythons(engine: Engine) -> None:
    numbers = [*range(1, 800), *range(693_000, 694_000), *range(730_000, 731_000),
               *range(800, 3_652_059, 397), *range(3_651_600, 3_652_060)]  # fmt: skip
    dates = [datetime.date.fromordinal(number) for number in numbers]
    asked = (
        "[discresorb.clock.dayNumber(...row.slice(0, 3)), "
        f"discresorb.clock.dayName(row[3], {MONTH_NAMES})]"
    )
    rows = [(day.year, day.month, day.day, day.toordinal()) for day in dates]
    assert engine.each(asked, rows, {}) == [[number, day_name(number)] for number in numbers]
    tried = [(year, month, day) for year in (0, 1, 1900, 2000, 2019, 2020, 9999)
             for month in range(14) for day in range(33)]  # fmt: skip
    for parts, its in zip(tried, engine.each("discresorb.clock.dayNumber(...row)", tried, {}),
                          strict=True):  # fmt: skip
        try:
            assert its == datetime.date(*parts).toordinal()
        except ValueError:
            assert its is None
