"""Each metric by working weights beside the same metric with every event time known.

200 replicates of 1,000 patients a setting; the judged model is fixed, near the shipped law but for
a centre effect of 0.3. Beside them the naive analysis: only patients whose status at the horizon
was seen.

Run: python benchmarks/metrics.py > benchmarks/results/metrics.txt (about two minutes)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed
from side_by_side import heading

from discresorb.distributions import Array
from discresorb_training import Settings
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.metrics import auc, brier, calibration_slope, observed_expected
from discresorb_training.simulate import Simulation
from discresorb_training.working import certain_bounds, fit_working_models

METRICS = {"Brier": brier, "AUC": auc, "O:E": observed_expected, "slope": calibration_slope}
HEAVY_CURE = Settings(ever=(-4.0, 0.6, 1.5))
SETTINGS: dict[str, tuple[Settings, str]] = {
    "the shipped law": (Settings(), ""),
    "heavy cure, sparse MRIs": (replace(HEAVY_CURE, visit_months=(6.0, 12.0, 24.0)), ""),
    "long delayed entry": (Settings(entry_mean=6.0), ""),
    "Weibull law, no Weibull among the working models": (
        Settings(distribution="weibull"),
        "weibull",
    ),
}
REPLICATES, PATIENTS, MONTHS = 200, 1_000, 6.0


def replicate(seed: int, settings: Settings, removed: str) -> Array:
    """Give (3, metrics): with known times, by working weights, of those whose status was seen."""
    simulation = Simulation(PATIENTS, seed=seed, settings=settings)
    cohort = cohort_from_frame(simulation.cohort())
    event = simulation.truth()["resorption_months"].fillna(np.inf).to_numpy()
    size, sequestrated = cohort.X.T
    entry = cohort.y["entry"]
    horizon, judged = entry + MONTHS, Settings().process()
    p = judged.probability(size, sequestrated, entry, horizon, 0.3)
    predictors = np.column_stack([cohort.X @ judged.latency[1:], cohort.X @ judged.ever[1:]])
    working = [
        each
        for each in fit_working_models(cohort.y, predictors)
        if each.curve.distribution.name != removed
    ]
    status = (event <= horizon).astype(float)
    low, high = certain_bounds(cohort.y, horizon)
    seen = low == high
    weights = working[0].weights(cohort.y, horizon)
    return np.array(
        [
            [metric(p, status) for metric in METRICS.values()],
            [metric(p, weights) for metric in METRICS.values()],
            [metric(p[seen], status[seen]) for metric in METRICS.values()],
        ]
    )


def main() -> None:
    """Print a table a setting."""
    heading(f"Metrics within {MONTHS:g} months of the index MRI, means of {REPLICATES} replicates")
    for name, (settings, removed) in SETTINGS.items():
        found = np.array(
            Parallel(n_jobs=2)(
                delayed(replicate)(seed, settings, removed) for seed in range(REPLICATES)
            )
        )
        known, weighted, naive = found.mean(axis=0)
        error = (found[:, 1] - found[:, 0]).std(axis=0) / np.sqrt(REPLICATES)
        print(name)
        for k, metric in enumerate(METRICS):
            print(
                f"  {metric:6} known times {known[k]:.4f}, working weights {weighted[k]:.4f}, "
                f"difference {weighted[k] - known[k]:+.4f} (± {error[k]:.4f}); status seen only "
                f"{naive[k]:.4f}, difference {naive[k] - known[k]:+.4f}"
            )


if __name__ == "__main__":
    main()
