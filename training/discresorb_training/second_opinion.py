"""Ask lifelines: the same likelihood at our estimates, and the same maximum.

lifelines scores a right-censored row as S(lower) - S(very late), which is wrong with a cure
fraction: S(very late) is then 1 - π. The fitter used here makes S(very late) zero for those rows.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.blocks import prepare
from discresorb_training.dataset import Dataset
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import ConvergenceError
from discresorb_training.fitting import Estimates, fit_dataset
from discresorb_training.likelihood import evaluate

__all__ = ["SecondOpinion", "ask_lifelines"]

MOST_ROWS = 20_000
LIKELIHOOD_TOLERANCE = 1e-8  # relative, at the same estimates
MAXIMUM_TOLERANCE = 1e-3  # of the log-likelihood, between the two maxima
PROBABILITY_TOLERANCE = 1e-3
_ROUNDINGS = 4.0  # of a survival probability of a cure model
_SPAN = 6.0  # months after entry at which probabilities are compared
_NEVER = 1e25  # what lifelines makes of an infinite upper bound
_TIME_ZERO = 1e-300  # so early that nothing has happened, at however wide a spread


@dataclass(frozen=True)
class SecondOpinion:
    """What lifelines says of a fit.

    Parameters
    ----------
    agrees : bool or None
        None: there is no second opinion on the maximum, and `why` says why.
    why : str
        In words.
    figures : dict
        Log-likelihoods at our estimates and at both maxima, largest difference in probability.
    """

    agrees: bool | None
    why: str
    figures: dict[str, float] = field(default_factory=dict)


def ask_lifelines(
    X: Array,
    y: Array,
    theta: Array,
    distribution: str,
    *,
    cure: bool,
    penalty: float = DEFAULT_PENALTY,
    seed: int = 0,
    weights: Array | None = None,
    scale_weight: Array | None = None,
) -> SecondOpinion:
    """Compare a fit with lifelines.

    Parameters
    ----------
    X, y : arrays
        Covariates (n, k) and outcome; beyond 20,000 rows a random 20,000 are used.
    theta : float array
        Our (penalised) estimates in the units of X and y.
    distribution : str
        One of `DISTRIBUTIONS`.
    cure : bool
        Whether there is a cure fraction, with all covariates.
    penalty : float
        That our estimates were fitted with.
    seed : int
        Of the random rows.
    weights : float array, optional
        Of the rows.
    scale_weight : float array, optional
        As our estimates were fitted with.
    """
    if weights is not None:  # lifelines takes no weight of 0, and such rows say nothing
        counting = weights > 0.0
        X, y, weights = X[counting], y[counting], weights[counting]
        scale_weight = None if scale_weight is None else scale_weight[counting]
    sampled = len(X) > MOST_ROWS
    if sampled:
        rows = np.random.default_rng(seed).choice(len(X), MOST_ROWS, replace=False)
        X, y = X[rows], y[rows]
        weights, scale_weight = (
            None if each is None else each[rows] for each in (weights, scale_weight)
        )
    lifelines = _Lifelines(X, y, distribution, cure, weights)
    ours = _log_likelihood(X, y, theta, distribution, cure, weights)
    theirs = lifelines.log_likelihood(theta)
    figures = {"ours at our estimates": ours, "lifelines at our estimates": theirs}
    allowed = LIKELIHOOD_TOLERANCE * abs(ours)
    lost = _rounding(X, y, theta, distribution, cure) * (1.0 if weights is None else weights)
    if lost.sum() > allowed:
        count = int((lost > allowed / len(lost)).sum())
        why = f"lifelines loses digits of the small probabilities of {count} rows"
        return SecondOpinion(None, why, figures)
    if not abs(theirs - ours) <= allowed:
        why = f"lifelines gives the log-likelihood {theirs:.8f} where ours is {ours:.8f}"
        return SecondOpinion(False, why, figures)
    names = [f"x{j}" for j in range(X.shape[1])]
    dataset = Dataset.build(X, y, names, weights=weights if scale_weight is None else scale_weight)
    return _compare_maxima(
        lifelines, dataset, X, y, weights, theta, distribution, cure, penalty, figures, sampled
    )


def _compare_maxima(
    lifelines: _Lifelines,
    dataset: Dataset,
    X: Array,
    y: Array,
    weights: Array | None,
    theta: Array,
    distribution: str,
    cure: bool,
    penalty: float,
    figures: dict[str, float],
    sampled: bool,
) -> SecondOpinion:
    def ours(weight: float, start: Array | None = None) -> Estimates | None:
        try:
            return fit_dataset(
                dataset, distribution, cure=cure, penalty=weight, weights=weights, start=start
            )
        except ConvergenceError:
            return None

    mine = ours(0.0)
    if mine is None:
        why = "without the penalty the likelihood has no maximum, so there is none to compare"
        return SecondOpinion(None, why, figures)
    best = lifelines.fit(mine.theta, mine.log_likelihood)
    if isinstance(best, str):
        return SecondOpinion(None, best, figures)
    their_theta, their_maximum = best
    figures["ours at our maximum"] = mine.log_likelihood
    figures["lifelines at its maximum"] = their_maximum
    # what counts is what was handed in: it must be no worse than what lifelines' maximum leads to
    start = dataset.to_standard_units(their_theta, cure)
    saved = dataset.objective(theta, distribution, cure=cure, penalty=penalty, weights=weights)
    near = ours(penalty, start)
    if not sampled and near is not None and near.objective > saved + MAXIMUM_TOLERANCE:
        better = near.objective - saved
        why = f"from lifelines' maximum a fit is reached that is better by {better:.6f}"
        return SecondOpinion(False, why, figures)
    difference = their_maximum - mine.log_likelihood
    if difference > MAXIMUM_TOLERANCE:
        there = ours(0.0, start)
        reached = None if there is None else there.log_likelihood
        exact = _log_likelihood(X, y, their_theta, distribution, cure, weights)
        return _on_a_better_one(their_maximum, difference, reached, exact, figures)
    if difference < -MAXIMUM_TOLERANCE:
        why = f"lifelines stops at a log-likelihood that is worse by {-difference:.6f}"
        return SecondOpinion(None, why, figures)
    apart = float(
        np.abs(
            _probabilities(X, y, mine.theta, distribution, cure)
            - _probabilities(X, y, their_theta, distribution, cure)
        ).max()
    )
    figures["largest difference in probability"] = apart
    if apart > PROBABILITY_TOLERANCE:
        why = f"log-likelihoods are equal, but probabilities differ by up to {apart:.4f} (flat)"
        return SecondOpinion(None, why, figures)
    return SecondOpinion(True, "same likelihood, same maximum, same probabilities", figures)


def _on_a_better_one(
    their_maximum: float,
    difference: float,
    reached: float | None,
    exact: float,
    figures: dict[str, float],
) -> SecondOpinion:
    """Judge an unpenalised maximum of lifelines' that is better than ours.

    It was already seen that it leads to no better penalised fit.
    """
    if reached is None or reached >= their_maximum - MAXIMUM_TOLERANCE:
        why = "without the penalty the likelihood has another maximum, or rises without end"
        return SecondOpinion(None, why, figures)
    if exact < their_maximum - MAXIMUM_TOLERANCE:
        why = "lifelines' maximum lies where it rounds small probabilities up"
        return SecondOpinion(None, why, figures)
    why = f"lifelines finds a log-likelihood that is better by {difference:.6f}"
    return SecondOpinion(False, why, figures)


def _rounding(X: Array, y: Array, theta: Array, distribution: str, cure: bool) -> Array:
    """Bound, row by row, what lifelines loses by subtracting two survival probabilities.

    Each is rounded at about 2e-16 of itself, so that where they agree in their first ten digits
    only six are left of the difference. Ours is computed without that loss.
    """
    own = DISTRIBUTIONS[distribution]
    k = X.shape[1]
    design = np.column_stack([np.ones(len(X)), X])
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        z_lower, z_upper = (
            (np.log(y[name]) - design @ theta[: k + 1]) / np.exp(theta[k + 1])
            for name in ("lower", "upper")
        )
        ever = 1.0 / (1.0 + np.exp(-(design @ theta[k + 2 :]))) if cure else np.ones(len(X))
        alive = 1.0 - ever + ever * np.exp(own.log_survival(z_lower))
        mass = np.where(
            np.isfinite(y["upper"]), ever * np.exp(own.log_interval(z_lower, z_upper)), alive
        )
        lost = _ROUNDINGS * np.finfo(float).eps * alive / mass
    return np.where(y["upper"] > y["lower"], lost, 0.0)


def _log_likelihood(
    X: Array, y: Array, theta: Array, distribution: str, cure: bool, weights: Array | None
) -> float:
    design = np.column_stack([np.ones(len(X)), X])
    prepared = prepare(design, y["lower"], y["upper"], y["entry"])
    own = prepared.sorted_weights(weights)
    return evaluate(
        prepared, DISTRIBUTIONS[distribution], theta, cure=cure, weights=own
    ).log_likelihood


def _probabilities(X: Array, y: Array, theta: Array, distribution: str, cure: bool) -> Array:
    design = np.column_stack([np.ones(len(X)), X])
    curve = _curve(X.shape[1], theta, distribution, cure)
    return np.asarray(curve.probability(design, y["entry"], y["entry"] + _SPAN))


def _curve(k: int, theta: Array, distribution: str, cure: bool) -> CureCurve:
    return CureCurve(
        DISTRIBUTIONS[distribution],
        theta[: k + 1],
        float(theta[k + 1]),
        theta[k + 2 :] if cure else None,
        np.zeros((len(theta), len(theta))),
    )


class _Lifelines:
    """A lifelines regression on the same rows, with our order of parameters on the outside."""

    def __init__(
        self, X: Array, y: Array, distribution: str, cure: bool, weights: Array | None = None
    ) -> None:
        import pandas as pd

        self._k = X.shape[1]
        names = [f"x{j}" for j in range(self._k)]
        self._frame = pd.DataFrame(X, columns=names)
        self._frame["lower"], self._frame["entry"] = y["lower"], y["entry"]
        self._frame["upper"] = np.minimum(y["upper"], _NEVER)
        self._weights_column = None if weights is None else "weight"
        self._total = float(len(X))
        if weights is not None:
            self._frame["weight"], self._total = weights, float(weights.sum())
        formula = " + ".join(["1", *names])
        self._regressors = {"a_location_": formula, "b_log_scale_": "1"}
        if cure:
            self._regressors["c_logit_ever_"] = formula
        self._fitter_class = _fitter_class(distribution, cure)
        sd = self._frame[names].std().to_numpy()
        scales = [1.0, *sd]
        self._scales = np.array([*scales, 1.0, *(scales if cure else [])])

    def _fitter(self) -> Any:
        return self._fitter_class()

    def _run(self, fitter: Any, initial: Array | None, **options: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lifelines' advice on the data's looks
            fitter.fit_interval_censoring(
                self._frame,
                "lower",
                "upper",
                entry_col="entry",
                weights_col=self._weights_column,
                regressors=self._regressors,
                initial_point=initial,
                fit_options=options,
            )

    def log_likelihood(self, theta: Array) -> float:
        """Give what lifelines makes of our estimates."""
        import pandas as pd
        from lifelines.exceptions import ConvergenceError as LifelinesConvergenceError

        fitter = self._fitter()
        # one iteration is not meant to converge; it only sets the fitter up
        with contextlib.suppress(LifelinesConvergenceError, np.linalg.LinAlgError):
            self._run(fitter, theta * self._scales, maxiter=1)
        fitter.params_ = pd.Series(theta)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            return float(fitter.score(self._frame)) * self._total

    def fit(self, ours: Array, our_maximum: float) -> tuple[Array, float] | str:
        """Find lifelines' maximum: from its own start, and from ours if that falls short."""
        from lifelines.exceptions import ConvergenceError as LifelinesConvergenceError

        failure = ""
        best: tuple[Array, float] | None = None
        for initial in (None, ours * self._scales):
            fitter = self._fitter()
            try:
                self._run(fitter, initial)
            except (LifelinesConvergenceError, np.linalg.LinAlgError) as error:
                failure = " ".join(str(error).split())[:80]
                continue
            reached = float(fitter.log_likelihood_)
            if best is None or reached > best[1]:
                best = fitter.params_.to_numpy(), reached
            if best[1] >= our_maximum - MAXIMUM_TOLERANCE:
                return best
        return best or f"lifelines did not converge: {failure}"


