"""A clock that is set back, and too little memory."""

from __future__ import annotations

import itertools
import os
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from faults_commands import Attacked, attacked, inputs_of, measured
from faults_state import contents_of, restore, unloadable
from faults_terminal import Terminal
from forked import Ended, begin, run, side_by_side

__all__ = ["clock_lines", "memory_lines"]

_DECADE: Final = 10 * 365 * 86_400
_HOUR: Final = 3600.0
_NEGATIVE: Final = re.compile(r"-\d+:\d\d|-\d+ (?:s|second|row)")
_STEPS: Final = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
_MEBIBYTE: Final = 1 << 20
_PATIENCE: Final = 60.0
_ATTACKED: Final = ("train", "score", "score into .parquet", "update", "calculator")


def _chosen() -> list[Attacked]:
    return [each for each in attacked() if each.name in _ATTACKED]


def clock_lines(scratch: Path) -> Iterator[str]:
    """Set the clock back an hour whenever it is read, and date inputs ten years ahead."""
    read = inputs_of(scratch)
    wrong = []
    for number, each in enumerate(_chosen()):
        trial = scratch / f"trial{number}"
        trial.mkdir()
        command = measured(each, trial, read)
        restore(trial, read)
        ahead = time.time() + _DECADE
        for path in trial.iterdir():
            os.utime(path, (ahead, ahead))
        with Terminal() as terminal:
            ended = run(
                command.arguments, trial, prepare=_set_back, descriptors=[(2, terminal.inner)]
            )
            words = terminal.text()
        if ended.status != command.status or not command.outputs.is_done(contents_of(trial)):
            wrong.append(f"WRONG, {each.name}: status {ended.status}, {words[-200:]!r}")
        elif _NEGATIVE.search(words) or "Traceback" in words:
            wrong.append(f"WRONG, {each.name}: {words!r}")
    yield (
        f"A clock that goes back an hour whenever it is read, inputs dated ten years ahead: "
        f"{len(_ATTACKED)} commands"
    )
    yield (
        f"with progress on a terminal; the same bytes written and no negative time shown by "
        f"{len(_ATTACKED) - len(wrong)}."
    )
    yield from wrong


def _set_back() -> None:
    calls = itertools.count()
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() - _HOUR * next(calls)
    time.time_ns = lambda: real_ns() - int(_HOUR * 1e9) * next(calls)


def memory_lines(scratch: Path) -> Iterator[str]:
    """Let commands have only so much more memory than they have when they begin."""
    yield "Too little memory: so many MiB more address space than at its beginning (RLIMIT_AS)"
    yield f"{'command':22}" + "".join(f"{step:>8}" for step in _STEPS)
    read = inputs_of(scratch)
    wrong, kinds = [], Counter[str]()

    def under(name: str) -> tuple[list[str], list[str]]:
        trial = scratch / name
        trial.mkdir()
        (each,) = [each for each in _chosen() if each.name == name]
        return _under_limits(measured(each, trial, read), trial)

    for name, (told, bad) in zip(_ATTACKED, side_by_side(under, _ATTACKED), strict=True):
        yield f"{name:22}" + "".join(f"{each:>8}" for each in told)
        kinds.update(told)
        wrong += [f"WRONG, {name}: {each}" for each in dict.fromkeys(bad)]
    yield "done: as usual. said: exit status 1 and words that there is not enough memory. native: a"
    yield "library in native code ended the process by itself. hung: it came to no end within a"
    yield "minute, and was killed. Each file was the old or the new one, whole, and hidden files"
    yield f"were left only where a process ended natively or was killed; otherwise: {len(wrong)}."
    yield from wrong


def _under_limits(command: Attacked, trial: Path) -> tuple[list[str], list[str]]:
    told, wrong = [], []
    for step in _STEPS:
        restore(trial, command.outputs.before)
        child = begin(command.arguments, trial, prepare=_limit(step * _MEBIBYTE))
        ended: Ended | None
        try:
            ended = child.ended(_PATIENCE)
            kind = _kind(ended, command)
        except TimeoutError:
            kind, ended = "hung", None
        told.append(kind)
        found = contents_of(trial)
        wrong += command.outputs.wrongs(found, leftovers=kind in ("native", "hung"))
        wrong += unloadable(trial, command.outputs.after)[0]
        if kind == "done" and not command.outputs.is_done(found):
            wrong.append("said to be done, but is not")
        if ended is not None and kind.startswith("status"):
            wrong.append(f"{step} MiB: {kind}, {ended.words[-300:]!r}")
    return told, wrong


def _kind(ended: Ended, command: Attacked) -> str:
    if ended.status == command.status and not ended.traceback:
        return "done"
    if ended.status == 1 and "not enough memory" in ended.words and not ended.traceback:
        return "said"
    if ended.status < 0 or (ended.status == 127 and "ABORT" in ended.words):  # glibc gives up
        return "native"
    return f"status {ended.status}"


def _limit(more: int) -> Callable[[], None]:
    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return limit
