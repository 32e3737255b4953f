r"""Which level of updating a centre's own patients ask for.

The highest level that they carry is tested against 0, then against 1, then against 2; the first
that is not rejected is chosen (Vergouwe 2017, doi:10.1002/sim.7179). As every level lies within the
next, the chance of leaving a parent that is right is that of the first test.

**Statistic.** Twice the difference of log-likelihoods, each held back: what the larger level frees
beyond the smaller by what centres may differ by (`levels`), what both free by a hundred times that
variance, which is next to nothing. So the larger level always has a maximum, also where the plain
likelihood rises for ever (everybody of a type was seen to resorb), and the power goes to departures
of a size that occurs.

**Distribution.** With H the information of the patients in the free directions, Λ the precision
that holds them, C the directions of the smaller level and W the covariance of the score u, the
statistic is about :math:`u'Bu` with

.. math:: B = (H + \Lambda)^{-1} - C (C'(H + \Lambda) C)^{-1} C',

a sum of χ² with one degree of freedom each, weighted by the eigenvalues of BW. As the parent was
itself estimated, with covariance V, :math:`W = D'(J + JVJ)D` with J the information in all
parameters. A spread without bounds and a parent without error make it the ordinary likelihood-ratio
test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2, ncx2

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training.levels import TEST_SPREAD, Levels, Spread
from discresorb_training.subspace import Patients, Subspace, theta_of

__all__ = ["Comparison", "closed_test", "compare_levels", "significance", "weighted_chi2_tail"]

_ALPHA: Final = (0.05, 0.05)
_ALPHA_OF_FEW: Final = (0.07, 0.20)
_FEW: Final = 100
_FREE = 100.0  # times the variance between centres: next to no hold


@dataclass(frozen=True)
class Comparison:
    """The test of one level against the highest that the data carry.

    Parameters
    ----------
    level, against : int
        What is tested, and within what.
    statistic : float
        Twice the difference of the held log-likelihoods.
    df : float
        What the statistic is on average if the level is right; without hold and with a parent
        known exactly, the number of parameters in between.
    p : float
        How probable so large a statistic is then.
    alpha : float
        Below which p rejects.
    """

    level: int
    against: int
    statistic: float
    df: float
    p: float
    alpha: float

    @property
    def rejected(self) -> bool:
        """Whether the level is not enough."""
        return self.p < self.alpha


def significance(followed: int) -> tuple[float, float]:
    """Give the levels at which the parent is left, and at which more than the next is freed.

    5 % both. Below 100 patients followed 7 % and 20 %: of so few a wrong parent is often not found,
    and keeping it loses more of the log score than leaving a right one, for estimates are held.

    Parameters
    ----------
    followed : int
        Patients with an MRI after the index MRI.
    """
    return _ALPHA_OF_FEW if followed < _FEW else _ALPHA


def closed_test(
    parent: CureCurve,
    patients: Patients,
    levels: Levels,
    highest: int,
    *,
    alphas: tuple[float, float] = _ALPHA,
    spread: Spread = TEST_SPREAD,
) -> tuple[int, list[Comparison]]:
    """Choose the smallest level that the highest does not refute.

    Parameters
    ----------
    parent : CureCurve
        The model, with its covariance.
    patients : Patients
        Of the centre.
    levels : Levels
        From `levels_of`.
    highest : int
        That the data carry.
    alphas : tuple of float
        Below which p rejects level 0, and the others.
    spread : Spread
        Between centres, as the test looks for it.

    Returns
    -------
    level : int
    comparisons : list of Comparison
        As far as the test went.
    """
    done: list[Comparison] = []
    for level in range(highest):
        alpha = alphas[min(level, 1)]
        done.append(
            compare_levels(parent, patients, levels, level, highest, alpha=alpha, spread=spread)
        )
        if not done[-1].rejected:
            return level, done
    return highest, done


def compare_levels(
    parent: CureCurve,
    patients: Patients,
    levels: Levels,
    level: int,
    against: int,
    *,
    alpha: float = _ALPHA[0],
    spread: Spread = TEST_SPREAD,
) -> Comparison:
    """Test one level within a larger one.

    Parameters
    ----------
    parent, patients, levels, spread
        As in the choice among all levels.
    level, against : int
        The smaller and the larger.
    alpha : float, default 0.05
        Below which p rejects the smaller.
    """
    D = levels[against].directions
    C = levels.coordinates(level, against)
    S = levels.covariance(against, spread)
    free = C @ levels.covariance(level, spread) @ C.T
    whole = Subspace(patients, theta_of(parent), D, np.linalg.inv(S + _FREE * free))
    small = whole.within(C)
    if level:
        psi = small.maximum().theta
        below = small(psi).log_likelihood
    else:
        psi, below = np.empty(0), patients.at(theta_of(parent)).log_likelihood
    above = whole.maximum(C @ psi).evaluation.log_likelihood
    statistic = max(2.0 * (above - below), 0.0)
    weights = _weights(whole, C, C @ psi, parent.covariance)
    p = weighted_chi2_tail(statistic, weights)
    return Comparison(level, against, statistic, float(weights.sum()), p, alpha)


def _weights(whole: Subspace, C: Array, phi: Array, covariance: Array) -> Array:
    """Eigenvalues of BW at the smaller level's maximum."""
    D = whole.directions
    information = _rising(-whole.patients.at(whole.theta(phi)).hessian)
    W = D.T @ (information + information @ covariance @ information) @ D
    held = D.T @ information @ D + whole.precision
    B = np.linalg.inv(held) - C @ np.linalg.inv(C.T @ held @ C) @ C.T
    values, vectors = np.linalg.eigh(W)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.maximum(np.linalg.eigvalsh(root.T @ B @ root), 0.0)


def _rising(matrix: Array) -> Array:
    """Make an observed information non-negative, as the expected one is."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def weighted_chi2_tail(value: float, weights: Sequence[float] | Array) -> float:
    """P(Σ wⱼ χ²₁ > value), by the non-central χ² with its first moments (Liu 2009).

    Exact where all weights that count are the same. doi:10.1016/j.csda.2008.11.025
    """
    w = np.asarray(weights, float)
    if not w.max(initial=0.0) > 0.0:
        return 1.0
    c1, c2, c3, c4 = (float((w**power).sum()) for power in (1, 2, 3, 4))
    skew, tails = c3 / c2**1.5, c4 / c2**2
    excess = skew**2 - tails
    if excess > 1e-12:
        a = 1.0 / (skew - np.sqrt(excess))
        shift = skew * a**3 - a**2
        df = a**2 - 2.0 * shift
    else:
        a, shift, df = 1.0 / skew, 0.0, 1.0 / skew**2
    at = (value - c1) / np.sqrt(2.0 * c2) * np.sqrt(2.0) * a + df + shift
    return float(ncx2.sf(at, df, shift) if shift > 0.0 else chi2.sf(at, df))
