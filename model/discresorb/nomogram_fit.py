r"""Points for a nomogram of one total, when no sum of points gives the probability exactly.

With a cure fraction p depends on two linear predictors, so that for months :math:`m` and patients
:math:`i` points :math:`f_j` and rising curves :math:`h_m` are sought with

.. math:: p_{im} \approx h_m\Bigl(\sum_j f_j(x_{ij})\Bigr),

least squares on the probability scale, over patients like those in training. In turn, :math:`h_m`
is the monotone regression of p on the total, and the points take a Gauss-Newton step with
:math:`h_m` held. A small roughness penalty makes the marks of an axis even where that costs
nothing. Source: the alternation is that of Breiman & Friedman, J Am Stat Assoc 1985;80:580.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array

__all__ = ["Curve", "Fitted", "fit_points", "monotone_curve", "pooled"]

_RIDGE = 1e-7
_ITERATIONS = 12
_HALVINGS = 4
_BINS = 80
_LEAST_GAIN = 1e-8
_LOWEST = 1e-3  # probabilities beyond are as good as 0 or 1 when the first points are found


@dataclass(frozen=True)
class Curve:
    """A rising curve by its corners.

    Parameters
    ----------
    totals, probabilities : float array
        Rising.
    """

    totals: Array
    probabilities: Array

    def __call__(self, totals: Array) -> Array:
        """Give probabilities, even between corners and beyond them."""
        return np.interp(totals, self.totals, self.probabilities)

    def slope(self, totals: Array) -> Array:
        """Give the slope, smoothed from one piece to the next."""
        if len(self.totals) < 2:
            return np.zeros_like(totals)
        slopes = np.diff(self.probabilities) / np.diff(self.totals)
        return np.interp(totals, 0.5 * (self.totals[1:] + self.totals[:-1]), slopes)


@dataclass(frozen=True)
class Fitted:
    """Points and what is read off their total.

    Parameters
    ----------
    points : float array
        One for each column of the basis.
    curves : list of list of Curve
        By stratum, by month.
    read : float array, (n, months)
        Probabilities so read.
    """

    points: Array
    curves: list[list[Curve]]
    read: Array


def pooled(values: Array, weights: Array) -> tuple[Array, Array]:
    """Pool adjacent violators: give means of the pools, and to which one each value belongs."""
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        masses.append(weight)
        counts.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            mass = masses[-2] + masses[-1]
            means[-2:] = [(means[-2] * masses[-2] + means[-1] * masses[-1]) / mass]
            masses[-2:] = [mass]
            counts[-2:] = [counts[-2] + counts[-1]]
    return np.array(means), np.repeat(np.arange(len(counts)), counts)


def monotone_curve(totals: Array, probabilities: Array) -> Curve:
    """Fit a rising curve through probabilities by total."""
    order = np.argsort(totals, kind="stable")
    bins = min(_BINS, len(order))
    starts = np.arange(bins) * len(order) // bins
    weights = np.diff(np.append(starts, len(order))).astype(float)
    x, y = (np.add.reduceat(each[order], starts) / weights for each in (totals, probabilities))
    means, pool = pooled(y, weights)
    mass = np.bincount(pool, weights)
    middles = np.bincount(pool, weights * x) / mass
    apart = np.concatenate([[True], np.diff(middles) > 1e-9 * (1.0 + np.ptp(x))])
    return _to_the_ends(middles[apart], means[apart], totals[order[0]], totals[order[-1]])


def _to_the_ends(x: Array, y: Array, low: float, high: float) -> Curve:
    """Prolong a curve's first and last piece to the outermost totals, within 0 and 1."""
    if len(x) < 2:
        return Curve(np.array([low, high]), np.repeat(y, 2)) if high > low else Curve(x, y)
    first = y[0] + (low - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    last = y[-1] + (high - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    if low < x[0]:
        x, y = np.r_[low, x], np.r_[min(max(first, 0.0), y[0]), y]
    if high > x[-1]:
        x, y = np.r_[x, high], np.r_[y, max(min(last, 1.0), y[-1])]
    return Curve(x, y)


def fit_points(
    basis: Array, rough: Array, probabilities: Array, strata: Array, roughness: float
) -> Fitted:
    """Find the points whose total tells the probabilities best.

    Parameters
    ----------
    basis : float array, (n, marks)
        How much of each mark's points a patient gets.
    rough : float array, (rows, marks)
        What should be small: second differences along the axes.
    probabilities : float array, (n, months)
        The model's.
    strata : int array, (n,)
        Patients with curves of their own.
    roughness : float
        How much uneven marks count against the fit.
    """
    problem = _Problem(basis, rough, probabilities, strata, roughness)
    best = problem.at(problem.start())
    loss = problem.loss(best)
    for _ in range(_ITERATIONS):
        step = problem.step(best)
        for halving in range(_HALVINGS):
            tried = problem.at(best.points + step / 2.0**halving)
            gain = loss - problem.loss(tried)
            if gain > 0.0:
                break
        if gain <= 0.0:
            break
        best, loss = tried, loss - gain
        if gain < _LEAST_GAIN:
            break
    return best


@dataclass(frozen=True)
class _Problem:
    basis: Array
    rough: Array
    probabilities: Array
    strata: Array
    roughness: float

    @property
    def _penalty(self) -> Array:
        return self.roughness * self.rough.T @ self.rough + _RIDGE * np.eye(self.basis.shape[1])

    def start(self) -> Array:
        """Regress the mean logit, where it matters."""
        p = np.clip(self.probabilities, _LOWEST, 1.0 - _LOWEST)
        logit = np.log(p / (1.0 - p)).mean(axis=1)
        weight = (p * (1.0 - p)).mean(axis=1)
        scaled = self.basis * (weight / weight.sum())[:, None]
        return np.linalg.solve(scaled.T @ self.basis + self._penalty, scaled.T @ logit)

    def at(self, points: Array) -> Fitted:
        """Scale points to totals of standard deviation 1, and fit the curves to them."""
        spread = float(np.std(self.basis @ points))
        points = points / spread if spread > 0.0 else points
        totals = self.basis @ points
        read = np.empty_like(self.probabilities)
        curves = []
        for stratum in range(int(self.strata.max()) + 1):
            own = self.strata == stratum
            curves.append([monotone_curve(totals[own], p) for p in self.probabilities[own].T])
            read[own] = np.column_stack([curve(totals[own]) for curve in curves[-1]])
        return Fitted(points, curves, read)

    def loss(self, fitted: Fitted) -> float:
        return float(np.mean((fitted.read - self.probabilities) ** 2))

    def step(self, fitted: Fitted) -> Array:
        totals = self.basis @ fitted.points
        left, right = self._penalty, -self._penalty @ fitted.points
        months = self.probabilities.shape[1]
        for month in range(months):
            slope = np.empty(len(totals))
            for stratum, curves in enumerate(fitted.curves):
                own = self.strata == stratum
                slope[own] = curves[month].slope(totals[own])
            part = self.basis * slope[:, None]
            residual = self.probabilities[:, month] - fitted.read[:, month]
            left = left + part.T @ part / part.shape[0] / months
            right = right + part.T @ residual / part.shape[0] / months
        return np.linalg.solve(left, right)
