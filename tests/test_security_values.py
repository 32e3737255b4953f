"""What patients' rows say stays out of messages, unless it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
import typer
from command_line import Done, Run

from discresorb import InputError, Predictor, cli
from discresorb.columns import (
    SCORING_COLUMNS,
    TRAINING_COLUMNS,
    VISIT_COLUMNS,
)
from discresorb.errors import InputFileError
from discresorb_training import cohort_from_visits, train

ABOUT = ("--endpoint", "gone", "--data-origin", "observed")
WITHOUT_ROWS = {"predict", "show", "calculator", "nomogram", "simulate", "calibrate"}
SECRET = re.compile(r"zq\d+qz")


def secrets() -> Iterator[str]:
    """Cells that occur nowhere else."""
    return (f"zq{number}qz" for number in count())


def table(names: Sequence[str], rows: int) -> str:
    """Write a CSV whose every cell is a secret."""
    cells = secrets()
    lines = [names, *([next(cells) for _ in names] for _ in range(rows))]
    return "".join(",".join(line) + "\n" for line in lines)


NAMES = {
    "score": [column.name for column in SCORING_COLUMNS],
    "train": ["size_mm", "sequestrated", *(column.name for column in TRAINING_COLUMNS)],
    "visits": list(dict.fromkeys(column.name for column in VISIT_COLUMNS)),
}
COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "score": ("score", ("score", "in.csv", "-o", "out.csv")),
    "score to pages": (
        "score", ("score", "in.csv", "-o", "o.csv", "--problems", "p.csv", "--html", "l.html",
                  "--fhir", "l.ndjson"),
    ),
    "train": ("train", ("train", "in.csv", "-o", "m.joblib", *ABOUT)),
    "train on visits": (
        "visits", ("train", "in.csv", "--surgery-weights", "-o", "m.joblib", *ABOUT),
    ),
    "validate": ("train", ("validate", "in.csv", *ABOUT)),
    "validate by centre": ("train", ("validate", "in.csv", "--by", "site_id", *ABOUT)),
    "update": ("train", ("update", "in.csv", "-o", "m.joblib", *ABOUT)),
    "sample-size": ("train", ("sample-size", "in.csv")),
    "cohort": ("visits", ("cohort", "in.csv", "-o", "c.csv")),
    "cohort as JSON": ("visits", ("cohort", "in.csv", "--json")),
    "cohort with recoding": ("visits", ("cohort", "in.csv", "--recode", "finding:1=resorbed")),
}  # fmt: skip
# values that can be read but do not go together
AT_ODDS = {
    "score": """\
patient_id,size_mm,sequestrated,onset_date,imaging_date,surgery_date,months_since_onset,months_to_surgery
Q7731,7.313,yes,2021-07-19,2021-03-23,2021-03-17,17.317,13.713
Q7732,7.319,yes,2021-03-17,2021-03-23,2021-07-19,17.319,13.719
Q7733,7.321,yes,1971-03-17,2021-03-23,2021-07-19,,
Q7734,41.321,maybe3,2021-03-17,,2021-07-19,,
Q7735,7.327,yes,2021-03-17,,2021-07-19,3.727,9.131
""",
    "train": """\
patient_id,size_mm,sequestrated,months_since_onset,last_herniated_months,first_resorbed_months,exit_reason,exit_months,exit_months2,site_id
Q7731,7.313,yes,17.317,13.713,11.171,surgery,9.917,-3.719,S8831
Q7731,7.319,yes,317.317,613.713,,died7,,-3.727,S8831
Q7732,7.321,yes,17.321,33.713,33.713,resorbed,3.721,1.171,S8831
""",
    "visits": """\
