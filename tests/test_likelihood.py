"""The likelihood: every row type against its formula, its derivatives, and the identities."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from builders import simulated
from scipy.optimize import check_grad

from discresorb.curve import expit
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import blocks
from discresorb_training.blocks import Prepared, prepare
from discresorb_training.likelihood import (
    Evaluation,
    added,
    evaluate,
    row_scores,
    row_values,
)

INF = math.inf
X = np.array([1.0, 0.3, -0.7])
LATENCY, EVER = [1.3, 0.1, -0.2, -0.4], [0.5, 0.3, 0.6]

# lower, upper, entry
ROWS = {
    "between two MRIs": (3.0, 6.0, 1.0),
    "between two MRIs, no delay": (3.0, 6.0, 0.0),
    "before the first follow-up": (2.0, 5.0, 2.0),
    "before the first follow-up, no delay": (0.0, 5.0, 0.0),
    "never seen": (5.0, INF, 1.0),
    "never seen, no delay": (5.0, INF, 0.0),
    "exact": (4.0, 4.0, 1.0),
    "exact, no delay": (4.0, 4.0, 0.0),
}
EVERY_ROW = pytest.mark.parametrize("row", ROWS)
EVERY = pytest.mark.parametrize("name", DISTRIBUTIONS)
CURE = pytest.mark.parametrize("cure", [True, False], ids=["cure", "no cure"])


def one_row(row: tuple[float, float, float]) -> Prepared:
    lower, upper, entry = (np.array([each]) for each in row)
    return prepare(X[None, :], lower, upper, entry)


def parameters(cure: bool) -> Array:
    return np.array(LATENCY + EVER if cure else LATENCY)


def by_formula(name: str, cure: bool, row: tuple[float, float, float]) -> float:
    lower, upper, entry = row
    distribution, sigma = DISTRIBUTIONS[name], math.exp(LATENCY[3])
    ever = expit(float(X @ EVER)) if cure else 1.0

    def z(t: float) -> float:
        return (math.log(t) - float(X @ LATENCY[:3])) / sigma

    def resorbed_by(t: float) -> float:
        return float(ever * np.exp(distribution.log_cdf(z(t)))) if t else 0.0

    if lower == upper:
        part = float(ever * np.exp(distribution.log_density(z(lower)))) / (sigma * lower)
    elif upper == INF:
        part = 1.0 - resorbed_by(lower)
    else:
        part = resorbed_by(upper) - resorbed_by(lower)
    return math.log(part) - math.log(1.0 - resorbed_by(entry))


@EVERY_ROW
@EVERY
@CURE
def test_value(row: str, name: str, cure: bool) -> None:
    found = evaluate(one_row(ROWS[row]), DISTRIBUTIONS[name], parameters(cure), cure=cure)
    assert found.log_likelihood == pytest.approx(by_formula(name, cure, ROWS[row]), rel=1e-11)


@EVERY_ROW
@EVERY
@CURE
def test_check_grad(row: str, name: str, cure: bool) -> None:
    check_derivatives(row, name, cure, parameters(cure))


@EVERY_ROW
@EVERY
def test_derivatives_where_few_ever_resorb(row: str, name: str) -> None:
    check_derivatives(row, name, True, np.array([*LATENCY, -1.5, *EVER[1:]]))


def check_derivatives(row: str, name: str, cure: bool, theta: Array) -> None:
    prepared, distribution = one_row(ROWS[row]), DISTRIBUTIONS[name]

    def at(theta: Array) -> Evaluation:
        return evaluate(prepared, distribution, theta, cure=cure)

    h = 1e-6
    error = check_grad(lambda t: at(t).log_likelihood, lambda t: at(t).gradient, theta)
    assert error < 1e-6  # of forward differences
    steps = h * np.eye(len(theta))
    slopes = [(at(theta + step).log_likelihood - at(theta - step).log_likelihood) for step in steps]
    np.testing.assert_allclose(at(theta).gradient, np.array(slopes) / (2 * h), atol=2e-8)
    bends = [at(theta + step).gradient - at(theta - step).gradient for step in steps]
    np.testing.assert_allclose(at(theta).hessian, np.array(bends) / (2 * h), atol=2e-8)


@EVERY
@CURE
@pytest.mark.parametrize("scale", [-2.5, 1.5])
@pytest.mark.parametrize("shift", [-6.0, 6.0])
def test_derivatives_in_the_tails(name: str, cure: bool, scale: float, shift: float) -> None:
    theta = parameters(cure)
    theta[0], theta[3] = theta[0] + shift * math.exp(scale), scale
    h = 1e-4  # what cancels in the tail leaves noise that a smaller step would magnify
    for row in ROWS.values():
        prepared = one_row(row)
        here = evaluate(prepared, DISTRIBUTIONS[name], theta, cure=cure)
        slopes, bends = [], []
        for step in h * np.eye(len(theta)):
            after = evaluate(prepared, DISTRIBUTIONS[name], theta + step, cure=cure)
            before = evaluate(prepared, DISTRIBUTIONS[name], theta - step, cure=cure)
            slopes.append((after.log_likelihood - before.log_likelihood) / (2 * h))
            bends.append((after.gradient - before.gradient) / (2 * h))
        size = 1.0 + np.abs(here.gradient).max() + np.abs(here.hessian).max()
        np.testing.assert_allclose(here.gradient / size, np.array(slopes) / size, atol=1e-6)
        np.testing.assert_allclose(here.hessian / size, np.array(bends) / size, atol=1e-6)


def total(prepared: Prepared, name: str, cure: bool, weights: Array | None = None) -> Evaluation:
    return evaluate(
        prepared,
        DISTRIBUTIONS[name],
        parameters(cure),
        cure=cure,
        weights=prepared.sorted_weights(weights),
    )


def assert_equal(a: Evaluation, b: Evaluation) -> None:
    assert a.log_likelihood == pytest.approx(b.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(a.gradient, b.gradient, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(a.hessian, b.hessian, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def data() -> tuple[Array, Array]:
    X, y = simulated(500)
    values = X.to_numpy()
    design = np.column_stack([np.ones(len(X)), (values - values.mean(0)) / values.std(0)])
    return design, y


def prepared_from(design: Array, y: Array) -> Prepared:
    return prepare(design, y["lower"], y["upper"], y["entry"])


@EVERY
@CURE
def test_sums_over_rows_whatever_the_order_and_blocks(
    name: str, cure: bool, data: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    design, y = data
    whole = total(prepared_from(design, y), name, cure)
    shuffled = np.random.default_rng(3).permutation(len(y))
    assert_equal(total(prepared_from(design[shuffled], y[shuffled]), name, cure), whole)
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 7)
    assert_equal(total(prepared_from(design, y), name, cure), whole)


@EVERY
@CURE
def test_weights_are_repeated_rows(name: str, cure: bool, data: tuple[Array, Array]) -> None:
    design, y = data
    weights = np.random.default_rng(4).integers(0, 4, len(y))
    weighted = total(prepared_from(design, y), name, cure, weights)
    repeated = prepared_from(np.repeat(design, weights, axis=0), np.repeat(y, weights))
    assert_equal(weighted, total(repeated, name, cure))
    doubled = prepared_from(np.vstack([design, design]), np.concatenate([y, y]))
    split = np.concatenate([0.3 * weights, 0.7 * weights])
    assert_equal(total(doubled, name, cure, split), weighted)


@EVERY
@CURE
def test_splitting_a_patient_at_a_visit(name: str, cure: bool) -> None:
    """Seen herniated at 4: one row from entry 1, or rows (1, 4] and (4, …] with delayed entry."""
    for lower, upper in ((4.0, INF), (6.0, INF), (6.0, 9.0), (4.0, 7.0)):
        whole = total(one_row((lower, upper, 1.0)), name, cure)
        first = total(one_row((4.0, INF, 1.0)), name, cure)
        if (lower, upper) == (4.0, INF):
            assert_equal(first, whole)
            continue
        second = total(one_row((lower, upper, 4.0)), name, cure)
        both = Evaluation(*(a + b for a, b in zip(first, second, strict=True)))
        assert_equal(both, whole)


@EVERY
@CURE
def test_never_seen_is_right_censored_and_a_finite_upper_is_not(name: str, cure: bool) -> None:
    never = total(one_row((5.0, INF, 1.0)), name, cure).log_likelihood
    late = total(one_row((5.0, 1e12, 1.0)), name, cure).log_likelihood
    soon = total(one_row((5.0, 24.0, 1.0)), name, cure).log_likelihood
    assert soon < late
    if cure:  # those who never resorb are lost from the interval that ends very late
        assert late < never - 0.05
    else:
        assert late == pytest.approx(never, abs=1e-4)


@EVERY
@CURE
def test_a_shrinking_interval_tends_to_an_exact_time(name: str, cure: bool) -> None:
    exact = total(one_row((4.0, 4.0, 1.0)), name, cure)
    for width in (1e-4, 1e-6):
        near = total(one_row((4.0 - width / 2, 4.0 + width / 2, 1.0)), name, cure)
        assert near.log_likelihood - math.log(width) == pytest.approx(
            exact.log_likelihood, abs=10 * width
        )


@EVERY
@CURE
def test_entry_zero_is_no_entry_and_late_entry_matters(name: str, cure: bool) -> None:
    without = total(one_row((3.0, 6.0, 0.0)), name, cure).log_likelihood
    tiny = total(one_row((3.0, 6.0, 1e-300)), name, cure).log_likelihood
    assert tiny == pytest.approx(without, abs=1e-12)
    assert total(one_row((3.0, 6.0, 2.0)), name, cure).log_likelihood > without + 1e-3


@EVERY
@CURE
def test_never_imaged_again_adds_nothing(name: str, cure: bool) -> None:
    prepared = one_row((2.0, INF, 2.0))
    assert prepared.blocks == []
    assert total(prepared, name, cure).log_likelihood == 0.0


@EVERY
@CURE
def test_unit_of_time_changes_only_densities(
    name: str, cure: bool, data: tuple[Array, Array]
) -> None:
    design, y = data
    days = prepare(design, 30.4375 * y["lower"], 30.4375 * y["upper"], 30.4375 * y["entry"],
                   time_unit=30.4375)  # fmt: skip
    assert_equal(total(days, name, cure), total(prepared_from(design, y), name, cure))


def test_a_thinned_share_keeps_every_kind(data: tuple[Array, Array]) -> None:
    design, y = data
    prepared = prepared_from(design, y)
    share = prepared.thinned(5)
    assert [block.kind for block in share.blocks] == [block.kind for block in prepared.blocks]
    rows = list(itertools.chain.from_iterable(
        prepared.order[block.start : block.stop : 5] for block in prepared.blocks))  # fmt: skip
    assert share.order.tolist() == rows
    picked = prepared_from(design[rows], y[rows])
    assert_equal(total(share, "weibull", True), total(picked, "weibull", True))


@EVERY
def test_some_covariates_only_in_the_cure_fraction(name: str) -> None:
    prepared = prepare(X[None, :], np.array([3.0]), np.array([6.0]), np.array([1.0]),
                       cure_columns=[0, 2])  # fmt: skip
    theta = np.array([*LATENCY, EVER[0], EVER[2]])
    wide = np.array([*LATENCY, EVER[0], 0.0, EVER[2]])
    found = evaluate(prepared, DISTRIBUTIONS[name], theta, cure=True)
    full = evaluate(one_row((3.0, 6.0, 1.0)), DISTRIBUTIONS[name], wide, cure=True)
    keep = [0, 1, 2, 3, 4, 6]
    assert found.log_likelihood == full.log_likelihood
    np.testing.assert_allclose(found.gradient, full.gradient[keep])
    np.testing.assert_allclose(found.hessian, full.hessian[np.ix_(keep, keep)])


@EVERY
@CURE
def test_each_row_has_its_own_value_and_score(name: str, cure: bool) -> None:
    """In the order of the data, also of those that say nothing."""
    rows = [*ROWS.values(), (2.0, INF, 2.0)]
    lower, upper, entry = np.array(rows).T
    design = np.tile(X[:, None], len(rows)).T
    order = np.array([3, 0, 8, 5, 1, 7, 2, 6, 4])
    prepared = prepare(design, lower[order], upper[order], entry[order])
    theta, law = parameters(cure), DISTRIBUTIONS[name]
    alone = [evaluate(one_row(rows[i]), law, theta, cure=cure) for i in order]
    values = row_values(prepared, law, theta, cure=cure, count=len(rows))
    scores = row_scores(prepared, law, theta, cure=cure, count=len(rows))
    np.testing.assert_allclose(values, [each.log_likelihood for each in alone], rtol=1e-12)
    assert scores.shape == (len(rows), len(theta))
    np.testing.assert_allclose(scores, [each.gradient for each in alone], rtol=1e-10, atol=1e-13)
    assert values[2] == 0.0
    assert not scores[2].any()


@EVERY
@CURE
def test_a_step_too_far_gives_no_number_and_no_warning(name: str, cure: bool) -> None:
    prepared, theta = one_row(ROWS["between two MRIs"]), parameters(cure)
    theta[0], theta[3] = 9.0, -800.0
    assert not np.isfinite(evaluate(prepared, DISTRIBUTIONS[name], theta, cure=cure).log_likelihood)
    values = row_values(prepared, DISTRIBUTIONS[name], theta, cure=cure, count=1)
    assert not np.isfinite(values[0])


def test_sums_of_blocks_that_were_a_step_too_far() -> None:
    high = Evaluation(INF, np.array([INF]), np.array([[INF]]))
    low = Evaluation(-INF, np.array([-INF]), np.array([[-INF]]))
    total = added([high, low], 1)
    assert np.isnan([total.log_likelihood, total.gradient[0], total.hessian[0, 0]]).all()
    nothing = added([], 2)
    assert nothing.log_likelihood == 0.0
    assert not nothing.gradient.any()
    assert not nothing.hessian.any()
    assert nothing.hessian.shape == (2, 2)


@EVERY_ROW
def test_a_covariate_without_effect_may_be_left_out(row: str) -> None:
    lower, upper, entry = (np.array([each]) for each in ROWS[row])
    narrow = prepare(X[None, :2], lower, upper, entry)
    theta = np.array([*LATENCY[:2], LATENCY[3], *EVER[:2]])
    wide = np.array([*LATENCY[:2], 0.0, LATENCY[3], *EVER[:2], 0.0])
    found = evaluate(narrow, DISTRIBUTIONS["lognormal"], theta, cure=True)
    full = evaluate(one_row(ROWS[row]), DISTRIBUTIONS["lognormal"], wide, cure=True)
    kept = [0, 1, 3, 4, 5]
    assert found.log_likelihood == pytest.approx(full.log_likelihood)
    np.testing.assert_allclose(found.gradient, full.gradient[kept], rtol=1e-12)
    np.testing.assert_allclose(found.hessian, full.hessian[np.ix_(kept, kept)], rtol=1e-12)


@EVERY
@pytest.mark.parametrize("never", [20.0, 33.0, 60.0])
def test_nearly_nobody_is_left(name: str, never: float) -> None:
    """Seen herniated so late that those who never resorb may be most of those who are left."""
    theta, law, h = parameters(True), DISTRIBUTIONS[name], 1e-5
    theta[4] = never
    logit, sigma = float(X @ theta[4:]), math.exp(theta[3])
    log_survival = -34.0
    months = float(np.exp(X @ theta[:3] + sigma * law.inverse_log_survival(log_survival)))
    prepared = one_row((months, INF, 0.0))

    def at(theta: Array) -> Evaluation:
        return evaluate(prepared, law, theta, cure=True)

    ever, none = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    expected = np.logaddexp(none, ever + log_survival)
    assert at(theta).log_likelihood == pytest.approx(expected, rel=1e-11)
    steps = h * np.eye(len(theta))
    slopes = [(at(theta + step).log_likelihood - at(theta - step).log_likelihood) for step in steps]
    bends = [at(theta + step).gradient - at(theta - step).gradient for step in steps]
    for found, by_difference in ((at(theta).gradient, slopes), (at(theta).hessian, bends)):
        error = found - np.array(by_difference) / (2 * h)
        assert np.abs(error).max() < 1e-6 * (1.0 + np.abs(found).max())
