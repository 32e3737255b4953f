"""Coverage-guided fuzzing of the CSV reader and of the artifact loader, by atheris (libFuzzer).

Inputs are kept and changed further where they reach code that none before them has reached. A fault
is any exception but DiscresorbError, more than 20 seconds for an input, or 2 GiB of memory; of CSVs
also rows that are not those of Python's own reader.

Run, in an environment with the extra `fuzz` (--share 0.1 for a tenth of the inputs):
python benchmarks/fuzz_guided.py > benchmarks/results/fuzz_guided.txt
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["discresorb", "joblib.numpy_pickle", "pickle", "csv"]):
    from discresorb import __version__
    from discresorb.artifact import _checked, find_shipped
    from discresorb.errors import InputError, InputFileError
    from discresorb.predictor import Predictor
    from discresorb.records import Records
    from discresorb.strict_pickle import load_strictly
    from discresorb.table import text_rows

DATA: Final = Path(__file__).parents[1] / "data" / "synthetic"
_SEEDS: Final = {
    "reader": [DATA / "waiting_list.csv", DATA / "waiting_list_problems.csv"],
    "loader": [find_shipped()],
}
_BEFORE: Final = {"reader": b"\x10", "loader": b""}
_RUNS: Final = {"reader": 2_000_000, "loader": 2_000_000}
_LONGEST: Final = 8192


def reader(content: bytes) -> None:
    """Read a CSV in batches of a size that its first byte says, and as Python does."""
    size, content = 1 + 8 * sum(content[:1]), content[1:]
    expected = _rows_of_python(content)
    try:
        records = Records(io.BytesIO(content), "in.csv", size)
        width = len(records.header)
        rows = [row for batch in records
                for row in text_rows(batch, width, "in.csv").frame.rows()]  # fmt: skip
    except InputFileError:
        return
    if expected is None:
        return
    squared = [tuple(cell or None for cell in (row + [""] * width)[:width]) for row in expected[1:]]
    if rows != squared:
        raise AssertionError("the rows are not those of Python's reader")


def loader(content: bytes) -> None:
    """Load a model as is done once its hash is found right, and predict with it."""
    try:
        artifact = _checked(load_strictly(content))
    except Exception:  # as `load_artifact` does, which puts all of it in words
        return
    with contextlib.suppress(InputError):
        Predictor(artifact).predict(
            size_mm=9, sequestrated=True, months_since_onset=1, months_to_surgery=6
        )


def _rows_of_python(content: bytes) -> list[list[str]] | None:
    csv.field_size_limit(1 << 30)
    try:
        text = content.decode().removeprefix("\ufeff")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        return [row for row in lines if row] or None
    except (csv.Error, UnicodeDecodeError):
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz by coverage.")
    parser.add_argument("--share", type=float, default=1.0, help="of the inputs of a whole run")
    parser.add_argument("--child", choices=_RUNS, help=argparse.SUPPRESS)
    asked, others = parser.parse_known_args()
    if asked.child:
        atheris.Setup([sys.argv[0], *others], {"reader": reader, "loader": loader}[asked.child])
        atheris.Fuzz()
        return
    print("Inputs chosen by what code they reach")
    print(f"Python {platform.python_version()}, discresorb {__version__}\n")
    heads = ("inputs", "edges at first", "edges", "kept as new", "faults", "seconds")
    print(f"{'what':8}" + "".join(f"{head:>16}" for head in heads))
    for name, runs in _RUNS.items():
        counts = _guided(name, round(asked.share * runs))
        print(f"{name:8}" + "".join(f"{count:>16,}" for count in counts))


def _guided(name: str, runs: int) -> tuple[int, int, int, int, int, int]:
    """Fuzz in a process of its own; give what libFuzzer counted."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for seed in _SEEDS[name]:
            (corpus / seed.name).write_bytes(_BEFORE[name] + seed.read_bytes())
        command = [sys.executable, __file__, "--child", name, f"-runs={runs}", "-seed=1",
                   f"-max_len={_LONGEST}", "-timeout=20", "-rss_limit_mb=2048",
                   "-print_final_stats=1", f"-artifact_prefix={folder}/", str(corpus)]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
        faults = [each for each in Path(folder).iterdir() if each != corpus]
        for each in faults:
            print(f"fault of {name}: {each.read_bytes()[:500]!r}\n{done.stderr[-2000:]}")
    edges = [int(each) for each in re.findall(r"cov: (\d+)", done.stderr)]
    tried = re.search(r"number_of_executed_units:\s+(\d+)", done.stderr)
    new = re.search(r"new_units_added:\s+(\d+)", done.stderr)
    if not (edges and tried and new):
        raise RuntimeError(done.stderr[-2000:])
    seconds = round(time.monotonic() - begun)
    return int(tried[1]), edges[0], edges[-1], int(new[1]), len(faults), seconds


if __name__ == "__main__":
    main()
