"""Interrupted by signals, with progress on a terminal and without, and output nobody takes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from faults_commands import ROOT, Attacked, attacked, inputs_of, prepared
from faults_moments import Moments
from faults_state import contents_of, restore, unloadable
from faults_terminal import Terminal, is_cursor_hidden
from forked import begin, run, side_by_side

__all__ = ["output_lines", "signal_lines", "worker_lines"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ATTACKED: Final = ("train", "score", "update", "calculator")
_TRIALS: Final = 24
_WORKED: Final = 4.0


def signal_lines(scratch: Path) -> Iterator[str]:
    """Interrupt commands at random times and moments of their writing."""
    yield "Interrupted by SIGINT, SIGTERM and SIGHUP in turn, half of the times with progress on a"
    yield "terminal, half at a random time, half at a random moment of writing, half over old files"
    yield f"{'command':12}{'trials':>7}  {'statuses':44}{'wrong':>6}"

    def many(name: str) -> tuple[Counter[int], list[str]]:
        own = scratch / name
        own.mkdir()
        (command,) = [each for each in attacked() if each.name == name]
        return _interrupted(prepared(command, own), own / "trial")

    wrong = []
    for name, (statuses, found) in zip(_ATTACKED, side_by_side(many, _ATTACKED), strict=True):
        told = ", ".join(f"{n} times {status}" for status, n in sorted(statuses.items()))
        yield f"{name:12}{statuses.total():>7}  {told:44}{len(found):>6}"
        wrong += [f"WRONG, {name}: {each}" for each in dict.fromkeys(found)]
    yield (
        "Statuses are 128 and the signal's number, the usual one where it came too late, or, where"
    )
    yield "it came too early, so that it ended the process by itself, its number below zero."
    yield "wrong: another status, a traceback, a hidden cursor, a hidden file, or a file that is"
    yield "neither the old nor the new one, whole."
    yield from wrong


def _interrupted(pair: tuple[Attacked, Attacked], trial: Path) -> tuple[Counter[int], list[str]]:
    draw = random.Random(pair[0].name)  # noqa: S311  # moments, not secrets
    counts = []
    for command in pair:
        restore(trial, command.outputs.before)
        moments = Moments(trial)
        run(command.arguments, trial, prepare=moments.watch)
        counts.append(moments.count)
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    for number in range(_TRIALS):
        command, sent = pair[number % 2], _SIGNALS[number % 3]
        restore(trial, command.outputs.before)
        moment = draw.randint(1, counts[number % 2]) if number % 8 < 4 else 0
        seconds = draw.uniform(0.0, 1.0) * command.seconds
        status, found = _one(command, trial, sent, moment, seconds, shown=number % 4 < 2)
        statuses[status] += 1
        wrong += found
    return statuses, wrong


def _one(
    command: Attacked,
    trial: Path,
    sent: signal.Signals,
    moment: int,
    seconds: float,
    *,
    shown: bool,
) -> tuple[int, list[str]]:
    moments = Moments(trial, moment, lambda: os.kill(os.getpid(), sent))
    with Terminal() as terminal:
        child = begin(
            command.arguments,
            trial,
            prepare=moments.watch,
            descriptors=[(2, terminal.inner)] if shown else [],
        )
        if not moment:
            child.wait_until(seconds)
            child.send(sent)
        ended = child.ended()
        words = terminal.text() + ended.words
    found = contents_of(trial)
    wrong = command.outputs.wrongs(found, leftovers=False)
    wrong += unloadable(trial, command.outputs.after)[0]
    at = f"{sent.name} at {moment or f'{seconds:.2f} s'}"
    # before the command line is ready for it, a signal ends a process by itself
    too_early = ended.status == -sent and found == command.outputs.before
    if ended.status not in (128 + sent, command.status) and not too_early:
        wrong.append(f"{at}: status {ended.status}, {words[-300:]!r}")
    if "Traceback" in words or "Exception ignored" in words:
        wrong.append(f"{at}: {words[-1500:]!r}")
    if is_cursor_hidden(words):
        wrong.append(f"{at}: the cursor is hidden")
    return ended.status, wrong


def worker_lines(scratch: Path) -> Iterator[str]:
    """End a training with a report while its worker processes are at work."""
    read = inputs_of(scratch)
    arguments = ("train", "small.csv", "-o", "m.joblib", "--distribution", "weibull", "--cure",
                 "yes", "--report", "r.html", "--repeats", "200", "--n-jobs", "2")  # fmt: skip
    ends = []
    wrong = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        trial = scratch / number.name
        trial.mkdir()
        restore(trial, read)
        child = begin(arguments, trial)
        while not child.over() and _at_work(child.process) < 2:
            time.sleep(0.05)
        workers = len(_group(child.process)) - 1
        child.send(number)
        ended = child.ended()
        gone = child.others_end(60.0)
        ends.append(f"{number.name}: status {ended.status}, {workers} others")
        if not gone or contents_of(trial) != read or ended.traceback:
            wrong.append(f"WRONG, {number.name}: {gone}, {ended.words[-600:]!r}")
        if ended.status not in (128 + number, -number):
            wrong.append(f"WRONG, {number.name}: status {ended.status}")
    yield "A training with a report ended while its workers are at work: its other processes then,"
    yield f"all gone within a minute, and nothing written: {'; '.join(ends)}."
    yield from wrong


def _at_work(leader: int) -> int:
    """Count processes of a group that have worked for longer than their imports take."""
    least = _WORKED * os.sysconf("SC_CLK_TCK")
    return sum(ticks > least for process, ticks in _group(leader).items() if process != leader)


def _group(leader: int) -> dict[int, int]:
    """Find the processes of a group, and how long each has computed."""
    found = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                fields = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader:
                found[int(each.name)] = int(fields[11]) + int(fields[12])
    return found


def output_lines(scratch: Path) -> Iterator[str]:
    """Give commands a standard output that is full, closed, or closed early, and no input."""
    source = str(ROOT / "data" / "synthetic" / "waiting_list.csv")
    patient = ("predict", "--size-mm", "11", "--sequestrated", "yes", "--months-since-onset",
               "0.5", "--months-to-surgery", "6")  # fmt: skip
    commands: list[tuple[str, ...]] = [
        ("train", "--help"), ("--version",), ("show",), ("show", "--json"), ("calculator",),
        patient,
        ("score", source), ("score", source, "--json", "--strict"),
        ("score", source, "--problems", "p.csv", "--force"), ("sample-size", "--help"),
    ]  # fmt: skip
    endings = {"> /dev/full": 2, "| true": 0, ">&-": 2}
    yield "Standard output that nobody takes: commands, exit status, and how many ended otherwise"
    wrong = []
    for ending, status in endings.items():
        bad = count = 0
        for command in commands:
            by_library = ending != "> /dev/full" and not {"--help", "--version"}.isdisjoint(command)
            right = (0, 1) if by_library else (status,)
            done = _in_shell(command, ending, scratch)
            if done.returncode not in right or "Traceback" in done.stderr or (
                ending == "> /dev/full" and "cannot write standard output" not in done.stderr
            ):  # fmt: skip
                bad += 1
                wrong.append(
                    f"WRONG, {command[:2]} {ending}: {done.returncode} {done.stderr[-300:]!r}"
                )
            count += 1
        yield f"{ending:14}{count:>4}   status {status}   otherwise: {bad}"
    done = _in_shell(("score", "-"), "<&-", scratch)
    words = done.stderr.strip().splitlines()[-1]
    yield f"score - <&-        status {done.returncode}   {words}"
    yield (
        "--help and --version, which libraries print, may end with 0 or 1 where a reader is gone or"
    )
    yield "standard output is closed."
    if any(scratch.iterdir()):
        wrong.append(f"WRONG: left {[each.name for each in scratch.iterdir()]}")
    yield from wrong


def _in_shell(
    command: tuple[str, ...], ending: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    line = '"$@" ' + ending + "; exit ${PIPESTATUS[0]}"
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "discresorb", *command],  # noqa: S607  # whichever bash its reader has
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
