"""Writing files so that what stands under a name is always whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from discresorb.errors import OutputError

__all__ = ["check_target", "replacing", "write_whole"]


def check_target(path: Path, *, force: bool) -> None:
    """Refuse a target that exists (without force) or that has no folder to stand in."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file")
    if not path.parent.is_dir():
        raise OutputError(f"folder {path.parent} does not exist; make it first")
    if path.exists() and not force:
        raise OutputError(f"{path} exists already; use --force (force=True) to overwrite it")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write beside the target and rename onto it at the end; on failure leave no trace.

    The name of the part is fixed, so that what a killed run left behind is overwritten by the next.
    """
    part = path.with_name(f".{path.name}.partial")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Write a file's whole content in one rename."""
    with replacing(path) as stream:
        stream.write(content)
