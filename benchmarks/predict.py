"""One prediction against lifelines' conditional prediction; what the imports cost.

Run: python benchmarks/predict.py > benchmarks/results/predict.txt
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
from lifelines import LogLogisticAFTFitter
from side_by_side import heading, side_by_side

from discresorb import load
from discresorb_training import Settings, simulate_cohort

CALLS = 50


def fitted_lifelines() -> LogLogisticAFTFitter:
    """Fit a lifelines model of the same covariates."""
    cohort, _ = simulate_cohort(2_000, seed=1, settings=Settings(ever=(9.0, 0.0, 0.0)))
    frame = cohort[["size_mm", "sequestrated"]].assign(
        lower=cohort["last_herniated_months"],
        upper=cohort["first_resorbed_months"].fillna(np.inf),
        entry=cohort["months_since_onset"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = LogLogisticAFTFitter()
        fitter.fit_interval_censoring(frame, "lower", "upper", entry_col="entry")
    return fitter


def one_prediction() -> None:
    """Print the ratio of one prediction."""
    predictor, fitter = load(), fitted_lifelines()
    dates: dict[str, Any] = {
        "onset_date": "2019-03-01",
        "imaging_date": "2019-03-15",
        "surgery_date": "2019-09-20",
    }
    months: dict[str, Any] = {"months_since_onset": 0.46, "months_to_surgery": 6.2}
    row = simulate_cohort(1, seed=1)[0][["size_mm", "sequestrated"]]

    def lifelines() -> None:
        for _ in range(CALLS):
            fitter.predict_survival_function(row, times=[6.2], conditional_after=[0.46])

    for name, when in (("from months", months), ("from dates", dates)):

        def ours(when: dict[str, Any] = when) -> None:
            for _ in range(CALLS):
                predictor.predict(size_mm=11, sequestrated=True, symptoms_changed=True, **when)

        a, b, ratio = side_by_side(ours, lifelines, 21)
        print(f"one predict {name}, with interval, advice, warnings: {1e6 * a / CALLS:.0f} us; "
              f"lifelines' conditional prediction without interval: {1e6 * b / CALLS:.0f} us; "
              f"ratio {ratio:.1f}")  # fmt: skip


def imports() -> None:
    """Print what importing costs, measured inside fresh processes, in turn."""
    code = "import time; a = time.perf_counter(); import {}; print(time.perf_counter() - a)"
    names = ("numpy", "discresorb", "lifelines")
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(21):
        for name in names:
            done = subprocess.run(
                [sys.executable, "-c", code.format(name)],
                capture_output=True,
                text=True,
                check=True,
            )
            found[name].append(float(done.stdout))
    for name in names:
        ratio = statistics.median(
            own / base for own, base in zip(found[name], found["numpy"], strict=True)
        )
        print(f"import {name}: {1e3 * statistics.median(found[name]):.0f} ms, "
              f"{ratio:.2f} times import numpy")  # fmt: skip


if __name__ == "__main__":
    heading("Predict and import")
    one_prediction()
    print()
    imports()
