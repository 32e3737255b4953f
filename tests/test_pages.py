"""What every page holds to: one file, no requests, and text that stays text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsers import Visitor, serious
from conftest import ROOT

from discresorb.pages.page import embedded, html_page
from discresorb.wording import LIMITS

HOSTILE = "</script><script>document.title='ran'</script><img src=x onerror=document.title='ran'>"
DATA: dict[str, Any] = {"name": HOSTILE, "separators": "\u2028\u2029", "mark": "<!--", "é": [1.5]}


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    place = tmp_path / "page.html"
    place.write_text(
        html_page("base.html", title=HOSTILE, styles=[], scripts=[], data=DATA, notices=[HOSTILE]),
        encoding="utf-8",
    )
    return place


def test_data_come_back_whatever_they_hold(page_file: Path) -> None:
    assert embedded(page_file.read_text(encoding="utf-8")) == DATA


def test_no_markup_in_a_value_reaches_the_page(page_file: Path) -> None:
    assert HOSTILE not in page_file.read_text(encoding="utf-8")


def test_markup_in_values_is_inert_and_shown(page_file: Path, visitor: Visitor) -> None:
    page = visitor.open(page_file)
    assert page.title() == HOSTILE
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("img").count() == 0
    assert page.evaluate("JSON.parse(document.getElementById('data').textContent).name") == HOSTILE
    assert LIMITS in page.locator("footer").inner_text()
    assert serious(page) == []


def test_the_policy_forbids_what_the_page_does_not_need(page_file: Path, visitor: Visitor) -> None:
    page = visitor.open(page_file)
    page.evaluate(
        """() => {
            document.body.insertAdjacentHTML('beforeend', '<img src="http://127.0.0.1:9/x.png">');
            const script = document.createElement('script');
            script.textContent = "document.title = 'ran'";
            document.body.append(script);
            const style = document.createElement('style');
            style.textContent = 'body { display: none }';
            document.body.append(style);
        }"""
    )
    refused = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"
    assert page.title() == HOSTILE
    assert page.locator("h1").is_visible()
    said = " ".join(visitor.complaints)
    assert all(each in said for each in ("img-src", "script-src", "style-src", "connect-src"))
    visitor.complaints.clear()
    visitor.requests.clear()


def test_the_report_bars_nobody_and_fits_a_phone(visitor: Visitor) -> None:
    page = visitor.open(ROOT / "artifacts" / "report.html", width=360)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
