"""cohort and sample-size on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import shutil
import tomllib
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import typer
from command_line import Run, run_here
from conftest import ROOT, SYNTHETIC

from discresorb_training.cards import read_card
from discresorb_training.cohort import cohort_from_frame

VISITS = "new_centre_visits.csv"
HEADER = "patient_id,onset_date,mri_date,finding,size_mm,sequestrated,comment"
GOOD = "P1,2023-01-01,2023-02-01,herniated,8,no,fine"
TWICE = "P2,2023-01-01,2023-03-01,herniated,8,no,=1+1"


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder that holds the new centre's visits and their card."""
    for name in (VISITS, "new_centre_visits.card.json", "new_centre.csv"):
        shutil.copy(SYNTHETIC / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return run_here


def write(path: str, *rows: str) -> None:
    Path(path).write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")


def test_every_entry_point_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for entry in project["entry-points"]["discresorb.commands"].values():
        module, name = entry.split(":")
        assert isinstance(getattr(import_module(module), name), typer.Typer)


def test_a_cohort_with_its_card(invoke: Run) -> None:
    done = invoke("cohort", VISITS, "-o", "cohort.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Note: these patients are simulated")
    assert "Wrote cohort.csv and cohort.card.json." in done.stderr
    made = pd.read_csv("cohort.csv")
    assert cohort_from_frame(made).flow()["patients"] == 180
    card, theirs = read_card(Path("cohort.csv")), read_card(Path(VISITS))
    assert card is not None
    assert theirs is not None
    for key in ("endpoint", "data_origin", "between_study_sd"):
        assert card[key] == theirs[key]
    assert card["made_from"] == {"file": VISITS, "sha256": theirs["sha256"]}
    assert card["flow"]["rows"] == 340
    before = Path("cohort.csv").read_bytes(), Path("cohort.card.json").read_bytes()
    again = invoke(*shlex.split(card["made_by"])[1:], "--force")
    assert again.returncode == 0
    assert (Path("cohort.csv").read_bytes(), Path("cohort.card.json").read_bytes()) == before


def test_to_standard_output_from_standard_input(invoke: Run) -> None:
    visits = Path(VISITS).read_text(encoding="utf-8")
    assert invoke("cohort", VISITS, "-o", "cohort.csv").returncode == 0
    for target in ([], ["-o", "-"]):
        done = invoke("cohort", "-", *target, input=visits)
        assert done.returncode == 0
        assert done.stdout == Path("cohort.csv").read_text(encoding="utf-8")
        assert "From standard input:" in done.stderr
    as_json = invoke("cohort", "-", "--json", input=visits)
    assert json.loads(as_json.stderr)["patients_kept"] == 180
    assert as_json.stdout == done.stdout


def test_the_flow_as_json(invoke: Run) -> None:
    write("v.csv", GOOD, TWICE, TWICE)
    done = invoke("cohort", "v.csv", "-o", "c.csv", "--json", "--leave-out-problems")
    assert done.returncode == 4
    flow = json.loads(done.stdout)
    assert flow["written"] == "c.csv"
    assert flow["left_out"] == {"a row twice": 1}
    assert "P2" not in done.stdout
    assert [each["row"] for each in flow["problems"]] == [3]
    assert flow["rows"] == flow["rows_of_patients_left_out"] + flow["mris_used"] == 3
    refused = json.loads(invoke("cohort", "v.csv", "-o", "d.csv", "--json").stdout)
    assert refused["written"] is None


def test_problems_refuse_or_leave_out(invoke: Run) -> None:
    write("v.csv", GOOD, TWICE, TWICE)
    done = invoke("cohort", "v.csv", "-o", "c.csv", "--problems", "p.csv")
    assert done.returncode == 3
    assert "Error: v.csv, row 3: a second row of this patient on one day, the same" in done.stderr
    assert "nothing was written; put these right in the visits, or leave" in done.stderr
    assert "with problems" in done.stdout
    assert "P2" not in done.stdout + done.stderr
    assert not Path("c.csv").exists()
    listed = list(csv.DictReader(io.StringIO(Path("p.csv").read_text(encoding="utf-8"))))
    assert [(each["file"], each["row"], each["patient_id"]) for each in listed] == [
        ("v.csv", "3", "P2")
    ]
    done = invoke("cohort", "v.csv", "-o", "c.csv", "--leave-out-problems")
    assert done.returncode == 4
    assert "Problem: v.csv, row 3: " in done.stderr
    assert pd.read_csv("c.csv")["patient_id"].tolist() == ["P1"]
    done = invoke("cohort", "v.csv", "-o", "d.csv", "--show-values")
    assert "Error: v.csv, row 3: a second row of patient P2 on 2023-03-01, the same" in done.stderr
    assert "(P2)" in done.stdout
    shown = json.loads(
        invoke("cohort", "v.csv", "--json", "--show-values").stderr.partition("\n")[0]
    )
    assert shown["left_out_ids"] == {"a row twice": ["P2"]}
    assert shown["problems"][0]["patient_id"] == "P2"
    write("v.csv", TWICE, TWICE)
    done = invoke("cohort", "v.csv", "-o", "d.csv", "--leave-out-problems")
    assert (done.returncode, Path("d.csv").exists()) == (3, False)
    assert "no patient is without problems; nothing was written" in done.stderr


def test_many_problems_are_listed_in_a_file(invoke: Run) -> None:
    write("v.csv", GOOD, *(f"Q{k},2023-01-01,soon,herniated,8,no," for k in range(30)))
    done = invoke("cohort", "v.csv", "-o", "c.csv", "--show-values")
    assert done.stderr.count("entered as soon") == 20
    assert "… and 10 more rows with problems; --problems FILE lists them" in done.stderr
    assert "(Q0, Q1, Q2, Q3, Q4 and 25 more)" in done.stdout
    done = invoke("cohort", "v.csv", "-o", "c.csv", "--problems", "p.csv")
    assert "; all are in p.csv" in done.stderr
    assert len(Path("p.csv").read_text(encoding="utf-8").splitlines()) == 31


def test_cards_only_where_it_is_known_what_the_cohort_is(invoke: Run) -> None:
    write("v.csv", GOOD)
    done = invoke("cohort", "v.csv", "-o", "c.csv")
    assert done.returncode == 0
    assert "It has no data card" in done.stderr
    about = ("--endpoint", "gone", "--data-origin", "observed")
    done = invoke("cohort", "v.csv", "-o", "d.csv", *about)
    card = read_card(Path("d.csv"))
    assert card is not None
    assert (card["endpoint"], card["data_origin"]) == ("gone", "observed")
    done = invoke("cohort", "v.csv", "-o", "e.csv", "--endpoint", "gone")
    assert (done.returncode, "so --data-origin must be given" in done.stderr) == (2, True)
    done = invoke("cohort", VISITS, "-o", "e.csv", "--data-origin", "observed")
    assert (done.returncode, "card.json says synthetic" in done.stderr) == (2, True)
    assert not Path("e.csv").exists()
    # a card of another table does not stay beside the new one
    done = invoke("cohort", "v.csv", "-o", "d.csv")
    assert (done.returncode, "d.csv exists already; use --force" in done.stderr) == (2, True)
    done = invoke("cohort", "v.csv", "-o", "d.csv", "--force")
    assert (done.returncode, Path("d.card.json").exists()) == (0, False)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="pipes have no names")
