"""A file scored in batches: the same bytes however it is cut, bounded memory, no row lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from discresorb import Predictor
from discresorb.beside import ProblemListing
from discresorb.errors import InputFileError
from discresorb.jobs import Form, Job
from discresorb.score_file import score_file
from discresorb.score_files import run_job, run_jobs
from discresorb.scoring import Scorer
from discresorb.sources import zstd
from discresorb.tally import Tally
from discresorb.writing import CsvWriter

HEADER = "patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery,note"
CELLS = (
    st.sampled_from(["007", "a,b", 'say "x"', "", "=1+1", "é", "\ufeffx", "x^", "-5", "@\n"]),
    st.sampled_from(["11", " 9 ", "", "8,2", "=1", "-2", "+9"]),
    st.sampled_from(["yes", "0.0", "", "perhaps", "@1"]),
    st.sampled_from(["1.5", "0", "241", "", "1e1"]),
    st.sampled_from(["3", "", "599"]),
    st.sampled_from(["", "two\nlines", "two\r\nlines", "\r", "x" * 300, "+", "\t1"]),
)
ROWS = st.lists(st.tuples(*CELLS), max_size=12)
EXTRA = st.sampled_from(["", "\n", "short,9\n", '5" disc,9,no,1,3,\n', "a,9,no,1,3,long,er\n"])
OUTPUTS = ["out.csv", "out.jsonl", "out.parquet", "out.csv.gz", "out.csv.zst"]


def as_csv(rows: list[tuple[str, ...]], end: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue()


def scored(predictor: Predictor, source: Path, target: Path, form: Form) -> tuple[bytes, Tally]:
    tally, part = run_job(Scorer(predictor), Job(str(source), target), form)
    part.install()
    return target.read_bytes(), tally


@settings(max_examples=40)
@given(
    rows=ROWS, extra=EXTRA, end=st.sampled_from(["\n", "\r\n"]), output=st.sampled_from(OUTPUTS),
    batch_bytes=st.sampled_from([1, 60, 500]), threads=st.sampled_from([1, 3]), again=ROWS,
)  # fmt: skip
def test_the_same_bytes_whatever_the_batches_and_threads(
    rows: list[tuple[str, ...]],
    extra: str,
    end: str,
    output: str,
    batch_bytes: int,
    threads: int,
    again: list[tuple[str, ...]],
    predictor: Predictor,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("same")
    source = folder / "in.csv"
    text = HEADER + end + as_csv(rows, end) + extra + as_csv(again, end)
    source.write_text(text, encoding="utf-8", newline="")
    at_once = scored(predictor, source, folder / output, Form())
    in_parts = scored(
        predictor, source, folder / output, Form(threads=threads, batch_bytes=batch_bytes)
    )
    assert in_parts == at_once
    assert at_once[1].rows == len(rows) + len(again) + (extra not in ("", "\n"))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    n = 300_000
    at = pl.int_range(n, eager=True)
    return pl.DataFrame(
        {
            "patient_id": at.cast(pl.String),
            "size_mm": (at % 390 + 10) / 10,
            "months_to_surgery": at % 600,
            "note": at.hash().cast(pl.String),
        }
    ).with_columns(sequestrated=pl.lit("yes"), months_since_onset=pl.lit(1.5))


@pytest.mark.parametrize("output", ["out.parquet", "out.csv.gz", "out.csv.zst"])
def test_large_files_do_not_depend_on_batches_either(
    output: str, many: pl.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    """Of more than one row group and more than one block of a compression."""
    source, target = tmp_path / "in.parquet", tmp_path / output
    some = many.head(140_000 if output == "out.parquet" else 20_000)
    some.write_parquet(source, row_group_size=30_000)
    found = {
        scored(predictor, source, target, Form(threads=threads, batch_bytes=batch_bytes))[0]
        for threads, batch_bytes in ((1, 100_003), (2, 1 << 19))
    }
    assert len(found) == 1
    plain = scored(predictor, source, tmp_path / "out.csv", Form())[0]
    content = found.pop()
    if output == "out.csv.gz":
        assert gzip.decompress(content) == plain
    elif output == "out.csv.zst":
        assert zstd().decompress(content) == plain
    else:
        assert pl.read_parquet(target)["patient_id"].equals(some["patient_id"])


def test_one_bad_row_among_many(many: pl.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    sizes = many["size_mm"].cast(pl.String).to_list()
    sizes[234_567] = "8,2"
    source = tmp_path / "in.csv"
    many.with_columns(size_mm=pl.Series(sizes)).write_csv(source)
    stream, problems = io.BytesIO(), io.BytesIO()
    tally = score_file(
        Scorer(predictor),
        source,
        CsvWriter(stream),
        threads=2,
        batch_bytes=1 << 20,
        besides=[ProblemListing(problems, header=False)],
    )
    assert (tally.rows, tally.scored) == (300_000, 299_999)
    (kind,) = tally.kinds.values()
    assert (kind.count, kind.first) == (1, [(str(source), 234_568)])
    (line,) = problems.getvalue().decode().splitlines()
    assert line.startswith(f'{source},234568,234567,"size_mm entered as 8,2, but must be')
    back = pl.read_csv(stream.getvalue(), infer_schema=False)
    assert back["patient_id"].equals(many["patient_id"])
    assert back["p_resorbed"].null_count() == 1


def test_every_row_bad_and_each_otherwise(
    many: pl.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    source, listing = tmp_path / "in.csv", tmp_path / "problems.csv"
    source.write_text(
        HEADER + "\n" + "".join(f"{n},{n + 100},yes,{n % 240},x{n},\n" for n in range(100_000))
    )
    job = Job(str(source), tmp_path / "out.csv")
    tally = run_jobs(Scorer(predictor), [job], Form(threads=2), problems=listing).tally
    assert (tally.rows, tally.scored, len(tally.kinds)) == (100_000, 0, 2)
    for kind in tally.kinds.values():
        assert kind.count == 100_000
        assert [row for _, row in kind.first] == [1, 2, 3, 4, 5]
    listed = pl.read_csv(listing)
    assert listed["row"].to_list() == list(range(1, 100_001))
    assert listed["patient_id"].to_list() == list(range(100_000))


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_fault_late_in_a_file_refuses_it(
    output: str, predictor: Predictor, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(f"{HEADER}\n".encode() + b"a,9,no,1,3,\n" * 5_000 + b"\xff,9,no,1,3,\n")
    job = Job(str(source), tmp_path / output)
    with pytest.raises(InputFileError, match="is not UTF-8 in line 5002"):
        run_job(Scorer(predictor), job, Form(threads=2, batch_bytes=1_000))
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_rows_in_no_rows_out(output: str, predictor: Predictor, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER)
    content, tally = scored(predictor, source, tmp_path / output, Form())
    assert tally == Tally()
    if output == "out.parquet":
        assert pl.read_parquet(io.BytesIO(content)).shape == (0, 17)
    if output == "out.csv":
        assert content.startswith(f"{HEADER},p_resorbed,".encode())


MEASURE = """
import io, os, resource, sys
from pathlib import Path
from discresorb import load
from discresorb.jobs import Form, Job
from discresorb.score_files import run_job
from discresorb.scoring import Scorer
job = Job(sys.argv[1], Path(sys.argv[2]))
run_job(Scorer(load()), job, Form(threads=2, batch_bytes=1 << 18))[1].discard()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kib(source: Path, target: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, source, target],
        capture_output=True,
        text=True,
        cwd=ROOT / "model",
        timeout=120,
        check=True,
    )
    return int(json.loads(done.stdout))


@pytest.mark.parametrize(("kind", "output"), [("csv", "out.csv"), ("parquet", "out.parquet")])
def test_memory_does_not_grow_with_the_file(
    kind: str, output: str, many: pl.DataFrame, tmp_path: Path
) -> None:
    # long cells that cannot be read, each another, must not pile up either
    sources = []
    for n in (75_000, 300_000):
        source = tmp_path / f"{n}.{kind}"
        if kind == "csv":
            many.with_columns(note=pl.concat_str("note", "note", "note")).with_columns(
                size_mm=pl.when(pl.int_range(pl.len()) % 10 == 0)
                .then("note")
                .otherwise(pl.lit("9.5"))
            ).head(n).write_csv(source)
        else:
            many.head(n).write_parquet(source, row_group_size=10_000)
        sources.append(source)
    small, large = (peak_kib(source, tmp_path / output) for source in sources)
    assert large - small < 60 << 10
