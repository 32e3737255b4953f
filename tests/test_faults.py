"""What goes wrong around a run: files that change, models replaced, devices that are full."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command_line import Run

from discresorb import artifact as artifacts
from discresorb import cli
from discresorb.artifact import load_artifact, save_artifact
from discresorb.errors import ArtifactError, InputFileError, OutputError
from discresorb.files import _host, begun
from discresorb.inputs import _Parquet
from discresorb.reading import read_table
from discresorb.sources import _Guarded

ROWS = 400
HEADER = "size_mm,sequestrated,months_since_onset,months_to_surgery\n"
CONTENT = (HEADER + "9.5,yes,1.5,6\n" * ROWS).encode()


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def appended(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(path.read_bytes())


def overwritten(path: Path) -> None:
    content = path.read_bytes()
    with path.open("r+b") as stream:
        stream.write(content)
    later = path.stat().st_mtime_ns + 10_000_000  # as a file system of coarse times would tell
    os.utime(path, ns=(later, later))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def removed(path: Path) -> None:
    path.unlink()


@pytest.fixture
def changing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give a list that is changed the second time that it is read from."""

    def changing_list(name: str, change: Callable[[Path], None]) -> Path:
        path = tmp_path / name
        owner: Any = _Guarded
        method = "read"
        if name.endswith(".parquet"):
            pl.read_csv(CONTENT).write_parquet(path, row_group_size=50)
            owner, method = _Parquet, "load"
        else:
            path.write_bytes(gzip.compress(CONTENT) if name.endswith(".gz") else CONTENT)
        usual, calls = getattr(owner, method), [0]

        def changed(self: Any, *what: Any) -> Any:
            calls[0] += 1
            if calls[0] == 2:
                change(path)
            return usual(self, *what)

        monkeypatch.setattr(owner, method, changed)
        return path

    return changing_list


