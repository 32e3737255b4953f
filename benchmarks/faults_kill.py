"""Kills commands, by SIGKILL, at random times and at random moments of their writing."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from faults_commands import Attacked
from faults_moments import Moments
from faults_state import contents_of, hidden, restore, shared_memory, unloadable
from forked import Child, begin, run

__all__ = ["Killed", "kill_many"]

# seconds within which processes that a killed run had started must end
_PATIENCE: Final = 30.0


@dataclass
class Killed:
    """What came of killing a command many times.

    Parameters
    ----------
    name : str
        Of the command.
    times : int
        Trials.
    stages : Counter
        How far it had come, and how often.
    left : int
        Trials after which hidden files stood there.
    behind : int
        Trials after which a model was new while its twin was not yet.
    again : int
        Trials after which the command was run again.
    outside : list of str
        What was left in folders for temporary files and in shared memory.
    wrong : list of str
        Whatever should not be.
    """

    name: str
    times: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    left: int = 0
    behind: int = 0
    again: int = 0
    outside: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def kill_many(pair: tuple[Attacked, Attacked], times: int, trial: Path, seed: int) -> Killed:
    """Kill a command: half of the times over old outputs, half at moments of its writing."""
    draw = random.Random(f"{pair[0].name} {seed}")  # noqa: S311  # moments, not secrets
    killed = Killed(pair[0].name)
    moments = [_moments(each, trial) for each in pair]
    for number in range(times):
        command, count = pair[number % 2], moments[number % 2]
        restore(trial, command.outputs.before)
        if number % 4 < 2:
            child = _killed_at_a_time(command, trial, draw.uniform(0.0, 1.05) * command.seconds)
        else:
            child = _killed_at_a_moment(command, trial, draw.randint(1, count))
        if not child.others_end(_PATIENCE):
            killed.wrong.append("processes that it had started went on")
        killed.times += 1
        _look(killed, command, trial)
    killed.outside = left_outside(trial.with_name(f"{trial.name}.streams"))
    return killed


def _moments(command: Attacked, trial: Path) -> int:
    restore(trial, command.outputs.before)
    moments = Moments(trial)
    run(command.arguments, trial, prepare=moments.watch)
    return moments.count


def _killed_at_a_time(command: Attacked, trial: Path, seconds: float) -> Child:
    child = begin(command.arguments, trial)
    child.wait_until(seconds)
    child.send(signal.SIGKILL)
    child.ended()
    return child


def _killed_at_a_moment(command: Attacked, trial: Path, number: int) -> Child:
    moments = Moments(trial, number, lambda: os.kill(os.getpid(), signal.SIGKILL))
    child = begin(command.arguments, trial, prepare=moments.watch)
    child.ended()
    return child


def _look(killed: Killed, command: Attacked, trial: Path) -> None:
    found, outputs = contents_of(trial), command.outputs
    killed.stages[outputs.stage(found)] += 1
    killed.left += any(map(hidden, found))
    killed.wrong += outputs.wrongs(found, leftovers=True)
    wrong, behind = unloadable(trial, outputs.after)
    killed.wrong += wrong
    killed.behind += behind
    if found == outputs.before:
        return  # the next run is the undisturbed one
    killed.again += 1
    again = run(_forced(command.arguments), trial)
    killed.wrong += [] if again.status == command.status else [again.words]
    after = contents_of(trial)
    killed.wrong += outputs.wrongs(after, leftovers=False)
    if not outputs.is_done(after):
        killed.wrong.append("the next run did not do the same as an undisturbed one")


def _forced(arguments: Sequence[str]) -> tuple[str, ...]:
    """Let it write over outputs of the run that was killed, which may be there and are whole."""
    return tuple(dict.fromkeys((*arguments, "--force")))


def left_outside(streams: Path) -> list[str]:
    """Name what stands in folders for temporary files."""
    return [*(each.name for each in (streams / "tmp").iterdir()), *sorted(shared_memory())]


def killed_lines(all_killed: Sequence[Killed]) -> Iterator[str]:
    """Word what came of it, a line a command."""
    yield "Killed by SIGKILL, half of the times over old outputs, half of the times just before a"
    yield "random one of its operations on files (or with half of what it wrote on the disk)"
    yield (
        f"{'command':22}{'kills':>6}{'before':>8}{'writing':>8}{'after':>7}{'left':>6}"
        f"{'again':>7}{'wrong':>7}"
    )
    for each in all_killed:
        stages = "".join(
            f"{each.stages[stage]:>{width}}"
            for stage, width in (("before", 8), ("writing", 8), ("after", 7))
        )
        yield (
            f"{each.name:22}{each.times:>6}{stages}{each.left:>6}{each.again:>7}"
            f"{len(each.wrong):>7}"
        )
    behind = sum(each.behind for each in all_killed)
    yield "before, writing, after: what had been written when it was killed: nothing, a part, all."
    yield "left: hidden files stood there. again: something had changed, so the command was run"
    yield (
        "once more. wrong: a file that is neither the old one whole nor the new one whole, a "
        "model\nthat does not load, or after the next run a hidden file, a lock or another result."
    )
    yield (
        "Times that a model was new and its twin, which nothing reads, still the old one: "
        f"{behind}."
    )
    found = [name for each in all_killed for name in each.outside]
    named = ", ".join(found) or "nothing"
    yield f"Left in folders for temporary files and in shared memory: {named}."
    for each in all_killed:
        yield from (f"WRONG, {each.name}: {words}" for words in dict.fromkeys(each.wrong))
