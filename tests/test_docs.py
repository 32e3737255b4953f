"""What the documentation quotes is what the programs print."""

from __future__ import annotations

import re
import runpy

import numpy as np
import pytest
from conftest import ROOT

from discresorb import load
from discresorb.nomogram import make_nomogram
from discresorb.nomogram_figure import nomogram_file
from discresorb_training import Settings
from discresorb_training.calibration import Calibration
from discresorb_training.calibration_table import calibration_table
from discresorb_training.evidence import targets
from discresorb_training.expected import EFFECT_WEIGHTS, STANDARD_EFFECTS, StudyPatients
from discresorb_training.parameters import calibrated

DOCS, RESULTS = ROOT / "docs", ROOT / "benchmarks" / "results"
QUOTED = re.compile(r"<!-- (.+?) -->\n```\n(.*?)\n```", re.DOTALL)


def quotations(page: str) -> dict[str, str]:
    return dict(QUOTED.findall((DOCS / page).read_text(encoding="utf-8")))


def test_the_calibration_page_quotes_the_command() -> None:
    shipped, rows = calibrated(), targets()
    process = Settings().process()
    by_effect = StudyPatients(rows).proportions(process, shipped.site_sd * STANDARD_EFFECTS)
    printed = calibration_table(
        Calibration(process, shipped.site_sd, rows, by_effect @ EFFECT_WEIGHTS)
    )
    assert quotations("calibration.md") == {"discresorb calibrate": "\n".join(printed)}


def test_the_recovery_page_quotes_the_printout() -> None:
    printout = (RESULTS / "recovery.txt").read_text(encoding="utf-8")
    found = quotations("recovery.md")
    assert len(found) == 3
    for quoted in found.values():
        assert quoted in printout
    page = (DOCS / "recovery.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| ([0-9.]+) \| ([0-9.]+ to [0-9.]+ %) \|", page)
    said = re.findall(
        r"supported: largest bias ([0-9.]+), coverage ([0-9.]+ to [0-9.]+ %)", printout
    )
    assert rows == said
    assert len(rows) == 4
    assert "coverage 93 to 97 % (± 1.5): holds" in printout


def test_the_page_on_truth_quotes_the_printouts() -> None:
    """Each block names a file and a part of it, and holds lines of that part, in order."""
    blocks = quotations("truth.md")
    assert len(blocks) >= 8
    for where, quoted in blocks.items():
        file, part = where.removeprefix("benchmarks/results/").split(": ", 1)
        printout = (RESULTS / file).read_text(encoding="utf-8")
        start = printout.index(f"\n{part}")
        lines = iter(printout[start + 1 :].split("\n\n", 1)[0].splitlines())
        for line in quoted.splitlines():
            assert line in lines, f"{where}: {line}"


def test_the_validation_page_quotes_the_printouts() -> None:
    page = (DOCS / "validation.md").read_text(encoding="utf-8")
    found = re.findall(r"<!-- (benchmarks/\S+): .*? -->\n```\n(.*?)\n```", page, re.DOTALL)
    assert len(found) == 3
    for name, quoted in found:
        assert quoted in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["scale.md", "reliability.md"])
def test_pages_quote_printouts(name: str) -> None:
    page = runpy.run_path(str(DOCS / "quote_results.py"))["page"](name)
    assert page == (DOCS / name).read_text(encoding="utf-8")


def test_the_page_on_scale_quotes_printouts_and_recipes() -> None:
    page = (DOCS / "scale.md").read_text(encoding="utf-8")
    for each in ("score.txt: against the floor", "spark_score.py -->", "ray_score.py -->"):
        assert each in page


def test_the_recipes_gave_what_the_command_gives() -> None:
    for name in ("spark_score.txt", "ray_score.txt"):
        printout = (DOCS / "recipes" / name).read_text(encoding="utf-8")
        assert printout.count("(1e-12 allowed): yes") == 3


@pytest.mark.parametrize("name", ["calibration.svg", "typical_patients.svg"])
def test_the_figures_are_of_this_model(name: str) -> None:
    """Bytes differ between versions of the plotting library, words and places hardly do."""
    made = runpy.run_path(str(DOCS / "make_figures.py"))["figures"]()[name].decode()
    shipped = (DOCS / name).read_text(encoding="utf-8")

    def numbers(svg: str) -> np.ndarray:
        lines = [d for d in re.findall(r'<path d="([^"]*)"', svg) if d.count("L") > 5]
        return np.array(re.findall(r"-?[0-9]+\.[0-9]+|-?[0-9]+", " ".join(lines)), float)

    assert re.findall(r">([^<>]+)</text>", made) == re.findall(r">([^<>]+)</text>", shipped)
    if name == "typical_patients.svg":
        assert len(numbers(shipped)) > 500
        np.testing.assert_allclose(numbers(made), numbers(shipped), atol=0.5)


def test_the_nomogram_is_of_this_model() -> None:
    again = nomogram_file(make_nomogram(load()), "svg").decode()
    shipped = (DOCS / "nomogram.svg").read_text(encoding="utf-8")
    words = re.compile(r">([^<>]+)</text>")
    assert len(words.findall(shipped)) > 100
    assert words.findall(again) == words.findall(shipped)
