"""What a model says of one patient, with all that must be said beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from discresorb.advice import advice_sentence
from discresorb.distributions import Array
from discresorb.wording import frequency_sentence

__all__ = ["CurvePoints", "Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One patient's estimate, with all that must be said beside it.

    Parameters
    ----------
    probability, low, high : float
        P(resorbed on MRI by the surgery date | still herniated at the index MRI), if surgery does
        not happen before that date, and its 95 % interval.
    months_at_imaging, months_at_surgery : float
        Months since onset; one month is 30.4375 days.
    reasons : tuple of str
        To image again; empty if none applies.
    warnings : tuple of str
        What to keep in mind about this estimate.
    model_id, endpoint, interval_label : str
        Of the model.
    surgery_day : float or None
        Day number of the surgery date, if one was given.
    n_imputed : int
        Covariates that were missing and were filled in by regression.
    """

    probability: float
    low: float
    high: float
    months_at_imaging: float
    months_at_surgery: float
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    model_id: str
    endpoint: str
    interval_label: str
    surgery_day: float | None = None
    n_imputed: int = 0

    @property
    def reimage(self) -> bool:
        """Whether any reason to image again applies."""
        return bool(self.reasons)

    @property
    def advice(self) -> str:
        """The advice in words, for a clinician to weigh."""
        return advice_sentence(self.reasons)

    @property
    def sentence(self) -> str:
        """The estimate in natural frequencies."""
        wait = self.months_at_surgery - self.months_at_imaging
        return frequency_sentence(self.probability, self.low, self.high, wait, self.surgery_day)

    def to_dict(self) -> dict[str, Any]:
        """Give the estimate under the names of the output columns.

        Returns
        -------
        dict
            Numbers and texts as a scored CSV holds them; ``problems`` is empty, because a patient
            with problems has no `Prediction`.
        """
        return {
            "p_resorbed": self.probability,
            "p_low": self.low,
            "p_high": self.high,
            "months_at_imaging": self.months_at_imaging,
            "months_at_surgery": self.months_at_surgery,
            "n_imputed": self.n_imputed,
            "reimage": self.reimage,
            "reimage_reason": "; ".join(self.reasons),
            "warnings": "; ".join(self.warnings),
            "problems": "",
            "model_id": self.model_id,
        }

    def __str__(self) -> str:
        notes = [f"Note: {warning}." for warning in self.warnings]
        endpoint = f"Resorption here means: {self.endpoint}. {self.interval_label}."
        return "\n".join([*notes, self.sentence, self.advice, endpoint])


@dataclass(frozen=True)
class CurvePoints:
    """P(resorbed on MRI by each month after the index MRI), with its 95 % interval.

    Each holds if surgery does not happen before that month, and given that the herniation was still
    there at the index MRI.

    Parameters
    ----------
    months : float array, (n,)
        After the index MRI.
    probability, low, high : float array, (n,)
        One value a month.
    """

    months: Array
    probability: Array
    low: Array
    high: Array
