"""Inputs tried one by one in a child process that may hang, grow or die without ending the run.

Whatever an input does but be accepted or refused in words is a fault: another exception, seconds
beyond the limit, memory that grows beyond a bound, or the end of the child. The child tells which
input it is at, so that its parent can name the one at fault, and goes on after it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from discresorb.errors import DiscresorbError

__all__ = ["ACCEPTED", "REFUSED", "FaultError", "Found", "Try", "seeded", "try_all", "watched"]

ACCEPTED, REFUSED = "accepted", "refused"
_SECONDS: Final = 20.0
_SILENCE: Final = 300.0
_MEBIBYTES: Final = 512
_ADDRESS_SPACE: Final = 8 << 30
# inputs are small: threads would only wait for one another
_FEW_THREADS: Final = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
_STATUSES: Final = frozenset({2, 3, 5, 6, 7})

# tries the input of a number; says whether it was accepted, raises DiscresorbError if refused
Try = Callable[[int], str]


class FaultError(Exception):
    """Something did not hold."""


class _TookTooLong(BaseException):
    pass


@dataclass
class Found:
    """What came of inputs.

    Parameters
    ----------
    outcomes : Counter
        How many were accepted and refused.
    faults : dict
        By the input's number, what went wrong.
    seconds : float
        All of it.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0


def seeded(kind: str, number: int) -> Random:
    """Give the source of chance of one input: the same number, the same input."""
    return Random(f"{kind} {number}")  # noqa: S311  # chance, not secrets


def try_all(attempt: Try, numbers: range, tell: Callable[[dict[str, object]], None]) -> None:
    """Try inputs in this process, telling of each batch and of every fault."""
    signal.signal(signal.SIGPROF, _too_long)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    most = _memory()
    for number in numbers:
        tell({"at": number})
        fault = _fault_of(attempt, number, tell)
        grown, most = _memory() - most, max(most, _memory())
        if fault is None and grown > _MEBIBYTES:
            fault = f"memory grew by {grown:.0f} MiB"
        if fault is not None:
            tell({"fault": fault, "number": number})


def _fault_of(attempt: Try, number: int, tell: Callable[[dict[str, object]], None]) -> str | None:
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    try:
        outcome = attempt(number)
    except DiscresorbError as error:
        if error.exit_status not in _STATUSES:
            return f"exit status {error.exit_status}: {error}"
        if "Traceback" in str(error):
            return f"a traceback in words: {error}"
        outcome = REFUSED
    except (Exception, _TookTooLong):
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
    tell({"outcome": outcome})
    return None


def _too_long(number: int, frame: object) -> None:
    raise _TookTooLong(f"more than {_SECONDS:g} CPU seconds")


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def watched(script: str, kind: str, numbers: range) -> Found:
    """Try inputs in children of a script that calls `try_all`, a new one after each that ends."""
    found, begun = Found(), time.monotonic()
    while len(numbers):
        with _child(script, kind, numbers) as (child, said):
            at = _followed(child, said, found, numbers.start)
        if child.returncode == 0:
            break
        why = "silent for too long" if child.returncode == -signal.SIGKILL else "the process ended"
        found.faults[at] = f"{why} ({child.returncode})"
        numbers = range(at + 1, numbers.stop)
    found.seconds = time.monotonic() - begun
    return found


@contextlib.contextmanager
def _child(
    script: str, kind: str, numbers: range
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    with tempfile.TemporaryDirectory() as folder:
        said, errors = Path(folder) / "said", Path(folder) / "errors"
        command = [sys.executable, script, "--child", kind, str(numbers.start), str(numbers.stop)]
        with said.open("wb") as out, errors.open("wb") as err:
            child = subprocess.Popen(
                command, stdout=out, stderr=err, env={**os.environ, **_FEW_THREADS}
            )
            try:
                yield child, said
            finally:
                child.kill()
                child.wait()


def _followed(child: subprocess.Popen[bytes], said: Path, found: Found, at: int) -> int:
    """Read what a child says until it ends; give the number of the input that it was at."""
    heard = time.monotonic()
    with said.open("rb") as lines:
        left = b""
        while True:
            ended = child.poll() is not None
            more = lines.read()
            if more:
                heard = time.monotonic()
            *whole, left = (left + more).split(b"\n")
            for line in whole:
                at = _heard(json.loads(line), found, at)
            if ended:
                return at
            if time.monotonic() - heard > _SILENCE:
                child.kill()
                child.wait()
            time.sleep(0.2)


def _heard(told: dict[str, object], found: Found, at: int) -> int:
    if "outcome" in told:
        found.outcomes[str(told["outcome"])] += 1
    if "fault" in told:
        found.faults[int(str(told["number"]))] = str(told["fault"])
    return int(str(told.get("at", at)))
