"""From prepared data to penalised maximum-likelihood estimates in the user's units.

Covariates are standardised and times divided by a typical time inside; `Dataset` does so once,
and every refit (another distribution, other weights) starts from it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.blocks import Prepared
from discresorb_training.dataset import Dataset
from discresorb_training.errors import ConvergenceError
from discresorb_training.likelihood import Evaluation, evaluate
from discresorb_training.newton import Maximum, maximise
from discresorb_training.robust import clustered_covariance

__all__ = ["Estimates", "fit_dataset", "fit_near"]

# above this, in standardised units, a standard error means that the data do not decide
_LARGEST_STANDARD_ERROR = 50.0
# larger data are first fitted on shares of so many rows, each giving the next a start that is near
_FIRST_SHARE, _SECOND_SHARE = 1_500, 12_000
_LOG_SCALES = ((-1.0, -0.3), (0.5, 1.2))
_HOLD = 100.0


@dataclass(frozen=True)
class Estimates:
    """Penalised maximum-likelihood estimates in the user's units.

    Parameters
    ----------
    theta : float array
        (β, log σ, γ).
    covariance : float array
        Inverse of the negative penalised Hessian, or the robust one where clusters were given.
    log_likelihood : float
        Unpenalised, at θ.
    objective : float
        Log-likelihood less the penalty.
    n_iter : int
        Newton iterations over all rows.
    scaled : float array
        θ in standardised units, to start a refit from.
    """

    theta: Array
    covariance: Array
    log_likelihood: float
    objective: float
    n_iter: int
    scaled: Array


def fit_dataset(
    dataset: Dataset,
    distribution: str,
    *,
    cure: bool,
    penalty: float,
    weights: Array | None = None,
    start: Array | None = None,
    cluster: Array | None = None,
    max_iter: int = 100,
) -> Estimates:
    """Fit one model.

    Parameters
    ----------
    dataset : Dataset
        Prepared once.
    distribution : str
        One of `DISTRIBUTIONS`.
    cure : bool
        Whether some never resorb.
    penalty : float
        Weight of ½ · Σ (standardised slope of logit π)².
    weights : float array, (n,), optional
        Of the rows of the data.
    start : float array, optional
        Standardised θ of a fit nearby.
    cluster : int array, (n,), optional
        Numbers from 0 on that say which rows belong together; asks for the robust covariance.
    max_iter : int
        Newton iterations at most.

    Raises
    ------
    ConvergenceError
        If no maximum is reached, or the data do not determine it.
    """
    prepared = dataset.prepared
    ridge = dataset.ridge(penalty, cure)
    if start is None:
        start = _start(prepared, distribution, weights, ridge, cure, max_iter)
    total = dataset.log_likelihood(distribution, cure=cure, weights=weights)
    best = maximise(_Penalised(total, ridge), start, max_iter=max_iter)
    covariance = _covariance(best, dataset.parameter_names(cure))
    if cluster is not None:
        covariance = clustered_covariance(
            prepared, DISTRIBUTIONS[distribution], best.theta, covariance, cluster, weights, cure
        )
    theta, transform = dataset.to_user_units(best.theta, cure)
    log_likelihood = best.evaluation.log_likelihood + 0.5 * float(ridge @ best.theta**2)
    return Estimates(
        theta=theta,
        covariance=transform @ covariance @ transform.T,
        log_likelihood=log_likelihood,
        objective=best.evaluation.log_likelihood,
        n_iter=best.n_iter,
        scaled=best.theta,
    )


def fit_near(dataset: Dataset, distribution: str, start: Array | None, **options: Any) -> Estimates:
    """Fit from a start that may be near; from the usual ones if there is none, or it fails.

    Options are those of `fit_dataset`.

    Parameters
    ----------
    dataset : Dataset
        Prepared once.
    distribution : str
        One of `DISTRIBUTIONS`.
    start : float array or None
        Standardised θ of a fit nearby.
    **options
        As `fit_dataset` takes them.
    """
    if start is not None:
        with contextlib.suppress(ConvergenceError):
            return fit_dataset(dataset, distribution, start=start, **options)
    return fit_dataset(dataset, distribution, **options)


@dataclass(frozen=True)
class _Penalised:
    total: Callable[[Array], Evaluation]
    ridge: Array

    def __call__(self, theta: Array) -> Evaluation:
        raw = self.total(theta)
        return Evaluation(
            raw.log_likelihood - 0.5 * float(self.ridge @ theta**2),
            raw.gradient - self.ridge * theta,
            raw.hessian - np.diag(self.ridge),
        )


def _start(
    prepared: Prepared,
    distribution: str,
    weights: Array | None,
    ridge: Array,
    cure: bool,
    max_iter: int,
) -> Array:
    """Best of the maxima reached from several starts; of large data, on a share of the rows.

    The likelihood can have a second maximum at a much wider spread, so one start is of that kind.
    With a cure fraction it can have one for each part that a covariate may act on, when or
    whether, so two more starts come from fits in which one part's slopes are held near zero.
    """

    def on_share(rows: int) -> _Penalised:
        share = prepared.thinned(max(1, len(prepared.order) // rows))
        weighted = share.sorted_weights(weights)
        total = partial(evaluate, share, DISTRIBUTIONS[distribution], cure=cure, weights=weighted)
        return _Penalised(total, ridge)

    k = len(prepared.blocks[0].design) - 1
    function = on_share(_FIRST_SHARE)
    starts = [_crude_start(function, k, cure, log_scales) for log_scales in _LOG_SCALES]
    for hold in _held_slopes(k, ridge) if cure and k else ():
        with contextlib.suppress(ConvergenceError):
            held = maximise(replace(function, ridge=ridge + hold), starts[0], max_iter=max_iter)
            starts.append(held.theta)
    reached = []
    for start in starts:
        with contextlib.suppress(ConvergenceError):
            reached.append(maximise(function, start, max_iter=max_iter))
    if not reached:
        return starts[0]
    best = max(reached, key=lambda maximum: maximum.evaluation.log_likelihood).theta
    if len(prepared.order) >= 2 * _SECOND_SHARE:
        with contextlib.suppress(ConvergenceError):
            best = maximise(on_share(_SECOND_SHARE), best, max_iter=max_iter).theta
    return best


def _held_slopes(k: int, ridge: Array) -> list[Array]:
    """Ridges that hold the slopes of one part of a cure model of k covariates near zero."""
    latency, ever = np.zeros(len(ridge)), np.zeros(len(ridge))
    latency[1 : k + 1] = _HOLD
    ever[k + 3 :] = _HOLD
    return [latency, ever]


def _crude_start(function: _Penalised, k: int, cure: bool, log_scales: Sequence[float]) -> Array:
    """Best of a few models without covariates, of which there are k."""
    candidates = []
    for location in (-0.7, 0.0, 0.7, 1.5):
        for log_scale in log_scales:
            for cure_logit in (0.0, 2.0) if cure else (0.0,):
                theta = np.zeros(len(function.ridge))
                theta[0], theta[k + 1] = location, log_scale
                if cure:
                    theta[k + 2] = cure_logit
                candidates.append(theta)
    values = [function(theta).log_likelihood for theta in candidates]
    return candidates[int(np.argmax(np.nan_to_num(values, nan=-np.inf)))]


def _covariance(best: Maximum, names: Sequence[str]) -> Array:
    """Invert the negative Hessian, or say which parameter the data leave open."""
    values, vectors = np.linalg.eigh(-best.evaluation.hessian)
    if values[0] < _LARGEST_STANDARD_ERROR**-2:
        open_ended = names[int(np.argmax(np.abs(vectors[:, 0])))]
        raise ConvergenceError(_undetermined(open_ended))
    return np.asarray((vectors / values) @ vectors.T)


def _undetermined(name: str) -> str:
    if name == "cure_intercept":
        return (
            "the data do not determine a fraction that never resorbs: the probability of ever "
            "resorbing runs to 0 or 1"
        )
    if name.startswith("cure_"):
        return (
            f"the data do not determine how {name.removeprefix('cure_')} changes the probability "
            "of ever resorbing (separation); a penalty above 0 settles it"
        )
    if name == "log_scale":
        return "the data do not determine the spread of resorption times: it runs to 0 or infinity"
    if name == "intercept":
        return "the data do not determine when those who resorb do so"
    return (
        f"the data do not determine the effect of {name} on the time to resorption "
        "(separation, or covariates that say the same)"
    )
