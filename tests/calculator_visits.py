"""Using the calculator page as a person does: by labels, and reading what is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browsers import Visitor

from discresorb import Predictor
from discresorb.pages.calculator import calculator_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

__all__ = [
    "CASE",
    "control",
    "enter",
    "left_open",
    "opened",
    "press_tab_until",
    "problems",
    "said",
    "shown",
]

# the case report's patient, by the names that the page gives its inputs
CASE = {
    "Size": "11",
    "Sequestrated": "yes",
    "Onset date": "2019-03-01",
    "Imaging date": "2019-03-15",
    "Surgery date": "2019-09-20",
    "Symptoms changed": "yes",
}

# by label or legend: what kind of input it names, and the input's id
_KINDS = """() => (
    [...document.querySelectorAll('label[for], legend')].map((each) => {
        const inputs = 'input, select';
        const own = each.control ?? each.parentElement.querySelector(inputs);
        return [each.textContent.replace(' (optional)', ''), own.type, own.id];
    }))"""


def opened(visitor: Visitor, predictor: Predictor, folder: Path, **how: Any) -> Page:
    """Open a model's page."""
    place = folder / "calculator.html"
    place.write_text(calculator_page(predictor, sha256="0123abcd" * 8), encoding="utf-8")
    page = visitor.open(place, **how)
    page.set_default_timeout(5000)
    return page


@contextmanager
def left_open(browser: Browser, predictor: Predictor, folder: Path) -> Iterator[Page]:
    """Open a model's page for many tests; afterwards it must have made no request and no error."""
    visitor = Visitor(browser)
    yield opened(visitor, predictor, folder)
    visitor.close()
    visitor.quiet()


def _named(title: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(title)}( \(optional\))?$")


def control(page: Page, title: str) -> Locator:
    """Find a text input or a list by its label."""
    return page.get_by_label(_named(title))


def enter(page: Page, cells: Mapping[str, str]) -> None:
    """Enter texts by label; an empty one is what is not known."""
    kinds = {title: kind for title, *kind in page.evaluate(_KINDS)}
    for title, text in cells.items():
        kind, own_id = kinds[title]
        found = page.locator(f"[id='{own_id}']")
        if kind == "radio":
            radios = page.locator(f"[name='{own_id}']")
            values = radios.evaluate_all("all => all.map((each) => each.value)")
            radios.nth(values.index(text)).check()
        elif kind == "select-one":
            found.select_option(text)
        else:
            found.fill(text)


def shown(page: Page) -> dict[str, Any]:
    """Read the estimate; None for what does not show."""
    if not page.locator("#results").is_visible():
        return {"sentence": None, "needed": _text(page, "#needed"), "problems": problems(page)}
    return {
        "sentence": _text(page, "#sentence"),
        "reasons": page.locator("#advice li").all_inner_texts(),
        "warnings": page.locator("#warnings li").all_inner_texts(),
    }


def problems(page: Page) -> list[str]:
    """Read the summary of what is wrong, without its links."""
    lines: list[str] = page.locator("#problems li").all_inner_texts()
    return [line.rpartition(". (")[0] or line.removesuffix(".") for line in lines]


def _text(page: Page, selector: str) -> str | None:
    found = page.locator(selector)
    text: str = found.inner_text()
    return text if found.is_visible() else None


def said(page: Page, words: str) -> str:
    """Wait until a screen reader is told words, and give all that it is told."""
    region = page.get_by_role("status")
    region.filter(has_text=words).wait_for(state="attached", timeout=5000)
    text: str = region.inner_text()
    return text


def press_tab_until(page: Page, script: str, most: int = 60) -> list[str]:
    """Press Tab until a script is true of the focused element; give what had the focus."""
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if page.evaluate(f"(each => {script})(document.activeElement)"):
            return found
    raise AssertionError(f"the focus never came where {script}: {found}")
