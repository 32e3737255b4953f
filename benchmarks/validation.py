"""Corrected performance beside that on fresh patients, and how often intervals hold it.

Cohorts of the shipped law, two covariates and five of pure noise, with few patients, so that
there is optimism to find. For each: apparent and corrected performance of the procedure
(distribution and cure chosen), and that of the very model on 20,000 fresh patients with event times
known, the interval log score by their MRIs.

Run: python benchmarks/validation.py > benchmarks/results/validation.txt (about ten minutes)
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from side_by_side import heading

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import Settings
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import TrainingError
from discresorb_training.external import resample
from discresorb_training.internal import bootstrap
from discresorb_training.measure import Measure
from discresorb_training.performance import Evaluation, metrics_at
from discresorb_training.plan import planned
from discresorb_training.procedure import Procedure
from discresorb_training.simulate import Simulation

COHORTS, REPEATS, FRESH, NOISE, MONTHS = 40, 30, 20_000, 5, 6.0
PLAN = planned([f"x{k}" for k in range(2 + NOISE)])
CHOOSING = Procedure(PLAN, tuple(DISTRIBUTIONS), (False, True), DEFAULT_PENALTY, 5, 0)
KEYS = [("log_score", None), ("brier", MONTHS), ("auc", MONTHS), ("observed_expected", MONTHS),
        ("slope", MONTHS)]  # fmt: skip


def patients(n: int, seed: int) -> tuple[Array, Array, Array]:
    """Give covariates with noise, outcome, and true event times."""
    simulation = Simulation(n, seed=seed, settings=Settings())
    cohort = cohort_from_frame(simulation.cohort())
    noise = np.random.default_rng(seed).normal(size=(n, NOISE))
    event = simulation.truth()["resorption_months"].fillna(np.inf).to_numpy()
    return np.column_stack([cohort.X, noise]), cohort.y, event


def on_fresh_patients(evaluation: Evaluation, event: Array) -> Array:
    """Give performance with event times known."""
    p = evaluation.probability(MONTHS)
    status = (event <= evaluation.y["entry"] + MONTHS).astype(float)
    known = metrics_at(p, status)
    return np.array([evaluation.log_score(), *(known[key] for key, _ in KEYS[1:])])


def one(seed: int, n: int) -> Array | None:
    """Give rows apparent, corrected, low, high, fresh; then of external validation, on n others."""
    X, y, _ = patients(n, seed)
    try:
        curve = CHOOSING.run(X, y).model.curve()
        final = Evaluation(curve, X, y)
        measure = Measure.of(final, (MONTHS,), MONTHS)
        found = bootstrap(CHOOSING, X, y, measure, final, repeats=REPEATS, seed=seed)
        X_other, y_other, _ = patients(n, 50_000 + seed)
        others = resample(Evaluation(curve, X_other, y_other), measure, repeats=REPEATS, seed=seed)
    except TrainingError:
        return None
    at = [list(found.keys).index(key) for key in KEYS]
    X_fresh, y_fresh, event = patients(FRESH, 100_000 + seed)
    fresh = on_fresh_patients(Evaluation(curve, X_fresh, y_fresh), event)
    return np.array(
        [
            found.apparent[at],
            (found.apparent - found.optimism)[at],
            found.low[at],
            found.high[at],
            others.estimate[at],
            others.low[at],
            others.high[at],
            fresh,
        ]
    )


def main() -> None:
    """Print a table a size of cohort."""
    heading(f"Corrected and true performance; {COHORTS} cohorts, {REPEATS} bootstraps each, "
            f"{NOISE} covariates of noise, {MONTHS:g} months")  # fmt: skip
    for n in (150, 500):
        found = Parallel(n_jobs=2)(delayed(one)(seed, n) for seed in range(COHORTS))
        good = np.array([each for each in found if each is not None])
        apparent, corrected, low, high, other, other_low, other_high, fresh = np.moveaxis(
            good, 1, 0
        )
        print(f"cohorts of {n}: {len(good)} of {COHORTS} evaluated; means, and how often the 95 % "
              "interval holds what fresh patients show")  # fmt: skip
        print(f"  {'':20}{'apparent':>10}{'corrected':>11}{'fresh':>9}{'held':>7}"
              f"{'external':>11}{'held':>7}")  # fmt: skip
        for k, (name, _) in enumerate(KEYS):
            held = np.mean((low[:, k] <= fresh[:, k]) & (fresh[:, k] <= high[:, k]))
            held_other = np.mean(
                (other_low[:, k] <= fresh[:, k]) & (fresh[:, k] <= other_high[:, k])
            )
            print(
                f"  {name:20}{apparent[:, k].mean():10.4f}{corrected[:, k].mean():11.4f}"
                f"{fresh[:, k].mean():9.4f}{100 * held:6.0f}%{other[:, k].mean():11.4f}"
                f"{100 * held_other:6.0f}%"
            )
        print()


if __name__ == "__main__":
    main()
