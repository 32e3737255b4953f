"""How well the truth is found again: error, bias, coverage and refusals on simulated cohorts.

1. The shipped model against the truth of the cohort that it was trained on.
2. Cohorts of 1,000 of the shipped law: bias and coverage of the 95 % interval for five profiles
   that the data support, one at the edge of that, and four that they do not. Supported: entry and
   size within the 10th to 90th percentile of patients of that type (sequestrated or not).
3. What the default penalty was chosen by, also on cohorts of 150.
4. How often a model of such a cohort keeps the two assumptions of the calibration.

Run: python benchmarks/recovery.py > benchmarks/results/recovery.txt (about ten minutes); with
--scheduler ADDRESS on a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from on_scheduler import scheduler_asked_for
from side_by_side import heading

from discresorb import load
from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training import ResorptionModel, Settings, TrainingError, simulate_cohort, train
from discresorb_training.calibration import ASSUMPTIONS
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.simulate import TRUTH_MONTHS, Simulation

DATA = Path(__file__).parents[1] / "data" / "synthetic"
COHORTS, PATIENTS = 1_000, 1_000
CENTRES = 20
SHIPPED = Settings(sites=CENTRES, sites_balanced=True)
# size_mm, sequestrated, months since onset
SUPPORTED = np.array([[4.5, 0, 1.0], [6.5, 0, 2.0], [9.0, 0, 4.0], [7.5, 1, 1.0], [10.5, 1, 3.0]])
EDGE = np.array([[5.9, 1, 4.6]])  # supported, in the corner where bias is largest
UNSUPPORTED = np.array([[3.0, 0, 8.0], [14.0, 0, 0.5], [9.0, 1, 10.0], [14.0, 1, 0.46]])
PROFILES = np.vstack([SUPPORTED, EDGE, UNSUPPORTED])
INSIDE = len(SUPPORTED) + len(EDGE)


@dataclass(frozen=True)
class Summary:
    """Bias, error and coverage of p for each profile and horizon."""

    truth: Array
    bias: Array
    error: Array
    covered: Array
    refusals: Counter[str]


def predictions(curve: CureCurve, profiles: Array = PROFILES) -> Array:
    """Give p, low and high of every profile and horizon, (3, profiles, horizons)."""
    design = np.column_stack([np.ones(len(profiles)), profiles[:, :2]])
    entry = profiles[:, 2]
    return np.stack(
        [np.stack(curve.interval(design, entry, entry + m)) for m in TRUTH_MONTHS], axis=-1
    )


def true_p(settings: Settings, effects: Array, profiles: Array = PROFILES) -> Array:
    """Give the true p of every profile and horizon, averaged over centres."""
    size, sequestrated, entry = profiles.T[..., None]
    process = settings.process()
    return np.stack(
        [
            process.probability(size, sequestrated, entry, entry + m, effects).mean(axis=1)
            for m in TRUTH_MONTHS
        ],
        axis=-1,
    )


def simulated(seed: int, n: int, settings: Settings) -> tuple[Cohort, Array]:
    """Simulate a cohort as training reads it, and its centres' effects."""
    simulation = Simulation(n, seed=seed, settings=settings)
    return cohort_from_frame(simulation.cohort()), simulation.centre_effects


def fixed(
    seed: int,
    n: int = PATIENTS,
    settings: Settings | None = None,
    penalty: float = DEFAULT_PENALTY,
) -> tuple[Array, Array]:
    """Fit the true distribution, with cure."""
    settings = settings or Settings()
    cohort, effects = simulated(seed, n, settings)
    model = ResorptionModel(settings.distribution, penalty=penalty).fit(cohort.X, cohort.y)
    return predictions(model.curve()), true_p(settings, effects)


def with_centres(seed: int) -> tuple[Array, Array]:
    """Fit as `fixed`, on centres drawn at random; the truth is the cohort's average."""
    return fixed(seed, settings=Settings(sites=CENTRES))


def another_centre(seed: int) -> tuple[Array, Array]:
    """Fit as `with_centres`; the truth is that of a new centre, the interval widened for it."""
    settings = Settings(sites=CENTRES)
    cohort, _ = simulated(seed, PATIENTS, settings)
    model = ResorptionModel(settings.distribution).fit(cohort.X, cohort.y)
    drawn = np.random.default_rng(seed).normal(0.0, settings.site_sd, 1)
    widened = replace(model.curve(), between_study_sd=settings.site_sd)
    return predictions(widened), true_p(settings, drawn)


