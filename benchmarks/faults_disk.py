"""Full disks, and folders and files that may not be used or are gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from faults_commands import ROOT, Attacked, inputs_of, measured, over_old
from faults_moments import Moments
from faults_state import contents_of, restore, unloadable
from forked import Ended, run

__all__ = ["barred_lines", "full_lines"]

_SHARES: Final = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_PAGE: Final = 4096
_NOBODY: Final = 65534


@dataclass
class _Found:
    """What became of a command over all trials."""

    refused: int = 0
    done: int = 0
    wrong: list[str] = field(default_factory=list)

    def look(self, command: Attacked, ended: Ended, trial: Path, said: str) -> None:
        found = contents_of(trial)
        self.wrong += command.outputs.wrongs(found, leftovers=False)
        self.wrong += unloadable(trial, command.outputs.after)[0]
        if ended.status == command.status:
            self.done += 1
            self.wrong += [] if command.outputs.is_done(found) else ["said to be done, but is not"]
            return
        self.refused += 1
        if ended.status != 2 or ended.traceback or said not in ended.words:
            self.wrong.append(f"status {ended.status}: {ended.words[-200:]!r}")
        if not any(Path(each).name in ended.words for each in command.outputs.after):
            self.wrong.append(f"names no file: {ended.words[-200:]!r}")


def _commands() -> list[Attacked]:
    score = ("score", "list.csv", "-o")
    higher = ("--threshold", "0.4")
    visits = ("cohort", "new_centre_visits.csv", "-o", "c.csv")
    return [
        Attacked("score", (*score, "o.csv", "--problems", "p.csv", "--html", "o.html", "--fhir",
                           "o.ndjson"), higher),
        Attacked("score into .parquet", (*score, "o.parquet"), higher),
        Attacked("score into .csv.gz", (*score, "o.csv.gz"), higher),
        Attacked("score, several files", ("score", "list.csv", "list2.csv", "-o", "out/"), higher),
        Attacked("train", ("train", "small.csv", "-o", "m.joblib", "--distribution", "weibull",
                           "--cure", "yes"), ("--penalty", "0.5")),
        Attacked("update", ("update", "new_centre.csv", "-o", "u.joblib", "--level", "1"),
                 ("--level", "2")),
        Attacked("calculator", ("calculator", "-o", "c.html"), higher),
        Attacked("simulate", ("simulate", "-n", "300", "-o", "s.csv"), ("--seed", "9")),
        Attacked("cohort", visits, ("--covariates", "size_mm")),
        Attacked("nomogram", ("nomogram", "-o", "n.svg"), ("--entry", "2")),
    ]  # fmt: skip


def full_lines(scratch: Path) -> Iterator[str]:
    """Run commands on a small disk with less and less space left on it."""
    yield "A disk (tmpfs) that is full, or becomes so while a command writes, half over old files"
    disk = scratch / "disk"
    disk.mkdir()
    with _mounted(disk) as mounted:
        if not mounted:
            yield "left out: no small disk can be mounted here"
            return
        yield f"{'command':22}{'trials':>7}{'refused':>9}{'done':>6}{'wrong':>7}"
        wrong = []
        read = inputs_of(scratch)
        for each in _commands():
            found = _Found()
            for command in _both(each, disk / "trial", read):
                for share in _SHARES:
                    _fill(disk, command, share)
                    ended = run(command.arguments, disk / "trial", streams=scratch / "streams")
                    found.look(command, ended, disk / "trial", "No space left on device")
            (disk / "filler").unlink()
            yield _line(each.name, found)
            wrong += [f"WRONG, {each.name}: {words}" for words in dict.fromkeys(found.wrong)]
    yield "refused: exit status 2, the words name a file and say No space left on device, and every"
    yield "file is as before or as after; done: what was left was enough. wrong: anything else."
    yield from wrong


def _line(name: str, found: _Found) -> str:
    count = found.refused + found.done
    return f"{name:22}{count:>7}{found.refused:>9}{found.done:>6}{len(found.wrong):>7}"


def _both(command: Attacked, trial: Path, read: dict[str, bytes]) -> list[Attacked]:
    trial.mkdir(exist_ok=True)
    return [measured(command, trial, read), over_old(command, trial, read)]


def _fill(disk: Path, command: Attacked, share: float) -> None:
    """Leave as much space as a share of what the command writes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    restore(disk / "trial", command.outputs.before)
    outputs = command.outputs
    need = sum(-(-len(outputs.after[name]) // _PAGE) for name in outputs.written)
    free = shutil.disk_usage(disk).free // _PAGE
    filler.write_bytes(bytes(max(0, free - int(share * need)) * _PAGE))


@contextmanager
def _mounted(folder: Path) -> Iterator[bool]:
    done = False
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount"):
        done = _system("mount", "-t", "tmpfs", "-o", "size=32m", "discresorb", folder)
    try:
        yield done
    finally:
        if done:
            _system("umount", "-l", folder)


def _system(*command: str | Path) -> bool:
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


def barred_lines(scratch: Path) -> Iterator[str]:
    """Run commands where they may not write or read, or where their folder goes meanwhile."""
    yield "Folders and files that may not be used, as a user who is not root, or that go meanwhile"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield "left out: only root can become another user"
        return
    read = inputs_of(scratch)
    scratch.chmod(0o755)
    cases: dict[str, Callable[[Attacked, Path], tuple[Ended, bool]]] = {
        "folder is read-only": _read_only,
        "disk is mounted read-only": _mounted_read_only,
        "folder goes meanwhile": _going,
    }
    commands = [one for each in _commands() for one in _both(each, scratch / "usual", read)]
    yield f"{'':30}{'trials':>7}{'statuses':>24}{'wrong':>7}"
    wrong = []
    for name, attack in cases.items():
        statuses: Counter[int] = Counter()
        found: list[str] = []
        for number, command in enumerate(commands):
            trial = scratch / f"{name}-{number}"
            trial.mkdir()
            restore(trial, command.outputs.before)
            ended, gone = attack(command, trial)
            statuses[ended.status] += 1
            if not gone and contents_of(trial) != command.outputs.before:
                found.append(f"{command.name}: something was written")
            if ended.status != 2 or ended.traceback:
                found.append(f"{command.name}: {ended.status}, {ended.words[-300:]!r}")
        told = ", ".join(f"{n} times {status}" for status, n in sorted(statuses.items()))
        yield f"{name:30}{statuses.total():>7}{told:>24}{len(found):>7}"
        wrong += [f"WRONG, {name}: {each}" for each in dict.fromkeys(found)]
    yield from _unreadable(scratch, read)
    yield from wrong


def _as_nobody() -> None:
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)


def _read_only(command: Attacked, trial: Path) -> tuple[Ended, bool]:
    trial.chmod(0o555)
    for each in trial.rglob("*"):
        if each.is_dir():
            each.chmod(0o555)
    return run(command.arguments, trial, prepare=_as_nobody), False


def _mounted_read_only(command: Attacked, trial: Path) -> tuple[Ended, bool]:
    if not _system("mount", "--bind", trial, trial):
        raise RuntimeError("no folder can be mounted here")
    try:
        _system("mount", "-o", "remount,ro,bind", trial)
        return run(command.arguments, trial), False
    finally:
        _system("umount", "-l", trial)


def _going(command: Attacked, trial: Path) -> tuple[Ended, bool]:
    """Remove the folder at the moment in the middle of the writing."""
    count = Moments(trial)
    before = contents_of(trial)
    run(command.arguments, trial, prepare=count.watch)
    restore(trial, before)
    moments = Moments(trial, max(2, count.count // 2), lambda: shutil.rmtree(trial))
    ended = run(command.arguments, trial, prepare=moments.watch)
    gone = not trial.exists() or not any(trial.iterdir())
    trial.mkdir(exist_ok=True)
    return ended, gone


def _unreadable(scratch: Path, read: dict[str, bytes]) -> Iterator[str]:
    trial = scratch / "unreadable"
    trial.mkdir()
    trial.chmod(0o777)
    restore(trial, read)
    for suffix in (".joblib", ".json", ".sha256"):
        shutil.copy((ROOT / "artifacts" / "default.joblib").with_suffix(suffix), trial)
    cases: list[tuple[str, int, Sequence[str]]] = [
        ("list.csv", 3, ("score", "list.csv", "-o", "o.csv")),
        ("small.csv", 3, ("train", "small.csv", "-o", "m.joblib")),
        ("new_centre.csv", 3, ("update", "new_centre.csv", "-o", "u.joblib")),
        ("default.joblib", 5, ("calculator", "--model", "default.joblib", "-o", "c.html")),
        ("default.sha256", 5, ("score", "list.csv", "--model", "default.joblib", "-o", "o.csv")),
    ]
    wrong = []
    statuses: Counter[int] = Counter()
    for name, status, arguments in cases:
        (trial / name).chmod(0)
        ended = run(arguments, trial, prepare=_as_nobody)
        (trial / name).chmod(0o644)
        statuses[ended.status] += 1
        if ended.status != status or ended.traceback or name not in ended.words:
            wrong.append(f"WRONG, {name}: {ended.status}, {ended.words[-200:]!r}")
    told = ", ".join(f"{n} times {status}" for status, n in sorted(statuses.items()))
    yield f"{'input or model is unreadable':30}{len(cases):>7}{told:>24}{len(wrong):>7}"
    yield from wrong
