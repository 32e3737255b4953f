"""Runs the command line in a fork of a process that has imported everything, so that it is quick.

A fork starts where `discresorb` has been typed and Python has loaded it; it has a session, a
current folder, a folder for temporary files, and standard streams of its own.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from discresorb import cli

__all__ = ["PROCESSES", "Child", "Ended", "begin", "preload", "run", "side_by_side"]

PATIENCE: Final = 300.0
PROCESSES: Final[list[int]] = []  # of all runs so far
_TEMPORARY = ".temporary"
_SENT: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Parameters
    ----------
    status : int
        Exit status, or the signal that ended it, negative.
    words : str
        On standard error.
    printed : bytes
        On standard output.
    seconds : float
        That it took.
    """

    status: int
    words: str
    printed: bytes
    seconds: float

    @property
    def traceback(self) -> bool:
        """Whether Python, and not discresorb, had the last word."""
        told = ("Traceback (most", "Exception ignored", "Fatal Python", "Exception in thread")
        return any(each in self.words for each in told)


@dataclass
class Child:
    """A run under way.

    Parameters
    ----------
    process : int
        Its number, and that of its group.
    streams : Path
        Folder of what it prints.
    began : float
        On the monotonic clock.
    """

    process: int
    streams: Path
    began: float

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it alone."""
        with suppress(ProcessLookupError):
            os.kill(self.process, number)

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to it and all that it started, as a terminal or a scheduler does."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, number)

    def others_end(self, patience: float) -> bool:
        """Wait for processes that it started to end after it; tell whether they do."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                os.killpg(self.process, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.02)
        self.send_group(signal.SIGKILL)
        return False

    def over(self) -> bool:
        """Tell whether it has ended, without collecting it."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process, options) is not None

    def wait_until(self, seconds: float) -> None:
        """Wait until so long after its beginning, or until its end."""
        end = self.began + seconds
        while not self.over() and (left := end - time.monotonic()) > 0.0:
            time.sleep(min(left, 0.002))

    def ended(self, patience: float = PATIENCE) -> Ended:
        """Wait for its end; what hangs is an error of its own."""
        self.wait_until(time.monotonic() - self.began + patience)
        if not self.over():
            self.send_group(signal.SIGKILL)
            os.waitpid(self.process, 0)
            raise TimeoutError(f"did not end within {patience:g} seconds")
        seconds = time.monotonic() - self.began
        _, status = os.waitpid(self.process, 0)
        return Ended(
            os.waitstatus_to_exitcode(status),
            (self.streams / "2").read_text(errors="replace"),
            (self.streams / "1").read_bytes(),
            seconds,
        )


def preload(commands: Sequence[tuple[Sequence[str], Path]]) -> None:
    """Import here what commands import, without running them here: no thread may have begun.

    Parameters
    ----------
    commands : sequence of (arguments, folder)
        They are run once each, in a fork.
    """
    cli._add_further_commands()
    warnings.filterwarnings("ignore", message=".*fork.*")
    for arguments, folder in commands:
        listing = folder / f"{_TEMPORARY}.modules"

        def tell(listing: Path = listing) -> None:
            listing.write_text("\n".join(sys.modules))

        done = begin(arguments, folder, at_end=tell).ended()
        if done.status not in (0, 4):
            raise RuntimeError(f"{' '.join(arguments)} does not work: {done.words}")
        for name in listing.read_text().split():
            with suppress(Exception):  # what only exists once it is used
                importlib.import_module(name)
        listing.unlink()


def side_by_side(function: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Map over parts in forks of this process, all at once; results are pickled."""
    under_way = []
    for part in parts:
        reader, writer = os.pipe()
        process = os.fork()
        if process == 0:
            status = 1
            try:
                os.close(reader)
                with open(writer, "wb") as stream:  # noqa: PTH123  # Path opens no descriptors
                    pickle.dump(function(part), stream)
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)
        under_way.append((process, reader))
    results = []
    for process, reader in under_way:
        with open(reader, "rb") as stream:  # noqa: PTH123  # as above
            content = stream.read()
        os.waitpid(process, 0)
        results.append(pickle.loads(content))  # noqa: S301  # of our own fork
    return results


def run(arguments: Sequence[str], folder: Path, **how: Any) -> Ended:
    """Run the command line to its end; see `begin`."""
    return begin(arguments, folder, **how).ended()


def begin(
    arguments: Sequence[str],
    folder: Path,
    *,
    prepare: Callable[[], object] | None = None,
    at_end: Callable[[], object] | None = None,
    descriptors: Sequence[tuple[int, int]] = (),
    streams: Path | None = None,
) -> Child:
    """Begin a run of the command line.

    Parameters
    ----------
    arguments : sequence of str
        As typed.
    folder : Path
        The current folder of the run.
    prepare, at_end : callable, optional
        Called in the fork, before and after.
    descriptors : sequence of (int, int)
        Standard streams by number, and open files to take for them.
    streams : Path, optional
        Where what is printed is kept; a folder beside the current one.
    """
    streams = streams or folder.with_name(f"{folder.name}.streams")
    (streams / "tmp").mkdir(parents=True, exist_ok=True)
    (streams / "tmp").chmod(0o777)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # what is sent before the fork is a command waits until it is
    signal.pthread_sigmask(signal.SIG_BLOCK, _SENT)
    began, process = time.monotonic(), os.fork()
    if process != 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)
    else:
        _Fork(arguments, folder, streams, prepare, at_end).go(dict(descriptors))
    PROCESSES.append(process)
    return Child(process, streams, began)


@dataclass(frozen=True)
class _Fork:
    arguments: Sequence[str]
    folder: Path
    streams: Path
    prepare: Callable[[], object] | None
    at_end: Callable[[], object] | None

    def go(self, descriptors: dict[int, int]) -> None:
        """Be the command; never come back."""
        status = 70
        try:
            os.setsid()
            self._redirect(descriptors)
            os.chdir(self.folder)
            os.environ["TMPDIR"] = str(self.streams / "tmp")
            tempfile.tempdir = None
            sys.argv = ["discresorb", *self.arguments]
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if self.prepare is not None:
                self.prepare()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)
            status = _status_of_main()
            if self.at_end is not None:
                self.at_end()
        finally:
            with suppress(BaseException):
                sys.stderr.flush()
            os._exit(status)

    def _redirect(self, descriptors: dict[int, int]) -> None:
        for number, name in ((0, os.devnull), (1, self.streams / "1"), (2, self.streams / "2")):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            own = os.open(name, flags, 0o666)
            os.dup2(descriptors.get(number, own), number)
            os.close(own)
        sys.stdin, sys.stdout = _text(0, "r"), _text(1, "w")
        sys.stderr = _text(2, "w", line_buffering=True)


def _text(number: int, mode: str, *, line_buffering: bool = False) -> io.TextIOWrapper:
    stream: Any = open(  # noqa: SIM115  # a standard stream stays open
        number, f"{mode}b", closefd=False
    )
    return io.TextIOWrapper(stream, encoding="utf-8", line_buffering=line_buffering)


def _status_of_main() -> int:
    """Run it and end as Python would: threads joined, streams flushed, tracebacks printed."""
    try:
        cli._add_further_commands = _have_them_already
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:  # `main` was not ready for it yet, or was no more
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        raise
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # what Python calls at its end
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Exception ignored in standard output: {error!r}\n")
        status = 120
    return status


def _have_them_already() -> None:
    """Stand in for looking up commands: the parent has done it."""