def selected(seed: int) -> tuple[Array, Array]:
    """Choose distribution and cure fraction as `train` does."""
    table, _ = simulate_cohort(PATIENTS, seed=seed)
    found = train(table, endpoint="x", data_origin="synthetic", second_opinion=False)
    return predictions(found.model.curve()), true_p(Settings(), np.zeros(1))


def run(
    study: Callable[..., tuple[Array, Array]], cohorts: int = COHORTS, **options: Any
) -> Summary:
    """Run a study, which gives (p, low, high) and the truth for a seed, on many cohorts."""

    def one(seed: int) -> tuple[Array, Array] | str:
        try:
            return study(seed, **options)
        except TrainingError as error:
            return str(error)

    found = Parallel(n_jobs=2)(delayed(one)(seed) for seed in range(cohorts))
    return summarise(found)


def summarise(found: Sequence[tuple[Array, Array] | str]) -> Summary:
    """Sum up what a study found: predictions and truth of a cohort, or why it was refused."""
    good = [each for each in found if not isinstance(each, str)]
    p, truth = (np.array(part) for part in zip(*good, strict=True))
    return Summary(
        truth.mean(axis=0),
        (p[:, 0] - truth).mean(axis=0),
        np.sqrt(((p[:, 0] - truth) ** 2).mean(axis=0)),
        ((p[:, 1] <= truth) & (truth <= p[:, 2])).mean(axis=0),
        Counter(each for each in found if isinstance(each, str)),
    )


def show(title: str, summary: Summary, cohorts: int = COHORTS) -> None:
    """Print a study as a table, then its extremes over supported profiles."""
    refused = summary.refusals.total()
    print(f"{title}: {cohorts - refused} of {cohorts} cohorts fitted, {refused} refused")
    for reason, count in summary.refusals.most_common():
        print(f"  {count} refused: {reason}")
    print(f"  {'size':>5} {'seq.':>4} {'entry':>5} {'months':>6} {'true p':>7} {'bias':>7}"
          f" {'error':>6} {'covered':>8}")  # fmt: skip
    for k, (size, sequestrated, entry) in enumerate(PROFILES):
        mark = "  edge of what the data support" if k < INSIDE else "  not supported by the data"
        mark = "" if k < len(SUPPORTED) else mark
        for j, months in enumerate(TRUTH_MONTHS):
            print(
                f"  {size:5.1f} {'yes' if sequestrated else 'no':>4} {entry:5.2f} {months:6}"
                f" {summary.truth[k, j]:7.3f} {summary.bias[k, j]:+7.3f} {summary.error[k, j]:6.3f}"
                f" {100 * summary.covered[k, j]:7.1f}%{mark}"
            )
    print("  supported:", extremes(summary, slice(0, len(SUPPORTED))))
    print("  edge of it:", extremes(summary, slice(len(SUPPORTED), INSIDE)), "\n")


def extremes(summary: Summary, rows: slice) -> str:
    """Say the worst bias and the range of coverage of some profiles."""
    covered = 100 * summary.covered[rows]
    return (
        f"largest bias {np.abs(summary.bias[rows]).max():.4f}, "
        f"coverage {covered.min():.1f} to {covered.max():.1f} %"
    )


def check_support() -> None:
    """Print the percentiles that say which profiles the data support; stop if one is misplaced."""
    cohort, _ = simulate_cohort(100_000, seed=1)
    inside = np.zeros(len(PROFILES), bool)
    for sequestrated in (0, 1):
        of_type = cohort[cohort["sequestrated"] == sequestrated]
        low, high = of_type[["size_mm", "months_since_onset"]].quantile([0.1, 0.9]).to_numpy()
        print(
            f"10th to 90th percentile, {'' if sequestrated else 'not '}sequestrated: "
            f"size {low[0]:.1f} to {high[0]:.1f} mm, entry {low[1]:.2f} to {high[1]:.2f} months"
        )
        rows = PROFILES[:, 1] == sequestrated
        values = PROFILES[rows][:, [0, 2]]
        inside[rows] = ((values >= low) & (values <= high)).all(axis=1)
    assert inside.tolist() == [k < INSIDE for k in range(len(PROFILES))]
    print()


