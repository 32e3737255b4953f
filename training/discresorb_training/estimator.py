r"""A scikit-learn estimator of interval-censored, left-truncated times with a cure fraction."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.errors import InputError
from discresorb_training.blocks import prepare
from discresorb_training.dataset import Dataset
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import ConvergenceError, TrainingError
from discresorb_training.fitting import Estimates, fit_near
from discresorb_training.likelihood import evaluate
from discresorb_training.outcome import check_outcome
from discresorb_training.robust import cluster_numbers

__all__ = ["ResorptionModel", "check_fit"]

# spans of a covariate whose square is a number
_SMALLEST_SPAN, _LARGEST_SPAN = 1e-100, 1e100
# weights count patients: beyond this sum the likelihood has no digits left for a step
_LARGEST_TOTAL_WEIGHT = 1e15
# smallest eigenvalue of the covariates' correlations below which some say the same
_SAME = 1e-9


class ResorptionModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""P(event by horizon | no event by entry, covariates), from interval-censored times.

    A mixture cure model: with probability :math:`\pi(x)` the event ever happens, and then
    :math:`\log T = x\beta + \sigma Z`. With :math:`F` the distribution of such :math:`T`,

    .. math:: p = \pi [F(h) - F(e)] / [1 - \pi F(e)].

    Assumption: visit times, and leaving before the event, do not depend on the event given the
    covariates; surgery before the horizon does not happen.

    Parameters
    ----------
    distribution : {"loglogistic", "lognormal", "weibull"}, default "loglogistic"
        Of the times of those to whom the event ever happens.
    cure : bool, default True
        Whether some never have the event; False is an ordinary accelerated-failure-time model.
    penalty : float, default 0.1
        Weight of ½ · Σ (standardised slope of logit π)², which keeps slopes finite where π nears 1
        in a group. The covariance is that of the penalised Hessian.
    cure_covariates : sequence of str or int, optional
        Covariates that enter π, by name or position; all by default.
    max_iter : int, default 100
        Newton iterations at most.
    warm_start : bool, default False
        Start a fit from the former one, if it was of the same kind.

    Attributes
    ----------
    coef_ : float array, (n_features,)
        Slopes on log time, in the covariates' own units.
    intercept_, scale_ : float
        Of log time; scale_ is σ.
    cure_coef_, cure_intercept_ : float array, (n_features of π,), and float
        Slopes and intercept of logit π, the probability that the event *ever* happens; None
        without a cure fraction.
    parameter_names_ : list of str
        Order of ``covariance_``; the scale stands there as log σ.
    covariance_ : float array
        Inverse of the negative penalised Hessian; the sandwich by cluster if `cluster` is given.
    log_likelihood_ : float
        Unpenalised.
    converged_ : bool
        True: a fit that does not converge raises.
    n_iter_ : int
        Newton iterations.

    Notes
    -----
    Likelihood: Turnbull, J R Stat Soc B 1976;38:290. Cure mixture: Farewell, Biometrics
    1982;38:1041.
    """

    def __init__(
        self,
        distribution: str = "loglogistic",
        *,
        cure: bool = True,
        penalty: float = DEFAULT_PENALTY,
        cure_covariates: Sequence[str | int] | None = None,
        max_iter: int = 100,
        warm_start: bool = False,
    ) -> None:
        self.distribution = distribution
        self.cure = cure
        self.penalty = penalty
        self.cure_covariates = cure_covariates
        self.max_iter = max_iter
        self.warm_start = warm_start

    def fit(
        self,
        X: Any,
        y: Array,
        sample_weight: Array | None = None,
        cluster: Any = None,
        scale_weight: Array | None = None,
    ) -> Self:
        r"""Fit by penalised maximum likelihood.

        Parameters
        ----------
        X : frame or float array, (n, n_features)
            Numeric covariates.
        y : structured array, (n,)
            From `interval_outcome`.
        sample_weight : float array, (n,), optional
            Multiplies each row's log-likelihood.
        cluster : array, (n,), optional
            Labels of rows that belong together, such as the rows of a patient who is split at
            visits. ``covariance_`` is then the robust :math:`A^{-1} B A^{-1}`, with A the negative
            penalised Hessian and B the sum over clusters of the outer products of their weighted
            scores; it holds for weights that are no numbers of patients, too. Assumption: clusters
            are independent, and many (Lin and Wei, J Am Stat Assoc 1989;84:1074).
        scale_weight : float array, (n,), optional
            By which rows count in the mean and SD that standardise covariates for the penalty;
            ``sample_weight`` by default.

        Returns
        -------
        ResorptionModel
            Itself, fitted.

        Raises
        ------
        InputError
            If the data or settings are not sound, with all problems.
        TrainingError
            If the data hold no event, or nothing that could tell a model (`ConvergenceError`).
        """
        self._check_settings()
        values, names = _matrix(X)
        y = check_outcome(y)
        weights = _check_rows(values, y, sample_weight)
        _check_total(weights)
        scale = _check_rows(values, y, scale_weight, "scale_weight")
        numbers = _check_cluster(cluster, len(values))
        if weights is not None:  # rows of weight zero must not even set a scale
            used = weights > 0.0
            values, y, weights = values[used], y[used], weights[used]
            scale = weights if scale is None else scale[used]
            numbers = None if numbers is None else numbers[used]
        check_fit(values, y, names)
        if scale is not None:
            _check_scale(values, scale, names)
        dataset = Dataset.build(values, y, names, self._cure_columns(names), scale)
        estimates = self._estimate(dataset, weights, numbers)
        # nothing is set before the fit has succeeded, so that a failure leaves the former fit
        k = len(names)
        self.n_features_in_ = k
        if hasattr(X, "columns"):
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._names = names
        self._fitted = (self.distribution, self.cure)
        self._theta, self._scaled = estimates.theta, estimates.scaled
        self.intercept_ = float(estimates.theta[0])
        self.coef_ = estimates.theta[1 : k + 1]
        self.scale_ = float(np.exp(estimates.theta[k + 1]))
        self.cure_intercept_ = float(estimates.theta[k + 2]) if self.cure else None
        self.cure_coef_: Any = estimates.theta[k + 3 :] if self.cure else None
        self._cure_positions = dataset.prepared.cure_columns.tolist()
        self.parameter_names_ = dataset.parameter_names(self.cure)
        self.covariance_ = estimates.covariance
        self.log_likelihood_ = estimates.log_likelihood
        self.n_iter_ = estimates.n_iter
        self.converged_ = True
        return self

    def _estimate(
        self, dataset: Dataset, weights: Array | None, cluster: Array | None
    ) -> Estimates:
        kind = (self.distribution, self.cure)
        size = len(dataset.parameter_names(self.cure))
        start = None
        if self.warm_start and getattr(self, "_fitted", None) == kind and len(self._scaled) == size:
            start = self._scaled
        return fit_near(
            dataset,
            self.distribution,
            start,
            cure=self.cure,
            penalty=self.penalty,
            weights=weights,
            cluster=cluster,
            max_iter=self.max_iter,
        )

    def predict_resorption(
        self, X: Any, *, entry: Any, horizon: Any, interval: float | None = None
    ) -> Array:
        """P(event by the row's horizon | no event by its entry).

        Parameters
        ----------
        X : frame or float array, (n, n_features)
            Covariates.
        entry, horizon : float or float array, (n,)
            In the unit of the training times, 0 ≤ entry ≤ horizon; one a row.
        interval : float, optional
            Level of a delta-method interval on the logit scale, such as 0.95.

        Returns
        -------
        float array, (n,), or (n, 3) with p, low, high if an interval is asked for

        Raises
        ------
        InputError
            If covariates, times or level do not fit.
        """
        values = self._known_matrix(X)
        try:
            entry, horizon = (
                np.broadcast_to(np.asarray(each, dtype=float), (len(values),))
                for each in (entry, horizon)
            )
        except (TypeError, ValueError):
            raise InputError(
                f"entry and horizon must be numbers, one or {len(values)} of them"
            ) from None
        wrong = np.flatnonzero(~((entry >= 0.0) & np.isfinite(entry) & (horizon >= entry)))
        if len(wrong):
            raise InputError(
                f"entry must be 0 or more and horizon not before it: positions {wrong[:5].tolist()}"
            )
        design = np.column_stack([np.ones(len(values)), values])
        if interval is None:
            return np.asarray(self.curve().probability(design, entry, horizon))
        if not 0.0 < interval < 1.0:
            raise InputError(f"interval must be a level between 0 and 1, not {interval:g}")
        return np.column_stack(self.curve().interval(design, entry, horizon, interval))

    def score(self, X: Any, y: Array, sample_weight: Array | None = None) -> float:
        """Mean interval log score, log{[S(L) - S(R)] / S(E)}; higher is better.

        S(R) is 0 where R is infinite; for exact times the density takes the difference's place.

        Parameters
        ----------
        X : frame or float array, (n, n_features)
            Covariates.
        y : structured array, (n,)
            From `interval_outcome`.
        sample_weight : float array, (n,), optional
            Of the rows in the mean.

        Returns
        -------
        float
            In log units a row; differences between models of the same rows are what it tells.

        Raises
        ------
        InputError
            If X, y and weights do not go together.
        """
        values = self._known_matrix(X)
        y = check_outcome(y)
        weights = _check_rows(values, y, sample_weight)
        design = np.column_stack([np.ones(len(values)), values])
        prepared = prepare(
            design, y["lower"], y["upper"], y["entry"], cure_columns=self._cure_positions
        )
        distribution, cure = self._fitted
        total = evaluate(
            prepared,
            DISTRIBUTIONS[distribution],
            self._theta,
            cure=cure,
            weights=prepared.sorted_weights(weights),
        ).log_likelihood
        return total / float(len(values) if weights is None else weights.sum())

    def curve(self) -> CureCurve:
        """Give the fitted model as plain numbers.

        Returns
        -------
        CureCurve
            Probabilities and intervals from coefficients alone; rows begin with a one.
        """
        check_is_fitted(self)
        distribution, cure = self._fitted
        k = len(self.coef_)
        return CureCurve(
            DISTRIBUTIONS[distribution],
            self._theta[: k + 1],
            float(self._theta[k + 1]),
            self._theta[k + 2 :] if cure else None,
            self.covariance_,
            self._cure_positions,
        )

    def _known_matrix(self, X: Any) -> Array:
        check_is_fitted(self)
        values, names = _matrix(X)
        if values.shape[1] != self.n_features_in_ or (
            hasattr(X, "columns") and names != self._names
        ):
            found = names if hasattr(X, "columns") else f"{values.shape[1]} columns"
            raise InputError(f"X has {found}, but the model was fitted on {self._names}")
        return values

    def _check_settings(self) -> None:
        problems = []
        if self.distribution not in DISTRIBUTIONS:
            known = ", ".join(DISTRIBUTIONS)
            problems.append(f"distribution is {self.distribution!r}, but must be one of {known}")
        if not isinstance(self.penalty, numbers.Real) or not 0.0 <= self.penalty < np.inf:
            problems.append(f"penalty is {self.penalty!r}, but must be a number of 0 or more")
        if not isinstance(self.max_iter, numbers.Integral) or self.max_iter < 1:
            problems.append(f"max_iter is {self.max_iter!r}, but must be a whole number above 0")
        if not isinstance(self.cure, bool | np.bool_):
            problems.append(f"cure is {self.cure!r}, but must be True or False")
        if problems:
            raise InputError(problems)

    def _cure_columns(self, names: Sequence[str]) -> list[int]:
        if self.cure_covariates is None:
            return list(range(len(names) + 1))
        chosen = []
        for covariate in self.cure_covariates:
            if covariate in names:
                chosen.append(list(names).index(str(covariate)) + 1)
            elif isinstance(covariate, int | np.integer) and 0 <= covariate < len(names):
                chosen.append(int(covariate) + 1)
            else:
                raise InputError(f"cure_covariates names {covariate!r}, not one of {list(names)}")
        return [0, *sorted(set(chosen))]


