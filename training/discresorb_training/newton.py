"""Safeguarded Newton maximisation with an analytic Hessian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb_training.errors import ConvergenceError
from discresorb_training.likelihood import Evaluation

__all__ = ["Maximum", "maximise"]

# Newton decrements, in units of the log-likelihood: below the first full steps are taken, each of
# which about squares the distance left; at the second we are there; the third is near enough where
# rounding forbids more
_NEAR, _THERE, _NEAR_ENOUGH = 1e-5, 1e-14, 1e-8
_SUFFICIENT_INCREASE = 1e-4
_LONGEST_STEP = 4.0  # in standardised parameters
_MOST_HALVINGS = 30
_FLATTEST = 1e-12  # curvature below this is none; the step's length is cut anyway


@dataclass(frozen=True)
class Maximum:
    """Where the maximum lies, what the function is there, and how long it took."""

    theta: Array
    evaluation: Evaluation
    n_iter: int


def maximise(
    function: Callable[[Array], Evaluation], start: Array, *, max_iter: int = 100
) -> Maximum:
    """Find a maximum.

    Each step solves with the Hessian's eigenvalues made negative definite, is cut to a trust
    length and halved until the function rises enough. Near the maximum full steps are taken: there
    the change of the function is below its rounding, but the gradient still points home.

    Raises
    ------
    ConvergenceError
        If no maximum is reached.
    """
    theta, here = start, function(start)
    if not _finite(here):
        raise ConvergenceError("the log-likelihood is not finite at the starting values")
    for iteration in range(1, max_iter + 1):
        step, concave = _step(here)
        decrement = float(here.gradient @ step)
        if not concave or decrement >= _NEAR:
            theta, here = _advance(function, theta, here, step, decrement)
            continue
        there = function(theta + step)
        left = float(there.gradient @ _step(there)[0]) if _finite(there) else np.inf
        if left <= max(_THERE, decrement if decrement <= _NEAR_ENOUGH else 0.0):
            return Maximum(theta + step, there, iteration)
        if decrement <= _NEAR_ENOUGH:
            return Maximum(theta, here, iteration)
        if not np.isfinite(left):
            raise ConvergenceError("the likelihood ends where its maximum should be")
        theta, here = theta + step, there
    raise ConvergenceError(
        f"no maximum of the likelihood was reached in {max_iter} iterations: the data hold too "
        "little about these covariates, or contradict the model"
    )


def _step(here: Evaluation) -> tuple[Array, bool]:
    """Newton step from the negative Hessian with its eigenvalues made positive."""
    values, vectors = np.linalg.eigh(-here.hessian)
    floor = max(1e-10 * float(np.abs(values).max()), _FLATTEST)
    step = vectors @ ((vectors.T @ here.gradient) / np.maximum(np.abs(values), floor))
    return step, bool(values[0] > 0.0)


def _advance(
    function: Callable[[Array], Evaluation],
    theta: Array,
    here: Evaluation,
    step: Array,
    decrement: float,
) -> tuple[Array, Evaluation]:
    length = float(np.abs(step).max())
    if length == 0.0:
        raise ConvergenceError("the likelihood is flat: these data say nothing about the model")
    fraction = min(1.0, _LONGEST_STEP / length)
    # where the expected rise is below rounding, no rise can be asked for
    slack = 1e-13 * (1.0 + abs(here.log_likelihood))
    for _ in range(_MOST_HALVINGS):
        there = function(theta + fraction * step)
        needed = _SUFFICIENT_INCREASE * fraction * decrement - slack
        if _finite(there) and there.log_likelihood - here.log_likelihood >= needed:
            return theta + fraction * step, there
        fraction *= 0.5
    raise ConvergenceError("no step from the last estimates raises the likelihood")


def _finite(here: Evaluation) -> bool:
    return bool(
        np.isfinite(here.log_likelihood)
        and np.isfinite(here.gradient).all()
        and np.isfinite(here.hessian).all()
    )
