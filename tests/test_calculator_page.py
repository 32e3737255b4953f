"""The calculator page in a browser: its words are Python's, whatever is entered, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browsers import Visitor
from calculator_visits import CASE, control, enter, opened, problems, said, shown
from composed import CURVED, OPTIONAL, composed
from random_patients import model, patients

from discresorb import InputError, Predictor
from discresorb.columns import Column
from discresorb.design import Covariate
from discresorb.wording import percent

if TYPE_CHECKING:
    from playwright.sync_api import Page

COLUMNS = {
    "Size": "size_mm",
    "Bmi": "bmi",
    "A": "a",
    "B": "b",
    **{
        title: title.lower().replace(" ", "_")
        for title in (
            *("Sequestrated", "Age", "Work", "Smoker", "Depth", "Onset date", "Imaging date"),
            *("Surgery date", "Months since onset", "Months to surgery", "Symptoms changed"),
        )
    },
}
DATES = ("Onset date", "Imaging date", "Surgery date")
MONTHS = {"Months since onset": "2.5", "Months to surgery": "7"}


def by_column(cells: Mapping[str, str]) -> dict[str, Any]:
    return {COLUMNS[title]: text for title, text in cells.items()}


def expected(predictor: Predictor, cells: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = predictor.predict(**by_column(cells))
    except InputError as error:
        return {"sentence": None, "needed": None, "problems": list(error.with_values)}
    warnings = [each for each in found.warnings if each not in predictor.notices]
    return {
        "sentence": found.sentence,
        "reasons": list(found.reasons),
        "warnings": [f"{each}." for each in warnings],
    }


def refusals(predictor: Predictor, cells: Mapping[str, str]) -> list[str]:
    with pytest.raises(InputError) as error:
        predictor.predict(**by_column(cells))
    return list(error.value.with_values)


@pytest.fixture
def page(shipped: Page) -> Page:
    """The shipped model's page, as if it were opened now."""
    shipped.reload()
    return shipped


@pytest.fixture
def filled(page: Page) -> Page:
    """The page with the case report's patient."""
    page.get_by_role("button", name="Fill in an example").click()
    return page


def test_the_example_is_the_case_report(page: Page, predictor: Predictor) -> None:
    page.get_by_role("button", name="Fill in an example").click()
    assert shown(page) == expected(predictor, CASE)
    assert len(shown(page)["reasons"]) == 3
    note = page.get_by_text("These are example values")
    assert note.is_visible()
    enter(page, {"Size": "9"})
    assert not note.is_visible()
    assert not page.get_by_role("button", name="Fill in an example").is_visible()
    assert shown(page) == expected(predictor, CASE | {"Size": "9"})


@pytest.mark.parametrize("name", ["shipped", "curved lognormal cure", "curved weibull all"])
def test_typing_gives_what_python_gives(name: str, visitor: Visitor, tmp_path: Path) -> None:
    predictor = model(name)
    page = opened(visitor, predictor, tmp_path)
    for cells in patients(predictor, 3, seed=2):
        times, others = (DATES, MONTHS) if cells["surgery_date"] else (tuple(MONTHS), DATES)
        page.get_by_label("dates" if times is DATES else "months", exact=True).check()
        typed = {title: cells[COLUMNS[title]] for title in COLUMNS if COLUMNS[title] in cells
                 and title not in others}  # fmt: skip
        enter(page, typed)
        page.keyboard.press("Tab")
        assert shown(page) == expected(predictor, typed)
        if shown(page)["sentence"]:
            row = page.locator("#curve-table tr", has_text="surgery")
            p = predictor.predict(**by_column(typed)).probability
            assert f"{100 * p:.1f}" in row.locator("td").all_text_contents()
            assert "NaN" not in page.locator("#results").inner_html()


def test_the_curve_as_a_table_is_pythons_curve(filled: Page, predictor: Predictor) -> None:
    at_imaging = {title: text for title, text in CASE.items() if title != "Surgery date"}
    months = [1, 2, 3, 6, 9, 12, 18, 24]
    curve = predictor.curve(months=months, **by_column(at_imaging))
    filled.get_by_text("The curve as a table").click()
    rows = filled.locator("#curve-table tbody tr")
    found = [rows.nth(i).locator("td").all_inner_texts() for i in range(rows.count())]
    ours = [each for each in found if "surgery" not in each[-1]]
    assert [each[1:3] for each in ours] == [
        [f"{100 * p:.1f}", f"{100 * low:.1f} to {100 * high:.1f}"]
        for p, low, high in zip(curve.probability, curve.low, curve.high, strict=True)
    ]
    assert found[4][0] == "20 Sep 2019"
    assert ours[-1][0] == "15 Mar 2021"


