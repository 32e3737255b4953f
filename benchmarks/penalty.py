"""What the penalty on the slopes of logit π does to them, and through them to p.

Cohorts of the calibrated law, with the true distribution fitted. For each size of cohort and
penalty: the mean estimated slopes in SDs of their covariates, and bias, error and coverage of p
over the profiles of `scenarios`, by 3, 6 and 12 months.

Run: python benchmarks/penalty.py > benchmarks/results/penalty.txt (some five minutes)
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from recovery import predictions, simulated, summarise, true_p
from scenarios import Scenario
from side_by_side import heading
from truth import line

from discresorb.distributions import Array
from discresorb_training import ResorptionModel, Settings, TrainingError

COHORTS = 1_000
PENALTIES = (0.5, 0.25, 0.15, 0.1, 0.05)
SETTINGS = Settings()

Fit = tuple[Array, Array] | str  # slopes in SDs, then p with low and high; or why not


def fits(seed: int, n: int, profiles: Array) -> list[Fit]:
    """Fit one cohort with each penalty."""
    cohort, _ = simulated(seed, n, SETTINGS)
    found: list[Fit] = []
    for penalty in PENALTIES:
        model = ResorptionModel(SETTINGS.distribution, penalty=penalty)
        try:
            model.fit(cohort.X, cohort.y)
        except TrainingError as error:
            found.append(str(error))
            continue
        slopes = model.cure_coef_ * cohort.X.std(axis=0)
        found.append((slopes, predictions(model.curve(), profiles)))
    return found


def main() -> None:
    """Print a table for each size of cohort."""
    heading("The penalty on the slopes of logit π")
    profiles, supported = Scenario("").profiles()
    truth = true_p(SETTINGS, np.zeros(1), profiles)
    sd = simulated(1, 100_000, SETTINGS)[0].X.std(axis=0)
    size, sequestrated = SETTINGS.ever[1:] * sd
    print(f"true slopes of logit π by SD: size {size:.2f}, sequestrated {sequestrated:.2f}\n")
    for n in (150, 400):  # `truth` prints larger ones
        every = Parallel(n_jobs=2)(delayed(fits)(seed, n, profiles) for seed in range(COHORTS))
        print(f"{COHORTS} cohorts of {n}; the worst of the supported profiles, then of the edge")
        print(f"  {'penalty':<24}{'bias':>8}{'error':>7}{'coverage':>17}")
        for penalty, found in zip(PENALTIES, zip(*every, strict=True), strict=True):
            good = [each for each in found if not isinstance(each, str)]
            size, sequestrated = np.mean([slopes for slopes, _ in good], axis=0)
            summary = summarise([(p, truth) for _, p in good])
            print(
                line(f"{penalty:g}", summary, slice(0, supported))
                + f"  slopes: size {size:.2f}, sequestrated {sequestrated:.2f}; "
                f"refused {len(found) - len(good)}"
            )
            print(line("  at the edge", summary, slice(supported, None)))
        print(flush=True)


if __name__ == "__main__":
    main()
