"""The page on retraining shows what its commands print."""

from __future__ import annotations

import re
import runpy

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "retraining.md"
MODEL_ID = re.compile(r"\b([a-z-]+)-[0-9a-f]{10}\b")
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def test_the_page_shows_what_its_commands_print() -> None:
    """To the last word; decimals may round otherwise where another library computes."""
    shown = MODEL_ID.sub(r"\1-id", PAGE.read_text(encoding="utf-8"))
    filled = runpy.run_path(str(ROOT / "docs" / "run_page.py"))["filled"]
    printed = MODEL_ID.sub(r"\1-id", filled(PAGE.read_text(encoding="utf-8")))
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    numbers = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True)
    for found, said in numbers:
        assert float(found) == pytest.approx(float(said), rel=0.02, abs=0.003)


def test_the_pages_python_names_what_there_is() -> None:
    import discresorb_training

    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    compile(code[1], "page", "exec")
    imported = re.search(r"from discresorb_training import (.*)", code[1])
    assert imported
    for name in imported[1].split(", "):
        assert hasattr(discresorb_training, name)
