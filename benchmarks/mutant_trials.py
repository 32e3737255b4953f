"""Run test files against a changed module: a fork a trial, of a process that has the libraries.

The changed source stands in for the module as it is imported; no file is touched.
"""

from __future__ import annotations

import atexit
import compileall
import contextlib
import gc
import importlib
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import CodeType

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("model", "training", "tests")
LIBRARIES = (
    "_pytest.debugging", "_pytest.junitxml", "execnet", "hypothesis.strategies", "jinja2",
    "joblib", "lifelines", "narwhals", "numpy", "pandas", "scipy.optimize", "scipy.stats",
    "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection", "typer",
    "xdist.newhooks", "xdist.plugin",
)  # fmt: skip
MEMORY = 6 * 2**30
FORK = multiprocessing.get_context("fork")
TIME_OUT, PASSED, DIED, BEFORE = "time-out", "", "the process ended", "before any test"


@dataclass(frozen=True)
class Trial:
    """A changed file, the tests to run, and how long they may take."""

    file: str
    source: str
    tests: tuple[str, ...]
    seconds: float


def load_libraries() -> None:
    """Import what every trial needs, but nothing of the project."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in LIBRARIES:
        importlib.import_module(name)
    # compiled once, and beside no source
    sys.pycache_prefix = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, sys.pycache_prefix, ignore_errors=True)
    for folder in FOLDERS:
        compileall.compile_dir(ROOT / folder, quiet=1)
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    if any(name.startswith("discresorb") for name in sys.modules):
        raise SystemExit("the project is loaded: a changed module would not be")


def outcomes(trials: Sequence[Trial], workers: int) -> Iterator[tuple[int, str, float]]:
    """Give position, outcome and seconds of every trial, as they end.

    The outcome is the test file that failed first, `BEFORE` if an import did, `DIED` if the process
    came to an end, `TIME_OUT`, or `PASSED`.
    """
    waiting = list(enumerate(trials))[::-1]
    running: list[_Running] = []
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(_Running(*waiting.pop()))
        left = max(0.0, min(each.deadline for each in running) - time.monotonic())
        wait([each.process.sentinel for each in running], timeout=left)
        for each in [each for each in running if each.over()]:
            running.remove(each)
            yield each.position, each.outcome(), time.monotonic() - each.start


class _Running:
    def __init__(self, position: int, trial: Trial) -> None:
        self.position, self.start = position, time.monotonic()
        self.deadline = self.start + trial.seconds
        self.place = tempfile.mkdtemp()
        self.answers, answer = FORK.Pipe(duplex=False)
        self.process: ForkProcess = FORK.Process(target=_child, args=(trial, answer, self.place))
        self.process.start()
        answer.close()

    def over(self) -> bool:
        return not self.process.is_alive() or time.monotonic() >= self.deadline

    def outcome(self) -> str:
        late = self.process.is_alive()
        if self.process.pid:  # a trial leads a group of its own, with all that it started
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()
        shutil.rmtree(self.place, ignore_errors=True)
        if late:
            return TIME_OUT
        if not self.answers.poll():
            return DIED
        answer: str = self.answers.recv()
        return answer


def _child(trial: Trial, answer: Connection, place: str) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]
    sys.meta_path.insert(0, _Changed(trial.file, trial.source))
    first = _FirstFailure()
    options = ["-x", "-q", "-n=0", "--assert=plain", "--basetemp", place]
    options += ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]  # which collects garbage
    status = int(pytest.main([*options, *trial.tests], plugins=[first]))
    # whatever ends the run early is the change's doing: unchanged, the same run passes
    answer.send(PASSED if status == 0 else first.file or BEFORE)
    answer.close()
    os._exit(0)  # whatever threads and handlers a changed module has left behind


class _FirstFailure:
    file = ""

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.file:
            self.file = report.nodeid.split("::")[0]

    pytest_runtest_logreport: Callable[..., None] = _note
    pytest_collectreport: Callable[..., None] = _note


def module_name(file: str) -> str:
    """Name the module that a file of a source root is."""
    return ".".join(Path(file).with_suffix("").parts[1:])


class _Changed(MetaPathFinder):
    """Finds the changed source where one module is asked for."""

    def __init__(self, file: str, source: str) -> None:
        self.name, self.path, self.source = module_name(file), str(ROOT / file), source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        loader = _ChangedLoader(name, self.path)
        loader.source = self.source
        return spec_from_file_location(name, self.path, loader=loader)


class _ChangedLoader(SourceFileLoader):
    source = ""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.source, self.path, "exec")
        return code
