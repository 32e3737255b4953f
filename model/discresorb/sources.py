"""Opening what is read: a file or standard input, plain or compressed, known by its content."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol

from discresorb.errors import InputFileError

__all__ = ["STANDARD_STREAM", "Readable", "Source", "opened", "zstd"]

STANDARD_STREAM: Final = "-"

_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ZIP: Final = b"PK\x03\x04"
# how Python writes bytes of a name that are not UTF-8
_NO_TEXT: Final = re.compile("[\udc80-\udcff]")


class Readable(Protocol):
    """Whatever gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most so many bytes; none at the end."""


@dataclass(frozen=True)
class Source:
    """Something opened for reading.

    Parameters
    ----------
    name : str
        For messages.
    kind : {"csv", "parquet"}
        By its content.
    stream : binary file
        Its content, decompressed; of Parquet the file itself.
    raw : binary file
        What is really read from, to tell how far reading has come.
    size : int or None
        Bytes of the file as it lies there; None of a pipe or the like.
    """

    name: str
    kind: Literal["csv", "parquet"]
    stream: Readable
    raw: IO[bytes]
    size: int | None


@contextmanager
def opened(source: str | Path) -> Iterator[Source]:
    """Open a file, or standard input for ``-``; words instead of a traceback, also later on.

    Raises
    ------
    InputFileError
        If it cannot be opened, read or decompressed, or was changed while it was read.
    """
    if str(source) == STANDARD_STREAM:
        if sys.stdin is None:
            raise InputFileError("standard input is closed")
        yield _recognised("standard input", sys.stdin.buffer, None)
        return
    with _open(Path(source)) as raw:
        status = os.fstat(raw.fileno())
        if not stat.S_ISREG(status.st_mode):  # a pipe, whose end nobody knows before it comes
            yield _recognised(str(source), raw, None)
            return
        file = _recognised(str(source), raw, status.st_size)
        try:
            yield file
        except InputFileError:  # that it was changed says more than what it looks like by now
            _refuse_changed(file, status, raw)
            raise
        _refuse_changed(file, status, raw)


def _refuse_changed(file: Source, before: os.stat_result, raw: IO[bytes]) -> None:
    """Refuse rows that may come from two states of a file.

    Another file under the same name does not matter to one that is open, but Parquet is opened
    again and again by its name.
    """
    try:
        now = Path(file.name).stat() if file.kind == "parquet" else os.fstat(raw.fileno())
        changed = _state(now) != _state(before)
    except OSError:
        changed = True
    if changed:
        raise InputFileError(
            f"{file.name} was changed while it was read, so that its rows may be of two states; "
            "try again once nothing writes to it any more"
        )


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputFileError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise InputFileError(f"{path} is a folder; name a file") from None
    except PermissionError:
        raise InputFileError(f"{path} may not be read: permission denied") from None
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror}") from None


def zstd() -> Any:
    """Give the module that reads and writes Zstandard: Python's own from 3.14 on."""
    if sys.version_info >= (3, 14):
        from compression import zstd as module
    else:
        from backports import zstd as module
    return module


def _recognised(name: str, raw: Any, size: int | None) -> Source:
    buffered = raw if hasattr(raw, "peek") else io.BufferedReader(raw)
    start = _Guarded(name, buffered).peek()
    if start.startswith(_PARQUET):
        if size is None:
            raise InputFileError(f"{name} is Parquet, which is read from files only; name the file")
        if _NO_TEXT.search(name):
            raise InputFileError(f"{name} is Parquet, but its name is no text in UTF-8; rename it")
        return Source(name, "parquet", buffered, buffered, size)
    if start.startswith(_ZIP):
        raise InputFileError(f"{name} is a workbook of Excel or a zip; save it as CSV UTF-8")
    if not start.startswith((_GZIP, _ZSTD)):
        return Source(name, "csv", _Guarded(name, buffered), buffered, size)
    inner = (
        gzip.GzipFile(fileobj=buffered) if start.startswith(_GZIP) else zstd().ZstdFile(buffered)
    )
    stream = _Guarded(name, inner)
    if stream.peek().startswith(_PARQUET):
        raise InputFileError(f"{name} is Parquet within another compression; decompress it first")
    return Source(name, "csv", stream, buffered, size)


class _Guarded:
    """Reads, and says in words why it cannot."""

    def __init__(self, name: str, stream: Any) -> None:
        self._name, self._stream = name, stream

    def read(self, size: int = -1) -> bytes:
        return self._asked(lambda: self._stream.read(size))

    def peek(self) -> bytes:
        return self._asked(lambda: self._stream.peek(8))

    def _asked(self, ask: Any) -> bytes:
        try:
            return bytes(ask())
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._damaged(error) from None
        except OSError as error:
            raise InputFileError(f"{self._name} cannot be read: {error.strerror}") from None
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> InputFileError:
        return InputFileError(f"{self._name} is damaged, it cannot be decompressed: {error}")
