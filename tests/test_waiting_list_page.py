"""The waiting-list page in a real browser: rows, sorting, filters, print, use without a mouse."""

from __future__ import annotations

import csv
import io
import math
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsers import Visitor, serious
from conftest import SYNTHETIC
from list_pages import HEADER, column, head, made, made_of_many, numbers, said

from discresorb import Predictor
from discresorb.advice import reason_names, reason_sentences
from discresorb.pages.page import embedded
from discresorb.pages.waiting_list import CURVE_MONTHS
from discresorb.wording import ESTIMAND, LIMITS, SYNTHETIC_NOTICE, percent

if TYPE_CHECKING:
    pass

HOSTILE = "</script><img src=x onerror=document.title='ran'>"
COLUMNS = ["position", "id", "p", "later", "entry", "wait", "surgery", "state", "words"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    """Make a page of 300 rows."""
    return made_of_many(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    """Make the page of the shipped waiting list."""
    target = tmp_path_factory.mktemp("shipped") / "list.html"
    return target, made(SYNTHETIC / "waiting_list.csv", target)


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    """Make the page of the shipped list of problems."""
    target = tmp_path_factory.mktemp("problems") / "list.html"
    return target, made(SYNTHETIC / "waiting_list_problems.csv", target)


def test_every_row_is_there_with_python_s_numbers(
    shipped: tuple[Path, list[dict[str, str]]], visitor: Visitor
) -> None:
    path, rows = shipped
    page = visitor.open(path)
    assert column(page, "position") == [str(n) for n in range(1, len(rows) + 1)]
    assert column(page, "id") == [row["patient_id"] for row in rows]
    assert column(page, "p") == [
        f"{percent(p)} {percent(low)} to {percent(high)}"
        for p, low, high in zip(
            numbers(rows, "p_resorbed"), numbers(rows, "p_low"), numbers(rows, "p_high"),
            strict=True,
        )
    ]  # fmt: skip
    assert column(page, "entry") == [f"{m:.1f}" for m in numbers(rows, "months_at_imaging")]
    assert column(page, "state") == [
        "consider" if row["reimage"] == "true" else "no reason" for row in rows
    ]
    assert column(page, "surgery")[0] == "20 Sep 2019"
    short, long = reason_names(0.2), reason_sentences(0.2)[-1]
    for row, words in zip(rows, column(page, "words"), strict=True):
        for name, sentence in zip(short, long, strict=True):
            assert (name in words) == (sentence in row["reimage_reason"])
        own = row["warnings"].removeprefix(SYNTHETIC_NOTICE).removeprefix("; ")
        assert (f"Warning: {own}" in words) == bool(own)
    text = page.locator("body").inner_text()
    for sentence in (*long, ESTIMAND[1:], LIMITS, "Probability threshold 0.2."):
        assert sentence in text
    assert page.locator(".notice strong").inner_text().rstrip(".").lower() == SYNTHETIC_NOTICE
    assert "19 of 25 (76 %), against 25 of 25 if everyone were imaged" in text
    assert said(page) == "25 of 25 rows shown."


def test_what_the_page_is_made_from(
    shipped: tuple[Path, list[dict[str, str]]], predictor: Predictor, default_path: Path
) -> None:
    path, rows = shipped
    html = path.read_text(encoding="utf-8")
    data = embedded(html)
    assert data["p"] == numbers(rows, "p_resorbed")
    for row, steps in zip(rows, data["curve"], strict=True):
        cells: dict[str, Any] = {
            name: row[name]
            for name in ("size_mm", "sequestrated", "onset_date", "imaging_date")
            if row["onset_date"]
        } or {
            name: row[name] for name in ("size_mm", "sequestrated", "months_since_onset")
        }  # fmt: skip
        curve = predictor.curve(months=CURVE_MONTHS, **cells).probability
        assert steps == [round(1000 * p) for p in curve.tolist()]
    stored = default_path.with_suffix(".sha256").read_text().split()[0]
    assert stored in html
    assert predictor.model_id in html
    assert predictor.endpoint[1:] in html


def test_rows_with_problems_keep_their_places(
    problems: tuple[Path, list[dict[str, str]]], visitor: Visitor
) -> None:
    path, rows = problems
    page = visitor.open(path)
    assert column(page, "state")[1:] == ["not scored"] * 25
    assert column(page, "words")[1:] == [" ".join(row["problems"].split()) for row in rows[1:]]
    head(page, "p").click()
    head(page, "p").click()
    assert column(page, "position") == [str(n) for n in range(1, 27)]
    assert page.locator(".kinds").is_hidden()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".kinds").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator(".kinds").is_hidden()
    page.locator("summary").click()
    assert page.locator(".kinds li").count() == 13


def test_sorting_by_every_column(many: tuple[Path, list[dict[str, str]]], visitor: Visitor) -> None:
    path, rows = many
    page = visitor.open(path)
    page.locator("#size").select_option("0")
    values: dict[str, list[float]] = {
        "position": [*map(float, range(300))],
        "id": [float(row["patient_id"][1:]) for row in rows],
        "p": numbers(rows, "p_resorbed"),
        "entry": numbers(rows, "months_at_imaging"),
        "wait": [
            b - a
            for a, b in zip(
                numbers(rows, "months_at_imaging"), numbers(rows, "months_at_surgery"), strict=True
            )
        ],
        "state": [{"true": 0.0, "false": 1.0, "": math.nan}[row["reimage"]] for row in rows],
        "surgery": [
            math.nan
            if row["problems"]
            else float(date.fromisoformat(row["surgery_date"]).toordinal())
            for row in rows
        ],
        "later": [
            math.nan if steps is None else float(steps[-1])
            for steps in embedded(path.read_text(encoding="utf-8"))["curve"]
        ],
    }
    for key, sorted_by in values.items():
        for direction in ("ascending", "descending"):
            if not (key == "position" and direction == "ascending"):
                head(page, key).click()
            sign = 1 if direction == "ascending" else -1
            expected = sorted(
                range(300),
                key=lambda i: (
                    (math.isnan(sorted_by[i]), round(sign * sorted_by[i], 9), i)
                    if not math.isnan(sorted_by[i])
                    else (True, 0.0, i)
                ),
            )
            shown = [int(each) - 1 for each in column(page, "position")]
            assert shown == expected, (key, direction)
            marked = {key: direction}
            for each in COLUMNS:
                state = page.locator(f"th[data-key={each}]").get_attribute("aria-sort")
                assert state == marked.get(each, "none")
    head(page, "words").click()
    assert len(set(column(page, "position"))) == 300
    told = [each.lower() for each in column(page, "words") if each]
    assert [each[:3] for each in told] == sorted(each[:3] for each in told)
    assert "Sorted by Reasons, warnings, problems, ascending" in said(page)


def test_filters_and_their_count(many: tuple[Path, list[dict[str, str]]], visitor: Visitor) -> None:
    path, rows = many
    page = visitor.open(path)
    page.locator("#size").select_option("0")

    def expect(fits: list[bool]) -> None:
        count = sum(fits)
        assert said(page).startswith(f"{count} of 300 rows shown"), said(page)
        shown = [int(each) for each in column(page, "position")]
        assert shown == [n for n, fine in enumerate(fits, 1) if fine]

    p = numbers(rows, "p_resorbed")
    page.locator("#state").select_option("unscored")
    expect([bool(row["problems"]) for row in rows])
    page.locator("#state").select_option("consider")
    expect([row["reimage"] == "true" for row in rows])
    page.locator("#reason").select_option("2")
    expect(["symptoms changed" in row["reimage_reason"] for row in rows])
    page.locator("#low").fill("30")
    page.locator("#high").fill("60.5")
    wanted = [
        "symptoms changed" in row["reimage_reason"] and 30 <= 100 * each <= 60.5
        for row, each in zip(rows, p, strict=True)
    ]
    expect(wanted)
    assert "Filter: consider imaging again, symptoms changed, probability from 30" in said(page)
    page.locator("#clear").click()
    expect([True] * 300)
    page.locator("#text").fill("  pErhaps ")
    expect(["perhaps" in row["problems"] for row in rows])
    page.locator("#text").fill("W29")
    expect([row["patient_id"].startswith("W29") for row in rows])
    page.locator("#text").fill("PÉRHAPS")
    expect(["perhaps" in row["problems"] for row in rows])
    page.locator("#text").fill("warning")
    own = [row["warnings"].removeprefix(SYNTHETIC_NOTICE) for row in rows]
    assert any(own)
    expect(list(map(bool, own)))
    page.locator("#text").fill("W29")
    page.locator("#low").press_sequentially("e")
    expect([row["patient_id"].startswith("W29") for row in rows])
    assert "probability from: not a number, left out" in said(page)
    page.locator("#low").fill("")
    page.locator("#text").fill("nobody at all")
    assert said(page).startswith("0 of 300 rows shown")
    assert column(page, "nothing") == ["No row matches these filters."]


def test_pages_of_the_list(many: tuple[Path, list[dict[str, str]]], visitor: Visitor) -> None:
    page = visitor.open(many[0])
    page.locator("#size").select_option("100")
    assert said(page) == "300 of 300 rows shown, 100 at a time."
    pages = [column(page, "position")]
    for _ in range(2):
        page.locator("#next").click()
        pages.append(column(page, "position"))
    assert [each for one in pages for each in one] == [str(n) for n in range(1, 301)]
    assert page.locator("#page").inner_text() == "rows 201 to 300 of 300"
    assert page.locator("#page").get_attribute("aria-live") == "polite"
    assert page.locator("#next").is_disabled()
    assert page.evaluate("document.activeElement.id") == "previous"
    assert page.locator("#list").get_attribute("aria-rowcount") == "301"
    assert page.locator("#list tbody tr").first.get_attribute("aria-rowindex") == "202"
    head(page, "p").click()
    assert page.locator("#page").inner_text() == "rows 1 to 100 of 300"


def test_without_a_mouse(many: tuple[Path, list[dict[str, str]]], visitor: Visitor) -> None:
    path, rows = many
    page = visitor.open(path)
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.closest('th')?.dataset.key"
                " || document.activeElement.className"
            )
        )
        if seen[-1] == "text":
            page.keyboard.type("symptoms changed")
        if seen[-1] == "p":
            break
    page.keyboard.press("Enter")
    assert page.locator("th[data-key=p]").get_attribute("aria-sort") == "ascending"
    assert page.evaluate("document.activeElement.closest('th').dataset.key") == "p"
    wanted = [
        (float(row["p_resorbed"]), n)
        for n, row in enumerate(rows, 1)
        if "symptoms changed" in row["reimage_reason"]
    ]
    assert column(page, "position") == [str(n) for _, n in sorted(wanted)]
    controls = ["text", "state", "reason", "low", "high", "size", "clear"]
    assert [each for each in seen if each in controls] == controls


