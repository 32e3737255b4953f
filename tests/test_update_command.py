"""update on the command line."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from command_line import Run, run_here
from conftest import SYNTHETIC

from discresorb import load
from discresorb.artifact import load_artifact
from discresorb.terminal import show_text


@pytest.fixture
def invoke(tmp_path: Path, default_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run update in a folder that holds the new centre and the shipped model."""
    for name in ("new_centre.csv", "new_centre.card.json"):
        shutil.copy(SYNTHETIC / name, tmp_path / name)
    for suffix in (".joblib", ".json", ".sha256"):
        shutil.copy(default_path.with_suffix(suffix), tmp_path)
    monkeypatch.chdir(tmp_path)
    return partial(run_here, "update")


def files() -> set[str]:
    return {path.name for path in Path().iterdir()}


def test_a_new_model_is_saved_beside_the_old_one(invoke: Run) -> None:
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = invoke("new_centre.csv", "--model", "default.joblib", "-o", "ours.joblib")
    assert done.returncode == 0, done.stderr
    assert (
        "Chosen: level 1, locations, because it is the smallest level that was not" in done.stdout
    )
    assert "0 against 2: statistic" in done.stdout
    assert "observed : expected 6 months after the index MRI (1 is right): 0.6" in done.stdout
    assert "Saved ours.joblib" in done.stderr
    assert {path: path.read_bytes() for path in before} == before
    new = load("ours.joblib")
    cells = {"size_mm": 9, "sequestrated": 1, "months_since_onset": 1, "months_to_surgery": 6}
    old = load("default.joblib")
    assert new.predict(**cells).probability < old.predict(**cells).probability
    shown = show_text(load_artifact(Path("ours.joblib")), "ours.joblib")
    assert f"lineage      {old.model_id}, trained on 2000 patients (synthetic)" in shown
    assert f"{new.model_id}, updated at level 1 with 180 patients (synthetic)" in shown


def test_the_same_input_gives_the_same_bytes(invoke: Run) -> None:
    for name in ("a.joblib", "b.joblib"):
        assert invoke("new_centre.csv", "--model", "default.joblib", "-o", name).returncode == 0
    assert Path("a.joblib").read_bytes() == Path("b.joblib").read_bytes()


def test_without_a_file_to_write_it_only_reports(invoke: Run) -> None:
    before = files()
    done = invoke("new_centre.csv", "--model", "default.joblib")
    assert done.returncode == 0, done.stderr
    assert "Chosen: level 1" in done.stdout
    assert "name a file with -o" in done.stderr
    assert files() == before


def test_a_model_that_is_kept_is_not_written_again(invoke: Run) -> None:
    pd.read_csv("new_centre.csv", dtype=str)[:15].to_csv("few.csv", index=False)
    before = files()
    asked = ("--endpoint", load("default.joblib").endpoint, "--data-origin", "synthetic")
    done = invoke("few.csv", "--model", "default.joblib", "-o", "ours.joblib", *asked)
    assert done.returncode == 0, done.stderr
    assert "Chosen: level 0, keep, because too few patients" in done.stdout
    assert "Nothing was written; keep loglogistic-cure-" in done.stderr
    assert files() == before


def test_json_says_the_same(invoke: Run) -> None:
    done = invoke("new_centre.csv", "--model", "default.joblib", "-o", "ours.joblib", "--json")
    found = json.loads(done.stdout)
    assert found["chosen"] == 1
    assert found["saved"] == "ours.joblib"
    assert found["new_model_id"] == load("ours.joblib").model_id
    assert found["levels"][3]["barred"].startswith("4 slopes")
    assert found["tests"][0]["p"] < 0.001
    assert found["cross_validation"]["log_score"]["difference"] > 0.0


def test_nothing_is_overwritten(invoke: Run) -> None:
    call = ("new_centre.csv", "--model", "default.joblib", "-o")
    assert invoke(*call, "ours.joblib").returncode == 0
    again = invoke(*call, "ours.joblib")
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert invoke(*call, "ours.joblib", "--force").returncode == 0
    over = invoke(*call, "default.joblib", "--force")
    assert over.returncode == 2
    assert "is an input of this command" in over.stderr
    for suffix in (".joblib", ".json", ".sha256"):
        shutil.copy(f"default{suffix}", f"copy{suffix}")
    hashes = Path("copy.sha256").read_text().replace("default.", "copy.")
    Path("copy.sha256").write_text(hashes)
    copied = invoke(*call, "copy.joblib", "--force")
    assert copied.returncode == 2
    assert "never overwritten" in copied.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--level", "4"), 2, "--level entered as 4, but must be auto, 0, 1, 2 or 3"),
        (("--level", "3"), 6, "level 3 is not open to these patients"),
        (("--endpoint", "gone"), 3, "resorbed means 'gone'"),
        (("-o", "ours.txt"), 2, "must end in .joblib"),
    ],
)
def test_what_is_refused(invoke: Run, arguments: tuple[str, ...], status: int, words: str) -> None:
    done = invoke("new_centre.csv", "--model", "default.joblib", *arguments)
    assert done.returncode == status, done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((".",), 3, ". is a folder; name a file"),
        (("new_centre.csv", "-o", "."), 2, ". must end in .joblib"),
        (("new_centre.csv", "--model", ".", "-o", "ours.joblib"), 5, ". is not a file"),
    ],
)
def test_a_folder_is_no_file(
    invoke: Run, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = invoke("--model", "default.joblib", *arguments)
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr


def test_visits_are_told_what_to_do(invoke: Run) -> None:
    shutil.copy(SYNTHETIC / "new_centre_visits.csv", "v.csv")
    about = ("--endpoint", load("default.joblib").endpoint, "--data-origin", "synthetic")
    done = invoke("v.csv", "--model", "default.joblib", *about)
    assert done.returncode == 3
    assert "v.csv has one row an MRI; make a cohort of it" in done.stderr
