"""The waiting-list page of any model: its curves, marks and numbers are the predictor's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from browsers import Visitor
from list_pages import HEADER, column, long_list, made, made_of_many, numbers
from random_patients import model, patients

from discresorb import Predictor
from discresorb.errors import InputError
from discresorb.jobs import Form, Job
from discresorb.pages.page import embedded
from discresorb.pages.waiting_list import CURVE_MONTHS, PageWriter
from discresorb.prediction import Prediction
from discresorb.score_files import run_jobs
from discresorb.scoring import Scorer
from discresorb.wording import percent

if TYPE_CHECKING:
    pass


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    """Make a page of 300 rows."""
    return made_of_many(tmp_path_factory.mktemp("many"))


def predicted(predictor: Predictor, cells: dict[str, Any]) -> Prediction | InputError:
    try:
        return predictor.predict(threshold=0.35, **cells)
    except InputError as error:
        return error


@pytest.mark.parametrize("name", ["curved lognormal cure", "curved weibull all"])
def test_any_model_s_list(name: str, tmp_path: Path, visitor: Visitor) -> None:
    predictor, place = model(name), tmp_path / "list.html"
    found = patients(predictor, 80, seed=11)
    pl.DataFrame(found).write_csv(tmp_path / "in.csv", null_value="")
    scorer = Scorer(predictor, 0.35)
    job = Job(str(tmp_path / "in.csv"), tmp_path / "out.csv")
    further = {place: lambda stream: PageWriter(stream, scorer)}
    assert run_jobs(scorer, [job], Form(), further=further).tally.rows == 80
    page = visitor.open(place)
    assert page.locator(".notice:visible").count() == 0  # its data were observed
    words = column(page, "words")
    assert len(words) == 80
    for cells, p, told in zip(found, column(page, "p"), words, strict=True):
        prediction = predicted(predictor, cells)
        if isinstance(prediction, InputError):
            assert (p, told) == ("", " ".join("; ".join(prediction.with_values).split()))
            continue
        ends = f"{percent(prediction.low)} to {percent(prediction.high)}"
        assert p == f"{percent(prediction.probability)} {ends}"
        assert ("Warning: " in told) == bool(prediction.warnings)
        assert "; ".join(prediction.warnings) in told
        assert ("probability at least 0.35" in told) == (prediction.probability >= 0.35)


def test_curves_and_where_surgery_stands(
    many: tuple[Path, list[dict[str, str]]], visitor: Visitor
) -> None:
    path, rows = many
    page = visitor.open(path)
    page.locator("#size").select_option("0")
    marks = page.evaluate(
        "[...document.querySelectorAll('#list tbody tr')]"
        ".map((row) => row.querySelector('svg .surgery')?.tagName ?? null)"
    )
    waits = [
        b - a
        for a, b in zip(
            numbers(rows, "months_at_imaging"), numbers(rows, "months_at_surgery"), strict=True
        )
    ]
    assert marks == [
        None if math.isnan(wait) else "circle" if wait <= CURVE_MONTHS[-1] else "path"
        for wait in waits
    ]
    drawn = page.evaluate(
        """[...document.querySelectorAll('#list svg')].map((svg) => {
            const box = svg.querySelector('.surgery').getBBox();
            return [box.x + box.width / 2, box.y + box.height / 2,
                svg.querySelector('.line').getAttribute('d')];
        })"""
    )
    usable = [
        (wait, p) for wait, p in zip(waits, numbers(rows, "p_resorbed"), strict=True) if p >= 0
    ]
    for (x, y, line), (wait, p) in zip(drawn, usable, strict=True):
        assert y == pytest.approx(30 - 26 * p, abs=0.06)
        if wait > CURVE_MONTHS[-1]:
            assert x > 112
            continue
        assert x == pytest.approx(4 + 112 * wait / 24, abs=0.06)
        points = np.array([each.split() for each in line.removeprefix("M").split("L")], dtype=float)
        on_line = np.interp(x, points[:, 0], points[:, 1])
        assert y == pytest.approx(on_line, abs=1.0)  # of 26, and a dot of 6


def test_curves_say_what_python_says(
    many: tuple[Path, list[dict[str, str]]], predictor: Predictor, visitor: Visitor
) -> None:
    path, rows = many
    page = visitor.open(path)
    page.locator("#size").select_option("0")
    labels = page.evaluate(
        "[...document.querySelectorAll('#list svg')].map((svg) => [svg.ariaLabel, svg.textContent])"
    )
    expected = []
    for row in rows:
        if row["problems"]:
            continue
        cells = {name: row[name] for name in HEADER.strip().split(",")[1:5]}
        curve = predictor.curve(months=(6, 12, 24), **cells).probability
        six, twelve, last = map(percent, curve.tolist())
        words = f"{six}, {twelve} and {last} of 100 within 6, 12 and 24 months of the index MRI"
        expected.append([words, words])
    assert labels == expected


def test_a_filter_takes_in_its_ends(tmp_path: Path, predictor: Predictor, visitor: Visitor) -> None:
    (tmp_path / "in.csv").write_text(long_list(20))
    made(tmp_path / "in.csv", tmp_path / "list.html")
    html = (tmp_path / "list.html").read_text(encoding="utf-8")
    listed = json.dumps(embedded(html)["p"], separators=(",", ":"))
    assert listed in html
    ends = (0.07, 0.29, 0.57)
    assert [100 * end for end in ends] != [7.0, 29.0, 57.0]
    html = html.replace(listed, json.dumps([*ends, *[None] * 17], separators=(",", ":")))
    (tmp_path / "list.html").write_text(html, encoding="utf-8")
    page = visitor.open(tmp_path / "list.html")
    for n, end in enumerate(("7", "29", "57"), 1):
        page.locator("#low").fill(end)
        page.locator("#high").fill(end)
        assert column(page, "position") == [str(n)]


def test_five_thousand_rows_stay_small(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(long_list(5_000))
    made(tmp_path / "in.csv", tmp_path / "list.html")
    assert (tmp_path / "list.html").stat().st_size < 1_500_000