def _fitter_class(distribution: str, cure: bool) -> Any:
    import autograd.numpy as anp
    from autograd.scipy.stats import norm
    from lifelines.fitters import ParametricRegressionFitter

    survival: Callable[[Any], Any] = {
        "loglogistic": lambda z: 1.0 / (1.0 + anp.exp(z)),
        "lognormal": lambda z: norm.sf(z),
        "weibull": lambda z: anp.exp(-anp.exp(z)),
    }[distribution]

    class Fitter(ParametricRegressionFitter):  # type: ignore[misc]  # lifelines has no types
        # lifelines flattens parameters by sorted name, hence the letters
        _fitted_parameter_names = ["a_location_", "b_log_scale_", *(["c_logit_ever_"] * cure)]  # noqa: RUF012 - lifelines' protocol
        _scipy_fit_method = "BFGS"
        _scipy_fit_options = {"gtol": 1e-6}  # noqa: RUF012 - lifelines' protocol

        def _survival_function(self, params: Any, T: Any, Xs: Any) -> Any:
            location = anp.dot(Xs["a_location_"], params["a_location_"])
            log_scale = anp.dot(Xs["b_log_scale_"], params["b_log_scale_"])
            z = (anp.log(anp.clip(T, _TIME_ZERO, anp.inf)) - location) / anp.exp(log_scale)
            alive = survival(z)
            if cure:
                logit = anp.dot(Xs["c_logit_ever_"], params["c_logit_ever_"])
                ever = 1.0 / (1.0 + anp.exp(-logit))
                alive = 1.0 - ever + ever * alive
            return alive * (T < _NEVER)

        def _cumulative_hazard(self, params: Any, T: Any, Xs: Any) -> Any:
            return -anp.log(self._survival_function(params, T, Xs))

    return Fitter
