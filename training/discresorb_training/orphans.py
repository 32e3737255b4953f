"""Ends a worker process whose parent was killed.

A parent that is killed cannot tell its workers, which would wait minutes for more work, or go on.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Final

__all__ = ["end_with"]

_SECONDS: Final = 1.0
_NOBODYS: Final = 1  # the parent of processes whose parent has ended
_watched: set[int] = set()


def end_with(parent: int) -> None:
    """Have this process end soon after its parent does.

    Parameters
    ----------
    parent : int
        Number of the process that began the work; nothing is done where it neither is the parent
        nor seems to have been.
    """
    # the second if it was killed before this process came to work
    known = os.getppid() in (parent, _NOBODYS)
    if os.getpid() == parent or os.getpid() in _watched or not known:
        return
    _watched.add(os.getpid())
    threading.Thread(target=_watch, args=(parent,), name="discresorb-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
