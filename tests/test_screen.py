"""Scoring on a terminal, which the util-linux program script gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

HEADER = "patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery\n"


def on_a_terminal(command: str) -> tuple[int, str]:
    done = subprocess.run(
        ["script", "-qec", f"stty cols 120; {sys.executable} -m discresorb {command}", "/dev/null"],
        capture_output=True,
        text=True,
        cwd=ROOT / "model",
        timeout=120,
        check=False,
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout)


@pytest.fixture
def long_list(tmp_path: Path) -> Path:
    """3,000 rows, of which the 2,500th cannot be scored."""
    path = tmp_path / "in.csv"
    rows = [f"P{n},9,yes,1,3\n" for n in range(1, 3_001)]
    rows[2_499] = "P2500,big,yes,1,3\n"
    path.write_text(HEADER + "".join(rows))
    return path


def test_a_problem_beyond_the_rows_shown_is_told_of(long_list: Path) -> None:
    status, screen = on_a_terminal(f"score {long_list} --batch-size 0.01")
    assert status == 4
    numbers = [int(n) for n in re.findall(r"^ *(\d+)  P\d+ ", screen, re.M)]
    assert numbers == list(range(1, 2_001))
    assert "… and 1000 more rows; -o FILE writes them all." in screen
    assert "size_mm not allowed: 1 row (row 2500); size_mm must be a number" in screen


def test_strict_prints_no_table_but_what_is_wrong(long_list: Path) -> None:
    status, screen = on_a_terminal(f"score {long_list} --strict")
    assert status == 3
    assert "P1 " not in screen
    assert "size_mm not allowed: 1 row (row 2500)" in screen
    assert "no rows were written" in screen


def test_the_progress_line_goes_when_it_is_over(long_list: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    status, screen = on_a_terminal(f"score {long_list} -o {output} --batch-size 0.001")
    assert status == 4
    assert re.search(r"scoring .* 3,000 rows, [\d,]+ a second", screen)
    last = screen.replace("\r", "\n").strip().splitlines()[-4:]
    assert not any("a second" in line for line in last)
    assert output.read_text().count("\n") == 3_001
