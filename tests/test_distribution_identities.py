"""What a distribution gives of an interval, by quadrature of its density and by each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from discresorb.distributions import DISTRIBUTIONS, Array, Distribution

EVERY = pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=list(DISTRIBUTIONS))
WIDTHS = pytest.mark.parametrize("width", [1e-7, 1e-4, 2.9e-3, 0.0149, 0.029, 0.031, 0.3, 2.0])
NODES, SHARES = np.polynomial.legendre.leggauss(24)
Z = np.array([-6.0, -4.5, -3.1, -1.7, -0.6, -1e-3, 0.0, 0.4, 0.99, 1.8, 2.6])


def by_quadrature(distribution: Distribution, lower: Array, width: float) -> tuple[Array, Array]:
    """Log mass of the interval, and the mean of f'/f in it."""
    middle = lower + 0.5 * width
    nodes = middle[:, None] + 0.5 * width * NODES
    log_middle = distribution.log_density(middle)
    density = 0.5 * SHARES * np.exp(distribution.log_density(nodes) - log_middle[:, None])
    mass = density.sum(axis=1)
    mean_slope = (density * distribution.slope(nodes)).sum(axis=1) / mass
    return log_middle + np.log(width) + np.log(mass), mean_slope


@EVERY
@WIDTHS
def test_log_mass_and_mean_slope(distribution: Distribution, width: float) -> None:
    log_mass, mean_slope = by_quadrature(distribution, Z, width)
    upper, known = Z + width, np.full_like(Z, width)
    np.testing.assert_allclose(distribution.log_interval(Z, upper, known), log_mass, atol=2e-13)
    found = distribution.mean_slope(Z, upper, known)
    np.testing.assert_allclose(found, mean_slope, rtol=1e-12, atol=2e-12)
    if width > 1e-3:  # where the ends themselves leave the width its digits
        np.testing.assert_allclose(distribution.log_interval(Z, upper), log_mass, atol=2e-12)


@EVERY
@pytest.mark.parametrize("width", [1e-4, 2.9e-3, 0.0149, 0.029, 0.031, 0.3, 2.0])
def test_what_the_likelihood_needs_of_an_interval(distribution: Distribution, width: float) -> None:
    """With s = f'/f, the mean slope's derivatives are E s' + var s, and at the upper end alone."""
    upper, half = Z + width, 0.5 * width
    log_mass, mean_slope = by_quadrature(distribution, Z, width)
    nodes = (Z + half)[:, None] + half * NODES
    share = half * SHARES * np.exp(distribution.log_density(nodes) - log_mass[:, None])
    slopes = distribution.slope(nodes)
    variance = (share * (slopes - mean_slope[:, None]) ** 2).sum(axis=1)
    at_lower, at_upper = (np.exp(distribution.log_density(z) - log_mass) for z in (Z, upper))
    rise = (share * (distribution.slope(upper)[:, None] - slopes)).sum(axis=1)
    bend = (share * distribution.slope_derivative(nodes)).sum(axis=1) + variance
    expected = (log_mass, at_lower, at_upper, mean_slope, at_upper * rise, bend)
    found = distribution.interval(Z, upper, np.full_like(Z, width))
    for mine, by_sums in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, by_sums, rtol=1e-9, atol=1e-10)


@EVERY
@WIDTHS
def test_odds_of_having_resorbed_in_between(distribution: Distribution, width: float) -> None:
    lower = np.concatenate([Z, [3.5]])
    upper, known = lower + width, np.full(len(lower), width)
    with np.errstate(under="ignore"):
        log_mass, mean_slope = by_quadrature(distribution, lower, width)
        log_odds = distribution.log_odds(lower, upper, known)
        expected = log_mass - distribution.log_survival(upper)
        np.testing.assert_allclose(log_odds, expected, rtol=2e-12, atol=2e-12)
        slope = distribution.log_odds_slope(lower, upper, known, log_odds)
        # that of the mass, and that of S(upper)
        terms = np.abs(mean_slope) + distribution.hazard(upper)
        error = slope - (mean_slope + distribution.hazard(upper))
        # the log-normal's expansion in the width ends after the third order
        np.testing.assert_allclose(error / (1.0 + terms), 0.0, atol=5e-11)


@np.errstate(all="ignore")  # as where it is called
@pytest.mark.parametrize("z", [-669.0, -690.0, -730.0, -800.0])
def test_where_a_weibull_probability_is_too_small_to_be_a_number(z: float) -> None:
    """There F and f are exp z: every logarithm is exact, and every quotient a power of e."""
    law, lower = DISTRIBUTIONS["weibull"], np.array([z])
    for width in (1e-9, 0.3, 2.0):
        upper, known = lower + width, np.array([width])
        share = -np.expm1(-width)
        log_mass = upper + np.log(share)
        np.testing.assert_allclose(law.log_cdf(upper), upper, rtol=1e-13)
        np.testing.assert_allclose(law.log_interval(lower, upper, known), log_mass, rtol=1e-13)
        np.testing.assert_allclose(law.mean_slope(lower, upper, known), 1.0, rtol=1e-13)
        log_odds = law.log_odds(lower, upper, known)
        np.testing.assert_allclose(log_odds, log_mass, rtol=1e-13)
        np.testing.assert_allclose(
            law.log_odds_slope(lower, upper, known, log_odds), 1.0, rtol=1e-13
        )
        found = law.interval(lower, upper, known)
        for mine, exact in zip(
            found, (log_mass, np.exp(-width) / share, 1 / share, 1), strict=False
        ):
            np.testing.assert_allclose(mine, exact, rtol=1e-13)


@EVERY
def test_hazard_is_density_over_survival(distribution: Distribution) -> None:
    expected = np.exp(distribution.log_density(Z) - distribution.log_survival(Z))
    np.testing.assert_allclose(distribution.hazard(Z), expected, rtol=1e-12)


@EVERY
def test_survival_density_slope_are_those_of_one_call_each(distribution: Distribution) -> None:
    z = np.array([*Z, 40.0, -40.0])
    survival, density, slope = distribution.survival_density_slope(z)
    np.testing.assert_allclose(survival, np.exp(distribution.log_survival(z)), rtol=1e-13)
    np.testing.assert_allclose(density, np.exp(distribution.log_density(z)), rtol=1e-13)
    np.testing.assert_allclose(slope, distribution.slope(z), rtol=1e-13, atol=1e-16)


ITS_OWN = (
    "log_survival", "log_cdf", "log_density", "slope", "slope_derivative", "log_interval",
    "mean_slope", "log_odds", "log_odds_slope", "hazard", "hazard_and_rise",
    "inverse_log_survival", "interval",
)  # fmt: skip


@pytest.mark.parametrize("forgotten", ITS_OWN)
def test_a_new_distribution_cannot_forget_a_method(forgotten: str) -> None:
    def given(self: Distribution, *z: Array) -> Array:
        return z

    methods: dict[str, Callable[..., Array]] = {name: given for name in ITS_OWN}
    assert type("Whole", (Distribution,), dict(methods))()
    del methods[forgotten]
    with pytest.raises(TypeError, match=forgotten):
        type("Partial", (Distribution,), methods)()