def test_a_card_names_no_hash_of_what_came_through_a_pipe(invoke: Run) -> None:
    reading, writing = os.pipe()
    write("v.csv", GOOD)
    os.write(writing, Path("v.csv").read_bytes())
    os.close(writing)
    about = ("--endpoint", "gone", "--data-origin", "observed")
    done = invoke("cohort", f"/dev/fd/{reading}", "-o", "c.csv", *about)
    os.close(reading)
    assert done.returncode == 0, done.stderr
    card = read_card(Path("c.csv"))
    assert card is not None
    assert card["made_from"] == {"file": "a pipe"}


def test_cells_that_a_spreadsheet_would_run(invoke: Run) -> None:
    write("v.csv", GOOD, TWICE)
    done = invoke("cohort", "v.csv", "-o", "c.csv")
    assert "1 cell got one; --raw-text leaves them alone" in done.stderr
    assert "'=1+1" in Path("c.csv").read_text(encoding="utf-8")
    done = invoke("cohort", "v.csv", "-o", "d.csv", "--raw-text")
    assert ",=1+1," in Path("d.csv").read_text(encoding="utf-8")
    assert "spreadsheet" not in done.stderr


def test_renaming(invoke: Run) -> None:
    write("v.csv", GOOD)
    assert invoke("cohort", "v.csv", "-o", "c.csv").returncode == 0
    text = Path("v.csv").read_text(encoding="utf-8")
    Path("w.csv").write_text(text.replace("mri_date", "a=b").replace("finding", "Befund"))
    names = ("--rename", "a=b=mri_date", "--rename", "Befund=finding")
    about = ("--endpoint", "gone", "--data-origin", "observed")
    assert invoke("cohort", "w.csv", "-o", "d.csv", *names, *about).returncode == 0
    assert Path("d.csv").read_bytes() == Path("c.csv").read_bytes()
    card = read_card(Path("d.csv"))
    assert card is not None
    assert shlex.split(card["made_by"])[-4:] == list(names)
    before = Path("d.card.json").read_bytes()
    assert invoke(*shlex.split(card["made_by"])[1:], "--force").returncode == 0
    assert Path("d.card.json").read_bytes() == before
    wrong = ("--rename", "Befund", "--rename", "a=b=finding", "--rename", "a=b=mri_date")
    done = invoke("cohort", "w.csv", *wrong)
    assert done.returncode == 2
    assert "--rename entered as Befund, but must be THEIRS=OURS" in done.stderr
    assert "--rename gives a=b two names" in done.stderr


