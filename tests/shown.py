"""Whether a page shows what its commands print."""

from __future__ import annotations

import re
import runpy

import pytest
from conftest import ROOT

RUN_PAGE = runpy.run_path(str(ROOT / "docs" / "run_page.py"))
MODEL_ID = re.compile(r"\b([a-z-]+)-[0-9a-f]{10}\b")
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def assert_shows_what_it_prints(page: str, *, rel: float = 1e-9, far: float = 0.0) -> None:
    """To the last word; decimals of what is fitted may differ where another library computes."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = MODEL_ID.sub(r"\1-id", text)
    printed = MODEL_ID.sub(r"\1-id", RUN_PAGE["filled"](text))
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    numbers = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True)
    for found, said in numbers:
        assert float(found) == pytest.approx(float(said), rel=rel, abs=far)
