"""The data dictionary and the page made from it."""

from __future__ import annotations

import runpy

from conftest import ROOT

from discresorb.columns import OUTPUT_COLUMNS, SCORING_COLUMNS, SIZE_MM, TRAINING_COLUMNS, Column


def test_the_page_is_made_from_the_dictionary() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "make_columns.py"))["page"]
    assert page() == (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")


def test_names_are_unique() -> None:
    for columns in ((*SCORING_COLUMNS, *OUTPUT_COLUMNS), TRAINING_COLUMNS):
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)


def test_allowed_in_words() -> None:
    assert SIZE_MM.allowed == "a number from 0.5 to 40 mm"
    assert Column("x", "number", "").allowed == "a number"
    assert Column("x", "number", "", "mg", 0.0).allowed == "a number of at least 0 mg"
    assert Column("x", "text", "").allowed == "text"