def test_printed_rows_are_all_that_match(
    many: tuple[Path, list[dict[str, str]]], visitor: Visitor
) -> None:
    page = visitor.open(many[0])
    page.locator("#size").select_option("100")
    page.locator("#state").select_option("consider")
    matching = int(said(page).split()[0])
    assert matching > 100
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#list tbody tr").count() == matching
    page.emulate_media(media="print")
    assert page.locator("#filters").is_hidden()
    assert page.locator(".pager").is_hidden()
    assert page.locator("th[data-key=p] .printed").is_visible()
    assert said(page) == f"{matching} of 300 rows shown. Filter: consider imaging again."
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#list tbody tr").count() == 100
    assert f"{matching} of 300 rows shown, 100 at a time." in said(page)
    sheets = page.pdf(prefer_css_page_size=True)
    assert sheets.startswith(b"%PDF")
    assert b"/MediaBox [0 0 841" in sheets  # A4 on its side


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1024, True)])
def test_phones_and_dark_rooms(
    width: int, dark: bool, problems: tuple[Path, list[dict[str, str]]], visitor: Visitor
) -> None:
    page = visitor.open(problems[0], width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    assert page.locator("#sort").is_visible() == (width == 360)
    if width == 360:
        page.locator("#sort").select_option("words")
        page.locator("#direction").select_option("descending")
        assert page.locator("th[data-key=words]").get_attribute("aria-sort") == "descending"
        assert column(page, "position")[0] != "1"


def test_nothing_that_a_row_holds_runs(tmp_path: Path, visitor: Visitor) -> None:
    ids = [HOSTILE, "=1+1", "<!--", "é 患者 🙂", "  ", "x" * 400, "\u2028"]
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(HEADER.strip().split(","))
    for n, who in enumerate(ids):
        size = HOSTILE[:30] if n == 1 else "9"
        lines.writerow([who, size, "no", "2026-01-01", "2026-02-01", "2026-09-01", ""])
    name = tmp_path / "<b>in'.csv"
    name.write_text(text.getvalue(), encoding="utf-8", newline="")
    made(name, tmp_path / "list.html")
    page = visitor.open(tmp_path / "list.html", width=360)
    shown = page.evaluate(
        "[...document.querySelectorAll('#list td.id')].map((cell) => cell.textContent)"
    )
    assert shown == ids
    assert page.title().startswith("Waiting list")
    assert page.locator("img").count() == 0
    assert HOSTILE[:30] in " ".join(column(page, "words"))
    assert "<b>in'.csv" in page.locator("header").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
