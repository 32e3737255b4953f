"""A cluster of two worker processes on this machine, for tests, and tasks for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from discresorb.errors import InputError
from discresorb_training.errors import TrainingError

ROOT = Path(__file__).parents[1]


@contextmanager
def local_cluster(n_workers: int = 2, **options: Any) -> Iterator[LocalCluster]:
    """Start a scheduler and worker processes that see this checkout."""
    sources = os.pathsep.join(str(ROOT / each) for each in ("model", "training", "tests"))
    with LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        env={"PYTHONPATH": sources},
        **options,
    ) as cluster:
        yield cluster


def tasks_done(cluster: LocalCluster, name: str) -> int:
    """Count the tasks of a name that the workers have done, to see that it was they."""
    assert cluster.scheduler is not None
    prefix = cluster.scheduler.task_prefixes.get(name)
    return 0 if prefix is None else int(prefix.state_counts["memory"])


def kill_workers(client: Client, count: int) -> None:
    """Kill some workers at once; their nannies start others, if they had done starting these."""
    for process in list(client.run(os.getpid).values())[:count]:
        os.kill(process, signal.SIGKILL)


def square(number: int) -> int:
    """Take a while to square a number."""
    time.sleep(0.1)
    return number * number


def refuse(what: str) -> None:
    """Refuse as training does, or as reading does."""
    if what == "training":
        raise TrainingError("too few")
    raise InputError(["first problem", "second problem"])
