"""The command line as a user and as a program meet it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, SYNTHETIC, Run

from discresorb import Predictor, __version__
from discresorb.wording import ESTIMAND, SYNTHETIC_NOTICE

WAITING_LIST = SYNTHETIC / "waiting_list.csv"
CASE = (
    *("--size-mm", 11, "--sequestrated", "yes", "--onset-date", "2019-03-01"),
    *("--imaging-date", "2019-03-15", "--surgery-date", "2019-09-20"),
)


def in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with a shell's redirections."""
    return subprocess.run(
        ["bash", "-c", f"{sys.executable} -m discresorb {command}"],
        capture_output=True,
        text=True,
        cwd=ROOT / "model",
        timeout=120,
        check=False,
    )


def test_predict_says_all_that_must_be_said(run_process: Run) -> None:
    done = run_process("predict", *CASE, "--symptoms-changed", "yes")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].lower().rstrip(".") == SYNTHETIC_NOTICE
    assert "If surgery does not happen before 20 Sep 2019, about" in done.stdout
    assert "of 100 patients like this would show resorption on MRI" in done.stdout
    assert "11 mm" in done.stdout
    assert "index MRI 0.5 months after onset, surgery 6.2 months after the MRI" in done.stdout
    assert done.stdout.count("the case report's rule") == 2
    assert "Resorbed means: definite regression of the herniation on MRI" in done.stdout
    assert "95 % interval: uncertainty of the estimate" in done.stdout
    assert ESTIMAND in done.stdout
    assert "cauda equina" in done.stdout


def test_predict_json_has_the_output_columns(run: Run) -> None:
    by_dates = json.loads(run("predict", *CASE, "--json").stdout)
    months = (
        "--months-since-onset",
        repr(14 / 30.4375),
        "--months-to-surgery",
        repr(189 / 30.4375),
    )
    by_months = json.loads(run("predict", *CASE[:4], *months, "--json").stdout)
    assert by_dates["notice"] == SYNTHETIC_NOTICE
    assert by_dates["p_resorbed"] == pytest.approx(by_months["p_resorbed"], rel=1e-12)
    assert by_dates["p_low"] < by_dates["p_resorbed"] < by_dates["p_high"]


def test_predict_lists_every_problem(run: Run) -> None:
    done = run("predict", "--size-mm", "abc", "--sequestrated", "maybe")
    assert done.returncode == 2
    assert done.stderr.count("Error: ") == 3
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--threshold", 0), "threshold entered as 0"),
        (("--threshold", "nan"), "threshold entered as nan"),
        (("--scan-cost", 300), "--scan-cost and --operation-cost together"),
        (("--scan-cost", 9, "--operation-cost", 3), "the scan must not cost more"),
    ],
)
def test_thresholds_that_make_no_sense(run: Run, options: tuple[object, ...], words: str) -> None:
    done = run("predict", *CASE, *options)
    assert done.returncode == 2
    assert words in done.stderr


def test_threshold_from_two_costs(run: Run) -> None:
    done = run("predict", *CASE, "--scan-cost", 300, "--operation-cost", 600)
    assert "at or above the threshold of 0.5" in done.stdout
    assert "upper bound" in done.stdout


def test_score_prints_every_row_for_a_program(run: Run) -> None:
    done = run("score", WAITING_LIST)
    assert done.returncode == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    with WAITING_LIST.open(encoding="utf-8") as stream:
        given = list(csv.DictReader(stream))
    assert [row["patient_id"] for row in rows] == [row["patient_id"] for row in given]
    for row in rows:
        assert 0 <= float(row["p_low"]) <= float(row["p_resorbed"]) <= float(row["p_high"]) <= 1
        assert row["reimage"] in ("true", "false")
        assert bool(row["reimage_reason"]) == (row["reimage"] == "true")
        assert row["warnings"].startswith(SYNTHETIC_NOTICE)
    assert sum("outside the central" in row["warnings"] for row in rows) == 1
    assert "25 rows scored, 0 could not be scored." in done.stderr
    assert "advised for 19 of 25 (76 %), against 25 of 25 if everyone were imaged" in done.stderr
    counts = "six months or more 5 of 25 (20 %), symptoms changed 4 of 25 (16 %)"
    assert f"By reason: {counts}, probability at least 0.2 18 of 25 (72 %)." in done.stderr


