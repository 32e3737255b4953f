"""A file that goes to the disk while more is written, so that the wait at the end is short.

Whatever cannot be written is told of by its own name.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["NamedStream", "SyncedFile", "UnwrittenError"]

_AT_ONCE: Final = 64 << 20


class UnwrittenError(OSError):
    """Names what could not be written, so that no other file that is open is blamed."""

    target = ""

    @classmethod
    def of(cls, error: OSError, target: str) -> UnwrittenError:
        """Give the same error with what it is that could not be written."""
        named = cls(error.errno, error.strerror)
        named.target = target
        return named


class NamedStream:
    """A stream that is told of by name when it cannot be written.

    Parameters
    ----------
    stream : binary file
        Such as standard output.
    name : str
        What it is called.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, content: Any) -> int:
        """Write."""
        with self._named():
            return self._stream.write(content)

    def writelines(self, lines: Iterable[Any]) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what is kept."""
        with self._named():
            self._stream.flush()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:  # its reader has seen enough
            raise
        except OSError as error:
            raise UnwrittenError.of(error, self._name) from error


class SyncedFile(io.FileIO):
    """A new file; call `settle` before it is closed.

    Parameters
    ----------
    path : Path
        Where it stands.
    target : str
        What it is called when it cannot be written.
    """

    def __init__(self, path: Path, target: str) -> None:
        super().__init__(path, "w")
        self._target = target
        self._fresh = 0
        self._pool: ThreadPoolExecutor | None = None
        self._sync: Future[None] | None = None

    def write(self, content: Any) -> int:
        """Write, and now and then have what is written brought to the disk."""
        try:
            written = super().write(content)
        except OSError as error:
            raise UnwrittenError.of(error, self._target) from error
        self._fresh += written
        if self._fresh >= _AT_ONCE and (self._sync is None or self._sync.done()):
            self._raise_failed()
            self._begin_sync()
        return written

    def settle(self) -> None:
        """Wait until all is on the disk."""
        self._raise_failed()
        try:
            os.fsync(self.fileno())
        except OSError as error:
            raise UnwrittenError.of(error, self._target) from error

    def close(self) -> None:
        """Close, once no sync is under way."""
        if self._pool is not None:
            self._pool.shutdown()
        super().close()

    def _begin_sync(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._fresh = 0
        self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="discresorb-sync")
        self._sync = self._pool.submit(os.fsync, self.fileno())

    def _raise_failed(self) -> None:
        """Raise what a sync met: the system tells it once only."""
        if self._sync is not None:
            try:
                self._sync.result()
            except OSError as error:
                raise UnwrittenError.of(error, self._target) from error
