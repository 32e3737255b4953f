"""A cohort in one process, and on two workers of a cluster on the same machine.

Both have as many cores as they use, so that the ratio says what the cluster itself costs. Workers
are started twice: as Dask starts them, and with MALLOC_TRIM_THRESHOLD_ raised. Dask lowers it so
that memory goes back to the system at once, and every block's arithmetic then asks for it again.

Every line is the median of fits in processes of their own, taken in turn.

Run: python benchmarks/cluster_fit.py > benchmarks/results/cluster_fit.txt (some ten minutes)
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from distributed import Client, LocalCluster
from fit import MILLION, data, peak_mebibytes
from side_by_side import heading, seconds

from discresorb.distributions import Array
from discresorb_training import ResorptionModel
from discresorb_training.computing import computing_on
from discresorb_training.dataset import Dataset
from discresorb_training.on_cluster import rows_on_cluster
from discresorb_training.selection import compare

REPEATS, STEPS = 3, 9
HERE, AS_STARTED, RAISED = "one process", "two workers", "two workers, trim raised"
RAISED_TO = {"MALLOC_TRIM_THRESHOLD_": str(2**25)}
THETA = np.array([0.1, 0.1, -0.1, -0.8, 1.0, 0.3, 0.3])
NAMES = ["size_mm", "sequestrated"]
Figures = dict[str, float]


def measured(X: Array, y: Array) -> Figures:
    """Time the parts of a fit, and the whole, where it is computed now."""
    found: Figures = {"build": seconds(lambda: Dataset.build(X, y, NAMES))}
    found |= of_parts(Dataset.build(X, y, NAMES))
    model = ResorptionModel(cure=True)
    found["fit"] = seconds(lambda: model.fit(X, y))
    found["steps"], found["log-likelihood"] = model.n_iter_, model.log_likelihood_
    found["client"] = peak_mebibytes()
    found["selection"] = seconds(
        lambda: compare(X, y, names=NAMES, distributions=["loglogistic"], cures=[True])
    )
    return found


def of_parts(whole: Dataset) -> Figures:
    """Time sending, and one step."""
    total = partial(whole.log_likelihood("loglogistic", cure=True), THETA)
    return {
        "send": seconds(lambda: rows_on_cluster(whole.parts)),
        "step": statistics.median(seconds(total) for _ in range(STEPS)),
    }


def child(folder: str, where: str) -> None:
    """Measure in a process of its own, so that its memory is its own."""

    def peak() -> float:
        from pathlib import Path

        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

    X, y = np.load(Path(folder) / "X.npy"), np.load(Path(folder) / "y.npy")
    with ExitStack() as stack:
        client = None
        if where != HERE:
            cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
            client = stack.enter_context(Client(stack.enter_context(cluster)))
            stack.enter_context(computing_on(client))
        found = measured(X, y)
        found["worker"] = 0.0 if client is None else max(client.run(peak).values())
    print(json.dumps(found))


def in_turn(folder: str) -> dict[str, list[Figures]]:
    """Measure every place in turn, several times."""
    found: dict[str, list[Figures]] = {where: [] for where in (HERE, AS_STARTED, RAISED)}
    for _ in range(REPEATS):
        for where, figures in found.items():
            done = subprocess.run(
                [sys.executable, __file__, folder, where],
                env={**os.environ, **(RAISED_TO if where == RAISED else {})},
                check=True,
                capture_output=True,
                text=True,
            )
            figures.append(json.loads(done.stdout))
    return found


def median(figures: list[Figures], name: str) -> float:
    return statistics.median(each[name] for each in figures)


def show(n: int, found: dict[str, list[Figures]]) -> None:
    """Print a line a place: medians, and the median ratio to one process, run by run."""
    for where, figures in found.items():
        ratios = {
            name: statistics.median(
                here[name] / there[name] for here, there in zip(found[HERE], figures, strict=True)
            )
            for name in ("step", "fit", "selection")
        }
        parts = [f"{n:10,} {where:26}", f"{median(figures, 'build'):7.2f}"]
        parts += [f"{median(figures, 'send'):7.2f}" if where != HERE else f"{'':7}"]
        parts += [
            f"{median(figures, name):8.3f} {ratios[name]:5.2f}"
            for name in ("step", "fit", "selection")
        ]
        parts += [f"{median(figures, 'client'):8.0f} {median(figures, 'worker'):8.0f}"]
        print(" ".join(parts), flush=True)
    likelihoods = [each["log-likelihood"] for figures in found.values() for each in figures]
    apart = np.ptp(likelihoods) / abs(likelihoods[0])
    print(f"{'':10} log-likelihoods apart by {apart:.1e}, relative; "
          f"{median(found[HERE], 'steps'):.0f} Newton iterations over all rows\n")  # fmt: skip


def main() -> None:
    """Print everything."""
    heading("A cure log-logistic model fitted in one process, and on two workers on its machine")
    print(f"dask {version('dask')}, distributed {version('distributed')}; medians of {REPEATS}\n")
    print("build: sorting, scaling and cutting, with sending where there are workers.")
    print("step: one sum of log-likelihood, gradient and Hessian.")
    print("select: one model, fitted to all rows and without each of five folds.")
    print("ratio: how many times as long one process takes. here, worker: peak memory, MiB.\n")
    print(f"{'rows':>10} {'':26} {'build s':>7} {'send s':>7}", end=" ")
    print("  step s ratio    fit s ratio select s ratio     here   worker")
    start = time.perf_counter()
    by_rows: dict[int, Any] = {}
    for n in (MILLION, 5 * MILLION):
        with tempfile.TemporaryDirectory() as folder:
            X, y = data(n, True)
            np.save(Path(folder) / "X.npy", X.to_numpy())
            np.save(Path(folder) / "y.npy", y)
            del X, y
            by_rows[n] = in_turn(folder)
            show(n, by_rows[n])
    few, many = by_rows.values()
    for where in few:
        grown = ", ".join(
            f"{name} {median(many[where], name) / median(few[where], name):.1f}"
            for name in ("step", "fit", "selection")
        )
        print(f"five times as many rows take, {where}: {grown} times as long")
    print(f"\n(all this took {time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(*sys.argv[1:])
    else:
        main()
