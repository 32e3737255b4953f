"""A cluster of two worker processes on this machine, for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conftest import ROOT
from distributed import LocalCluster


@contextmanager
def two_workers(**options: Any) -> Iterator[LocalCluster]:
    """Start a scheduler and two worker processes that see this checkout."""
    sources = os.pathsep.join(str(ROOT / each) for each in ("model", "training", "tests"))
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        env={"PYTHONPATH": sources},
        **options,
    ) as cluster:
        yield cluster


def seconds_computed(cluster: LocalCluster, name: str) -> float:
    """Give the time that the workers have spent in tasks of a function, to see that they did."""
    assert cluster.scheduler is not None
    prefix = cluster.scheduler.task_prefixes.get(name)
    return 0.0 if prefix is None else float(prefix.all_durations["compute"])
