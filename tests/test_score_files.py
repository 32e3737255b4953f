"""Which file goes where and in what form: kinds of inputs and outputs, several files, strict."""

from __future__ import annotations

import csv
import datetime
import decimal
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import ROOT, Run
from typer.testing import CliRunner, Result
from waiting_lists import BAD, GOOD, HEADER, small_lists

from discresorb.cli import app
from discresorb.sources import zstd


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with some files."""
    monkeypatch.chdir(tmp_path)
    return small_lists(tmp_path)


def score(*arguments: object) -> Result:
    """Run the command in this process: it is much quicker than one of its own."""
    return CliRunner().invoke(app, ["score", *map(str, arguments)], prog_name="discresorb")


def there(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())


def cells(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def ids(content: str | bytes) -> list[str]:
    text = content if isinstance(content, str) else content.decode()
    return [row["patient_id"] for row in csv.DictReader(io.StringIO(text, newline=""))]


def test_several_files_a_pattern_and_a_folder_that_is_made(folder: Path) -> None:
    (folder / "in").mkdir()
    for name in ("x", "y"):
        (folder / "in" / f"{name}.csv").write_text(GOOD)
    (folder / "in" / "z.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    assert score("in/*.csv*", "good.csv", "-o", "out/").exit_code == 0
    assert there(folder / "out") == ["good.csv", "x.csv", "y.csv", "z.csv.gz"]
    assert ids((folder / "out" / "x.csv").read_text()) == ["A", "B"]
    assert ids(gzip.decompress((folder / "out" / "z.csv.gz").read_bytes())) == ["A", "B"]
    assert score("in/*.csv", "-o", "lines/", "--json").exit_code == 0
    assert there(folder / "lines") == ["x.jsonl", "y.jsonl"]
    assert score("in/x*.csv", "-o", "single").exit_code == 0  # a pattern asks for a folder
    assert there(folder / "single") == ["x.csv"]


def test_a_name_that_looks_like_a_pattern(folder: Path) -> None:
    (folder / "a[1].csv").write_text(GOOD)
    assert score("a[1].csv", "-o", "out.csv").exit_code == 0
    assert ids((folder / "out.csv").read_text()) == ["A", "B"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("good.csv", "good.csv", "-o", "out/"), 2, "is named twice"),
        (("good.csv", "bad.csv"), 2, "need a folder for their outputs"),
        (("good.csv", "-", "-o", "out/"), 2, "standard input has no name in a folder"),
        (("good.csv", "-o", "good.csv", "--force"), 2, "is an input of this command"),
        (("*.csv", "-o", ".", "--force"), 2, "is an input of this command"),
        (("good.csv", "-o", "x.csv", "--problems", "x.csv"), 2, "is named twice"),
        (("good.csv", "--problems", "good.csv", "--force"), 2, "is an input of this command"),
        (("*.nothing", "-o", "out/"), 3, "no file matches *.nothing"),
        (("x" * 300,), 3, "File name too long"),
        (("[" * 300,), 3, "no file matches"),
        ((".",), 3, "is a folder"),
        (("good.csv", "-o", ""), 2, "-o names no file"),
        (("good.csv", "-o", "loop"), 2, "loop exists already"),
        (("good.csv", "-o", "loop", "--force"), 2, "cannot write loop"),
        (("good.csv", "-o", "x.parquet", "--json"), 2, "leave --json out"),
        (("good.csv", "-o", "x.parquet.gz"), 2, "leave .gz out"),
        (("good.csv", "-o", "x.xlsx"), 2, ".xlsx is not written; name a .csv"),
        (("good.csv", "--batch-size", "nan"), 2, "--batch-size entered as nan"),
        (("good.csv", "--batch-size", "0"), 2, "--batch-size entered as 0"),
        (("good.csv", "--batch-size", "65"), 2, "at most 64 MiB"),
        (("good.csv", "--n-jobs", "0"), 2, "n_jobs entered as 0"),
        (("good.csv", "--n-jobs", "-2"), 2, "n_jobs entered as -2"),
    ],
)
def test_what_does_not_go_together(
    arguments: tuple[str, ...], status: int, words: str, folder: Path
) -> None:
    (folder / "loop").symlink_to("loop")
    before = there(folder)
    done = score(*arguments)
    assert done.exit_code == status, done.stderr
    assert words in done.stderr
    assert done.stdout == ""
    assert there(folder) == before


def test_one_of_several_files_is_unfit(folder: Path) -> None:
    done = score("good.csv", "unfit.csv", "bad.csv", "-o", "out/", "--problems", "p.csv")
    assert done.exit_code == 3
    assert "unfit.csv is separated by semicolons" in done.stderr
    assert "3 rows of 3 files scored, 2 could not be scored" in done.stderr
    assert "size_mm not allowed: 1 row (bad.csv row 2)" in done.stderr
    assert there(folder / "out") == ["bad.csv", "good.csv"]
    rows = cells(folder / "p.csv")
    assert [(row["file"], row["row"], row["patient_id"]) for row in rows] == [
        ("bad.csv", "2", "'=D"),
        ("bad.csv", "3", "E"),
    ]
    assert rows[0]["problems"].count("; ") == 1
    written = cells(folder / "out" / "bad.csv")
    assert [row["problems"] for row in written if row["problems"]] == [
        row["problems"] for row in rows
    ]


def test_problems_of_several_files_and_batches(folder: Path) -> None:
    (folder / "more.csv").write_text(BAD + "F,8,no,2,7\n=G,8,maybe,2,7\n")
    options = ("--batch-size", "0.00001", "--raw-text")
    done = score("bad.csv", "more.csv", "-o", "out/", "--problems", "p.csv", *options)
    assert done.exit_code == 4
    rows = cells(folder / "p.csv")
    assert [(row["file"], row["row"], row["patient_id"]) for row in rows] == [
        ("bad.csv", "2", "=D"),
        ("bad.csv", "3", "E"),
        ("more.csv", "2", "=D"),
        ("more.csv", "3", "E"),
        ("more.csv", "5", "=G"),
    ]
    assert "number of fields: 2 rows (bad.csv row 3, more.csv row 3)" in done.stderr


@pytest.mark.parametrize("others", [("bad.csv",), ("unfit.csv",), ("bad.csv", "unfit.csv")])
def test_strict_writes_nothing_unless_all_is_scored(others: tuple[str, ...], folder: Path) -> None:
    before = there(folder)
    done = score("good.csv", *others, "-o", "out/", "--strict")
    assert done.exit_code == 3
    assert "no rows were written" in done.stderr
    assert there(folder) == before
    assert score("good.csv", "-o", "out/", "--strict").exit_code == 0
    assert there(folder / "out") == ["good.csv"]


def test_strict_to_standard_output(folder: Path) -> None:
    for options in ((), ("--json",), ("--batch-size", "0.00001")):
        done = score("bad.csv", "--strict", *options)
        assert (done.exit_code, done.stdout) == (3, "")
        assert "size_mm not allowed: 1 row" in done.stderr
    assert score("good.csv", "--strict").stdout == score("good.csv").stdout != ""


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "in.csv.zst", "in.parquet"])
def test_inputs_are_known_by_their_content(name: str, folder: Path) -> None:
    content = GOOD.encode()
    forms = {".gz": gzip.compress(content[:40]) + gzip.compress(content[40:])}
    forms |= {".csv": content, ".zst": zstd().compress(content)}
    parquet = io.BytesIO()
    pl.read_csv(content, infer_schema=False).write_parquet(parquet)
    forms |= {".parquet": parquet.getvalue()}
    expected = score("good.csv").stdout
    for suffix, form in forms.items():
        (folder / name).write_bytes(form)
        assert score(name).stdout == expected, suffix


@pytest.mark.parametrize("kind", ["gz", "zst", "parquet", "zip", "parquet in gz"])
def test_damaged_or_foreign_inputs(kind: str, folder: Path) -> None:
    rows = (HEADER + "\n" + "".join(f"P{n},9,yes,1,{n % 600}\n" for n in range(30_000))).encode()
    parquet = io.BytesIO()
    pl.read_csv(rows, infer_schema=False).write_parquet(parquet)
    whole = {"gz": gzip.compress(rows), "zst": zstd().compress(rows), "parquet": parquet.getvalue()}
    if kind in whole:
        content, words = whole[kind][: len(whole[kind]) * 2 // 3], "is damaged"
    elif kind == "zip":
        content, words = b"PK\x03\x04\0\0", "is a workbook of Excel or a zip"
    else:
        content, words = gzip.compress(whole["parquet"]), "is Parquet within another compression"
    (folder / "in").write_bytes(content)
    before = there(folder)
    for output in ("out.csv", "out.parquet"):
        done = score("in", "-o", output, "--batch-size", "0.01")
        assert done.exit_code == 3
        assert words in done.stderr
        assert there(folder) == before


def test_parquet_with_a_schema_spoilt(folder: Path) -> None:
    pl.read_csv(GOOD.encode()).write_parquet(folder / "in.parquet")
    content = (folder / "in.parquet").read_bytes()
    at = content.index(b"ARROW:schema") + 30
    (folder / "in.parquet").write_bytes(content[:at] + b"=" + content[at + 1 :])
    before = there(folder)
    done = score("in.parquet", "-o", "out.csv")
    assert (done.exit_code, "is damaged" in done.stderr) == (3, True)
    assert there(folder) == before


def test_parquet_with_a_page_spoilt(folder: Path) -> None:
    ids = pl.int_range(50_000, eager=True).hash().cast(pl.String)
    frame = pl.read_csv(GOOD.encode()).head(1).drop("patient_id").join(
        pl.DataFrame({"patient_id": ids}), how="cross"
    )  # fmt: skip
    frame.write_parquet(folder / "in.parquet", row_group_size=10_000)
    content = bytearray((folder / "in.parquet").read_bytes())
    spoilt = len(content) // 2
    content[spoilt : spoilt + 2_000] = bytes(2_000)
    (folder / "in.parquet").write_bytes(content)
    before = there(folder)
    done = score("in.parquet", "-o", "out.csv")
    assert (done.exit_code, "is damaged" in done.stderr) == (3, True)
    assert there(folder) == before


ROW: dict[str, Any] = {
    "patient_id": "007", "size_mm": 9.5, "sequestrated": True,
    "months_since_onset": 1, "months_to_surgery": 3,
}  # fmt: skip
SPAN = datetime.timedelta(3)
DAY = datetime.date(2026, 1, 5)
TYPED = {
    "size_mm": pl.Series([decimal.Decimal("9.5"), None]),
    "sequestrated": pl.Series([True, None]),
    "months_since_onset": pl.Series([1, None], dtype=pl.UInt8),
    "months_to_surgery": pl.Series([3, 2], dtype=pl.Int128),
    "symptoms_changed": pl.Series(["no", None], dtype=pl.Categorical),
    "onset_date": pl.Series([DAY, None]),
    "imaging_date": pl.Series([datetime.datetime(2026, 2, 4, 23), None]),
    "surgery_date": pl.Series([datetime.datetime(2026, 5, 6)] * 2).dt.replace_time_zone(
        "Asia/Tokyo"
    ),
    "=formula": pl.Series(["=1+1", "@x"], dtype=pl.Enum(["=1+1", "@x"])),
    "hour": pl.Series([datetime.time(3), None]),
    "nothing": pl.Series([None, None]),
    "missing": pl.Series([float("nan"), None]),
}


def test_typed_parquet_into_every_form(folder: Path) -> None:
    frame = pl.DataFrame(TYPED)
    frame.write_parquet("in.parquet")
    for output in ("out.parquet", "out.csv", "out.jsonl"):
        done = score("in.parquet", "-o", output)
        assert done.exit_code == 4, done.stderr
        assert "1 row scored, 1 could not be scored" in done.stderr
    back = pl.read_parquet("out.parquet")
    assert back.select(frame.columns).equals(frame)
    rows = cells(folder / "out.csv")
    assert [row["'=formula"] for row in rows] == ["'=1+1", "'@x"]
    assert [row["months_to_surgery"] for row in rows] == ["3", "2"]
    lines = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert lines[0]["p_resorbed"] == float(rows[0]["p_resorbed"]) == back["p_resorbed"][0]
    assert lines[1]["problems"] == rows[1]["problems"] == back["problems"][1] != ""


def test_nested_columns_go_into_parquet_and_json_only(folder: Path) -> None:
    pl.DataFrame({**ROW, "levels": [["L4", "L5"]], "raw": [b"x"], "span": [SPAN]}).write_parquet(
        "in.parquet"
    )
    done = score("in.parquet", "-o", "out.csv")
    assert (done.exit_code, there(folder).count("out.csv")) == (3, 0)
    assert "column levels holds List(String), which a CSV cannot" in done.stderr
    assert "column raw holds Binary" in done.stderr
    assert "column span holds Duration" in done.stderr
    done = score("in.parquet", "-o", "out.jsonl")
    assert (done.exit_code, there(folder).count("out.jsonl")) == (3, 0)
    assert done.stderr.count("which JSON cannot") == done.stderr.count("column raw holds") == 1
    assert score("in.parquet", "-o", "out.parquet").exit_code == 0
    assert pl.read_parquet("out.parquet")["levels"].to_list() == [["L4", "L5"]]


def test_names_of_folders_are_no_columns(folder: Path) -> None:
    (folder / "site=1").mkdir()
    pl.DataFrame(ROW).write_parquet("site=1/in.parquet")
    assert "site" not in score("site=1/in.parquet").stdout.splitlines()[0]


def test_pipes_as_inputs(folder: Path) -> None:
    pl.DataFrame(ROW).write_parquet("in.parquet")
    program = f"{sys.executable} -m discresorb score"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'model'}{os.pathsep}{ROOT / 'training'}"}

    def in_a_shell(command: str) -> tuple[str, str]:
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=60,
            check=False,
        )  # fmt: skip
        return done.stdout, done.stderr

    assert ids(in_a_shell(f"{program} <(cat good.csv)")[0]) == ["A", "B"]
    assert ids(in_a_shell(f"{program} /dev/stdin < in.parquet")[0]) == ["007"]
    words = "is Parquet, which is read from files only"
    assert words in in_a_shell(f"cat in.parquet | {program} /dev/stdin")[1]
    assert words in in_a_shell(f"cat in.parquet | {program} -")[1]


def test_a_name_that_is_no_text(folder: Path, run: Run) -> None:
    name = "b\udcff"
    pl.DataFrame(ROW).write_parquet("in.parquet")
    (folder / "in.parquet").rename(folder / f"{name}.parquet")
    refused = run("score", f"{name}.parquet", cwd=folder)
    assert (refused.returncode, "its name is no text in UTF-8" in refused.stderr) == (3, True)
    (folder / f"{name}.csv").write_text(BAD)
    done = run("score", f"{name}.csv", "--problems", "p.csv", cwd=folder)
    assert done.returncode == 4, done.stderr
    assert (folder / "p.csv").read_bytes().splitlines()[1].startswith(b"b\xff.csv,2,")
