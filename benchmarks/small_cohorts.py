"""Train on 200 simulated cohorts of 120 patients, each with the second opinion; count what comes.

Warnings are errors here.

Run: python benchmarks/small_cohorts.py > benchmarks/results/small_cohorts.txt
"""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pandas as pd

from discresorb_training import TrainingError, simulate_cohort, train

COHORTS, PATIENTS, FIRST_SEED = 200, 120, 1000
PROFILES = pd.DataFrame(
    {
        "size_mm": [4.0, 8.0, 12.0] * 2,
        "sequestrated": [0] * 3 + [1] * 3,
        "months_since_onset": [0.0, 2.0, 6.0] * 2,
        "months_to_surgery": [0.0, 6.0, 600.0] * 2,
    }
)


def main() -> None:
    """Print how many were trained, with what, and why others were refused."""
    warnings.simplefilter("error")
    counts: Counter[str] = Counter()
    for seed in range(FIRST_SEED, FIRST_SEED + COHORTS):
        cohort, _ = simulate_cohort(PATIENTS, seed=seed)
        try:
            result = train(cohort, endpoint="regression", data_origin="synthetic")
        except TrainingError as error:
            counts[f"refused: {error}"] += 1
            continue
        values = result.predictor.score(PROFILES)[["p_low", "p_resorbed", "p_high"]].to_numpy()
        sound = np.isfinite(values).all() and values.min() >= 0.0 and values.max() <= 1.0
        ordered = (np.diff(values, axis=1) >= 0.0).all()
        counts["trained, " + ("sound" if sound and ordered else "NOT SOUND")] += 1
        counts["  with" + ("" if result.artifact["cure"] else "out") + " a cure fraction"] += 1
        counts[f"  second opinion {result.artifact['metrics']['second opinion (lifelines)']}"] += 1
    print(f"{COHORTS} cohorts of {PATIENTS} patients, seeds from {FIRST_SEED}")
    for what, number in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{number:5} {what}")


if __name__ == "__main__":
    main()
