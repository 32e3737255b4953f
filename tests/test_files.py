"""Files are whole or not there, and no parts are left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from discresorb.errors import OutputError
from discresorb.files import replacing, write_whole


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
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    stale = tmp_path / f".a.csv.{dead.pid}.partial"
    alive = tmp_path / f".a.csv.{os.getppid()}.partial"
    other = tmp_path / f".b.csv.{dead.pid}.partial"
    for part in (stale, alive, other):
        part.write_text("half")
    write_whole(tmp_path / "a.csv", b"whole")
    assert {each.name for each in tmp_path.iterdir()} == {"a.csv", alive.name, other.name}