patient_id,onset_date,mri_date,finding,leg_pain,surgery_date,exit_date,exit_reason,site_id,size_mm,sequestrated
Q7731,2021-03-17,2021-03-13,resorbed,3,2021-03-11,2021-03-10,end,S8831,7.313,yes
Q7731,2021-03-18,2021-03-13,herniated,13.317,2021-03-12,2021-03-09,lost,S8832,7.317,no
Q7732,1981-03-18,2021-03-19,herniated,3.313,,2021-03-23,surgery,S8833,7.319,no
Q7733,,2021-03-20,herniated,3.317,2021-03-16,2021-03-24,gone3,S8834,47.321,no
""",
}  # fmt: skip
TYPED = re.compile(r"\b(?:Q77\d\d|S88\d\d|-?\d+\.\d{3}|(?:19|20)\d\d-\d\d-\d\d|\w+[37])\b")


def written(folder: Path, kind: str, how: str) -> set[str]:
    """Write the files; give their cells by which they can be told."""
    names = NAMES[kind]
    content = table([*names, "exit_months2"] if kind == "train" else names, 3)
    if how == "without a header":
        content = re.sub("zq1qz", "8.25", content.partition("\n")[2])
    elif how == "with too many fields":
        content = content.replace("\n", ",zq999qz\n").replace(",zq999qz\n", "\n", 1)
    elif how == "at odds":
        content = AT_ODDS[kind]
    (folder / "in.csv").write_text(content)
    (folder / "more.csv").write_text(content)
    return {*SECRET.findall(content), *TYPED.findall(content.partition("\n")[2])} - {"exit_months2"}


def run_on(run: Run, folder: Path, command: str, how: str, *options: str) -> tuple[Done, set[str]]:
    kind, arguments = COMMANDS[command]
    cells = written(folder, kind, how)
    assert len(cells) > 10
    done = run(*arguments, *options, cwd=folder)
    assert done.returncode not in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    said = {*SECRET.findall(done.stderr + done.stdout), *TYPED.findall(done.stderr + done.stdout)}
    return done, cells & said


HOW = ("plain", "without a header", "with too many fields", "at odds")


@pytest.mark.parametrize("command", COMMANDS)
def test_messages_hold_no_cell(command: str, run: Run, tmp_path: Path) -> None:
    for how in HOW if command in ("score", "train", "cohort") else ("plain", "at odds"):
        done, said = run_on(run, tmp_path, command, how)
        assert not said, (how, said, done.stderr)
        assert re.search("row|first line looks like data|other words", done.stderr)
        for left in tmp_path.glob("*"):
            if left.suffix in (".json", ".joblib"):
                assert not SECRET.search(left.read_text(errors="replace"))
        for name in ("out.csv", "o.csv", "p.csv", "l.html", "l.ndjson", "c.csv"):
            (tmp_path / name).unlink(missing_ok=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_messages_hold_cells_where_that_is_asked_for(
    command: str, run: Run, tmp_path: Path
) -> None:
    for how in ("plain",) if "recoding" in command else ("at odds",):
        done, said = run_on(run, tmp_path, command, how, "--show-values", *forced(command))
        assert said, (how, done.stderr)
        assert "is not shown" not in done.stderr


def forced(command: str) -> list[str]:
    return [] if command == "sample-size" else ["--force"]


def test_what_is_written_for_the_user_holds_what_was_entered(run: Run, tmp_path: Path) -> None:
    run_on(run, tmp_path, "score to pages", "plain")
    for name in ("o.csv", "p.csv", "l.html"):
        assert "size_mm entered as zq1qz, but must be" in (tmp_path / name).read_text()


def test_every_command_that_reads_patients_has_the_option() -> None:
    cli._add_further_commands()
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    asked = {
        name
        for name, command in commands.items()
        if any("--show-values" in each.opts for each in command.params)
    }
    assert asked == set(commands) - WITHOUT_ROWS
    assert asked == {arguments[0] for _, arguments in COMMANDS.values()}


def test_exceptions_hold_both(predictor: Predictor) -> None:
    frame = pd.DataFrame([dict(zip(NAMES["train"], secrets(), strict=False))])
    visits = pl.DataFrame([dict(zip(NAMES["visits"], secrets(), strict=False))])
    typed: dict[str, Any] = dict(zip(NAMES["score"], secrets(), strict=False))
    calls: list[Callable[[], object]] = [
        lambda: train(frame, endpoint="gone", data_origin="observed"),
        lambda: cohort_from_visits(visits),
        lambda: predictor.predict(**typed),
        lambda: predictor.curve(months=[1], size_mm="zq1qz", sequestrated=1, months_since_onset=1),
    ]
    for call in calls:
        with pytest.raises(InputError) as caught:
            call()
        assert not SECRET.search(f"{caught.value!s} {caught.value.problems} {caught.value!r}")
        assert SECRET.search("".join(caught.value.with_values))
        assert caught.value.__cause__ is None


def test_an_error_that_travels_keeps_both() -> None:
    import pickle

    error = InputFileError(["row 1: a"], ["row 1: a of 7"]).and_also("b")
    again = pickle.loads(pickle.dumps(error))
    assert (again.problems, again.with_values) == (("row 1: a", "b"), ("row 1: a of 7", "b"))
    assert again.said(show_values=False) == again.problems
    assert again.said(show_values=True) == again.with_values


def test_predict_says_what_was_typed_just_now(run: Run) -> None:
    done = run("predict", "--size-mm", "zq1qz", "--sequestrated", "zq2qz")
    assert done.returncode == 2
    assert "size_mm entered as zq1qz, but must be" in done.stderr


def test_a_fault_of_ours_does_not_quote_rows(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError(next(secrets()))

    monkeypatch.setattr("discresorb.scoring.Scorer.score", broken)
    written(tmp_path, "score", "plain")
    done = run("score", "in.csv", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert "in broken\n" in done.stderr
    assert "KeyError" in done.stderr
    assert not SECRET.search(done.stderr)
    shown = run("score", "in.csv", "-o", "out.csv", "--show-values", cwd=tmp_path)
    assert "KeyError: 'zq0qz'" in shown.stderr
