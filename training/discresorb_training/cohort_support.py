"""What a cohort can support: how many parameters, and what to expect of a model with more.

Criteria and what counts as a parameter: `discresorb_training.sample_size`. Patients who were never
imaged after the index MRI say nothing and are not counted. Resorption is only known to lie between
two MRIs, so time at risk runs from the index MRI to the middle of that interval, or to the last MRI
where it was not seen: an approximation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training.cohort import Cohort
from discresorb_training.outcome import check_outcome
from discresorb_training.plan import Planned, columns_of
from discresorb_training.sample_size import (
    CRITERIA,
    R2_SHARE,
    SampleSize,
    expected_shrinkage,
    parameters_supported,
    sample_size,
)

__all__ = [
    "DEFAULT_TIME_POINT",
    "CohortSupport",
    "cohort_support",
    "model_of",
    "parameters_of",
    "support_before",
    "support_of",
]

DEFAULT_TIME_POINT: Final = 6.0


def parameters_of(columns: int, *, cure: bool = True) -> int:
    """Count the slopes of a model.

    Parameters
    ----------
    columns : int
        Of the design, without the intercept.
    cure : bool
        Whether they enter the probability of ever resorbing as well.
    """
    return columns * (1 + cure)


@dataclass(frozen=True)
class CohortSupport:
    """What a cohort supports.

    Parameters
    ----------
    patients, informative, events : int
        All, those imaged after the index MRI, and those seen to resorb.
    person_months : float
        At risk after the index MRI.
    parameters : int
        Slopes of the model.
    need : SampleSize or None
        What the model needs; None without events.
    """

    patients: int
    informative: int
    events: int
    person_months: float
    parameters: int
    need: SampleSize | None

    @property
    def needed(self) -> int | None:
        """Patients imaged after the index MRI that the model needs; None if no number is known."""
        return None if self.need is None else self.need.patients

    @property
    def needed_in_all(self) -> int | None:
        """The same with those who are never imaged again, if they are as many as here."""
        if self.needed is None:
            return None
        return math.ceil(self.needed * self.patients / self.informative)

    @property
    def suffices(self) -> bool:
        """Whether all criteria are met."""
        return self.needed is not None and self.informative >= self.needed

    @property
    def supported(self) -> int:
        """The most parameters whose slopes these patients support."""
        if self.need is None:
            return 0
        return parameters_supported(self.informative, self.need.r2, self.need.highest_r2)

    @property
    def shrinkage(self) -> float | None:
        """To expect of the model's slopes; None without events."""
        if self.need is None:
            return None
        return expected_shrinkage(self.informative, self.parameters, self.need.r2)

    @property
    def sentence(self) -> str:
        """What is supported, and what the model has, in one sentence."""
        if self.shrinkage is None:
            return "nobody was seen to resorb: no model is supported"
        return (
            f"about {_counted(self.supported, 'parameter')} supported, the model has "
            f"{self.parameters}: expected shrinkage {_shown(self.shrinkage)}; "
            f"{self.needed} patients imaged again are needed, {self.informative} are there"
        )

    def lines(self, model: str = "the model") -> list[str]:
        """Say what these patients support, what the model needs, and what to do.

        Parameters
        ----------
        model : str, default "the model"
            What is to be trained, in words.

        Returns
        -------
        list of str
            What the command ``sample-size`` prints of a cohort.
        """
        lines = [
            f"{_counted(self.patients, 'patient')}: {self.informative} imaged after the index MRI, "
            f"{self.events} seen resorbed, {self.person_months:.0f} months at risk."
        ]
        if self.need is None or self.shrinkage is None:
            return [
                *lines,
                "They support no model, because nobody was seen to resorb. What to do: keep an "
                "existing model, and bring patients who were imaged again.",
            ]
        lines += [
            f"They support about {_counted(self.supported, 'parameter')}; {model} has "
            f"{self.parameters}: expect shrinkage of about {_shown(self.shrinkage)}.",
            "Patients imaged after the index MRI that it needs:",
        ]
        rows = self.need.criteria(" months")
        width, digits = max(len(name) for name, _ in rows), len(str(self.needed))
        lines += [
            f"  {name:<{width}}  {n:>{digits}}  " + ("met" if self.informative >= n else "not met")
            for name, n in rows
        ]
        return [
            *lines,
            f"{self._what_to_do()}.",
            f"{self.need.anticipated()}. Time at risk ends in the middle of the interval in which "
            "it resorbed.",
            f"{CRITERIA}.",
        ]

    def _what_to_do(self) -> str:
        if self.need is None or self.suffices:
            return "These patients are enough for it"
        more = f"bring {self.needed} patients who were imaged again"
        if self.needed_in_all != self.needed:
            more += f" ({self.needed_in_all} in all, if as few are imaged again as here)"
        fewer = "train with fewer parameters, " if self._too_many and self.supported else ""
        why = "" if self._too_many else "The slopes are supported, the overall risk is not. "
        return f"{why}What to do: update an existing model (discresorb update), {fewer}or {more}"

    @property
    def _too_many(self) -> bool:
        """Whether there are more parameters than the patients support."""
        return self.supported < self.parameters

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data.

        Returns
        -------
        dict
            Numbers only, and None where nothing can be said.
        """
        return {
            "patients": self.patients,
            "imaged_after_index_mri": self.informative,
            "seen_resorbed": self.events,
            "months_at_risk": self.person_months,
            "parameters": self.parameters,
            "parameters_supported": self.supported,
            "expected_shrinkage": self.shrinkage,
            "suffices": self.suffices,
            "patients_needed": self.needed,
            "patients_needed_in_all": self.needed_in_all,
            "need": None if self.need is None else self.need.to_dict(),
        }


def support_of(
    y: Array,
    parameters: int,
    *,
    time_point: float = DEFAULT_TIME_POINT,
    r2: float | None = None,
    r2_share: float = R2_SHARE,
) -> CohortSupport:
    """Say how many parameters a cohort supports, and what to expect of a model with more.

    By the criteria of Riley 2019 (doi:10.1002/sim.7992). Time at risk is taken to end in the middle
    of the interval in which resorption happened, an approximation.

    Parameters
    ----------
    y : structured array, (n,)
        As `interval_outcome` makes it, times in months.
    parameters : int
        Slopes of the model: two for each number or flag, without a cure fraction one; as many more
        for each further knot or level.
    time_point : float, default 6
        When the overall risk is wanted, months after the index MRI.
    r2 : float, optional
        Cox-Snell R² expected on new patients.
    r2_share : float, default 0.15
        Where r2 is not given: its share of the largest that there can be.

    Returns
    -------
    CohortSupport
        Patients and events, what is supported, and what the model needs.

    Raises
    ------
    InputError
        If the figures make no sense.
    """
    y = check_outcome(y)
    seen = np.isfinite(y["upper"])
    end = np.where(seen, (y["lower"] + np.where(seen, y["upper"], 0.0)) / 2.0, y["lower"])
    at_risk = end - y["entry"]
    informative, events = int((at_risk > 0.0).sum()), int(seen.sum())
    months = float(at_risk.sum())
    need = None
    if events:
        need = sample_size(
            parameters,
            rate=events / months,
            follow_up=months / informative,
            time_point=time_point,
            r2=r2,
            r2_share=r2_share,
        )
    elif parameters < 0:
        raise InputError(f"parameters is {parameters}, but must be a whole number of 0 or more")
    return CohortSupport(len(y), informative, events, months, parameters, need)


def cohort_support(cohort: Cohort, *, cure: bool | Literal["auto"]) -> CohortSupport:
    """Say what a cohort supports of the model that is planned for it.

    Parameters
    ----------
    cohort : Cohort
        The patients, with the covariates that are planned.
    cure : bool or "auto"
        Whether some never resorb; where that is to be chosen, the larger model counts.
    """
    return support_of(cohort.y, parameters_of(columns_of(cohort.plan), cure=cure is not False))


def support_before(cohort: Cohort, *, cure: bool | Literal["auto"]) -> list[str]:
    """Word what a cohort supports, a line each."""
    return cohort_support(cohort, cure=cure).lines(model_of(cohort.plan))


def model_of(plan: Sequence[Planned]) -> str:
    """Name a model by its covariates."""
    *others, last = (each.column.name for each in plan)
    return "the model with " + " and ".join(filter(None, [", ".join(others), last]))


def _shown(shrinkage: float) -> str:
    """Round towards what is worse, lest 0.899 pass for the 0.9 that is wanted."""
    return f"{math.floor(100.0 * shrinkage + 1e-9) / 100.0:g}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