def _matrix(X: Any) -> tuple[Array, list[str]]:
    """Give covariates as a finite matrix, and their names."""
    try:
        values = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        raise InputError("X must hold numbers only") from None
    if values.ndim != 2:
        raise InputError(f"X must have two dimensions, rows and covariates, not {values.ndim}")
    rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(rows):
        raise InputError(f"X must be finite, but is not at positions {rows[:5].tolist()}")
    if hasattr(X, "columns"):
        return values, [str(name) for name in X.columns]
    return values, [f"x{column}" for column in range(values.shape[1])]


def _check_cluster(cluster: Any, rows: int) -> Array | None:
    """Give each row the number of its cluster, or refuse labels that do not go with the rows."""
    if cluster is None:
        return None
    labels = np.asarray(cluster)
    if labels.shape != (rows,):
        raise InputError(f"cluster has shape {labels.shape}, but must be ({rows},)")
    missing = np.flatnonzero(labels != labels)
    if len(missing):
        raise InputError(f"cluster must not be nan: positions {missing[:5].tolist()}")
    return cluster_numbers(labels)


def _check_rows(
    X: Array, y: Array, weights: Array | None, name: str = "sample_weight"
) -> Array | None:
    """Refuse rows that do not go together; give the weights as floats."""
    if len(X) != len(y):
        raise InputError(f"X has {len(X)} rows, but y has {len(y)}")
    if not len(X):
        raise InputError("there are no rows")
    if weights is None:
        return None
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(X),):
        raise InputError(f"{name} has shape {weights.shape}, but must be ({len(X)},)")
    wrong = np.flatnonzero(~((weights >= 0.0) & np.isfinite(weights)))
    if len(wrong):
        raise InputError(f"{name} must be 0 or more and finite: positions {wrong[:5].tolist()}")
    if not weights.any():
        raise InputError(f"every {name} is 0; at least one row must count")
    return weights