@pytest.mark.parametrize("name", ["list.csv", "list.csv.gz", "list.parquet"])
@pytest.mark.parametrize("change", [truncated, appended, overwritten])
def test_a_list_that_changes_while_it_is_scored_is_refused(
    name: str, change: Callable[[Path], None], changing: Callable[..., Path], run: Run
) -> None:
    path = changing(name, change)
    output = path.with_name("o.csv")
    done = run("score", path, "-o", output, "--batch-size", "0.0005", "--n-jobs", "1")
    assert done.returncode == 3, done.stderr
    assert f"{path} was changed while it was read" in done.stderr
    assert [each.name for each in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("change", [replaced, removed])
def test_a_list_that_is_open_is_scored_as_it_was(
    change: Callable[[Path], None], changing: Callable[..., Path], run: Run
) -> None:
    path = changing("list.csv", change)
    output = path.with_name("o.csv")
    done = run("score", path, "-o", output, "--batch-size", "0.0005", "--n-jobs", "1")
    assert done.returncode == 0, done.stderr
    assert len(pl.read_csv(output)) == ROWS


def test_parquet_is_opened_by_name_so_that_another_file_there_is_refused(
    changing: Callable[..., Path], run: Run
) -> None:
    path = changing("list.parquet", replaced)
    done = run("score", path, "-o", path.with_name("o.csv"), "--batch-size", "0.0005")
    assert done.returncode == 3
    assert "was changed while it was read" in done.stderr


def test_parquet_that_the_system_cannot_read_on_is_not_the_output_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    pl.read_csv(CONTENT).write_parquet(tmp_path / "list.parquet")

    def fails(*what: Any, **how: Any) -> Any:
        raise OSError("the file ended early")  # as polars does, without a number
        yield

    monkeypatch.setattr(pl.LazyFrame, "collect_batches", fails)
    done = run("score", tmp_path / "list.parquet", "-o", tmp_path / "o.csv")
    assert done.returncode == 3, done.stderr
    assert "list.parquet cannot be read: the file ended early" in done.stderr
    assert "o.csv" not in done.stderr


def test_rows_printed_before_a_change_are_said_not_to_be_all(
    changing: Callable[..., Path], run: Run
) -> None:
    path = changing("list.csv", appended)
    done = run("score", path, "--batch-size", "0.0005", "--n-jobs", "1")
    assert done.returncode == 3
    assert "rows were printed before this was met; they are not all" in done.stderr


def test_a_cohort_that_changes_while_it_is_read(changing: Callable[..., Path]) -> None:
    path = changing("cohort.csv", appended)
    with pytest.raises(InputFileError, match="was changed while it was read"):
        read_table(path)


@pytest.fixture
def model(tmp_path: Path, default_path: Path) -> Path:
    path = tmp_path / "m.joblib"
    save_artifact(load_artifact(default_path), path)
    return path


def test_a_model_replaced_between_reading_it_and_its_hash(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_artifact(model)
    waiting = ["newer"]
    check = artifacts._check_hash

    def late(path: Path, content: bytes) -> None:
        if waiting:
            save_artifact({**first, "model_id": waiting.pop()}, path, force=True)
        check(path, content)

    monkeypatch.setattr(artifacts, "_check_hash", late)
    assert load_artifact(model)["model_id"] == "newer"
    waiting += [f"m{number}" for number in range(99)]
    with pytest.raises(ArtifactError, match="replaced again and again"):
        load_artifact(model)


def test_a_disk_that_is_full_leaves_a_model_with_its_very_hash_file(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {each.name: each.read_bytes() for each in model.parent.iterdir()}
    artifact = load_artifact(model)
    opened: list[Path] = []

    def full_at(number: int) -> Callable[[Path], Any]:
        def begin(path: Path) -> Any:
            opened.append(path)
            if len(opened) == number:
                raise OutputError(f"cannot write {path}: No space left on device")
            return begun(path)

        return begin

    for number in (1, 2, 3):  # model, twin, hash file; the fourth is written before any is renamed
        opened.clear()
        monkeypatch.setattr(artifacts, "begun", full_at(number))
        with pytest.raises(OutputError, match="No space left"):
            save_artifact({**artifact, "model_id": "newer"}, model, force=True)
        assert {each.name: each.read_bytes() for each in model.parent.iterdir()} == before


def test_a_model_that_cannot_be_saved_leaves_no_hash_file(
    tmp_path: Path, default_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> Path:
        if self.suffix == ".partial" and target.suffix == ".joblib":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    rename = Path.replace
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OutputError, match="Permission denied"):
        save_artifact(load_artifact(default_path), tmp_path / "m.joblib")
    assert list(tmp_path.iterdir()) == []


def test_what_an_interrupt_kept_from_being_discarded_goes_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**how: object) -> None:
        with begun(tmp_path / "named") as (_, part):
            pass
        part.install()
        with begun(tmp_path / "lost"):
            pass
        assert len(list(tmp_path.iterdir())) == 2
        raise KeyboardInterrupt  # before the part got to whoever was to discard it

    numbers = [getattr(signal, each) for each in ("SIGINT", "SIGTERM", "SIGHUP")]
    usual = [(number, signal.getsignal(number)) for number in numbers]
    monkeypatch.setattr(cli, "app", interrupted)
    monkeypatch.setattr(cli, "_is_own_command", lambda arguments: True)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        for number, handler in usual:
            signal.signal(number, handler)
    assert ended.value.code == 130
    assert [each.name for each in tmp_path.iterdir()] == ["named"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        RuntimeError("could not spawn threads: ThreadPoolBuildError { … }"),
    ],
    ids=["memory", "thread", "pool"],
)
def test_too_little_memory_is_told_of(
    error: Exception, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*what: object) -> None:
        raise error

    (tmp_path / "list.csv").write_bytes(CONTENT)
    monkeypatch.setattr("discresorb.score_file.score_columns", fails)
    done = run("score", tmp_path / "list.csv", "-o", tmp_path / "o.csv")
    assert done.returncode == 1
    assert "Error: there is not enough memory" in done.stderr
    assert "Traceback" not in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["list.csv"]


PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]])
time.sleep(60)
"""
WORKER = """
import os, time
from discresorb_training.orphans import end_with
end_with(os.getppid())
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process keeps the number of its parent")
def test_a_worker_ends_when_its_parent_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, WORKER], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
        began = time.monotonic()
        assert parent.stdout.read() == ""  # open until the worker, who has it as well, ends
        assert time.monotonic() - began < 50.0
    assert worker != parent.pid


FULL = Path(os.devnull).with_name("full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize(
    "arguments", ["calculator", "--help", "score LIST --problems p.csv"], ids=str.split
)
def test_a_full_device_is_standard_output_and_no_other_file(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(CONTENT)
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "discresorb", *arguments.replace("LIST", "list.csv").split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot write standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "p.csv" not in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["list.csv"]


def test_hidden_folders_of_cluster_runs_that_were_killed_go(tmp_path: Path) -> None:
    from discresorb.score_on_cluster import _hidden_folder

    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".discresorb-0f0f.{_host()}.{dead.pid}.1-1"
    others = tmp_path / f".discresorb-0f0f.elsewhere.{dead.pid}.1-1"
    for folder in (left, others):
        folder.mkdir()
        (folder / "0").write_bytes(b"rows")
    with _hidden_folder(tmp_path) as first, _hidden_folder(tmp_path) as second:
        assert first.exists()
        assert first != second
    assert [each.name for each in tmp_path.iterdir()] == [others.name]