def test_their_words(invoke: Run) -> None:
    seen = "P1,2023-01-01,2023-04-01,resorbed,999,no,fine"
    write("v.csv", GOOD, seen)
    plain = invoke("cohort", "v.csv", "-o", "c.csv")
    assert (plain.returncode, "--recode" in plain.stderr) == (0, False)
    write("w.csv", GOOD.replace("herniated", " 0").replace("no", "nein"),
          seen.replace("resorbed", "1").replace("no", "nein"))  # fmt: skip
    done = invoke("cohort", "w.csv", "-o", "d.csv")
    assert "Words of your own can be read with --recode COLUMN:THEIRS=OURS." in done.stderr
    words = ("--recode", "finding:0=herniated", "--recode", "finding:1=resorbed",
             "--recode", "sequestrated:nein=no")  # fmt: skip
    done = invoke("cohort", "w.csv", "-o", "d.csv", *words)
    assert done.returncode == 0, done.stderr
    assert Path("d.csv").read_bytes() == Path("c.csv").read_bytes()
    emptied = invoke("cohort", "v.csv", "-o", "e.csv", "--recode", "comment:fine=")
    assert emptied.returncode == 0
    assert pd.read_csv("e.csv")["comment"].isna().all()
    done = invoke("cohort", "w.csv", "--recode", "finding:2=resorbed", "--recode", "side:l=left")
    assert done.returncode == 3
    assert "w.csv: finding is nowhere 2; it holds 2 other words" in done.stderr
    assert "w.csv has no column side to recode" in done.stderr
    done = invoke("cohort", "w.csv", "--recode", "finding:=resorbed", "--recode", "a:b=c",
                  "--recode", "a:b=d")  # fmt: skip
    assert done.returncode == 2
    assert "--recode entered as finding:=resorbed, but must be COLUMN:THEIRS=OURS" in done.stderr
    assert "--recode gives b in a two meanings" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere.csv"], 3, "there is no file nowhere.csv"),
        (["new_centre.csv"], 3, "has one row a patient already; train reads it as it is"),
        ([VISITS, "-o", VISITS], 2, "is an input of this command"),
        ([VISITS, "-o", "c.csv", "--problems", "c.csv"], 2, "c.csv is named twice"),
        ([VISITS, "-o", "c.parquet"], 2, "the cohort is a CSV; name a .csv"),
        ([VISITS, "--covariates", "age"], 3, "missing columns: age"),
        ([VISITS, "--rename", "Alter=age"], 3, "has no column Alter to rename"),
    ],
)
def test_refusals(invoke: Run, arguments: list[str], status: int, words: str) -> None:
    done = invoke("cohort", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr


def test_sample_size_of_a_cohort(invoke: Run) -> None:
    done = invoke("sample-size", "new_centre.csv")
    assert done.returncode == 0
    assert done.stdout.startswith("180 patients: 116 imaged after the index MRI, 33 seen resorbed")
    assert "the model with size_mm and sequestrated has 4" in done.stdout
    assert "update an existing model (discresorb update)" in done.stdout
    found = json.loads(invoke("sample-size", "new_centre.csv", "--json").stdout)
    assert (found["parameters"], found["parameters_supported"]) == (4, 1)
    text = Path("new_centre.csv").read_text(encoding="utf-8")
    for options, parameters in (
        (["--covariates", "3"], 6),
        (["--covariates", "3", "--cure", "no"], 3),
        (["--parameters", "9"], 9),
    ):
        done = invoke("sample-size", "-", *options, "--json", input=text)
        assert json.loads(done.stdout)["parameters"] == parameters


def test_sample_size_of_parameters_that_are_counted_needs_no_covariates(invoke: Run) -> None:
    table = "months_since_onset,last_herniated_months,first_resorbed_months\n1,2,3\n"
    Path("bare.csv").write_text(table, encoding="utf-8")
    done = invoke("sample-size", "bare.csv", "--parameters", "3")
    assert (done.returncode, done.stderr) == (0, "")


def test_sample_size_from_figures(invoke: Run) -> None:
    figures = ("--rate", 0.065, "--follow-up", 2.07, "--time-point", 2)
    done = invoke("sample-size", "--parameters", 30, "--r2", 0.051, *figures)
    assert done.returncode == 0
    assert done.stdout.startswith("A model with 30 parameters needs 5143 patients: 692 events")
    found = json.loads(invoke("sample-size", "--parameters", 30, *figures, "--json").stdout)
    assert found["r2"] == pytest.approx(0.15 * found["highest_r2"])


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "name a cohort, or give all of --parameters, --rate, --follow-up and"),
        (["new_centre.csv", "--rate", "1"], 2, "the cohort itself says --rate; leave that out"),
        (["new_centre.csv", "--r2", "0.1", "--r2-share", "0.1"], 2, "give either --r2 or --r2-sh"),
        (
            ["new_centre.csv", "--parameters", "4", "--covariates", "3", "--cure", "no"],
            2,
            "--parameters counts all slopes; leave --covariates and --cure out",
        ),
        (["new_centre.csv", "--r2", "1e-310"], 2, "these figures ask for 1e+12 patients or more"),
        (["new_centre.csv", "--cure", "maybe"], 2, "--cure entered as maybe"),
        (
            ["new_centre.csv", "--covariates", "size_mm:curve"],
            2,
            "form of size_mm entered as curve",
        ),
        (["new_centre.csv", "--covariates", "age"], 3, "new_centre.csv: missing columns: age"),
        ([VISITS], 3, "has one row an MRI; make a cohort of it, one row a patient, with discr"),
    ],
)
def test_sample_size_refusals(invoke: Run, arguments: list[str], status: int, words: str) -> None:
    done = invoke("sample-size", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