def _check_total(weights: Array | None) -> None:
    """Refuse weights that add up to more than any number of patients."""
    with np.errstate(over="ignore"):
        total = 0.0 if weights is None else float(weights.sum())
    if total > _LARGEST_TOTAL_WEIGHT:
        raise InputError(
            f"sample_weight adds up to {total:g}, but weights count patients: at most "
            f"{_LARGEST_TOTAL_WEIGHT:g} together; divide all by the same number"
        )


def _check_scale(X: Array, weights: Array, names: Sequence[str]) -> None:
    """Refuse scale weights under which a covariate has no spread to be standardised by."""
    used = X[weights > 0.0]
    constant = [name for name, span in zip(names, np.ptp(used, axis=0), strict=True) if span == 0.0]
    if constant:
        raise InputError(
            f"scale_weight is above 0 only where {', '.join(constant)} has one and the same value, "
            "which gives no spread to standardise by; give weight to rows that differ"
        )


def check_fit(X: Array, y: Array, names: Sequence[str]) -> None:
    """Refuse data on which no model of this kind can be fitted, naming what is missing."""
    if not np.isfinite(y["upper"]).any():
        raise TrainingError("no patient was seen resorbed; without events nothing can be trained")
    with np.errstate(over="ignore"):
        spans = np.ptp(X, axis=0)
    constant = [name for name, span in zip(names, spans, strict=True) if span == 0.0]
    if constant:
        raise TrainingError(
            f"{', '.join(constant)} has the same value in every patient; leave it out, or bring "
            "patients who differ"
        )
    wrong = ~((spans >= _SMALLEST_SPAN) & (spans <= _LARGEST_SPAN))
    if wrong.any():
        found = (f"{names[j]} over {spans[j]:g}" for j in np.flatnonzero(wrong).tolist())
        raise TrainingError(
            f"covariates must range over {_SMALLEST_SPAN:g} to {_LARGEST_SPAN:g}, which their "
            f"squares need, not {', '.join(found)}; give them in another unit"
        )
    _refuse_the_same(X, spans, names)


def _refuse_the_same(X: Array, spans: Array, names: Sequence[str]) -> None:
    """Refuse covariates of which one follows from the others but for rounding."""
    if len(names) < 2:
        return
    centred = (X - X.mean(axis=0)) / spans
    centred /= np.sqrt(np.square(centred).sum(axis=0))
    values, vectors = np.linalg.eigh(centred.T @ centred)
    if values[0] < _SAME:
        same = [names[j] for j in np.flatnonzero(np.abs(vectors[:, 0]) > 0.1).tolist()]
        raise ConvergenceError(
            f"{', '.join(same)} say the same: one follows from the others to "
            f"{np.sqrt(max(values[0], 0.0)):.1g} of its spread; leave one out"
        )
