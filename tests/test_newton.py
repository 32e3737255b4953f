"""The optimiser finds maxima and says when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from discresorb.distributions import Array
from discresorb_training.errors import ConvergenceError
from discresorb_training.likelihood import Evaluation
from discresorb_training.newton import maximise


def test_a_parabola_takes_one_step() -> None:
    matrix = np.array([[3.0, 1.0], [1.0, 2.0]])
    top = np.array([0.4, -0.2])

    def parabola(x: Array) -> Evaluation:
        away = x - top
        return Evaluation(-0.5 * float(away @ matrix @ away), -matrix @ away, -matrix)

    found = maximise(parabola, np.zeros(2))
    np.testing.assert_allclose(found.theta, top, atol=1e-12)
    assert found.n_iter <= 2


def test_leaves_a_saddle_and_comes_down_a_ridge() -> None:
    """-(x² - 1)² - (y - x²)²: a saddle at 0, maxima at (±1, 1)."""

    def ridge(at: Array) -> Evaluation:
        x, y = at
        value = -((x * x - 1) ** 2) - (y - x * x) ** 2
        gradient = np.array([-4 * x * (x * x - 1) + 4 * x * (y - x * x), -2 * (y - x * x)])
        hessian = np.array([[-12 * x * x + 4 + 4 * y - 12 * x * x, 4 * x], [4 * x, -2.0]])
        return Evaluation(float(value), gradient, hessian)

    found = maximise(ridge, np.array([1e-3, 0.0]))
    np.testing.assert_allclose(found.theta, [1.0, 1.0], atol=1e-7)


def test_an_infinite_region_is_stepped_back_from() -> None:
    def log_barrier(x: Array) -> Evaluation:
        with np.errstate(all="ignore"):
            value = np.log(x[0]) - 10 * x[0]
            return Evaluation(float(value), np.array([1 / x[0] - 10]), np.array([[-1 / x[0] ** 2]]))

    assert maximise(log_barrier, np.array([5.0])).theta[0] == pytest.approx(0.1, rel=1e-8)


def test_no_maximum() -> None:
    def straight(x: Array) -> Evaluation:
        return Evaluation(float(x[0]), np.ones(1), np.zeros((1, 1)))

    with pytest.raises(ConvergenceError, match="in 20 iterations"):
        maximise(straight, np.zeros(1), max_iter=20)

    def nowhere(_: Array) -> Evaluation:
        return Evaluation(float("nan"), np.zeros(1), np.zeros((1, 1)))

    with pytest.raises(ConvergenceError, match="not finite at the starting values"):
        maximise(nowhere, np.zeros(1))

    def gradient_that_lies(x: Array) -> Evaluation:
        return Evaluation(-float(x[0]), np.ones(1), -np.ones((1, 1)))

    with pytest.raises(ConvergenceError, match="raises the likelihood"):
        maximise(gradient_that_lies, np.zeros(1))
