r"""Share resorbed by a time, without a model, from interval-censored, left-truncated outcomes.

**Estimand**: G(t | e) = P(resorbed by t | still herniated at e), e the `start` of the curve, both
in months since onset: G(t | e) = [F(t) - F(e)] / [1 - F(e)] with F the distribution of resorption
times, never-resorbed mass at infinity included.

**Estimate**: the nonparametric maximum of the likelihood of `likelihood`,

.. math::

   \prod_i \left[ \frac{F(R_i) - F(L_i)}{1 - F(E_i)} \right]^{w_i},

an exact time giving F's jump there. Only cells that begin where some patient was last seen
herniated and end at the next first resorbed MRI or entry can carry mass (Turnbull 1976, with the
correction for truncation of Frydman 1994); where in such a cell, the likelihood does not say. So
there are two curves: mass at the cells' right ends (low) and at their left ends (high).

F is written by hazards, :math:`h_j` = P(resorbed in cell j | herniated before it). Self-consistency
is then: expected events in a cell over expected patients at risk in it, each patient from his
entry on,

.. math::

   h_j = \frac{\sum_i w_i P(T_i \in j \mid A_i)}{\sum_i w_i 1(j > E_i) P(T_i \ge j \mid A_i)},
   \qquad A_i = (L_i, R_i].

By hazards, a risk set that runs empty early does not use up all mass: what happens after `start`
is estimated all the same, and masses before it cancel. Patients seen only before `start` add
nothing; those whose interval straddles it keep their whole contribution.

**Assumptions**: times of MRIs do not depend on the event, and in those watched from an entry on the
hazard is that of everybody still herniated then. The second fails in a mix of patients who come
early and resorb fast with others: estimate such groups apart, or count time from the index MRI
(lower - entry, upper - entry, entry 0, start 0), which estimates P(resorbed within so many months
of the index MRI), averaged over patients as they came, and needs no such assumption. Where few
are watched, shortly after the first entries, the estimate is poor, and under truncation not even
consistent (Pan and Chappell 1998): start later.

Sources: Turnbull 1976 (J R Stat Soc B 38:290), Frydman 1994 (J R Stat Soc B 56:71), Pan and
Chappell 1998 (Lifetime Data Anal 4:281), Varadhan and Roland 2008 (Scand J Stat 35:335; the
squared extrapolation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training.errors import ConvergenceError, TrainingError
from discresorb_training.outcome import check_outcome

__all__ = ["NonparametricCurve", "nonparametric_curve"]

GAIN = 1e-8  # of log-likelihood, in two steps of self-consistency: no more is convergence …
MOVED = 1e-6  # … if no hazard moves by more
MOST_STEPS = 60_000
_CERTAIN = 1.0 - 1e-10  # largest hazard but in the last cell, so that the logarithm stays finite
_SCARCEST = -600.0  # log of the share left before the last cell; its inverse is needed, too
_EVERYBODY = 1.0 - 1e-6
_NOTHING = 1e-9
_LEVEL = 0.95


@dataclass(frozen=True)
class NonparametricCurve:
    """The estimate, as two step functions between which it is not determined.

    Parameters
    ----------
    start : float
        Months since onset at which everybody is still herniated.
    times : float array, (k,)
        Months since onset, rising; `start`, then where a curve steps, last the end of what was
        seen. A value holds from its time to the next.
    resorbed_low, resorbed_high : float array, (k,)
        G at these times, with mass at the right and at the left ends of its cells.
    band_low, band_high : float array, (k,), or None
        Pointwise 95 % bootstrap band: of the low curve below, of the high one above.
    patients : int
        Rows that say something of the time after `start`.
    watched : int
        Of these, already watched at `start`.
    log_likelihood : float
        At the maximum, of all rows.
    steps : int
        Of self-consistency that were made.
    """

    start: float
    times: Array
    resorbed_low: Array
    resorbed_high: Array
    band_low: Array | None
    band_high: Array | None
    patients: int
    watched: int
    log_likelihood: float
    steps: int

    def at(self, months: float | Array) -> tuple[Array, Array]:
        """Low and high estimate at months since onset, nan outside `times`."""
        months = np.asarray(months, float)
        place = np.searchsorted(self.times, months, side="right") - 1
        known = (months >= self.start) & (months <= self.times[-1])
        low, high = (
            np.where(known, each[place], np.nan) for each in (self.resorbed_low, self.resorbed_high)
        )
        return low, high


def nonparametric_curve(
    y: Array, start: float, weights: Array | None = None, *, draws: int = 0, seed: int = 0
) -> NonparametricCurve:
    """Estimate P(resorbed by t | herniated at start) without a model.

    Parameters
    ----------
    y : structured array, (n,)
        From `interval_outcome`.
    start : float
        Months since onset. Somebody must be watched then, and not all of the few watched early
        may resorb before others come.
    weights : float array, (n,), optional
        0 or more each.
    draws : int, default 0
        Bootstrap samples of patients for the band; 0 gives none. The bootstrap is known to be
        right where times are exact, and only roughly so where they are all interval-censored.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If arguments make no sense, or nobody is watched at start.
    TrainingError
        If everybody watched early resorbs while others are seen herniated later: G would be 1
        because of a few.
    ConvergenceError
        If self-consistency is not reached in `MOST_STEPS` steps.
    """
    y, weights, start = check_outcome(y), _weights(weights, len(y)), float(start)
    if not (np.isfinite(start) and start >= 0.0):
        raise InputError(f"start must be a finite number of 0 or more, not {start:g}")
    saying = _saying(y, weights) & (y["upper"] > start)
    saying &= np.isfinite(y["upper"]) | (y["lower"] > start)
    watched = int((saying & (y["entry"] <= start)).sum())
    if not watched:
        raise InputError(_nobody(y["entry"][saying], start))
    fit = _Cells.of(y, weights).fitted()
    fit.refuse_if_used_up(y, weights, start)
    times = fit.times(start)
    low, high = fit.resorbed(start, times)
    band: tuple[Array | None, Array | None] = (None, None)
    if draws:
        band = _band(y, weights, start, times, draws, seed)
    return NonparametricCurve(
        start, times, low, high, *band, int(saying.sum()), watched, fit.log_likelihood, fit.steps
    )


@dataclass(frozen=True)
class _Fit:
    """Hazards of the cells (left, right] at the maximum."""

    left: Array
    right: Array
    hazard: Array
    log_likelihood: float
    steps: int

    def times(self, start: float) -> Array:
        """Give start, the ends of cells with mass after it, and the end of what was seen."""
        carries = (self.hazard > _NOTHING) & (self.right > start)
        ends = np.concatenate([self.left[carries], self.right[carries]])
        return np.unique(np.append(ends[(ends > start) & np.isfinite(ends)], start))

    def resorbed(self, start: float, times: Array) -> tuple[Array, Array]:
        """G at times; a cell that straddles start lies before it (low) or wholly after (high)."""
        after = (self.right > start) & np.isfinite(self.right)
        low = self._steps(after & (self.left >= start), self.right, times)
        high = self._steps(after, np.maximum(self.left, start), times)
        return low, high

    def _steps(self, cells: Array, where: Array, times: Array) -> Array:
        with np.errstate(divide="ignore"):  # a last hazard of 1
            left = np.concatenate([[0.0], np.cumsum(np.log1p(-self.hazard[cells]))])
        return 0.0 - np.expm1(left[np.searchsorted(where[cells], times, side="right")])

    def refuse_if_used_up(self, y: Array, weights: Array, start: float) -> None:
        finite = np.isfinite(self.right) & (self.right > start)
        for left, right in zip(
            *(each[finite & (self.hazard > _EVERYBODY)] for each in (self.left, self.right)),
            strict=True,
        ):
            herniated = (y["lower"] >= right) & (y["upper"] > right)
            later = int((herniated & (weights > 0.0)).sum())
            if later:
                raise TrainingError(
                    f"all who are watched {left:g} months after onset resorb by {right:g} months, "
                    f"but {later} others are seen herniated then or later: too few are watched "
                    f"from {start:g} months on; choose a later start"
                )


@dataclass(frozen=True)
class _Cells:
    """Rows by the cells that can carry mass: A_i is first to before last, B_i from entered on."""

    left: Array
    right: Array
    first: Array
    last: Array
    entered: Array
    weights: Array

    @classmethod
    def of(cls, y: Array, weights: Array) -> _Cells:
        keep = _saying(y, weights)
        y, weights = y[keep], weights[keep]
        lower, upper, entry = y["lower"], y["upper"], y["entry"]
        times = np.unique(np.concatenate([lower, upper, entry]))
        # of the time at k, boundary 2k is just before it, 2k + 1 just after
        after = [2 * np.searchsorted(times, each) + 1 for each in (lower, upper, entry)]
        begins, ends, enters = after[0] - (lower == upper), after[1], after[2]
        boundaries = np.unique(np.concatenate([begins, ends, enters]))
        left, right = boundaries[:-1], boundaries[1:]
        carries = np.isin(left, begins) & np.isin(right, np.concatenate([ends, enters]))
        left, right = left[carries], right[carries]
        return cls(
            times[left // 2],
            times[right // 2],
            np.searchsorted(left, begins),
            np.searchsorted(right, ends, side="right"),
            np.searchsorted(left, enters),
            weights,
        )

    def fitted(self) -> _Fit:
        """Find the maximum; raise ConvergenceError if it is not reached."""
        hazard = 1.0 / np.arange(len(self.left), 0.0, -1.0)  # equal masses
        steps = 0
        while steps < MOST_STEPS:
            once, before = self._step(hazard)
            twice, after = self._step(once)
            steps += 2
            if after - before <= GAIN and np.abs(twice - hazard).max() <= MOVED:
                return _Fit(self.left, self.right, once, after, steps)
            further, reached = self._step(_extrapolated(hazard, once, twice))
            steps += 1
            hazard = further if reached >= after else twice
        raise ConvergenceError(
            f"the nonparametric estimate did not settle in {MOST_STEPS} steps; the last two still "
            f"gained {after - before:.2g} of log-likelihood"
        )

    def _step(self, hazard: Array) -> tuple[Array, float]:
        """Give hazards one step of self-consistency on, and the log-likelihood before it."""
        cells = len(hazard)
        log_left = np.concatenate([[0.0], np.cumsum(np.log1p(-hazard[:-1])), [-np.inf]])
        if log_left[-2] < _SCARCEST:
            raise TrainingError(
                "the risk set runs empty dozens of times: too few are watched at any time for an "
                "estimate without a model"
            )
        share = -np.expm1(log_left[self.last] - log_left[self.first])
        value = self.weights @ (log_left[self.first] - log_left[self.entered] + np.log(share))
        per_mass = self.weights * np.exp(-log_left[self.first]) / share
        covering = np.cumsum(
            np.bincount(self.first, per_mass, cells + 1)
            - np.bincount(self.last, per_mass, cells + 1)
        )[:cells]
        events = np.maximum(covering, 0.0) * np.exp(log_left[:cells]) * hazard
        entered = np.cumsum(np.bincount(self.entered, self.weights, cells + 1))[:cells]
        at_risk = entered - np.concatenate([[0.0], np.cumsum(events)[:-1]])
        # at_risk is a difference; rounding may leave it a little below the events in the cell
        hazard = np.minimum(events / np.maximum(at_risk, events + 1e-300), _CERTAIN)
        hazard[-1] = 1.0
        return hazard, float(value)


def _extrapolated(hazard: Array, once: Array, twice: Array) -> Array:
    """Go further along two steps by their curvature, most of the way to 0 or 1 at the most."""
    step, bend = once - hazard, twice - 2.0 * once + hazard
    curved = float(np.linalg.norm(bend))
    length = max(1.0, float(np.linalg.norm(step)) / curved) if curved else 1.0
    further = hazard + 2.0 * length * step + length**2 * bend
    further = np.clip(further, 0.01 * twice, np.minimum(1.0 - 0.1 * (1.0 - twice), _CERTAIN))
    further[-1] = 1.0
    return further if np.log1p(-further[:-1]).sum() > _SCARCEST else twice


def _band(
    y: Array, weights: Array, start: float, times: Array, draws: int, seed: int
) -> tuple[Array, Array]:
    """Refit to patients drawn again; nothing is known, 0 to 1, where nobody is watched at start."""
    rng = np.random.default_rng(seed)
    curves = np.empty((2, draws, len(times)))
    for draw in range(draws):
        drawn = weights * rng.multinomial(len(y), np.full(len(y), 1.0 / len(y)))
        known = _saying(y, drawn) & (y["entry"] <= start) & (y["upper"] > start)
        if known.any():
            curves[:, draw] = _Cells.of(y, drawn).fitted().resorbed(start, times)
        else:
            curves[0, draw], curves[1, draw] = 0.0, 1.0
    tail = (1.0 - _LEVEL) / 2.0
    return np.quantile(curves[0], tail, axis=0), np.quantile(curves[1], 1.0 - tail, axis=0)


def _saying(y: Array, weights: Array) -> Array:
    """Find rows whose contribution is not 1 whatever the law."""
    return (weights > 0.0) & (np.isfinite(y["upper"]) | (y["lower"] > y["entry"]))


def _weights(weights: Array | None, count: int) -> Array:
    given = np.ones(count) if weights is None else np.asarray(weights, float)
    if given.shape != (count,) or not (np.isfinite(given) & (given >= 0.0)).all():
        raise InputError(f"weights must be {count} finite numbers of 0 or more")
    return given


def _nobody(entry: Array, start: float) -> str:
    if not len(entry):
        return f"no patient says anything of the time after {start:g} months; choose an earlier one"
    return (
        f"nobody is watched {start:g} months after onset; the first of {len(entry)} patients seen "
        f"later enters at {entry.min():g}; choose a later start"
    )
