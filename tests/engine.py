"""The calculator's arithmetic, asked in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browsers import Visitor

from discresorb import Predictor
from discresorb.pages.model_data import ENGINE_SCRIPTS, model_data
from discresorb.pages.page import html_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_TITLE = "engine"


@contextmanager
def opened(browser: Browser, folder: Path) -> Iterator[Engine]:
    """Open the engine once for many questions; it may make no request and no error."""
    visitor = Visitor(browser)
    yield Engine(visitor, folder)
    visitor.close()
    visitor.quiet()


class Engine:
    """A page that holds the engine's scripts and nothing else."""

    def __init__(self, visitor: Visitor, folder: Path) -> None:
        place = folder / "engine.html"
        html = html_page(
            "base.html", title=_TITLE, styles=[], scripts=ENGINE_SCRIPTS, data={}, notices=[]
        )
        place.write_text(html, encoding="utf-8")
        self._page: Page = visitor.open(place)

    def each(self, expression: str, rows: Sequence[Any], data: Mapping[str, Any]) -> list[Any]:
        """Evaluate an expression of `row` and `model` for every row; nan comes back as None."""
        script = f"""text => {{
            const [data, rows] = JSON.parse(text);
            const model = data.model ? discresorb.model(data.model) : null;
            return JSON.stringify(rows.map((row) => ({expression})));
        }}"""
        asked = json.dumps([data, rows], allow_nan=False)
        found: list[Any] = json.loads(self._page.evaluate(script, asked))
        return found

    def ask(self, expression: str, rows: Sequence[Any], predictor: Predictor) -> list[Any]:
        """Evaluate an expression of `row` and this model for every row."""
        return self.each(expression, rows, {"model": model_data(predictor)})
