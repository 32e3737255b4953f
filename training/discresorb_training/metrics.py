"""How good predicted probabilities are, with interval-censored, left-truncated outcomes.

Every function takes ``p``, predicted at each patient's horizon given herniated at entry, and ``w``,
the probability of having resorbed by then given what was seen of the patient (`working`). With
times known exactly w is 0 or 1, and every metric is its ordinary form. Assumption throughout: w is
right, that is, the working model is, and MRIs come at times that do not depend on the event; what
can be said without it, `certain_bounds` and the bounds here say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.curve import expit
from discresorb.design import natural_spline
from discresorb.distributions import Array
from discresorb.errors import InputError

__all__ = [
    "CalibrationCurve",
    "auc",
    "brier",
    "brier_bounds",
    "calibration_curve",
    "calibration_location",
    "calibration_slope",
    "concordance",
    "integrated",
    "interval_log_score",
    "ipa",
    "net_benefit",
    "observed_expected",
    "observed_expected_bounds",
    "risk_groups",
]

_KNOTS = (0.05, 0.35, 0.65, 0.95)  # of the flexible curve, shares of patients
_STEPS = 100
_SAME = 1e-9  # of logit p: less is rounding
_ROWS_AT_ONCE = 1_000
# of a linear predictor: steps that need no watching, and where a probability is as good as 0 or 1
_SETTLED, _SATURATED = 1e-3, 30.0


def brier(p: Array, w: Array) -> float:
    """Squared error of p that is to be expected, mean of w (1 - p)² + (1 - w) p².

    Not (w - p)²: that leaves out what is not known of each patient, and is too small.

    Parameters
    ----------
    p, w : float array, (n,)
        Predicted and working probability.

    Raises
    ------
    InputError
        If they are not probabilities of the same patients, as in every function here.
    """
    p, w = _checked(p, w)
    return float(np.mean(w * (1.0 - p) ** 2 + (1.0 - w) * p**2))


def brier_bounds(p: Array, low: Array, high: Array) -> tuple[float, float]:
    """Smallest and largest mean squared error that what was seen allows, whatever the law.

    Parameters
    ----------
    p : float array, (n,)
        Predicted probability.
    low, high : float array, (n,)
        From `certain_bounds`.
    """
    p, low = _checked(p, low)
    _, high = _checked(p, high)
    errors = np.stack([each * (1.0 - p) ** 2 + (1.0 - each) * p**2 for each in (low, high)])
    return float(errors.min(axis=0).mean()), float(errors.max(axis=0).mean())


def ipa(p: Array, w: Array, p_null: Array) -> float:
    """Index of prediction accuracy: 1 - Brier / Brier of a model without covariates.

    Parameters
    ----------
    p, w : float array, (n,)
        Predicted and working probability.
    p_null : float array, (n,)
        Predicted without covariates, by the same conditioning on each patient's entry.
    """
    return 1.0 - brier(p, w) / brier(p_null, w)


def auc(p: Array, w: Array) -> float:
    """P(the one who has resorbed by the horizon was given the higher p), ties counting half.

    Σ w_i (1 - w_j) [1(p_i > p_j) + ½ 1(p_i = p_j)] / Σ w_i (1 - w_j) over pairs of two patients, by
    one sort. NaN if there is no such pair.
    """
    p, w = _checked(p, w)
    _, level = np.unique(p, return_inverse=True)
    cases = np.bincount(level, weights=w)
    others = np.bincount(level, weights=1.0 - w)
    below = np.concatenate([[0.0], np.cumsum(others)[:-1]])
    own = float((w * (1.0 - w)).sum())  # a patient is no pair with itself
    concordant = float((cases * (below + 0.5 * others)).sum()) - 0.5 * own
    pairs = float(cases.sum() * others.sum()) - own  # by level, so that equal p give ½ exactly
    return concordant / pairs if pairs > 0.0 else float("nan")


def interval_log_score(p_lower: Array, p_between: Array) -> float:
    """Mean of log{[S(L) - S(R)] / S(E)}: what the model gave to what was seen; higher is better.

    Needs no working model. With p_lower = P(resorbed by L | herniated at E) and p_between =
    P(resorbed by R | herniated at L), 1 where R is infinite, each term is log(1 - p_lower) +
    log(p_between). Only for interval-censored rows; an exact time has a density instead.

    Parameters
    ----------
    p_lower, p_between : float array, (n,)
        As above.
    """
    p_lower, p_between = _checked(p_lower, p_between)
    with np.errstate(divide="ignore"):
        return float(np.mean(np.log1p(-p_lower) + np.log(p_between)))


def concordance(score: Array, y: Array) -> float:
    """P(of two, the one seen to resorb first has the higher score).

    Time is counted from each patient's index MRI, from which on he was watched: over pairs whose
    order was seen, R_i - E_i ≤ L_j - E_j; ties of the score count half. Secondary: it says nothing
    of probabilities, and pairs whose order was not seen are left out. NaN without pairs.

    Parameters
    ----------
    score : float array, (n,)
        Higher for earlier resorption.
    y : structured array, (n,)
        From `interval_outcome`.
    """
    score = np.asarray(score, float)
    if score.shape != y.shape or not np.isfinite(score).all():
        raise InputError("score must be finite, one number a row of y")
    upper, lower = y["upper"] - y["entry"], y["lower"] - y["entry"]
    first = np.argsort(upper, kind="stable")[: int(np.isfinite(upper).sum())]
    if not len(first):
        return float("nan")
    later = np.argsort(lower, kind="stable")
    times, scores = upper[first], score[first]
    # no patient is a pair with itself, which an exact time would make
    alone = float((upper <= lower).sum())
    concordant, pairs = -0.5 * alone, -alone
    for rows in np.array_split(later, -(-len(later) // _ROWS_AT_ONCE)):
        # those seen resorbed before the first of these rows are counted by rank, the rest by pairs
        ends = np.searchsorted(times, lower[rows], side="right")
        common = np.sort(scores[: ends[0]])
        below, up_to = (np.searchsorted(common, score[rows], side) for side in ("left", "right"))
        concordant += float((len(common) - up_to + 0.5 * (up_to - below)).sum())
        rest = scores[ends[0] : ends[-1], None]
        counts = np.arange(ends[0], ends[-1])[:, None] < ends
        ahead = (rest > score[rows]) + 0.5 * (rest == score[rows])
        concordant += float((counts * ahead).sum())
        pairs += float(ends.sum())
    return concordant / pairs if pairs else float("nan")


def observed_expected(p: Array, w: Array) -> float:
    """Ratio of the number expected to have resorbed from what was seen to that predicted."""
    p, w = _checked(p, w)
    return float(w.sum() / p.sum())


def observed_expected_bounds(p: Array, low: Array, high: Array) -> tuple[float, float]:
    """Smallest and largest ratio that what was seen allows, whatever the law."""
    return observed_expected(p, low), observed_expected(p, high)


def calibration_location(p: Array, w: Array) -> float:
    """Give what logit p lacks for predicted and observed shares to agree; 0 is right."""
    p, w = _checked(p, w, inside=True)
    return float(_logistic(np.ones((len(p), 1)), w, offset=_logit(p))[0])


def calibration_slope(p: Array, w: Array) -> float:
    """Slope of w on logit p by logistic regression; 1 is right, below 1 p is too extreme.

    NaN where p is the same for everybody.
    """
    p, w = _checked(p, w, inside=True)
    if np.ptp(_logit(p)) < _SAME:
        return float("nan")
    return float(_logistic(np.column_stack([np.ones(len(p)), _logit(p)]), w)[1])


@dataclass(frozen=True)
class CalibrationCurve:
    """Observed against predicted, by a smooth curve.

    Parameters
    ----------
    predicted, observed : float array, (n,)
        Each patient's p, or where else the curve was asked for, and the curve there.
    """

    predicted: Array
    observed: Array

    @property
    def ici(self) -> float:
        """Integrated calibration index: mean distance of the curve from the diagonal."""
        return float(self._distance.mean())

    @property
    def e50(self) -> float:
        """Median distance."""
        return float(np.quantile(self._distance, 0.5))

    @property
    def e90(self) -> float:
        """Distance that 90 % of patients stay within."""
        return float(np.quantile(self._distance, 0.9))

    @property
    def _distance(self) -> Array:
        return np.abs(self.observed - self.predicted)


def calibration_curve(p: Array, w: Array, at: Array | None = None) -> CalibrationCurve:
    """Regress w on a restricted cubic spline of logit p with four knots.

    Where p has fewer than four different values at the knots the curve is linear in logit p; where
    it is the same for everybody, the curve is the mean of w.

    Parameters
    ----------
    p, w : float array, (n,)
        Predicted and working probability.
    at : float array, optional
        Probabilities at which the curve is wanted, instead of at every p.
    """
    p, w = _checked(p, w, inside=True)
    x = _logit(p)
    at = p if at is None else np.asarray(at, float)
    if np.ptp(x) < _SAME:
        return CalibrationCurve(at, np.full(len(at), w.mean()))
    knots = np.quantile(x, _KNOTS)
    beta = _logistic(_spline_design(x, knots), w)
    return CalibrationCurve(at, expit(_spline_design(_logit(at), knots) @ beta))


def risk_groups(p: Array, w: Array, groups: int = 10) -> Array:
    """Patients, mean p and mean w in groups of rising p, (groups, 3); the points of a plot.

    Ties of p stay in one group, so that there may be fewer groups.
    """
    p, w = _checked(p, w)
    edges = np.unique(np.quantile(p, np.arange(1, groups) / groups))
    group = np.searchsorted(edges, p, side="left")
    return np.array(
        [[(group == g).sum(), p[group == g].mean(), w[group == g].mean()] for g in np.unique(group)]
    )


def net_benefit(p: Array, w: Array, thresholds: Sequence[float] | Array) -> Array:
    """Net benefit of acting on p ≥ c, and of acting on everybody, (thresholds, 2).

    mean[w 1(p ≥ c)] - c / (1 - c) mean[(1 - w) 1(p ≥ c)]; acting on nobody has 0.
    """
    p, w = _checked(p, w)
    at = np.asarray(thresholds, float)
    if not ((at > 0.0) & (at < 1.0)).all():
        raise InputError("thresholds must lie between 0 and 1, both excluded")
    odds = at / (1.0 - at)
    acted = p[None, :] >= at[:, None]
    model = (acted * w).mean(axis=1) - odds * (acted * (1.0 - w)).mean(axis=1)
    return np.column_stack([model, w.mean() - odds * (1.0 - w).mean()])


def integrated(values: Sequence[float] | Array, months: Sequence[float] | Array) -> float:
    """Mean of a metric over a range of horizons, by trapezoids."""
    at, values = np.asarray(months, float), np.asarray(values, float)
    if at.ndim != 1 or at.shape != values.shape or len(at) < 2 or not (np.diff(at) > 0.0).all():
        raise InputError("months must rise, two or more, and go with the values")
    areas = np.diff(at) * (values[1:] + values[:-1]) / 2.0
    return float(areas.sum() / (at[-1] - at[0]))


def _checked(p: Array, w: Array, inside: bool = False) -> tuple[Array, Array]:
    p, w = np.asarray(p, float), np.asarray(w, float)
    if p.ndim != 1 or p.shape != w.shape or not len(p):
        raise InputError(f"p and w must go together, not have shapes {p.shape} and {w.shape}")
    for name, each in (("p", p), ("w", w)):
        wrong = np.flatnonzero(~((each >= 0.0) & (each <= 1.0)))
        if len(wrong):
            raise InputError(f"{name} must be from 0 to 1: positions {wrong[:5].tolist()}")
    if inside and (wrong := np.flatnonzero((p == 0.0) | (p == 1.0))).size:
        raise InputError(
            f"p of exactly 0 or 1 has no logit: positions {wrong[:5].tolist()}; leave out patients "
            "whose horizon is their entry"
        )
    return p, w


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def _spline_design(x: Array, knots: Array) -> Array:
    curved = natural_spline(x, knots) if len(np.unique(knots)) == len(knots) else []
    return np.column_stack([np.ones(len(x)), x, *curved])


def _logistic(design: Array, w: Array, offset: Array | float = 0.0) -> Array:
    """Fit a logistic regression of probabilities by Newton's method with step halving."""

    def log_likelihood(beta: Array) -> float:
        eta = design @ beta + offset
        return float((w * eta - np.logaddexp(0.0, eta)).sum())

    beta = np.zeros(design.shape[1])
    if isinstance(offset, float) and design.shape[1] > 1:
        beta[1] = 1.0  # as if calibrated
    value = log_likelihood(beta)
    for _ in range(_STEPS):
        eta = design @ beta + offset
        mean, rest = expit(eta), expit(-eta)
        gradient = design.T @ (w * rest - (1.0 - w) * mean)
        information = (design.T * (mean * rest)) @ design
        step, _, rank, _ = np.linalg.lstsq(information, gradient, rcond=None)
        largest = np.abs(design @ step).max()
        moved, due = log_likelihood(beta + step), 0.1 * float(gradient @ step)
        # a step out of a flat tail may end in the other one; a small one gains less than rounding
        while largest > _SETTLED and moved < value + due:
            step, due = step / 2.0, due / 2.0
            moved = log_likelihood(beta + step)
        beta, gain, value = beta + step, moved - value, moved
        if gain <= 1e-12 * (1.0 + abs(value)) and largest < _SETTLED:
            if rank < np.linalg.matrix_rank(design) and np.abs(eta).max() > _SATURATED:
                break  # it has run so far that its way is lost to rounding
            return beta
    raise InputError(
        "w has no logistic regression on logit p: observed and predicted are separated"
    )
