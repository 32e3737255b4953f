"""Programs timed from outside: seconds, CPU seconds and largest memory of each."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

__all__ = ["Ended", "python", "run", "spread", "take_turns"]

HERE = Path(__file__).parent
Name = TypeVar("Name")


@dataclass(frozen=True)
class Ended:
    """What a program cost and said.

    Parameters
    ----------
    seconds, cpu : float
        From start to end, and on all cores.
    mebibytes : float
        Largest memory.
    status : int
        As it ended.
    said : str
        Its standard output.
    """

    seconds: float
    cpu: float
    mebibytes: float
    status: int
    said: str


def python(
    *arguments: object, expected: Sequence[int] = (0,), setting: Mapping[str, str] | None = None
) -> Ended:
    """Run Python; a script is looked for beside this file.

    A program's largest memory counts from that of the one that starts it, so keep that small.
    """
    first, *others = map(str, arguments)
    script = first if first.startswith("-") else str(HERE / first)
    return run([sys.executable, script, *others], expected, setting)


def run(
    command: Sequence[str], expected: Sequence[int] = (0,), setting: Mapping[str, str] | None = None
) -> Ended:
    """Run a program to its end; what others wrote is on the disk before it starts."""
    os.sync()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=said, stderr=complained, env={**os.environ, **(setting or {})}
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if child.returncode not in expected:
            raise RuntimeError(f"{command} ended with {child.returncode}: {complained.read()}")
        cpu = usage.ru_utime + usage.ru_stime
        return Ended(seconds, cpu, usage.ru_maxrss / 1024, child.returncode, said.read())


def take_turns(
    actions: Mapping[Name, Callable[[], Ended]], repeats: int
) -> dict[Name, list[Ended]]:
    """Run programs in turn, A B C A B C …."""
    found: dict[Name, list[Ended]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            found[name].append(action())
    return found


def spread(values: Sequence[float]) -> str:
    """Word a median with the least and the most."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
