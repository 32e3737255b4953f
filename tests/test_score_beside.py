"""What score writes beside the rows: a page, FHIR resources; of all files, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import ROOT, SYNTHETIC
from typer.testing import CliRunner, Result
from waiting_lists import BAD, GOOD, HEADER, small_lists, waiting_list

from discresorb.artifact import find_shipped
from discresorb.cli import app
from discresorb.pages import waiting_list as waiting_list_page
from discresorb.pages.page import embedded


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return small_lists(tmp_path)


def score(*arguments: object, input: str | None = None) -> Result:
    return CliRunner().invoke(
        app, ["score", *map(str, arguments)], prog_name="discresorb", input=input
    )


def there(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())


def subjects(path: Path) -> list[str]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [each["subject"]["identifier"]["value"] for each in lines]


def test_rows_go_where_they_went(folder: Path) -> None:
    further = ("--html", "x.html", "--fhir", "x.ndjson", "--force")
    for form in ((), ("--json",), ("--strict",), ("--raw-text",)):
        for name in ("good.csv", "bad.csv"):
            alone, done = score(name, *form), score(name, *form, *further)
            assert (done.exit_code, done.stdout) == (alone.exit_code, alone.stdout)
            assert (done.stdout == "") == (name == "bad.csv" and form == ("--strict",))
    assert score("bad.csv", "-o", "alone.csv").exit_code == 4
    assert score("bad.csv", "-o", "out.csv", *further).exit_code == 4
    assert (folder / "alone.csv").read_bytes() == (folder / "out.csv").read_bytes()


def test_the_page_and_the_resources_hold_the_rows_of_the_csv(folder: Path) -> None:
    done = score("bad.csv", "--html", "x.html", "--fhir", "x.ndjson")
    assert "x.html opens in any browser, without a network." in done.stderr
    left_out = "rows left out, as they could not be scored: 2."
    assert f"x.ndjson holds 1 RiskAssessment; {left_out}" in done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    found = embedded((folder / "x.html").read_text(encoding="utf-8"))
    assert found["files"] == [["bad.csv", 3]]
    assert found["ids"] == ["C", "=D", "E"]
    for name, column in (("p", "p_resorbed"), ("low", "p_low"), ("high", "p_high")):
        assert found[name] == [float(row[column]) if row[column] else None for row in rows]
    problems = found["problems"]
    assert [problems["table"][code] for code in problems["code"]] == [
        row["problems"] for row in rows
    ]
    assert subjects(folder / "x.ndjson") == ["C"]


def test_standard_input(folder: Path) -> None:
    done = score("-", "--html", "x.html", "--fhir", "x.ndjson", input=GOOD)
    assert (done.exit_code, done.stdout) == (0, score("good.csv").stdout)
    assert len(embedded((folder / "x.html").read_text())["p"]) == 2
    assert subjects(folder / "x.ndjson") == ["A", "B"]


def test_several_files_and_one_that_does_not_fit(folder: Path) -> None:
    further = ("--html", "x.html", "--fhir", "x.ndjson", "--problems", "p.csv")
    done = score("good.csv", "unfit.csv", "bad.csv", "-o", "out/", *further)
    assert done.exit_code == 3
    page = (folder / "x.html").read_text(encoding="utf-8")
    assert embedded(page)["files"] == [["good.csv", 2], ["bad.csv", 3]]
    assert "unfit.csv is separated by semicolons" in page
    assert subjects(folder / "x.ndjson") == ["A", "B", "C"]
    assert there(folder / "out") == ["bad.csv", "good.csv"]


def test_nothing_is_left_of_a_file_found_damaged_late(folder: Path) -> None:
    rows = "".join(f"F{n},9,yes,1,{n % 89}\n" for n in range(5_000))
    (folder / "late.csv").write_bytes((BAD + rows).encode() + b"\xff,9,yes,1,3\n")
    options = ("--batch-size", "0.01", "--problems", "p.csv")
    further = ("--html", "x.html", "--fhir", "x.ndjson")
    done = score("good.csv", "late.csv", "bad.csv", "-o", "out/", *options, *further)
    assert (done.exit_code, "late.csv" in done.stderr) == (3, True)
    found = embedded((folder / "x.html").read_text(encoding="utf-8"))
    assert found["files"] == [["good.csv", 2], ["bad.csv", 3]]
    assert found["ids"] == ["A", "B", "C", "=D", "E"]
    assert subjects(folder / "x.ndjson") == ["A", "B", "C"]
    with (folder / "p.csv").open(newline="") as stream:
        assert {row["file"] for row in csv.DictReader(stream)} == {"bad.csv"}


@pytest.mark.parametrize("others", [("bad.csv",), ("unfit.csv",), ()])
def test_strict_writes_nothing_unless_all_is_scored(others: tuple[str, ...], folder: Path) -> None:
    before = there(folder)
    further = ("--html", "x.html", "--fhir", "x.ndjson", "--strict")
    done = score("good.csv", *others, "-o", "out/", *further)
    if others:
        assert (done.exit_code, there(folder)) == (3, before)
        assert "x.html" not in done.stderr
    else:
        assert (done.exit_code, there(folder / "out")) == (0, ["good.csv"])
        assert len(embedded((folder / "x.html").read_text())["p"]) == 2


@pytest.mark.parametrize("output", [(), ("-o", "out.csv"), ("-o", "out/"), ("-o", "out.parquet")])
@pytest.mark.parametrize("batch", ["4", "0.00001"])
def test_a_page_of_too_many_rows_is_refused(
    output: tuple[str, ...], batch: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_list_page, "MOST_ROWS", 4)
    names = ("good.csv", "bad.csv") if output == ("-o", "out/") else ("long.csv",)
    (folder / "long.csv").write_text(GOOD + BAD.removeprefix(f"{HEADER}\n"))
    before = there(folder)
    further = ("--html", "x.html", "--fhir", "x.ndjson", "--problems", "p.csv")
    done = score(*names, *output, *further, "--batch-size", batch)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--html: there are more than 4 rows" in done.stderr
    assert "leave --html out, or score one part of the list at a time" in done.stderr
    assert there(folder) == before
    monkeypatch.setattr(waiting_list_page, "MOST_ROWS", 5)
    assert score(*names, *output, *further, "--batch-size", batch).exit_code == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--html", "x.csv"), "--html x.csv: name a .html or .htm file"),
        (("--fhir", "x.ndjson.gz"), "--fhir x.ndjson.gz: name a .ndjson or .jsonl or .json file"),
        (("--html", "x.html", "--fhir", "no/x.ndjson"), "folder no does not exist"),
        (("--html", "old.html"), "old.html exists already; use --force"),
        (("--fhir", "old.ndjson"), "old.ndjson exists already; use --force"),
        (("--fhir", "x.json", "-o", "x.json"), "is named twice"),
        (("--fhir", "list.json", "--force"), "is an input of this command"),
        (("--fhir", find_shipped().with_suffix(".json"), "--force"), "is an input of this command"),
        (("--html", "x.html", "--scheduler", "tcp://1:1"), "leave --scheduler out"),
        (("--fhir", "x.ndjson", "--scheduler", "tcp://1:1"), "leave --scheduler out"),
    ],
)
def test_what_may_not_be_written_is_told_before_work_begins(
    arguments: tuple[object, ...], words: str, folder: Path
) -> None:
    for name in ("old.html", "old.ndjson"):
        (folder / name).write_text("mine")
    (folder / "list.json").write_text(GOOD)
    before = there(folder)
    done = score("list.json", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert there(folder) == before
    assert (folder / "old.html").read_text() == "mine"


def test_force_replaces_what_stands_there(folder: Path) -> None:
    (folder / "old.html").write_text("mine")
    assert score("good.csv", "--html", "old.html", "--force").exit_code == 0
    assert (folder / "old.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_model_replaced_meanwhile_is_not_named_on_a_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = iter("ab")
    monkeypatch.setattr("discresorb.hashed_model.file_hash", lambda path: next(hashes))
    done = score("good.csv", "--html", "x.html")
    assert (done.exit_code, "was replaced while it was read" in done.stderr) == (5, True)
    assert not (folder / "x.html").exists()


def test_the_same_bytes_however_the_rows_are_cut(folder: Path) -> None:
    waiting_list(400, bad=11).write_csv("in.csv")
    written = []
    for number, options in enumerate(((), ("--n-jobs", 1), ("--batch-size", "0.0005"))):
        names = (f"{number}.html", f"{number}.ndjson")
        done = score("in.csv", "--html", names[0], "--fhir", names[1], *options)
        assert done.exit_code == 4
        written.append([(folder / name).read_bytes() for name in names])
    assert written[0] == written[1] == written[2]


def test_a_header_alone(folder: Path) -> None:
    (folder / "none.csv").write_text(HEADER + "\n")
    done = score("none.csv", "--html", "x.html", "--fhir", "x.ndjson")
    assert done.exit_code == 0
    page = (folder / "x.html").read_text(encoding="utf-8")
    assert embedded(page)["p"] == []
    assert "0 rows of none.csv." in page
    assert (folder / "x.ndjson").read_bytes() == b""


def test_a_file_without_rows_is_one_of_the_files(folder: Path) -> None:
    (folder / "none.csv").write_text(HEADER + "\n")
    names = ("good.csv", "none.csv", "unfit.csv", "bad.csv")
    assert score(*names, "-o", "out/", "--html", "x.html").exit_code == 3
    page = (folder / "x.html").read_text(encoding="utf-8")
    assert embedded(page)["files"] == [["good.csv", 2], ["none.csv", 0], ["bad.csv", 3]]
    assert "5 rows of 3 files." in page
    assert "3 rows of 3 files scored" in page


def test_ids_of_parquet_that_are_no_numbers(folder: Path) -> None:
    ids = pl.Series("patient_id", [7.5, math.nan, None], dtype=pl.Float64)
    frame = pl.DataFrame({"size_mm": [9.0] * 3, "sequestrated": [True] * 3}).with_columns(
        ids, months_since_onset=1.0, months_to_surgery=3.0
    )
    frame.write_parquet("in.parquet")
    assert score("in.parquet", "--html", "x.html", "-o", "o.parquet").exit_code == 0
    assert embedded((folder / "x.html").read_text(encoding="utf-8"))["ids"] == ["7.5", "", ""]


def test_the_shipped_lists(tmp_path: Path) -> None:
    for name, status, count in (("waiting_list", 0, 25), ("waiting_list_problems", 4, 26)):
        page = tmp_path / f"{name}.html"
        done = score(SYNTHETIC / f"{name}.csv", "-o", tmp_path / f"{name}.csv", "--html", page)
        assert done.exit_code == status
        assert len(embedded(page.read_text(encoding="utf-8"))["p"]) == count


@pytest.mark.parametrize(
    ("further", "full"),
    [
        (("--html", "x.html", "-o", "o.csv.gz"), "{folder}/x.html"),
        (("--fhir", "x.ndjson"), "{folder}/x.ndjson"),
        # what could not be written is named, not what was begun last
        (("--fhir", "x.ndjson", "--html", "x.html", "-o", "o.csv.gz"), "{folder}/x.ndjson"),
        (("--problems", "p.csv", "-o", "o.csv.gz"), "{folder}/p.csv"),
        (("--html", "x.html"), "in the folder for temporary files, {temporary}"),
    ],
)
def test_a_full_disk_is_told_of_and_nothing_is_left(
    further: tuple[str, ...], full: str, folder: Path
) -> None:
    waiting_list(1_000, bad="--problems" in further).write_csv("in.csv")
    (folder / "temporary").mkdir()
    before = there(folder)
    program = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
from discresorb.cli import main
sys.argv = ["discresorb", "score", "in.csv", *{further!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "model"), "TMPDIR": f"{folder}/temporary"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    named = full.format(folder=folder, temporary=folder / "temporary")
    assert f"cannot write {named}: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert there(folder) == before
