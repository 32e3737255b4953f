"""Files at fault, through the command line: words, exit status, and nothing written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SYNTHETIC, Run

from discresorb.errors import InputFileError
from discresorb.reading import read_table

HEADER = "patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery"
GOOD = f"{HEADER}\nA,9,yes,1,3\n"

FAULTS: dict[str, tuple[str | bytes, str]] = {
    "duplicate header": (f"{HEADER},size_mm\nA,9,yes,1,3,9\n", "column size_mm appears 2 times"),
    "empty file": ("", "is empty; it needs a header line"),
    "blank lines only": ("\n\n", "is empty; it needs a header line"),
    "no header": ("A,9,yes,1,3\nB,8,no,2,4\n", "the first line looks like data"),
    "NUL byte": (GOOD + "B,8\0,no,2,4\n", "has a NUL byte in line 3"),
    "semicolons": (GOOD.replace(",", ";"), "is separated by semicolons; save it again"),
    "tabs": (GOOD.replace(",", "\t"), "is separated by tabs; save it again"),
    "UTF-16": (GOOD.encode("utf-16"), "is UTF-16; save it again as CSV UTF-8"),
    "Latin-1": (GOOD.replace("A", "Müller").encode("latin-1"), "is not UTF-8 in line 2"),
    "output column there": (
        f"{HEADER},p_resorbed\nA,9,yes,1,3,0.5\n",
        "output columns are already there: p_resorbed; remove or rename",
    ),
    "missing column": (
        "size_mm,months_since_onset,months_to_surgery\n",
        "missing columns: sequestrated",
    ),
    "no times": (
        "size_mm,sequestrated,onset_date\n",
        "either onset_date, imaging_date, surgery_date",
    ),
    "wrong case": (GOOD.replace("size_mm", "Size_MM"), "column 'Size_MM' must be written size_mm"),
    "misspelt optional column": (
        f"{HEADER},Symptoms_Changed\nA,9,yes,1,3,yes\n",
        "column 'Symptoms_Changed' must be written symptoms_changed",
    ),
    "blank in a column name": (
        GOOD.replace("months_to_surgery", "months_to_surgery "),
        "column 'months_to_surgery ' must be written months_to_surgery",
    ),
    "semicolons and a comma": (
        GOOD.replace(",", ";").replace("size_mm", "size, mm"),
        "is it separated by something else than commas?",
    ),
    "quote left open": (GOOD + 'B,8,"no,2,4\n', "cannot be read from line 3 on"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_at_fault_is_refused(fault: str, tmp_path: Path, run: Run) -> None:
    content, words = FAULTS[fault]
    path, output = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run("score", path, "-o", output)
    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_no_such_file_folder_or_permission(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run("score", tmp_path / "nowhere.csv")
    assert (missing.returncode, "there is no file" in missing.stderr) == (3, True)
    folder = run("score", tmp_path)
    assert (folder.returncode, "is a folder" in folder.stderr) == (3, True)

    def denied(_: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    # the suite may run as root, whom no file mode stops
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputFileError, match="may not be read: permission denied") as caught:
        read_table(tmp_path / "secret.csv")
    assert caught.value.exit_status == 3


@pytest.fixture(autouse=True)
def _large_cells() -> Iterator[None]:
    """Let the test's own reader take what the command writes."""
    usual = csv.field_size_limit(10**9)
    yield
    csv.field_size_limit(usual)


def scored_rows(text: str | bytes, tmp_path: Path, run: Run, status: int) -> list[dict[str, str]]:
    path = tmp_path / "in.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run("score", path)
    assert done.returncode == status, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout, newline="")))


def test_ragged_rows_keep_their_place_and_their_cells(tmp_path: Path, run: Run) -> None:
    rows = scored_rows(GOOD + "B,8\nC,8,no,2,4,stray,x\nD,7,no,2,4\n", tmp_path, run, 4)
    assert [row["patient_id"] for row in rows] == list("ABCD")
    assert rows[1]["problems"].startswith("row has 2 fields, but the header has 5")
    assert rows[2]["problems"].endswith("beyond it: 'stray', 'x'")
    assert [bool(row["p_resorbed"]) for row in rows] == [True, False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.rstrip("\n"),
        GOOD + "\n\n",
        GOOD.replace("A,", '"A\nwith a line break",'),
        GOOD.replace("A,", '"A\rwith a carriage return",'),
        GOOD.replace("patient_id", "Patient_ID"),
        GOOD.replace("patient_id", "Warnings"),
    ],
    ids=[
        "BOM",
        "CRLF",
        "no newline at the end",
        "blank lines",
        "line break in a cell",
        "CR in a cell",
        "our id in capitals",
        "like an output",
    ],
)
def test_files_that_are_fine(text: str, tmp_path: Path, run: Run) -> None:
    rows = scored_rows(text, tmp_path, run, 0)
    assert len(rows) == 1
    assert float(rows[0]["p_resorbed"]) > 0


