"""Kills commands, by SIGKILL, at random times and at random moments of their writing."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults_commands import Attacked
from faults_moments import Moments
from faults_state import contents_of, hidden, restore, shared_memory, unloadable
from forked import begin, run

__all__ = ["Killed", "kill_many"]


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
    wrong : list of str
        Whatever should not be.
    """

    name: str
    times: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    left: int = 0
    behind: int = 0
    again: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_many(
    pair: tuple[Attacked, Attacked], times: int, trial: Path, seed: int
) -> Killed:
    """Kill a command: half of the times over old outputs, half at moments of its writing."""
    draw = random.Random(f"{pair[0].name} {seed}")  # noqa: S311  # moments, not secrets
    killed = Killed(pair[0].name)
    moments = [_moments(each, trial) for each in pair]
    for number in range(times):
        command, count = pair[number % 2], moments[number % 2]
        restore(trial, command.outputs.before)
        if number % 4 < 2:
            _killed_at_a_time(command, trial, draw.uniform(0.0, 1.05) * command.seconds)
        else:
            _killed_at_a_moment(command, trial, draw.randint(1, count))
        killed.times += 1
        _look(killed, command, trial)
    return killed


def _moments(command: Attacked, trial: Path) -> int:
    restore(trial, command.outputs.before)
    moments = Moments(trial)
    run(command.arguments, trial, prepare=moments.watch)
    return moments.count


def _killed_at_a_time(command: Attacked, trial: Path, seconds: float) -> None:
    child = begin(command.arguments, trial)
    child.wait_until(seconds)
    child.send_group(signal.SIGKILL)
    child.ended()


def _killed_at_a_moment(command: Attacked, trial: Path, number: int) -> None:
    moments = Moments(trial, number, lambda: os.killpg(0, signal.SIGKILL))
    begin(command.arguments, trial, prepare=moments.watch).ended()


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
    """A run that was killed may have written some of several outputs, which are whole."""
    return tuple(dict.fromkeys((*arguments, "--force")))


def left_outside(streams: Path) -> list[str]:
    """Name what stands in folders for temporary files."""
    return [*(each.name for each in (streams / "tmp").iterdir()), *sorted(shared_memory())]
