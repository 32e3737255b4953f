"""Distributions against scipy and 50-digit values, in the middle and in the tails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from discresorb.distributions import DISTRIBUTIONS, Distribution, log1mexp, softplus

REFERENCE = {"loglogistic": stats.logistic, "lognormal": stats.norm, "weibull": stats.gumbel_l}
EVERY = pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=list(DISTRIBUTIONS))
Z = np.linspace(-6.0, 3.0, 37)


@EVERY
def test_matches_scipy(distribution: Distribution) -> None:
    reference = REFERENCE[distribution.name]
    np.testing.assert_allclose(distribution.log_survival(Z), reference.logsf(Z), rtol=1e-11)
    # logarithms are summed, so where one is near zero its absolute error counts
    np.testing.assert_allclose(distribution.log_cdf(Z), reference.logcdf(Z), rtol=1e-11, atol=2e-16)
    np.testing.assert_allclose(distribution.log_density(Z), reference.logpdf(Z), rtol=1e-11)
    z = distribution.inverse_log_survival(distribution.log_survival(Z))
    np.testing.assert_allclose(z, Z, rtol=1e-10, atol=1e-13)
    far = np.array([-1e-300, -1e-12, -700.0])  # nearly nobody, and nearly everybody
    z = distribution.inverse_log_survival(far)
    np.testing.assert_allclose(distribution.log_survival(z), far, rtol=1e-9)


@EVERY
def test_slopes_are_derivatives(distribution: Distribution) -> None:
    h = 1e-6
    rise = distribution.log_density(Z + h) - distribution.log_density(Z - h)
    np.testing.assert_allclose(distribution.slope(Z), rise / (2 * h), rtol=1e-7, atol=1e-8)
    rise = distribution.slope(Z + h) - distribution.slope(Z - h)
    np.testing.assert_allclose(
        distribution.slope_derivative(Z), rise / (2 * h), rtol=1e-7, atol=1e-8
    )


@EVERY
@pytest.mark.parametrize("width", [0.005, 0.02, 0.25, 3.0])
def test_mean_slope_is_the_gain_in_density(distribution: Distribution, width: float) -> None:
    lower, upper = Z, Z + width
    log_mass = distribution.log_interval(lower, upper)
    gain = np.exp(distribution.log_density(upper)) - np.exp(distribution.log_density(lower))
    found = distribution.mean_slope(lower, upper, upper - lower)
    np.testing.assert_allclose(found * np.exp(log_mass), gain, rtol=1e-9, atol=1e-15)


@EVERY
def test_mean_slope_between_near_ends_is_the_slope_there(distribution: Distribution) -> None:
    for width in (1e-3, 1e-6, 1e-9, 1e-12):
        upper = Z + width
        found = distribution.mean_slope(Z, upper, upper - Z)
        np.testing.assert_allclose(found, distribution.slope(Z + 0.5 * width), rtol=1e-5, atol=1e-6)


@EVERY
def test_interval_is_difference_of_survival(distribution: Distribution) -> None:
    lower, upper = Z[:-1], Z[1:]
    difference = np.exp(distribution.log_survival(lower)) - np.exp(distribution.log_survival(upper))
    np.testing.assert_allclose(
        np.exp(distribution.log_interval(lower, upper)),
        difference,
        rtol=1e-9,
        atol=2e-16,  # of the naive difference
    )


@EVERY
def test_interval_from_zero_and_to_never(distribution: Distribution) -> None:
    with np.errstate(all="ignore"):
        never = np.full_like(Z, np.inf)
        np.testing.assert_allclose(
            distribution.log_interval(-never, Z), distribution.log_cdf(Z), rtol=1e-12
        )
        np.testing.assert_allclose(
            distribution.log_interval(Z, never), distribution.log_survival(Z), rtol=1e-12
        )


@EVERY
def test_narrow_interval_tends_to_density(distribution: Distribution) -> None:
    z, width = np.array([-3.0, 0.3, 2.0]), 1e-9
    with np.errstate(all="ignore"):
        density = distribution.log_interval(z, z + width) - np.log((z + width) - z)
    np.testing.assert_allclose(density, distribution.log_density(z), rtol=1e-8)


# log[S(lower) - S(upper)] with 60 digits: python tests/oracles/far_tails.py
FAR = [
    ("loglogistic", 30.0, 31.0, -30.458675145387209892),
    ("loglogistic", -40.0, -39.0, -39.458675145387081907),
    ("lognormal", 12.0, 12.5, -75.412776310697438372),
    ("lognormal", -12.5, -12.0, -75.412776310697438372),
    ("lognormal", 8.0, 8.001, -39.830691311855528835),
    ("weibull", 4.0, 4.1, -54.601363093338981561),
    ("weibull", -30.0, -29.5, -30.432752129567312501),
]


@pytest.mark.parametrize(("name", "lower", "upper", "expected"), FAR)
def test_far_tails_keep_their_digits(
    name: str, lower: float, upper: float, expected: float
) -> None:
    found = DISTRIBUTIONS[name].log_interval(np.array([lower]), np.array([upper]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(st.floats(-700, 700))
def test_softplus_and_its_reflection(x: float) -> None:
    assert softplus(x) - softplus(-x) == pytest.approx(x, rel=1e-12, abs=1e-12)


def test_log1mexp_near_zero() -> None:
    assert log1mexp(-1e-20) == pytest.approx(np.log(1e-20), rel=1e-15)
