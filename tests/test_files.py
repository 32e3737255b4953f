"""Files are whole or not there, and no parts are left."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from discresorb.errors import OutputError
from discresorb.files import (
    _birth,
    _companion,
    _host,
    alone,
    check_apart,
    is_left,
    owner,
    replacing,
    write_whole,
)


def _named_after(name: str, process: object) -> str:
    """Give the name of a part or lock as another process would."""
    born = _birth(process) if isinstance(process, int) else ""
    mine = f".{os.getpid()}.{_birth(os.getpid())}-"
    assert mine in name
    return name.replace(mine, f".{process}.{born}-")


def test_a_failure_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def half_done() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left"), replacing(tmp_path / "a") as stream:
        raise OSError(28, "No space left on device")
    assert stream.closed
    assert list(tmp_path.iterdir()) == []


def test_parts_of_dead_runs_are_removed_and_of_live_ones_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    own = _companion(path, "partial")

    def left_by(process: object, host: str = "") -> Path:
        name = _named_after(own.name, process)
        part = own.with_name(name.replace(_host(), host or _host()))
        part.write_text("half")
        return part

    gone = [left_by(dead.pid), left_by("99999999999999999999"), left_by("²")]
    kept = [left_by(os.getppid()), left_by(dead.pid, host="elsewhere")]
    write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert not any(part.exists() for part in gone)
    assert all(part.exists() for part in kept)


@pytest.mark.skipif(not _birth(os.getpid()), reason="the system does not tell when one began")
def test_what_is_left_by_a_process_whose_number_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    own = _companion(path, "partial")
    # as in a container, where each run bears the same number
    of_earlier = own.with_name(own.name.replace(f".{_birth(os.getpid())}-", ".12345-"))
    of_earlier.write_text("half")
    of_earlier.with_suffix(".lock").touch()
    write_whole(path, b"whole")
    with alone(path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    assert not is_left(owner())
    assert not is_left(f"{_host()}.{os.getpid()}.140000")  # a name as earlier versions gave it
    assert is_left(f"{_host()}.{os.getpid()}.12345-140000")
    assert not is_left(f"elsewhere.{os.getpid()}.12345-140000")


def test_names_as_long_as_a_name_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"


def test_a_link_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OutputError, match="cannot write"):
        write_whole(tmp_path / "a", b"")


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    other = _companion(path, "lock")
    alive = other.with_name(_named_after(other.name, os.getppid()))
    alive.touch()

    def enter() -> None:
        with alone(path):
            raise AssertionError

    with pytest.raises(OutputError, match="another run is writing"):
        enter()
    alive.unlink()
    with alone(path):
        assert other.exists()
    assert list(tmp_path.iterdir()) == []


def test_threads_do_not_share_a_part(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: write_whole(tmp_path / "a", b"%d" % n * 100), range(100)))
    assert len(set((tmp_path / "a").read_bytes())) <= 2
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_thousands_of_outputs_are_told_apart_quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved: list[Path] = []
    resolve = Path.resolve

    def counting(path: Path, strict: bool = False) -> Path:
        resolved.append(path)
        return resolve(path, strict)

    monkeypatch.setattr(Path, "resolve", counting)
    outputs, kept = ([tmp_path / f"{kind}{n}" for n in range(500)] for kind in "ok")
    check_apart(outputs, kept)
    assert len(resolved) == 1_000
    with pytest.raises(OutputError, match="o7 is named twice"):
        check_apart([*outputs, tmp_path / "." / "o7"], kept)
    with pytest.raises(OutputError, match="k9 is an input"):
        check_apart([*outputs, tmp_path / "k9"], kept)


def test_a_long_file_is_synced_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def counted(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr("discresorb.synced._AT_ONCE", 50_000)
    monkeypatch.setattr(os, "fsync", counted)
    with replacing(tmp_path / "long.csv") as stream:
        for _ in range(20):
            stream.write(b"x" * 20_000)
        assert synced
    assert (tmp_path / "long.csv").stat().st_size == 400_000
    assert [each.name for each in tmp_path.iterdir()] == ["long.csv"]


def test_an_early_sync_that_fails_is_told_though_a_later_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(5, "Input/output error")]

    def fails_once(descriptor: int) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr("discresorb.synced._AT_ONCE", 50_000)
    monkeypatch.setattr(os, "fsync", fails_once)
    with (
        pytest.raises(OutputError, match="Input/output error"),
        replacing(tmp_path / "long.csv") as stream,
    ):
        stream.write(b"x" * 60_000)
    assert failures == []
    assert list(tmp_path.iterdir()) == []
