r"""What a fit rests on: whether the clock suffices, and what the penalty did.

The clock carries months since onset already: someone still herniated late is likelier to be one who
never resorbs. Entered as a covariate as well, of log time and of logit π, the index MRI's time
would say that patients imaged late differ beyond that. The likelihood-ratio test asks so, both fits
under the same penalty,

.. math:: 2 [\ell(\hat\theta_1) - \ell(\hat\theta_0)] \sim \chi^2_{1 \text{ or } 2}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET
from discresorb.distributions import Array
from discresorb_training.errors import ConvergenceError
from discresorb_training.estimator import ResorptionModel

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BeyondClock", "PenaltyEffect", "beyond_clock", "penalty_effect"]

_SPAN = 6.0  # months after the index MRI at which probabilities are compared
_DOUBTFUL = 0.05


@dataclass(frozen=True)
class BeyondClock:
    """The test whether months since onset matter beyond the clock.

    Parameters
    ----------
    statistic : float
        Twice the gain in log-likelihood.
    degrees : int
        Parameters added.
    p_value : float
        Of the test.
    """

    statistic: float
    degrees: int
    p_value: float

    @property
    def words(self) -> str:
        """The test in words."""
        found = (
            f"likelihood-ratio test {self.statistic:.2f} on {self.degrees} degrees of freedom, "
            f"p = {self.p_value:.3f}"
        )
        if self.p_value >= _DOUBTFUL:
            return f"{found}: no sign that the clock does not suffice"
        return (
            f"{found}: patients imaged late differ beyond what the clock says; look at calibration "
            "by months since onset"
        )


@dataclass(frozen=True)
class PenaltyEffect:
    """What the penalty changed.

    Parameters
    ----------
    mean, largest : float
        Absolute difference in probability of resorption within six months of the index MRI.
    log_likelihood : float
        That the penalty cost.
    """

    mean: float
    largest: float
    log_likelihood: float

    @property
    def words(self) -> str:
        """The effect in words."""
        return (
            f"without it probabilities at {_SPAN:g} months would differ by {self.mean:.4f} on "
            f"average and {self.largest:.4f} at most, and the log-likelihood be "
            f"{self.log_likelihood:.4f} higher"
        )


def beyond_clock(model: ResorptionModel, columns: Array, y: Array) -> BeyondClock | str:
    """Test whether months since onset matter beyond the clock; words where it cannot be tested.

    Parameters
    ----------
    model : ResorptionModel
        The fit.
    columns : float array, (n, k)
        What it was fitted to.
    y : structured array, (n,)
        The outcome.
    """
    entry = y["entry"]
    if np.ptp(entry) == 0.0:
        return "not tested: every index MRI was at the same time after onset"
    wide = ResorptionModel(model.distribution, cure=model.cure, penalty=model.penalty)
    try:
        wide.fit(_named(columns, model, entry), y)
    except ConvergenceError as error:
        return f"not tested: {error}"
    from scipy.special import gammaincc

    degrees = 2 if model.cure else 1
    statistic = max(0.0, 2.0 * (wide.log_likelihood_ - model.log_likelihood_))
    return BeyondClock(statistic, degrees, float(gammaincc(degrees / 2.0, statistic / 2.0)))


def _named(columns: Array, model: ResorptionModel, entry: Array | None = None) -> pd.DataFrame:
    """Name columns as the model does, so that what cannot be fitted is called by its name."""
    import pandas as pd

    frame = pd.DataFrame(columns, columns=model._names)
    return frame if entry is None else frame.assign(**{MONTHS_SINCE_ONSET.name: entry})


def penalty_effect(
    model: ResorptionModel, columns: Array, y: Array, weights: Array | None
) -> PenaltyEffect | str:
    """Compare with the same model without a penalty; words where it has none.

    Parameters
    ----------
    model : ResorptionModel
        The fit.
    columns : float array, (n, k)
        What it was fitted to.
    y : structured array, (n,)
        The outcome.
    weights : float array, (n,), optional
        Of the rows.
    """
    if not model.cure or not model.penalty:
        return "none: no slope was penalised"
    try:
        free = ResorptionModel(model.distribution, cure=True, penalty=0.0)
        free.fit(_named(columns, model), y, weights)
    except ConvergenceError as error:
        return f"without it there is no estimate: {error}"
    p, other = (
        each.predict_resorption(np.asarray(columns), entry=y["entry"], horizon=y["entry"] + _SPAN)
        for each in (model, free)
    )
    apart = np.abs(p - other)
    gain = free.log_likelihood_ - model.log_likelihood_
    return PenaltyEffect(float(apart.mean()), float(apart.max()), float(gain))