def test_a_large_cell_passes(tmp_path: Path, run: Run) -> None:
    note = "x" * 300_000
    rows = scored_rows(GOOD.replace("A,", f"{note},"), tmp_path, run, 0)
    assert rows[0]["patient_id"] == note


def test_rows_printed_before_a_late_fault_are_said_not_to_be_all(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes((GOOD + "B,8,no,2,4\n" * 5_000).encode() + b"\xff,8,no,2,4\n")
    done = run("score", path, "--batch-size", 0.01)
    assert done.returncode == 3
    assert "is not UTF-8 in line 5003" in done.stderr
    printed = done.stdout.count("\n") - 1
    assert 0 < printed <= 5_001
    assert f"{printed} rows were printed before this was met; they are not all" in done.stderr


def test_a_header_alone_gives_a_header(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "in.csv"
    path.write_text(HEADER + "\n")
    done = run("score", path)
    assert done.returncode == 0
    assert done.stdout.startswith(HEADER + ",p_resorbed,")
    assert done.stdout.count("\n") == 1


def test_one_row_of_each_kind_of_problem(run: Run) -> None:
    done = run("score", SYNTHETIC / "waiting_list_problems.csv")
    assert done.returncode == 4
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    with (SYNTHETIC / "waiting_list_problems.csv").open(encoding="utf-8", newline="") as stream:
        assert len(rows) == sum(1 for _ in csv.reader(stream)) - 1
    for row in rows:
        fine = row["problem"] == "none"
        assert bool(row["problems"]) != fine
        assert bool(row["p_resorbed"]) == fine
    several = next(row for row in rows if row["problem"] == "several at once")
    assert several["problems"].count("; ") >= 2
    assert "1 row scored, 25 could not be scored." in done.stderr


WORDS = {
    "size missing": "size_mm is missing; it must be a number from 0.5 to 40 mm",
    "size as text": "size_mm entered as large, but must be a number from 0.5 to 40 mm",
    "size negative": "size_mm entered as -8, but must be a number from 0.5 to 40 mm",
    "size zero": "size_mm entered as 0, but must be a number from 0.5 to 40 mm",
    "size beyond range": "size_mm entered as 82, but must be a number from 0.5 to 40 mm",
    "size with a decimal comma": "size_mm entered as 8,2, but must be a number from 0.5 to 40 mm, "
    "with a decimal point",
    "sequestrated missing": "sequestrated is missing; it must be yes or no",
    "sequestrated unknown word": "sequestrated entered as perhaps, but must be yes or no",
    "date missing": "surgery_date is missing",
    "no times at all": "enter all three dates, or both months",
    "31 February": "imaging_date entered as 2026-02-31, but must be a date written YYYY-MM-DD; "
    "there is no such day",
    "date not ISO": "onset_date entered as 03/04/2025, but must be a date written YYYY-MM-DD",
    "MRI before onset": "imaging_date 2026-01-05 is before onset_date 2026-02-16",
    "surgery before MRI": "surgery_date 2026-02-16 is before imaging_date 2026-05-20",
    "too long since onset": "361.40 months apart, but must be at most 240",
    "months negative": "months_since_onset entered as -1, but must be a number from 0 to 240",
    "months as text": "months_since_onset entered as two, but must be a number from 0 to 240",
    "months beyond range": "months_since_onset entered as 250, but must be a number from 0 to 240",
    "months to surgery missing": "months_to_surgery is missing",
    "dates and months in conflict": "months_since_onset entered as 4, but onset_date and "
    "imaging_date are 1.38 months apart; they must agree within 0.1",
    "symptoms_changed unknown word": "symptoms_changed entered as a bit, but must be yes or no",
    "short row": "row has 5 fields, but the header has 9",
    "surplus fields": "beyond it: 'L4-5', 'x'",
}


@pytest.fixture(scope="module")
def problems(run: Run) -> dict[str, str]:
    done = run("score", SYNTHETIC / "waiting_list_problems.csv")
    rows = csv.DictReader(io.StringIO(done.stdout, newline=""))
    return {row["problem"]: row["problems"] for row in rows}


@pytest.mark.parametrize("kind", WORDS)
def test_the_words_of_each_problem(kind: str, problems: dict[str, str]) -> None:
    assert WORDS[kind] in problems[kind]
