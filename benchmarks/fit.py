"""Fitting against lifelines on the same likelihood and rows; a million rows; weighted refits.

Run: python benchmarks/fit.py > benchmarks/results/fit.txt   (some minutes)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifelines import LogLogisticAFTFitter, LogNormalAFTFitter, WeibullAFTFitter
from lifelines.exceptions import ConvergenceError
from side_by_side import heading, seconds, side_by_side

from discresorb_training import ResorptionModel, Settings, interval_outcome, simulate_cohort
from discresorb_training.dataset import Dataset
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.fitting import fit_dataset
from discresorb_training.second_opinion import _Lifelines

AFT = {
    "loglogistic": LogLogisticAFTFitter,
    "lognormal": LogNormalAFTFitter,
    "weibull": WeibullAFTFitter,
}
MILLION = 1_000_000
LAW = Settings(latency=(1.6, -0.01, -0.3), scale=0.45, ever=(-3.1, 0.54, 2.4), surgery_shape=1.0)


def data(n: int, cure: bool) -> tuple[pd.DataFrame, Any]:
    """Simulate log-logistic rows with entry; without a cure fraction everybody resorbs in the end.

    The same rows serve all three models. On rows simulated from a Weibull or log-normal
    distribution lifelines' own WeibullAFTFitter does not converge; neither does its custom
    regression on the shipped law with cure, so the law is one on which both do.
    """
    settings = replace(LAW, ever=LAW.ever if cure else (40.0, 0.0, 0.0))
    cohort, _ = simulate_cohort(n, seed=1, settings=settings)
    y = interval_outcome(
        lower=cohort["last_herniated_months"],
        upper=cohort["first_resorbed_months"].fillna(np.inf),
        entry=cohort["months_since_onset"],
    )
    return cohort[["size_mm", "sequestrated"]].astype(float), y


class LifelinesAft:
    """lifelines' own accelerated-failure-time fitter of the same model without cure."""

    name = "AFT fitter"

    def __init__(self, X: pd.DataFrame, y: Any, distribution: str) -> None:
        self._frame = X.assign(lower=y["lower"], upper=y["upper"], entry=y["entry"])
        self._fitter = AFT[distribution]

    def __call__(self) -> float:
        """Fit; give the log-likelihood."""
        fitter = self._fitter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter.fit_interval_censoring(self._frame, "lower", "upper", entry_col="entry")
        return float(fitter.log_likelihood_)


class LifelinesCustom:
    """The second opinion's lifelines regression, from lifelines' own start."""

    name = "custom regression"

    def __init__(self, X: pd.DataFrame, y: Any, distribution: str, cure: bool) -> None:
        self._lifelines = _Lifelines(X.to_numpy(), y, distribution, cure)

    def __call__(self) -> float:
        """Fit; give the log-likelihood."""
        fitter = self._lifelines._fitter()
        self._lifelines._run(fitter, None)
        return float(fitter.log_likelihood_)


def against_lifelines() -> None:
    """Print the ratio of fitting times, model by model."""
    print(f"{'rows':>8} {'model':20} {'ours s':>8} {'lifelines s':>12} {'ratio':>7}  "
          f"{'ours better by':>15}  lifelines' fitter")  # fmt: skip
    for n, repeats in ((10_000, 7), (100_000, 5)):
        for cure in (False, True):
            for distribution in AFT:
                X, y = data(n, cure)
                ours = ResorptionModel(distribution, cure=cure, penalty=0.0)
                theirs: Any = LifelinesCustom(X, y, distribution, cure)
                if not cure:
                    try:
                        theirs = LifelinesAft(X, y, distribution)
                        theirs()
                    except ConvergenceError:
                        theirs = LifelinesCustom(X, y, distribution, cure)
                their_likelihood = theirs()
                ours.fit(X, y)
                a, b, ratio = side_by_side(partial(ours.fit, X, y), theirs, repeats)
                name = distribution + (", cure" if cure else "")
                better = ours.log_likelihood_ - their_likelihood
                print(f"{n:8} {name:20} {a:8.4f} {b:12.3f} {ratio:7.1f}  {better:15.6f}  "
                      f"{theirs.name}", flush=True)  # fmt: skip


def refits() -> None:
    """Print 200 weighted refits of 2,000 rows against ten lifelines fits."""
    X, y = data(2_000, True)
    dataset = Dataset.build(X.to_numpy(), y, list(X.columns))
    fit = partial(fit_dataset, dataset, "loglogistic", cure=True)
    first = fit(penalty=0.0)
    rng = np.random.default_rng(1)
    weights = rng.multinomial(len(X), np.full(len(X), 1 / len(X)), size=200).astype(float)

    def ours() -> None:
        for own in weights:
            fit(penalty=DEFAULT_PENALTY, weights=own, start=first.scaled)

    theirs = LifelinesCustom(X, y, "loglogistic", True)
    a, b, ratio = side_by_side(ours, lambda: [theirs() for _ in range(10)], 3)
    print(f"\n200 weighted refits of 2,000 rows, cure: {a:.2f} s; ten lifelines fits: {b:.2f} s; "
          f"lifelines' ten take {ratio:.1f} times our 200")  # fmt: skip


def peak_mebibytes() -> float:
    """Largest memory of this process since it started (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def child(folder: str) -> None:
    """Fit the million in a process of its own, so that its memory is its own."""
    X, y = np.load(Path(folder) / "X.npy"), np.load(Path(folder) / "y.npy")
    before = peak_mebibytes()
    model = ResorptionModel(cure=True)
    took = seconds(lambda: model.fit(X, y))
    print(f"{len(X):,} rows, loglogistic, cure: {took:.2f} s, {1e9 * took / len(X):.0f} ns a row, "
          f"{model.n_iter_} Newton iterations over all rows; peak memory of the process "
          f"{peak_mebibytes():.0f} MiB, {before:.0f} before the fit")  # fmt: skip


def million() -> None:
    """Print time a row and peak memory of a fit of a million rows."""
    X, y = data(MILLION, True)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X.to_numpy())
        np.save(Path(folder) / "y.npy", y)
        print(flush=True)
        subprocess.run([sys.executable, __file__, folder], check=True)


def main() -> None:
    """Print everything."""
    heading("Fit: discresorb against lifelines, same likelihood and rows, no penalty, one process")
    start = time.perf_counter()
    against_lifelines()
    refits()
    million()
    print(f"\n(all this took {time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1])
    else:
        main()
