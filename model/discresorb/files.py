"""Writing files so that what stands under a name is always whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from discresorb.errors import OutputError

__all__ = ["check_target", "replacing", "write_whole"]


def check_target(path: Path, *, force: bool) -> None:
    """Refuse a target that exists (without force), is no file, or has no folder to stand in."""
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; name a file")
        if not path.parent.is_dir():
            raise OutputError(f"folder {path.parent} does not exist; make it first")
        if path.exists() and not path.is_file():
            raise OutputError(f"{path} is not an ordinary file; name another")
        if path.exists() and not force:
            raise OutputError(f"{path} exists already; use --force (force=True) to overwrite it")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write beside the target and rename onto it at the end; on failure leave no trace.

    A link is followed, and a file that is replaced hands on its permissions. Each process writes a
    part of its own name; parts that a killed run left behind are removed.
    """
    path = path.resolve()
    _remove_stale_parts(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with part.open("wb") as stream:
            if path.exists():
                part.chmod(path.stat().st_mode)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # not there any more, or never made
            part.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file's whole content in one rename."""
    with replacing(path) as stream:
        stream.write(content)


def _remove_stale_parts(path: Path) -> None:
    with contextlib.suppress(OSError):  # a folder that cannot be listed has nothing to remove
        for part in path.parent.iterdir():
            prefix, _, rest = part.name.rpartition(f".{path.name}.")
            process = rest.removesuffix(".partial")
            if prefix == "" and rest.endswith(".partial") and process.isdigit():
                _remove_unless_alive(part, int(process))


def _remove_unless_alive(part: Path, process: int) -> None:
    if os.name == "posix":
        try:
            os.kill(process, 0)  # asks, does not kill
        except ProcessLookupError:
            pass
        except OSError:
            return  # another user's
        else:
            return
    with contextlib.suppress(OSError):  # elsewhere an open file cannot be removed: it is alive
        part.unlink()