def shipped_model() -> None:
    """Print the shipped model's error against the truth of its cohort, and on the new centre."""
    predictor = load()
    for name in ("cohort", "new_centre"):
        table = pd.read_csv(DATA / f"{name}.csv")
        truth = pd.read_csv(DATA / f"{name}.truth.csv")
        cells = table[["size_mm", "sequestrated", "months_since_onset"]]
        errors = np.column_stack(
            [
                predictor.score(cells.assign(months_to_surgery=m))["p_resorbed"]
                - truth[f"p_true_{m}"]
                for m in TRUTH_MONTHS
            ]
        )
        supported = supported_rows(cohort_from_frame(table))
        print(f"shipped model on {name}.csv, p less true p averaged over centres")
        groups = {"all": supported | True, "supported": supported, "not supported": ~supported}
        for label, rows in groups.items():
            print(
                f"  {label:<14}{rows.sum():5} patients, mean absolute error "
                f"{np.abs(errors[rows]).mean():.4f}, mean {errors[rows].mean():+.4f}; by months "
                + ", ".join(
                    f"{m}: {np.abs(errors[rows, j]).mean():.4f}" for j, m in enumerate(TRUTH_MONTHS)
                )
            )
    print()


def supported_rows(cohort: Cohort) -> Array:
    """Tell which patients lie within the 10th to 90th percentile of entry and size by type."""
    values = np.column_stack([cohort.X[:, 0], cohort.y["entry"]])
    inside = np.zeros(len(values), bool)
    for level in (0.0, 1.0):
        rows = cohort.X[:, 1] == level
        low, high = np.quantile(values[rows], [0.1, 0.9], axis=0)
        inside[rows] = ((values[rows] >= low) & (values[rows] <= high)).all(axis=1)
    return inside


def keeps_assumptions(seed: int) -> list[bool]:
    """Tell which assumptions the model of a cohort like the shipped one keeps."""
    cohort, _ = simulated(seed, 2_000, SHIPPED)
    curve = ResorptionModel("loglogistic").fit(cohort.X, cohort.y).curve()

    def p(size: Array, sequestrated: Array, entry: Array, horizon: Array) -> Array:
        size, sequestrated, entry, horizon = np.broadcast_arrays(size, sequestrated, entry, horizon)
        design = np.stack([np.ones_like(size, float), size, sequestrated], axis=-1)
        return curve.probability(design, entry, horizon)

    return [bool(each.margins(p).min() >= 0.0) for each in ASSUMPTIONS]


def main() -> None:
    """Print everything."""
    heading("Recovery of the truth on simulated cohorts")
    shipped_model()
    check_support()
    first = run(fixed)
    show("centre effect zero, true distribution and cure held fixed, default penalty", first)
    rows = slice(0, len(SUPPORTED))
    bounds = np.abs(first.bias[rows]).max() <= 0.01
    bounds &= bool((np.abs(first.covered[rows] - 0.95) <= 0.02 + 0.015).all())
    print(f"  bias at most 0.01, coverage 93 to 97 % (± 1.5): {'holds' if bounds else 'MISSED'}\n")
    show(
        f"{CENTRES} centres, truth averaged over them, interval of the estimate", run(with_centres)
    )
    show(f"{CENTRES} centres, truth of a new centre, interval widened", run(another_centre))
    show("centre effect zero, distribution and cure selected", run(selected))
    print("penalty on the slopes of logit π, supported profiles, centre effect zero")
    for n, cohorts in ((PATIENTS, COHORTS), (150, 400)):
        for penalty in (1.0, 0.5, 0.25, DEFAULT_PENALTY, 0.05):
            found = run(fixed, cohorts, n=n, penalty=penalty)
            print(
                f"  cohorts of {n:4}, penalty {penalty:4}: {extremes(found, rows)}, largest error "
                f"{found.error[rows].max():.3f}, {found.refusals.total()} of {cohorts} refused"
            )
    seeds = range(200)
    kept = np.array(Parallel(n_jobs=2)(delayed(keeps_assumptions)(seed) for seed in seeds))
    first_kept, second_kept = kept.sum(axis=0)
    print(
        f"\nmodels of {len(kept)} cohorts made like the shipped one: first assumption kept by "
        f"{first_kept}, second by {second_kept}; both by the model of seed 1: {kept[1].all()}, "
        f"of seed 2, which is shipped: {kept[2].all()}"
    )


if __name__ == "__main__":
    with scheduler_asked_for():
        main()