def test_score_prints_every_row_for_a_person() -> None:
    """On a terminal: the util-linux program script gives one."""
    command = f"{sys.executable} -m discresorb score {WAITING_LIST}"
    done = subprocess.run(
        ["script", "-qec", f"stty cols 100; {command}", "/dev/null"],
        capture_output=True,
        text=True,
        cwd=ROOT / "model",
        timeout=120,
        check=True,
    )
    assert "image" in done.stdout
    for number in range(1, 25):
        assert f"W{number:04d}" in done.stdout
    assert done.stdout.lower().startswith(SYNTHETIC_NOTICE)
    assert ESTIMAND in " ".join(done.stdout.split())
    table = re.sub(r"\x1b\[\d+m", "", done.stdout).split("The case report")[0]
    assert max(map(len, table.splitlines())) <= 100
    # every row with a probability, an interval and advice
    rows = re.findall(r"^ *\d+ +\S+ +\d+\.\d +\d+ to \d+ +(?:consider|no reason)", table, re.M)
    assert len(rows) == 25


def test_json_lines(run: Run) -> None:
    done = run("score", SYNTHETIC / "waiting_list_problems.csv", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 4
    assert rows[0]["problems"] == ""
    assert isinstance(rows[0]["p_resorbed"], float)
    assert rows[1]["p_resorbed"] is None
    assert rows[1]["reimage"] is None


def test_standard_input(run_process: Run) -> None:
    text = WAITING_LIST.read_text(encoding="utf-8")
    assert run_process("score", "-", input=text).stdout == run_process("score", WAITING_LIST).stdout


def test_output_file_is_not_overwritten_without_force(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "scored.csv"
    assert run("score", WAITING_LIST, "-o", output).returncode == 0
    first = output.read_bytes()
    assert first.decode() == run("score", WAITING_LIST).stdout
    output.write_bytes(b"mine")
    refused = run("score", WAITING_LIST, "-o", output)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert output.read_bytes() == b"mine"
    assert run("score", WAITING_LIST, "-o", output, "--force").returncode == 0
    assert output.read_bytes() == first
    assert run("score", WAITING_LIST, "-o", tmp_path / "no" / "x.csv").returncode == 2
    assert [each.name for each in tmp_path.iterdir()] == ["scored.csv"]


def test_what_stands_at_the_output(run: Run, tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real.csv", tmp_path / "link.csv", tmp_path / "pipe"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    assert run("score", WAITING_LIST, "-o", link).returncode == 2
    assert run("score", WAITING_LIST, "-o", link, "--force").returncode == 0
    assert link.is_symlink()
    assert real.read_text().startswith("patient_id,")
    assert real.stat().st_mode & 0o777 == 0o600
    os.mkfifo(pipe)
    refused = run("score", WAITING_LIST, "-o", pipe, "--force")
    assert (refused.returncode, "not an ordinary file" in refused.stderr) == (2, True)
    assert run("score", WAITING_LIST, "-o", "-").stdout.startswith("patient_id,")
    long = run("score", WAITING_LIST, "-o", tmp_path / ("x" * 300))
    assert (long.returncode, "Traceback" in long.stderr) == (2, False)


@pytest.mark.parametrize("command", [("score", WAITING_LIST), ("predict", *CASE), ("show",)])
def test_a_full_device_is_told_of(command: tuple[object, ...]) -> None:
    done = in_a_shell(f"{' '.join(map(str, command))} > /dev/full")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_takes_one_model(run: Run, default_path: Path) -> None:
    both = run("show", default_path, "--model", default_path)
    assert (both.returncode, "name one model" in both.stderr) == (2, True)


def test_formulas_are_defused_unless_raw(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    cells = ["=1+1", "+49 30", "-5", "@x", "-x", "\tx"]
    header = "patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery\n"
    path.write_text(header + "".join(f'"{cell}",9,yes,1,3\n' for cell in cells))
    done = run("score", path)
    found = [row["patient_id"] for row in csv.DictReader(io.StringIO(done.stdout))]
    assert found == ["'=1+1", "'+49 30", "-5", "'@x", "'-x", "'\tx"]
    assert "5 cells got one" in done.stderr
    raw = run("score", path, "--raw-text")
    assert [row["patient_id"] for row in csv.DictReader(io.StringIO(raw.stdout))] == cells


def test_a_broken_pipe_ends_quietly(tmp_path: Path) -> None:
    header, row, *_ = WAITING_LIST.read_text(encoding="utf-8").splitlines()
    long = tmp_path / "long.csv"  # more than any pipe holds
    long.write_text("\n".join([header, *[row] * 5_000]))
    done = in_a_shell(f"score {long} | head -n 1; exit ${{PIPESTATUS[0]}}")
    assert done.stdout.startswith("patient_id,")
    assert done.returncode == 0
    assert "Error" not in done.stderr


def test_an_interrupt_leaves_130_and_nothing_else(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "discresorb", "score", "-", "-o", tmp_path / "out.csv"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT / "model",
    )
    time.sleep(2.0)  # it waits for standard input
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_show_describes_the_model(run: Run) -> None:
    done = run("show")
    assert done.returncode == 0
    for words in (
        "estimand",
        "endpoint",
        "Coefficients",
        "Equation",
        "central 98 %",
        "patients: 2000",
        "uncertainty of the estimate and spread between studies (SD 0.",
        "penalty      0.1",
    ):
        assert words in done.stdout
    stored = json.loads(run("show", "--json").stdout)
    assert stored["format"] == 2


def test_help_version_and_further_commands(run_process: Run) -> None:
    assert run_process("--version").stdout.strip() == f"discresorb {__version__}"
    listed = run_process("--help").stdout
    for command in ("predict", "score", "show", "calibrate", "simulate", "train"):
        assert command in listed
        assert "Example: discresorb" in run_process(command, "--help").stdout
    wrong = run_process("scroe")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


@pytest.mark.parametrize("command", ["predict", "score", "cohort", "train", "update", "validate"])
def test_help_breaks_its_lines_where_the_terminal_ends(run: Run, command: str) -> None:
    """Not where the source does, which leaves ragged lines on a terminal of another width."""
    about = run(command, "--help").stdout.partition("\u256d")[0]
    paragraphs = re.split(r"\n\s*\n", about.strip())
    assert len(paragraphs) > 2
    for paragraph in paragraphs:
        lines = [line.strip() for line in paragraph.splitlines()]
        assert all(len(line) > 170 for line in lines[:-1]), paragraph


def test_a_closed_standard_output_is_told_of() -> None:
    done = in_a_shell("show >&-")
    assert done.returncode == 2
    assert "standard output is closed" in done.stderr


def test_the_case_report_is_told_of_only_where_its_rules_apply(run: Run) -> None:
    soon = ("--months-since-onset", 1, "--months-to-surgery", 2)
    assert "The case report" not in run("predict", *CASE[:4], *soon).stdout
    assert "The case report" in run("predict", *CASE).stdout


def test_the_shipped_model_has_a_name(
    run: Run, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another model is the default."""
    monkeypatch.setenv("DISCRESORB_MODEL", "elsewhere.joblib")
    assert run("show").returncode == 5
    named = run("show", "--model", "shipped", "--json")
    assert named.returncode == 0, named.stderr
    assert json.loads(named.stdout)["model_id"] == predictor.model_id
