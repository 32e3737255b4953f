"""Moments of a run: each time that it touches a file which it writes, so that each can be struck.

Python tells of every file that is opened, renamed, removed, or whose permissions are changed, just
before it is done; what is written into a file, and when it is brought to the disk, `SyncedFile`
tells.
"""

from __future__ import annotations

import io
import itertools
import mmap
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from discresorb.synced import SyncedFile

__all__ = ["Moments"]

_EVENTS = {"os.rename", "os.remove", "os.chmod", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Moments:
    """Counts the moments of a run, and acts at one of them.

    Parameters
    ----------
    folder : Path
        Files in it, and below it, count.
    number : int
        At which moment, from 1 on; 0 for none.
    act : callable, optional
        What to do then.
    """

    def __init__(
        self, folder: Path, number: int = 0, act: Callable[[], object] | None = None
    ) -> None:
        self._folder, self._number, self._act = f"{folder}{os.sep}", number, act
        self._shared = mmap.mmap(-1, 8)  # what the fork counts is seen here
        self._next = itertools.count(1)

    @property
    def count(self) -> int:
        """How many there have been."""
        return int.from_bytes(self._shared[:], "little")

    def watch(self) -> None:
        """Begin; this cannot be ended, so it is for a fork."""
        sys.addaudithook(self._heard)
        moments = self

        def write(file: SyncedFile, content: Any) -> int:
            half = len(content) // 2
            if moments._is_it():  # torn: half of it is written, the rest never
                io.FileIO.write(file, memoryview(content)[:half])
                moments._do()
            return usual_write(file, content)

        def settle(file: SyncedFile) -> None:
            if moments._is_it():
                moments._do()
            usual_settle(file)

        usual_write, usual_settle = SyncedFile.write, SyncedFile.settle
        hooked: Any = SyncedFile
        hooked.write, hooked.settle = write, settle

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | bytes | os.PathLike) or not flags & _WRITING:
                return
        elif event in _EVENTS:
            path = arguments[0]
        else:
            return
        place = os.path.join(os.getcwd(), os.fsdecode(path))  # noqa: PTH109, PTH118  # Path would open nothing, but be slow here
        if place.startswith(self._folder) and self._is_it():
            self._do()

    def _is_it(self) -> bool:
        now = next(self._next)
        self._shared[:] = now.to_bytes(8, "little")
        return now == self._number

    def _do(self) -> None:
        if self._act is not None:
            self._act()