def test_what_moves_the_estimate_adds_up(filled: Page, predictor: Predictor) -> None:
    rows = filled.locator("#influences tbody tr")
    first, *parts, last = [row.locator("td").all_inner_texts() for row in rows.all()]
    p = predictor.predict(**by_column(CASE)).probability
    assert last == [f"{100 * p:.0f} of 100"]
    changes = [each[-1].split()[0].replace("\u2212", "-") for each in parts]
    total = int(first[0].split()[0]) + sum(int(each) for each in changes)
    assert total == pytest.approx(100 * p, abs=3)  # each is rounded
    assert parts[0][:2] == ["yes", "no"]


def test_where_nothing_can_be_set_against_a_typical_patient_it_is_said(
    visitor: Visitor, tmp_path: Path
) -> None:
    pair = [Covariate(Column(name, "number", name)) for name in ("a", "b")]
    predictor = composed(
        pair, by=None, cure=False, location=np.array([1.7, 1.0, -1.0]), covariance=np.zeros((4, 4))
    )
    page = opened(visitor, predictor, tmp_path)
    far = {"A": "-1e308", "B": "-1e308"}  # together they leave nothing
    enter(page, far | {title: CASE[title] for title in DATES})
    assert shown(page) == expected(predictor, far | {title: CASE[title] for title in DATES})
    assert "cannot be set against a typical patient" in page.locator("#influences").inner_text()


def test_a_hundred_figures_show_estimate_and_interval(filled: Page, predictor: Predictor) -> None:
    found = predictor.predict(**by_column(CASE))
    full, low, high = (round(100 * each) for each in (found.probability, found.low, found.high))
    icons = filled.locator("#icons > svg")
    assert icons.locator("path").count() == 100
    assert icons.locator(".full").count() == full
    assert icons.locator(".unsure").count() == high - low
    words = icons.get_attribute("aria-label")
    assert words is not None
    assert words.startswith(f"{full} of 100")
    assert f"interval {low} to {high}" in words


def test_shares_are_said_alike_everywhere_and_are_no_certainties(
    page: Page, predictor: Predictor
) -> None:
    page.get_by_label("months", exact=True).check()
    cells = {"Size": "12", "Sequestrated": "no", "Months since onset": "0"}
    for wait, yes_or_no in (("590", "yes"), ("0.01", "no"), ("0", "no")):
        cells |= {"Months to surgery": wait, "Sequestrated": yes_or_no}
        enter(page, cells)
        found = predictor.predict(**by_column(cells))
        share, low, high = map(percent, (found.probability, found.low, found.high))
        assert f"{share} of 100 patients" in shown(page)["sentence"]
        assert f"{share} with resorption" in page.locator("#icons").inner_text()
        assert f"interval, {low} to {high}" in page.locator("#icons").inner_text()
        assert f"surgery: {share} of 100" in page.locator("#curve").inner_text()
        assert f"{share} of 100" in page.locator("#influences tr").last.inner_text()
        assert page.locator("#icons > svg .full").count() == (99 if wait == "590" else 0)


def test_no_resorption_is_certain_however_the_numbers_round(
    visitor: Visitor, tmp_path: Path
) -> None:
    predictor = composed(distribution="weibull", cure=False, log_scale=-3.0)
    cells = CASE | {"Onset date": "2015-01-01"}
    page = opened(visitor, predictor, tmp_path)
    enter(page, cells)
    assert predictor.predict(**by_column(cells)).probability == 1.0
    assert shown(page) == expected(predictor, cells)
    assert "more than 99 of 100" in shown(page)["sentence"]
    assert "more than 99 with resorption" in page.locator("#icons").inner_text()
    assert "fewer than 1 without" in page.locator("#icons").inner_text()
    assert page.locator("#icons > svg .full").count() == 99
    enter(page, {"Surgery date": cells["Imaging date"]})
    assert "100 without" in page.locator("#icons").inner_text()


