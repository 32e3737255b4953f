"""README and docs: what they show is what comes out, and nothing they show is left unrun."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SYNTHETIC
from shown import RUN_PAGE, assert_shows_what_it_prints

from discresorb_training import Settings, simulate_cohort

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
RUN_HERE = [page.relative_to(ROOT).as_posix() for page in RUN_PAGE["pages"]()]
OWN_FILE = (
    "docs/retraining.md"  # long enough for a worker of its own: tests/test_retraining_page.py
)

BLOCK = re.compile(r"(?:<!-- ([^>]+?) -->\n)?^```([\w ]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUN_BY_RUN_PAGE = {"console", "pycon", "sh"}
LONG = "sh long"
REFERENCE = "docs/api.md"  # made of docstrings; test_docstrings.py compares and runs its examples
PYTHON = {"README.md", "docs/point_of_care.md", OWN_FILE}
QUOTED = re.compile(r"benchmarks/results/|docs/recipes/|map: |discresorb calibrate$")
NOT_RUN = {
    "README.md: pip install . && discresorb score data/synthetic/waiting_list.csv": ".ci/run does",
    'README.md: pip install ".[dev]" && pytest': ".ci/run does",
    "CONTRIBUTING.md: python3 -m venv .venv": "it installs; .ci/run installs the same",
    "CONTRIBUTING.md: discresorb calibrate -o": "a test makes each of these files again",
    "docs/scale.md: discresorb score lists/part-$N": "a line of a job array; Parquet is run above",
    "docs/scale.md: dask scheduler": "needs machines; test_score_on_cluster.py has workers",
}


def blocks(name: str) -> Iterator[tuple[str, str, str]]:
    """Give a page's fenced blocks: the comment above, the language, the text."""
    for found in BLOCK.finditer((ROOT / name).read_text(encoding="utf-8")):
        yield found[1] or "", found[2], found[3]


@pytest.mark.parametrize("name", [each for each in RUN_HERE if each != OWN_FILE])
def test_a_page_shows_what_its_commands_print(name: str) -> None:
    assert_shows_what_it_prints(name)


@pytest.mark.parametrize("name", [each for each in NAMES if each != REFERENCE])
def test_every_block_of_a_page_is_run_or_quoted_or_excused(name: str) -> None:
    left = [
        text
        for comment, language, text in blocks(name)
        if language not in {*RUN_BY_RUN_PAGE, LONG}
        and not QUOTED.match(comment)
        and not (language == "python" and name in PYTHON)
        and not any(f"{name}: {text}".startswith(each) for each in NOT_RUN)
    ]
    assert left == [], "mark it console, pycon or sh (docs/run_page.py), or say why it is not run"


def test_every_excuse_is_still_needed() -> None:
    found = [f"{name}: {text}" for name in NAMES for _, _, text in blocks(name)]
    assert [e for e in NOT_RUN if not any(each.startswith(e) for each in found)] == []


def test_the_long_commands_are_those_that_the_benchmark_ran() -> None:
    shown = [
        (name, command)
        for name in NAMES
        for _, language, text in blocks(name)
        if language == LONG
        for command in RUN_PAGE["one_by_one"](text)
    ]
    printout = (ROOT / "benchmarks" / "results" / "page_commands.txt").read_text(encoding="utf-8")
    ran, page = [], ""
    for line in printout.splitlines():
        if not line.startswith(" "):
            page = line
        elif not line.startswith("    "):
            ran.append((page, line.strip()))
    assert ran == shown


@pytest.mark.parametrize("name", sorted(PYTHON - {OWN_FILE}))
def test_the_python_of_a_page_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = readers_own()
    for _, language, text in blocks(name):
        if language == "python":
            exec(compile(text, name, "exec"), names)  # noqa: S102  # the page is our own


def readers_own() -> dict[str, Any]:
    """What a reader of the pages has at hand."""
    cohort, _ = simulate_cohort(150, seed=1, settings=Settings(sites=3))
    entry = cohort["months_since_onset"].to_numpy()
    upper = cohort["first_resorbed_months"].fillna(np.inf).to_numpy()
    return {
        "frame": pd.read_csv(SYNTHETIC / "waiting_list.csv"),
        "cohort": cohort,
        "X": cohort[["size_mm", "sequestrated"]].to_numpy(float),
        "lower": cohort["last_herniated_months"].to_numpy(),
        "upper": upper,
        "entry": entry,
        "horizon": entry + 6.0,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    gone = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert gone == []


def headings(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as a repository's site makes them."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_into_a_page_leads_to_a_heading(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\(([^)#\s:]*?)#([^)\s]+)\)", path.read_text(encoding="utf-8"))
    gone = [
        f"{page}#{anchor}"
        for page, anchor in links
        if anchor not in headings(path.parent / page if page else path)
    ]
    assert gone == []
