"""CSVs and Parquet files, generated and broken, into scoring and into the reading of cohorts.

Where Python's own reader makes rows of the same bytes, scoring must give those rows: each once, in
order, with every cell. Where a file is refused, nothing may stand in the folder but that file.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import polars as pl
from fuzz_bytes import compressed, mutated
from fuzz_large import LARGE
from fuzz_watch import ACCEPTED, REFUSED, FaultError, Try, seeded

from discresorb import load
from discresorb.columns import SCORING_COLUMNS, TRAINING_COLUMNS, VISIT_COLUMNS
from discresorb.errors import InputFileError
from discresorb.jobs import Form, Job
from discresorb.reading import read_table
from discresorb.records import BATCH_BYTES
from discresorb.score_files import run_jobs
from discresorb.scoring import OUTPUT_NAMES, Scorer
from discresorb.sources import zstd
from discresorb.tally import Tally
from discresorb.writing import is_formula
from discresorb_training.cohort import cohort_from_table
from discresorb_training.from_visits import DEFAULT_COVARIATES, read_visits
from discresorb_training.plan import planned
from discresorb_training.row_reader import problem_lines
from discresorb_training.visit_files import csv_bytes

__all__ = ["DATA", "score_bytes", "score_parquet", "score_texts", "train_texts"]

DATA: Final = Path(__file__).parents[1] / "data" / "synthetic"
_LISTS: Final = ("waiting_list.csv", "waiting_list_problems.csv")
_TABLES: Final = ("cohort.csv", "new_centre.csv", "new_centre_visits.csv")
_ROWS: Final = 25
Row = list[str]

# cells that readers of CSVs, of numbers, of dates or of flags have stumbled over
_CELLS: Final = (
    "", " ", "\t", "0", "1", "yes", "no", "TRUE", "1.0", "perhaps", "11", "11.5", " 9 ", "8,2",
    "0.5", "40", "40.0000001", "-1", "+9", "1e1", "1e400", "-1e400", "1e-400", "nan", "NaN", "inf",
    "0x1p3", "1_0", "١٢", "１１", "9" * 400, "0." + "0" * 400 + "1", "1" * 5000, "2019-03-01",
    "2019-03-15", "2019-09-20", "2019-02-30", "0001-01-01", "9999-12-31", "10000-01-01",
    "2019-3-1", "01.03.2019", "２０１９-03-01", "2019‐03‐01", "2019-03-01T00:00", "=1+1", "@cmd",
    "-2+3", "\rx", "'quoted", 'say "x"', '"', "two\nlines", "two\r\nlines", "\r", "\n", "a,b",
    "\ufeff", "\u200b11", "11\u00a0", "é", "\u2028", "\x0b", "\x1c", "\x7f", "\U0001f9b4", "x^",
    "null", "None", "NA", "resorbed", "herniated", "surgery", "lost", "x" * 3000,
)  # fmt: skip
_NAMES: Final = (
    "note", "size_mm ", "Size_MM", "p_resorbed", "problems", "", " ", "0", "1", "=cmd", "a,b",
    'a"b', "two\nlines", "\ufeffx", "note", "age", "size_mm", "é", "x" * 300,
)  # fmt: skip


def score_texts(folder: Path) -> Try:
    """Score CSVs, plain and compressed."""
    predictor = load()
    seeds = [_shortened(DATA / name) for name in _LISTS]

    def attempt(number: int) -> str:
        random = seeded("score", number)
        if number < len(LARGE):
            sizes = (BATCH_BYTES,)  # what is small but unpacks to much would make endless batches
            return score_bytes(Scorer(predictor), folder, "in.csv", LARGE[number](), random, sizes)
        content = _text_of(random, SCORING_COLUMNS, seeds)
        packed = compressed(content, random) if random.random() < 0.15 else content
        if packed != content and random.random() < 0.3:
            packed = mutated(packed, random)
        return score_bytes(Scorer(predictor), folder, "in.csv", packed, random)

    return attempt


def score_parquet(folder: Path) -> Try:
    """Score Parquet files."""
    predictor = load()

    def attempt(number: int) -> str:
        random = seeded("parquet", number)
        content = _parquet_of(random)
        if random.random() < 0.6:
            content = mutated(content, random)
        return score_bytes(Scorer(predictor), folder, "in.parquet", content, random)

    return attempt


def train_texts(folder: Path) -> Try:
    """Read training cohorts as `train` does, and visits as `cohort` does."""
    seeds = [_shortened(DATA / name) for name in _TABLES]
    source = folder / "in.csv"
    folder.mkdir()

    def attempt(number: int) -> str:
        random = seeded("train", number)
        columns = random.choice((TRAINING_COLUMNS, VISIT_COLUMNS))
        content = _text_of(random, [*columns, *SCORING_COLUMNS[1:3]], seeds)
        source.write_bytes(compressed(content, random) if random.random() < 0.05 else content)
        table = read_table(source)
        rows = _rows_of_python(content)
        if rows is not None and len(table) != len(rows) - 1:
            raise FaultError(f"{len(table)} rows read, but Python reads {len(rows) - 1}")
        if random.random() < 0.5:
            names = random.choice(("size_mm,sequestrated", "size_mm:spline,sequestrated", "age",
                                   "exit_reason:category", "size_mm"))  # fmt: skip
            patients = cohort_from_table(table, planned(names.split(",")))
            if len(patients.y) != len(table):
                raise FaultError(f"{len(patients.y)} patients made of {len(table)} rows")
            return ACCEPTED
        done = read_visits(table.frame, table.header, DEFAULT_COVARIATES, table.name, table.ragged)
        problem_lines(done.problems, table.name, show_values=True)
        kept, dropped = done.flow.patients_kept, len(done.problems)
        if kept != len(done.frame):
            raise FaultError(f"{kept} patients kept, but {len(done.frame)} rows")
        if kept and len(_csv_rows(csv_bytes(done.frame, raw_text=False)[0])) != 1 + kept:
            raise FaultError(f"{kept} patients kept, but others written")
        return REFUSED if dropped or not kept else ACCEPTED

    return attempt


def _text_of(random: Random, columns: Sequence[Any], seeds: Sequence[bytes]) -> bytes:
    content = random.choice((_generated(random, columns), random.choice(seeds)))
    if random.random() < 0.5:
        content = mutated(content, random, seeds)
    return content


def _shortened(path: Path) -> bytes:
    return b"".join(path.read_bytes().splitlines(keepends=True)[:_ROWS])


def _generated(random: Random, columns: Sequence[Any]) -> bytes:
    names = [column.name for column in columns]
    if random.random() < 0.5:
        names = random.sample(names, random.randrange(1, len(names) + 1))
    names += random.choices(_NAMES, k=random.choice((0, 0, 0, 1, 3)))
    rows = [names]
    for patient in range(random.choice((0, 1, 3, 12, 40))):
        row = [_cell(random, name, patient) for name in names]
        change = random.random()
        rows.append(row[:-1] if change < 0.02 else [*row, "more"] if change < 0.04 else row)
    text = io.StringIO(newline="")
    quoting: Literal[0, 1] = random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    ends = random.choice(("\n", "\n", "\r\n", "\r", "\n\n"))
    csv.writer(text, lineterminator=ends, quoting=quoting).writerows(rows)
    encoding = random.choice(("utf-8",) * 9 + ("utf-8-sig", "utf-16", "latin-1", "utf-32"))
    return text.getvalue().encode(encoding, "replace")


def _cell(random: Random, name: str, patient: int) -> str:
    if name == "patient_id":
        return f"p{patient // random.choice((1, 1, 3)):04d}"
    if random.random() < 0.08:
        return random.choice(_CELLS)
    if name.endswith("_date"):
        day = datetime.date(2018, 1, 1) + datetime.timedelta(random.randrange(900))
        return day.isoformat()
    if "months" in name:
        return f"{random.uniform(0, 20):.3f}"
    return {"size_mm": f"{random.uniform(1, 30):.1f}", "sequestrated": random.choice("01"),
            "finding": random.choice(("herniated", "resorbed"))}.get(name, "")  # fmt: skip


def _parquet_of(random: Random) -> bytes:
    """Give a frame of columns that may be of any type, as Parquet."""
    count = random.choice((0, 1, 5, 30))
    names = [column.name for column in SCORING_COLUMNS if random.random() < 0.9]
    frame = pl.DataFrame({name: [_cell(random, name, row) for row in range(count)]
                          for name in names}, schema=dict.fromkeys(names, pl.String))  # fmt: skip
    for name in random.sample(names, min(len(names), random.choice((0, 1, 3)))):
        frame = frame.with_columns(random.choice(_TYPES)(pl.col(name)).alias(name))
    if random.random() < 0.3:
        other = random.choice(_TYPES)(pl.lit("2019-03-01")).alias(random.choice(_NAMES))
        with suppress(pl.exceptions.DuplicateError):
            frame = frame.with_columns(other)
    stream = io.BytesIO()
    compression: Any = random.choice(("zstd", "uncompressed", "snappy", "gzip"))
    frame.write_parquet(stream, compression=compression, row_group_size=random.choice((1, 7, None)))
    return stream.getvalue()


def _typed(kind: Any) -> Callable[[pl.Expr], pl.Expr]:
    return lambda column: column.cast(kind, strict=False)


_TYPES: Final[Sequence[Callable[[pl.Expr], pl.Expr]]] = (
    *map(_typed, (pl.Float64, pl.Float32, pl.Int8, pl.UInt64, pl.Int128, pl.Categorical, pl.Binary,
                  pl.Decimal(30, 4))),
    lambda column: column.str.to_date("%Y-%m-%d", strict=False),
    lambda column: column.str.to_datetime("%Y-%m-%d", strict=False, time_unit="ns"),
    lambda column: column.cast(pl.Float64, strict=False).cast(pl.Decimal(38, 10), strict=False),
    lambda column: column.cast(pl.Float64, strict=False).cast(pl.Duration("us"), strict=False),
    lambda column: column.cast(pl.Float64, strict=False).cast(pl.Time, strict=False),
    lambda column: column.cast(pl.Float64, strict=False).cast(pl.Boolean, strict=False),
    lambda column: pl.struct(column.alias("a"), column.alias("b")),
    lambda column: pl.concat_list(column, column),
    lambda column: pl.concat_list(column, column).cast(pl.Array(pl.String, 2)),
    lambda column: column.str.to_datetime("%Y-%m-%d", strict=False).dt.replace_time_zone("UTC"),
    lambda column: pl.lit(float("inf")) + column.str.len_chars(),
)  # fmt: skip


def score_bytes(
    scorer: Scorer,
    folder: Path,
    name: str,
    content: bytes,
    random: Random,
    batch_sizes: Sequence[int] = (),
) -> str:
    """Score one file as the command does; check what stands in the folder then."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source, target = folder / name, folder / random.choice(_TARGETS)
    source.write_bytes(content)
    form = Form(
        raw_text=random.random() < 0.5,
        threads=random.choice((1, 1, 1, 2)),
        batch_bytes=random.choice(
            batch_sizes or (BATCH_BYTES, BATCH_BYTES, 1 + len(content) // 2, 300)
        ),
    )
    listing = folder / "problems.csv" if random.random() < 0.2 else None
    try:
        outcome = run_jobs(scorer, [Job(str(source), target)], form, problems=listing)
    except InputFileError:
        left = [each.name for each in folder.iterdir() if each != source]
        if left:
            raise FaultError(f"refused, but there are {left}") from None
        raise
    _check_scored(content, target, outcome.tally, raw_text=form.raw_text)
    expected = {source, target, *([listing] if listing else [])}
    if set(folder.iterdir()) != expected:
        raise FaultError(f"left behind: {sorted(set(folder.iterdir()) - expected)}")
    if listing and len(_csv_rows(listing.read_bytes())) != 1 + outcome.tally.unscored:
        raise FaultError("rows that could not be scored are not listed one by one")
    return ACCEPTED


# Parquet takes threads that wait for one another, so it is asked for now and then
_TARGETS: Final = (
    *["out.csv"] * 24,
    *["out.jsonl"] * 8,
    "out.csv.gz",
    "out.csv.zst",
    "out.parquet",
)


def _check_scored(content: bytes, target: Path, tally: Tally, *, raw_text: bool) -> None:
    """Raise FaultError unless a scored file has the rows that Python reads, in order, each once.

    Of any file, each row has numbers or problems, and those with problems are as many as counted.
    """
    expected = _rows_of_python(content)
    found = _written(target)
    _check_answers([row[-len(OUTPUT_NAMES) :] for row in found], tally)
    if expected is None:
        return
    header, *rows = expected
    width = len(header)
    squared = [(row + [""] * width)[:width] for row in rows]
    if target.suffix in (".parquet", ".jsonl"):
        raw_text = True
    if len(found) != len(squared):
        raise FaultError(f"{len(found)} rows written, but Python reads {len(squared)}")
    for place, (ours, theirs) in enumerate(zip(found, squared, strict=True)):
        if len(ours) != width + len(OUTPUT_NAMES):
            raise FaultError(f"row {place + 1} was written with {len(ours)} cells")
        for cell, original in zip(ours[:width], theirs, strict=True):
            guarded = not raw_text and is_formula(original) and cell == "'" + original
            if cell != original and not guarded:
                raise FaultError(f"row {place + 1}: {original!r} was written as {cell!r}")


def _check_answers(answers: Sequence[Row], tally: Tally) -> None:
    """Raise FaultError unless rows have either numbers or problems, as they were counted."""
    probability, problems = (OUTPUT_NAMES.index(name) for name in ("p_resorbed", "problems"))
    unscored = sum(bool(each[problems]) for each in answers)
    if any(bool(each[probability]) == bool(each[problems]) for each in answers):
        raise FaultError("a row has neither a probability nor a problem, or both")
    if (len(answers), unscored) != (tally.rows, tally.unscored):
        raise FaultError(f"{unscored} of {len(answers)} rows have problems, but counted are "
                         f"{tally.unscored} of {tally.rows}")  # fmt: skip


def _rows_of_python(content: bytes) -> list[Row] | None:
    """Read bytes with the standard library alone; None if that makes no rows of them."""
    with suppress(Exception):
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        elif content.startswith(b"\x28\xb5\x2f\xfd"):
            content = zstd().decompress(content)
        return _csv_rows(content) or None
    return None


def _csv_rows(content: bytes) -> list[Row]:
    text = content.decode("utf-8").removeprefix("\ufeff")
    csv.field_size_limit(1 << 30)
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


def _written(target: Path) -> list[Row]:
    content = target.read_bytes()
    if target.suffix == ".parquet":
        return [[_as_text(cell) for cell in row] for row in pl.read_parquet(target).rows()]
    if target.suffix == ".jsonl":
        lines = content.decode().split("\n")[:-1]  # other line ends may stand within texts
        return [[_as_text(cell) for cell in json.loads(line).values()] for line in lines]
    if target.suffix == ".gz":
        content = gzip.decompress(content)
    elif target.suffix == ".zst":
        content = zstd().decompress(content)
    return _csv_rows(content)[1:]


def _as_text(cell: object) -> str:
    return "" if cell is None else str(cell)