def test_what_is_empty_is_still_needed_and_no_mistake(page: Page) -> None:
    names = ", ".join(title for title in CASE if title != "Symptoms changed")
    assert shown(page)["needed"] == f"Still needed: {names}."
    enter(page, {"Size": "11", "Sequestrated": "yes", "Surgery date": "2019-09-20"})
    assert shown(page)["needed"] == "Still needed: Onset date, Imaging date."
    assert page.locator("[aria-invalid]").count() == 0
    assert problems(page) == []


@pytest.mark.parametrize(
    ("change", "beside"),
    [
        ({"Surgery date": "2019-02-31"}, ["Surgery date"]),
        ({"Surgery date": "20199-03-01"}, ["Surgery date"]),
        ({"Surgery date": "2019-09"}, ["Surgery date"]),
        ({"Surgery date": "20.09.2019"}, ["Surgery date"]),
        ({"Surgery date": "2019-03-14"}, ["Imaging date", "Surgery date"]),
        ({"Onset date": "1989-03-14"}, ["Onset date", "Imaging date"]),
        ({"Size": "11,5"}, ["Size"]),
        ({"Size": "1e999"}, ["Size"]),
        ({"Size": "-3", "Onset date": "2019-13-01"}, ["Size", "Onset date"]),
        ({"Size": "<b>eleven</b>", "Imaging date": "2018-01-01"},
         ["Size", "Onset date", "Imaging date"]),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_where_it_is_wrong(
    filled: Page, predictor: Predictor, change: dict[str, str], beside: list[str]
) -> None:
    assert shown(filled)["sentence"]
    enter(filled, change)
    assert shown(filled)["sentence"] is None
    filled.keyboard.press("Tab")
    words = refusals(predictor, CASE | change)
    assert problems(filled) == words
    wrong = [title for title in CASE if title != "Sequestrated" and title != "Symptoms changed"
             and control(filled, title).get_attribute("aria-invalid") == "true"]  # fmt: skip
    assert wrong == beside
    for title in beside:
        described = str(control(filled, title).get_attribute("aria-describedby")).split()
        texts = [filled.locator(f"[id='{each}']").inner_text() for each in described]
        assert any(each in texts[0] for each in words)
    enter(filled, {title: CASE[title] for title in change})
    assert shown(filled) == expected(predictor, CASE)
    assert filled.locator("[aria-invalid]").count() == 0


def test_a_link_leads_to_what_is_wrong(page: Page) -> None:
    enter(page, CASE | {"Imaging date": "2019-02-30"})
    page.keyboard.press("Tab")
    page.locator("#problems").get_by_role("link", name="Imaging date").click()
    assert control(page, "Imaging date").evaluate("each => each === document.activeElement")


def test_half_a_word_is_no_mistake_until_one_pauses(filled: Page) -> None:
    control(filled, "Surgery date").fill("2019-0")
    assert shown(filled)["sentence"] is None
    assert shown(filled)["needed"] == "Still needed: Surgery date."
    assert filled.locator("[aria-invalid]").count() == 0
    assert "surgery_date entered as 2019-0" in said(filled, "Please check")
    assert filled.locator("[aria-invalid]").count() == 1


def test_values_too_far_to_compute_with_are_told(visitor: Visitor, tmp_path: Path) -> None:
    predictor = composed(CURVED, optional=OPTIONAL)
    page = opened(visitor, predictor, tmp_path)
    far = {"Depth": "-1e308", "Age": "1e300", "Size": "9", "Sequestrated": "no", "Smoker": "no"}
    page.get_by_label("months", exact=True).check()
    enter(page, far | MONTHS)
    page.keyboard.press("Tab")
    assert problems(page) == refusals(predictor, far | MONTHS)


def test_extremes_are_computed(filled: Page, predictor: Predictor) -> None:
    changes = (
        {"Size": "0.5"},
        {"Size": "40"},
        {"Surgery date": "2019-03-15"},
        {"Surgery date": "2069-03-10"},
        {"Onset date": "1999-03-16"},
    )
    entered = dict(CASE)
    for change in changes:
        enter(filled, change)
        entered |= change
        assert shown(filled) == expected(predictor, entered)
        assert "NaN" not in filled.locator("#results").inner_html()


def test_what_is_hidden_is_not_read(page: Page, predictor: Predictor) -> None:
    enter(page, CASE | {"Surgery date": "2019-02-31"})
    page.get_by_label("months", exact=True).check()
    assert not control(page, "Onset date").is_visible()
    assert shown(page)["needed"] == "Still needed: Months since onset, Months to surgery."
    enter(page, MONTHS)
    covariates = {title: text for title, text in CASE.items() if title not in DATES}
    assert shown(page) == expected(predictor, covariates | MONTHS)
    page.get_by_label("dates", exact=True).check()
    assert problems(page) == refusals(predictor, CASE | {"Surgery date": "2019-02-31"})
    enter(page, {"Surgery date": CASE["Surgery date"]})
    assert shown(page) == expected(predictor, CASE)


def test_a_slip_of_the_month_can_be_seen(page: Page) -> None:
    enter(page, {"Surgery date": "2019-09-02"})
    described = str(control(page, "Surgery date").get_attribute("aria-describedby")).split()
    assert "2 Sep 2019" in [page.locator(f"[id='{each}']").inner_text() for each in described]


def test_a_day_can_be_chosen_from_a_calendar(filled: Page, predictor: Predictor) -> None:
    for text in ("2019-09-20", "2019-02-31", ""):
        enter(filled, {"Surgery date": text})
        filled.get_by_label("Choose surgery date").click()
        filled.keyboard.press("Escape")
    pickers = filled.locator("input[type=date]")
    pickers.nth(2).evaluate(
        "each => { each.value = '2019-10-04'; each.dispatchEvent(new Event('change')); }"
    )
    assert shown(filled) == expected(predictor, CASE | {"Surgery date": "2019-10-04"})


def test_clearing_leaves_nothing(filled: Page) -> None:
    filled.get_by_label("Reference for the record").fill("case 7")
    filled.get_by_role("button", name="Clear").click()
    assert shown(filled)["sentence"] is None
    values = filled.evaluate(
        "[...document.querySelectorAll('input[type=text]')].map(each => each.value).join('')"
    )
    assert values == ""
    assert control(filled, "Size").evaluate("each => each === document.activeElement")


def test_what_is_left_of_an_example_is_named(filled: Page) -> None:
    note = filled.locator("#example-note")
    enter(filled, {"Size": "9", "Onset date": "2019-02-01", "Imaging date": "2019-03-01"})
    assert note.inner_text() == (
        "Still the example's, not your patient's: Sequestrated, Surgery date, Symptoms changed."
    )
    filled.get_by_label("months", exact=True).check()
    assert note.inner_text().endswith(": Sequestrated, Symptoms changed.")
    sequestrated = filled.get_by_role("group", name="Sequestrated")
    sequestrated.get_by_label("yes").click()  # it is so of this patient too
    enter(filled, MONTHS | {"Symptoms changed": "no"})
    assert not note.is_visible()
    assert shown(filled)["sentence"]
    filled.get_by_label("dates", exact=True).check()
    assert note.inner_text().endswith(": Surgery date.")
    filled.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert filled.locator(".record .example-note").inner_text() == note.inner_text()
    filled.get_by_role("button", name="Clear").click()
    assert not note.is_visible()


@pytest.mark.parametrize("blank", ["\ufeff", "\u200b", "\u200e"])
def test_what_cannot_be_seen_is_not_passed_over(
    visitor: Visitor, tmp_path: Path, blank: str
) -> None:
    predictor = composed(CURVED, optional=OPTIONAL)
    page = opened(visitor, predictor, tmp_path)
    cells = {"Size": "9", "Sequestrated": "no", "Depth": "1", "Smoker": "no", "Bmi": blank,
             "Age": f"{blank}44"}  # fmt: skip
    page.get_by_label("months", exact=True).check()
    enter(page, cells | MONTHS)
    page.keyboard.press("Tab")
    words = refusals(predictor, cells | MONTHS)
    assert problems(page) == words
    assert len(words) == 2
    assert all("cannot be seen" in each for each in words)


def test_what_moves_an_estimate_is_not_said_to_be_a_cause(filled: Page) -> None:
    assert "not what would happen if" in filled.locator("#influences").inner_text()
    filled.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert "not what would happen if" in filled.locator(".record .influences").inner_text()
