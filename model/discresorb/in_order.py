"""Doing something with many parts in several threads, results in order, memory bounded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from discresorb.errors import InputError

__all__ = ["in_order", "thread_count"]

# beyond one part a thread, so that none waits while a result is written
_AHEAD: Final = 1

Part = TypeVar("Part")
Result = TypeVar("Result")


def thread_count(n_jobs: int) -> int:
    """Give the number of threads that ``n_jobs`` asks for; -1 means one a core.

    Raises
    ------
    InputError
        If it asks for none.
    """
    if n_jobs == 0 or n_jobs < -1:
        raise InputError(f"n_jobs entered as {n_jobs}, but must be 1 or more, or -1 for all cores")
    if n_jobs > 0:
        return n_jobs
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    function: Callable[[Part], Result], parts: Iterable[Part], threads: int
) -> Iterator[Result]:
    """Map over parts; parts are taken and results given here, the work is done in the threads.

    However large the input, only a few parts are under way at once. If the caller stops, or
    anything fails, what has not begun is given up.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="discresorb")
    waiting: deque[Future[Result]] = deque()
    try:
        for part in parts:
            waiting.append(pool.submit(function, part))
            if len(waiting) > threads + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
