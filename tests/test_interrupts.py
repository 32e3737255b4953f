"""Whatever ends a run, what stands under a name is whole and nothing else is left."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from conftest import ROOT

ROWS = 100_000
OUTPUTS = ["out.csv", "out.parquet", "out.csv.gz"]


@pytest.fixture(scope="module")
def long_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "in.csv"
    waits = pl.int_range(ROWS, eager=True) % 600
    pl.DataFrame(
        {"months_to_surgery": waits, "note": pl.int_range(ROWS, eager=True).hash()}
    ).select(
        pl.all(), size_mm=pl.lit(9.5), sequestrated=pl.lit("yes"), months_since_onset=pl.lit(1.5)
    ).write_csv(path)
    return path


def begun(source: Path | str, output: Path, *options: str) -> subprocess.Popen[str]:
    """Start scoring; give it back once it writes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "discresorb", "score", source, "-o", output, *options],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT / "model",
    )
    while process.poll() is None and not list(output.parent.glob(".*.partial")):
        time.sleep(0.01)
    return process


# how shells tell of it, or that the signal itself ended the run, which they tell of likewise
STATUSES = {each: {128 + each, -each} for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


@pytest.mark.parametrize(
    ("output", "number"),
    [
        *((output, signal.SIGINT) for output in OUTPUTS),
        *((output, signal.SIGTERM) for output in OUTPUTS),
        (OUTPUTS[0], signal.SIGHUP),
    ],
)
def test_ended_by_a_signal_nothing_is_left(
    output: str, number: signal.Signals, long_list: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "problems.csv"
    process = begun(
        long_list, tmp_path / output, "--batch-size", "0.01", "--problems", str(listing)
    )
    time.sleep(0.05)
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert process.returncode in STATUSES[number], words
    assert "Traceback" not in words
    assert list(tmp_path.iterdir()) == []


def test_ended_while_it_waits_for_input(tmp_path: Path) -> None:
    process = begun("-", tmp_path / "out.csv")
    assert process.stdin is not None
    process.stdin.write("size_mm,sequestrated,months_since_onset,months_to_surgery\n")
    process.stdin.flush()
    process.terminate()
    process.wait(60)
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []
    process.communicate()


@pytest.mark.parametrize("output", OUTPUTS)
def test_killed_at_any_moment(output: str, long_list: Path, tmp_path: Path) -> None:
    target = tmp_path / output
    parts = 0
    for moment in (0.0, 0.06, 0.13, 0.29):
        process = begun(long_list, target)
        time.sleep(moment)
        process.kill()
        process.communicate()
        parts += len(list(tmp_path.glob(".*.partial")))
        if target.exists():
            assert rows_of(target) == ROWS
            target.unlink()
    assert parts > 0
    assert len(list(tmp_path.iterdir())) <= 1
    process = begun(long_list, target)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert rows_of(target) == ROWS
    assert [each.name for each in tmp_path.iterdir()] == [output]


def rows_of(path: Path) -> int:
    if path.suffix == ".parquet":
        return len(pl.read_parquet(path))
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).count(b"\n") - 1


@pytest.mark.parametrize(
    "output", ["out.csv", "out.jsonl", "out.parquet", "out.csv.gz", "out.csv.zst"]
)
def test_a_full_disk_is_told_of_and_nothing_is_left(
    output: str, long_list: Path, tmp_path: Path
) -> None:
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from discresorb.cli import main
import sys
sys.argv = ["discresorb", "score", {str(long_list)!r}, "-o", {str(tmp_path / output)!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT / "model",
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--json", "--strict"])
def test_a_full_device_behind_standard_output(option: str, long_list: Path) -> None:
    with Path(os.devnull).with_name("full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "discresorb", "score", long_list, *option.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT / "model",
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot write standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", ["--strict", "--n-jobs 4 --batch-size 0.001"])
def test_a_reader_that_stops_early(options: str, long_list: Path) -> None:
    command = f"{sys.executable} -m discresorb score {long_list} {options} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        cwd=ROOT / "model",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert "Error" not in done.stderr
    assert "Exception ignored" not in done.stderr
