"""Inputs that once broke something, found by benchmarks/fuzz.py: each is now refused in words."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from conftest import SYNTHETIC, Run

CRASHES: Final = Path(__file__).parent / "data" / "crashes"
# what must be said of each
WORDS: Final = {
    "cards-half-a-letter.card.json": "has a data_origin that cannot be printed; give --data-origin",
    "commands-endless-number.txt": "but no model is so large",
    "models-fingerprint-of-lists.joblib": "quantiles is list",
    "models-groups-of-nobody.joblib": "support group is of nobody",
    "models-level-that-is-none.joblib": "support group is of no level of sequestrated",
    "models-no-penalty.joblib": "penalty is missing",
    "models-penalty-of-text.joblib": "penalty is str",
    "pickles-doubled-format.joblib": "has format a tuple",
    "pickles-doubled-key.joblib": "it has a key that is not text",
    "pickles-doubled-set.joblib": r"it uses opcode b'\x8f', which no model needs",
    "pickles-doubled-type.joblib": "an array of type a tuple",
}


def model(crash: Path, folder: Path) -> list[str]:
    path = folder / "m.joblib"
    shutil.copy(crash, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return ["show", "m.joblib"]


def card(crash: Path, folder: Path) -> list[str]:
    cohort = folder / "cohort.csv"
    shutil.copy(SYNTHETIC / "new_centre.csv", cohort)
    said = json.loads(crash.read_bytes())
    said["sha256"] = hashlib.sha256(cohort.read_bytes()).hexdigest()
    cohort.with_suffix(".card.json").write_text(json.dumps(said), encoding="utf-8")
    return ["train", "cohort.csv", "-o", "m.joblib"]


def command(crash: Path, folder: Path) -> list[str]:
    shutil.copy(SYNTHETIC / "new_centre.csv", folder / "cohort.csv")
    return shlex.split(crash.read_text(encoding="utf-8"))


REPLAYED: Final[dict[str, tuple[Callable[[Path, Path], list[str]], int]]] = {
    "cards": (card, 3),
    "commands": (command, 2),
    "models": (model, 5),
    "pickles": (model, 5),
}


def test_every_crash_that_is_kept_has_its_words() -> None:
    assert sorted(WORDS) == sorted(each.name for each in CRASHES.iterdir())


@pytest.mark.parametrize("name", WORDS)
def test_what_once_broke_is_refused_in_words(name: str, tmp_path: Path, run: Run) -> None:
    prepare, status = REPLAYED[name.partition("-")[0]]
    done = run(*prepare(CRASHES / name, tmp_path), cwd=tmp_path)
    assert WORDS[name] in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (status, "")


def test_a_hash_file_that_never_ends_is_not_waited_for(tmp_path: Path, run: Run) -> None:
    command = model(CRASHES / "models-no-penalty.joblib", tmp_path)
    hashes = tmp_path / "m.sha256"
    hashes.unlink()
    os.mkfifo(hashes)
    done = run(*command, cwd=tmp_path)
    assert "m.sha256 is not a file" in done.stderr
    assert done.returncode == 5


def test_text_that_cannot_be_saved_is_refused_before_training(tmp_path: Path, run: Run) -> None:
    shutil.copy(SYNTHETIC / "new_centre.csv", tmp_path / "cohort.csv")
    command = ["train", "cohort.csv", "--data-origin", "synthetic", "-o", "m.joblib"]
    done = run(*command, "--endpoint", "gone \udcff", cwd=tmp_path)
    assert "--endpoint cannot be printed" in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


def test_a_card_that_never_ends_is_not_read(tmp_path: Path, run: Run) -> None:
    shutil.copy(SYNTHETIC / "new_centre.csv", tmp_path / "cohort.csv")
    card = tmp_path / "cohort.card.json"
    os.mkfifo(card)
    done = run("train", "cohort.csv", "-o", "m.joblib", cwd=tmp_path)
    assert (done.returncode, "cohort.card.json is not a file" in done.stderr) == (3, True)
    card.unlink()
    card.write_bytes(b"[" * (2 << 20))
    done = run("train", "cohort.csv", "-o", "m.joblib", cwd=tmp_path)
    assert (done.returncode, "larger than any data card" in done.stderr) == (3, True)


@pytest.mark.parametrize("key", ["data_origin", "between_study_sd"])
def test_what_a_card_says_is_not_quoted_without_end(key: str, tmp_path: Path, run: Run) -> None:
    cohort = tmp_path / "cohort.csv"
    shutil.copy(SYNTHETIC / "new_centre.csv", cohort)
    said = {"sha256": hashlib.sha256(cohort.read_bytes()).hexdigest(), "endpoint": "gone"}
    said |= {"data_origin": "observed", key: "x" * 50_000}
    cohort.with_suffix(".card.json").write_text(json.dumps(said), encoding="utf-8")
    for given in ([], ["--data-origin", "synthetic"]):
        done = run("train", "cohort.csv", "-o", "m.joblib", *given, cwd=tmp_path)
        assert done.returncode in (2, 3)
        assert len(done.stderr) < 1_000


def test_knots_beyond_any_number_are_refused_in_words(tmp_path: Path, run: Run) -> None:
    cohort = SYNTHETIC / "new_centre.csv"
    done = run("sample-size", cohort, "--covariates", "size_mm:spline" + "9" * 5_000)
    assert done.returncode == 2, done.stderr
    assert "form of size_mm entered as spline999" in done.stderr
    assert len(done.stderr) < 500
