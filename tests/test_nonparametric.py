"""The nonparametric estimate against hand, other programs, brute force and known truth."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from scipy.optimize import minimize

from discresorb import InputError
from discresorb.distributions import Array
from discresorb_training import ConvergenceError, Settings, TrainingError, interval_outcome
from discresorb_training import nonparametric as module
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.nonparametric import nonparametric_curve
from discresorb_training.simulate import Simulation

# everybody has the same law, so that entry says nothing of it
ALIKE = Settings(latency=(2.2, 0.0, 0.0), ever=(1.0, 0.0, 0.0), scale=0.6)


def shipped_law(n: int = 300, seed: int = 1) -> Array:
    return cohort_from_frame(Simulation(n, seed=seed).cohort()).y


def exact_and_censored(n: int = 200, seed: int = 1) -> Array:
    rng = np.random.default_rng(seed)
    entry = rng.gamma(2.0, 1.0, n)
    event = entry + rng.exponential(6.0, n)
    end = entry + rng.uniform(0.5, 12.0, n)
    lower = np.minimum(event, end)
    return interval_outcome(lower=lower, upper=np.where(event <= end, event, np.inf), entry=entry)


def test_current_status_by_hand() -> None:
    """One MRI each: shares 1/4, 3/6, 1/4 of 4, 6 and 8; the last two do not rise and are pooled."""
    seen, unseen, months = (1, 3, 2), (3, 3, 6), (1.0, 2.0, 3.0)
    lower = [0.0] * 6 + [t for t, k in zip(months, unseen, strict=True) for _ in range(k)]
    upper = [t for t, k in zip(months, seen, strict=True) for _ in range(k)] + [np.inf] * 12
    curve = nonparametric_curve(interval_outcome(lower=lower, upper=upper), 0.0)
    assert curve.times.tolist() == [0.0, 1.0, 2.0, 3.0]
    pooled = 5 / 14
    np.testing.assert_allclose(curve.resorbed_low, [0, 1 / 4, pooled, pooled], atol=1e-6)
    np.testing.assert_allclose(curve.resorbed_high, [1 / 4, pooled, pooled, pooled], atol=1e-6)
    assert (curve.patients, curve.watched) == (18, 18)


def test_exact_times_give_the_product_limit_with_entry() -> None:
    y = exact_and_censored()
    seen = np.isfinite(y["upper"])
    for start in (1.0, 2.5):
        curve = nonparametric_curve(y, start)
        later = y["lower"] > start
        theirs = KaplanMeierFitter().fit(
            y["lower"][later], seen[later], entry=np.maximum(y["entry"][later], start)
        )
        expected = 1.0 - theirs.survival_function_at_times(curve.times).to_numpy()
        np.testing.assert_allclose(curve.resorbed_low, expected, atol=1e-8)
        np.testing.assert_allclose(curve.resorbed_high, expected, atol=1e-8)


def test_interval_censoring_without_entry_against_lifelines() -> None:
    y = shipped_law(100)
    y["entry"] = 0.0
    rng = np.random.default_rng(1)
    y["lower"] = np.where(y["lower"] > 0.0, y["lower"] + rng.uniform(0, 1e-4, len(y)), 0.0)
    y["upper"] = y["upper"] + rng.uniform(0, 1e-4, len(y))  # no ties, which are read differently
    curve = nonparametric_curve(y, 0.0)
    theirs = KaplanMeierFitter().fit_interval_censoring(y["lower"], y["upper"], tol=1e-10)
    # their row of a time is what holds before it
    table = theirs.survival_function_.loc[curve.times[1:]]
    np.testing.assert_allclose(
        curve.resorbed_low[:-1], 1.0 - table["NPMLE_estimate_upper"], atol=5e-4
    )
    np.testing.assert_allclose(
        curve.resorbed_high[:-1], 1.0 - table["NPMLE_estimate_lower"], atol=5e-4
    )


@pytest.mark.parametrize("seed", range(6))
def test_no_masses_on_any_cells_do_better(seed: int) -> None:
    """The likelihood written out, maximised over masses between all distinct ends."""
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 4, 25).astype(float)
    lower = entry + rng.integers(0, 4, 25)
    upper = np.where(rng.random(25) < 0.3, np.inf, lower + rng.integers(1, 5, 25))
    y = interval_outcome(lower=lower, upper=upper, entry=entry)
    ends = np.append(np.unique(np.concatenate([entry, lower, upper[upper < np.inf]])), np.inf)
    left, right = ends[:-1], ends[1:]
    inside = (left >= lower[:, None]) & (right <= upper[:, None])
    watched = left >= entry[:, None]

    def loss(logits: Array) -> tuple[float, Array]:
        p = np.exp(logits - np.logaddexp.reduce(logits))
        a, b = inside @ p, watched @ p
        by_mass = (inside / a[:, None] - watched / b[:, None]).sum(axis=0)
        return -float(np.log(a / b).sum()), -p * (by_mass - p @ by_mass)

    options = {"maxiter": 20_000, "ftol": 1e-14, "gtol": 1e-10}
    best = min(
        minimize(loss, rng.normal(size=len(left)), jac=True, method="L-BFGS-B", options=options).fun
        for _ in range(5)
    )
    found = nonparametric_curve(y, float(entry.max())).log_likelihood
    assert found == pytest.approx(-best, abs=1e-5)


def test_what_must_change_nothing() -> None:
    y = shipped_law()
    curve = nonparametric_curve(y, 2.0)

    def same(other: Array, weights: Array | None = None, unit: float = 1.0) -> None:
        found = nonparametric_curve(other, 2.0 * unit, weights)
        at = unit * np.array([3.0, 6.0, 12.0, 20.0])
        np.testing.assert_allclose(found.at(at), curve.at(at / unit), atol=2e-5)

    same(y[::-1])
    same(np.concatenate([y, y]))
    same(np.concatenate([y, y[:50]]), np.concatenate([np.ones(300), np.zeros(50)]))
    same(np.concatenate([y, y]), np.full(600, 0.5))
    days = y.copy()
    for name in ("lower", "upper", "entry"):
        days[name] *= 30.0
    same(days, unit=30.0)
    watched_on = y[y["lower"] > y["entry"]]  # a patient seen again is as one who enters then
    before, after = watched_on.copy(), watched_on.copy()
    before["upper"], after["entry"] = np.inf, watched_on["lower"]
    same(np.concatenate([before, after, y[y["lower"] == y["entry"]]]))
    unseen = interval_outcome(lower=[3.3], upper=[np.inf], entry=[3.3])
    same(np.concatenate([y, unseen]))


def test_only_patients_seen_after_start_count() -> None:
    y = exact_and_censored()
    later = y[y["lower"] > 2.0]
    everybody, without = nonparametric_curve(y, 2.0), nonparametric_curve(later, 2.0)
    np.testing.assert_allclose(everybody.resorbed_low, without.resorbed_low, atol=1e-12)
    assert everybody.patients == without.patients == len(later)


def test_a_cell_that_straddles_start_may_lie_on_either_side() -> None:
    """All that is known: 2 of 4 resorb between 1 and 3, 1 of 2 between 5 and 6."""
    y = interval_outcome(lower=[1, 1, 5, 6], upper=[3, 3, 6, np.inf], entry=[0, 0, 0, 0])
    curve = nonparametric_curve(y, 2.0)
    assert curve.times.tolist() == [2.0, 3.0, 5.0, 6.0]
    np.testing.assert_allclose(curve.resorbed_low, [0.0, 0.0, 0.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(curve.resorbed_high, [0.5, 0.5, 0.75, 0.75], atol=1e-6)
    assert np.isnan(curve.at(np.array([1.9, 6.1]))).all()


def test_a_risk_set_that_runs_empty_early() -> None:
    """One enters at 0.1 and resorbs at 0.5; all others enter at 1."""
    rest = interval_outcome(lower=[2, 3, 4, 5], upper=[2, 3, np.inf, 5], entry=[1, 1, 1, 1])
    early = interval_outcome(lower=[0.5], upper=[0.5], entry=[0.1])
    y = np.concatenate([early, rest])
    np.testing.assert_allclose(
        nonparametric_curve(y, 1.0).resorbed_low, [0.0, 0.25, 0.5, 1.0], atol=1e-9
    )
    with pytest.raises(TrainingError, match=r"resorb by 0\.5 .*4 others .*choose a later start"):
        nonparametric_curve(y, 0.2)


def test_a_risk_set_that_runs_empty_again_and_again() -> None:
    """One at a time enters and resorbs before the next; the last stays."""

    def one_by_one(n: int) -> Array:
        at = np.append(np.arange(n) + 0.5, n)
        return interval_outcome(lower=at, upper=[*at[:-1], np.inf], entry=[*np.arange(n), 0.25])

    curve = nonparametric_curve(one_by_one(5), 0.25)
    np.testing.assert_allclose(curve.resorbed_low[:-1], 1 - 0.5 ** np.arange(6.0), atol=1e-9)
    y = one_by_one(60)
    alone = interval_outcome(lower=y["lower"][:-1], upper=y["upper"][:-1], entry=y["entry"][:-1])
    with pytest.raises(TrainingError, match="runs empty dozens of times"):
        nonparametric_curve(alone, 0.25)


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    y = exact_and_censored()
    for start, words in ((0.0, "nobody is watched 0 months"), (99.0, "no patient says anything"),
                         (np.nan, "start must be"), (-1.0, "start must be")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            nonparametric_curve(y, start)
    for weights in (np.ones(3), np.full(len(y), -1.0), np.full(len(y), np.nan)):
        with pytest.raises(InputError, match="weights must be 200"):
            nonparametric_curve(y, 2.0, weights)
    monkeypatch.setattr(module, "MOST_STEPS", 3)
    with pytest.raises(ConvergenceError, match="did not settle in 3 steps"):
        nonparametric_curve(shipped_law(), 2.0)


def test_the_band_holds_the_estimate_and_depends_on_the_seed_only() -> None:
    y = shipped_law(150)
    one, again, other = (nonparametric_curve(y, 2.0, draws=40, seed=s) for s in (1, 1, 2))
    assert one.band_low is not None
    assert one.band_high is not None
    assert (one.band_low <= one.resorbed_low).all()
    assert (one.band_high >= one.resorbed_high).all()
    assert 0.05 < (one.band_high - one.band_low)[len(one.times) // 2] < 0.4
    np.testing.assert_array_equal(one.band_low, again.band_low)
    assert (one.band_low != other.band_low).any()
    assert nonparametric_curve(y, 2.0).band_low is None


def test_truth_is_recovered_with_entry_and_missed_without() -> None:
    """Same law for all, 24 cohorts of 500; means of both curves against the law itself."""
    start, months = 1.5, np.array([4.5, 7.5, 13.5])
    truth = ALIKE.process().probability(7.0, 0.0, start, months)
    kept, ignored = np.empty((2, 24, 3))
    for seed in range(24):
        y = cohort_from_frame(Simulation(500, seed=seed, settings=ALIKE).cohort()).y
        kept[seed] = np.mean(nonparametric_curve(y, start).at(months), axis=0)
        y["entry"] = 0.0
        ignored[seed] = np.mean(nonparametric_curve(y, start).at(months), axis=0)
    error = kept.std(axis=0, ddof=1) / np.sqrt(24)
    assert (error < 0.015).all()
    assert (np.abs(kept.mean(axis=0) - truth) < 3.0 * error).all()
    assert (truth - ignored.mean(axis=0) > 0.02).all()


def test_from_the_index_mri_on_the_average_over_patients_is_recovered() -> None:
    """The shipped law, in which types differ; 24 cohorts of 500."""
    months = np.array([3.0, 6.0, 12.0])
    gaps = np.empty((24, 3))
    for seed in range(24):
        simulation = Simulation(500, seed=seed)
        y = cohort_from_frame(simulation.cohort()).y
        since = interval_outcome(lower=y["lower"] - y["entry"], upper=y["upper"] - y["entry"])
        truth = [simulation.probability(float(each)).mean() for each in months]
        gaps[seed] = np.mean(nonparametric_curve(since, 0.0).at(months), axis=0) - truth
    assert (np.abs(gaps.mean(axis=0)) < 3.0 * gaps.std(axis=0, ddof=1) / np.sqrt(24)).all()
