"""How many patients a prediction model needs, and how many parameters given patients support.

Riley et al. 2019 (Statistics in Medicine 38:1276, doi:10.1002/sim.7992), for times to an event.
With p parameters, R² the Cox-Snell R² that the model is expected to have on new patients, and φ the
events per patient, n must suffice for all of three criteria:

(i)   expected shrinkage S of at least 0.9:          n = p / [(S − 1)·ln(1 − R²/S)]
(ii)  optimism in Nagelkerke's R² of at most 0.05:   the same with S = R² / (R² + 0.05·max R²)
(iii) the overall risk at a time point t within 0.05: 1.96 standard errors √(λ / person-time) of a
      constant event rate λ on either side move 1 − exp(−λt) by no more than that

The largest R² that a model can have is 1 − exp(2·ln L₀/n), with L₀ the likelihood of a constant
rate. Time is counted in mean follow-ups there, so that its unit does not matter (Riley et al. 2020,
BMJ 368:m441): ln L₀/n = φ·(ln φ − 1). Where nothing is known of R², 15 % of the largest is the
advice.

What is counted are slopes: those of log time and those of logit π. Intercepts and the scale are
left out, as in the paper: they carry the overall risk, which criterion (iii) is for, and shrinking
the slopes does not touch them. A penalty on the slopes of logit π makes them count for less than
one each, so counting them whole errs on the safe side.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, Final

from discresorb.errors import InputError

__all__ = [
    "CRITERIA",
    "LEAST_SHRINKAGE",
    "R2_SHARE",
    "SampleSize",
    "expected_shrinkage",
    "highest_r2",
    "needed_patients",
    "parameters_supported",
    "patients_for_risk",
    "patients_for_shrinkage",
    "sample_size",
    "shrinkage_for_optimism",
]

LEAST_SHRINKAGE: Final = 0.9
R2_SHARE: Final = 0.15
CRITERIA: Final = "Criteria: Riley et al. 2019, doi:10.1002/sim.7992"
_OPTIMISM: Final = 0.05
_MARGIN: Final = 0.05
_NORMAL: Final = 1.96  # as printed in the paper
_ROUNDING: Final = 1e-9
_MOST_PATIENTS: Final = 1e12


def highest_r2(event_share: float) -> float:
    """Give the largest Cox-Snell R² that a model can have.

    Parameters
    ----------
    event_share : float
        Events per patient, 0 to 1.
    """
    if event_share <= 0.0:
        return 0.0
    return -math.expm1(2.0 * event_share * (math.log(event_share) - 1.0))


def patients_for_shrinkage(parameters: int, r2: float, shrinkage: float = LEAST_SHRINKAGE) -> int:
    """Give the patients from which on the expected shrinkage is at least so much.

    Parameters
    ----------
    parameters : int
        Slopes of the model.
    r2 : float
        Cox-Snell R², above 0 and below shrinkage.
    shrinkage : float
        Below 1.
    """
    carried = _per_patient(r2, shrinkage)
    return _whole(parameters / carried if carried else math.inf)


def _per_patient(r2: float, shrinkage: float) -> float:
    """Give the parameters that each patient carries."""
    return (shrinkage - 1.0) * math.log1p(-r2 / shrinkage)


def shrinkage_for_optimism(r2: float, highest: float) -> float:
    """Give the shrinkage at which Nagelkerke's R² is 0.05 too high in the training patients."""
    return r2 / (r2 + _OPTIMISM * highest)


def patients_for_risk(rate: float, follow_up: float, time_point: float) -> int:
    """Give the patients from which on the overall risk at a time point is known within 0.05.

    Parameters
    ----------
    rate : float
        Events per unit of time.
    follow_up, time_point : float
        Mean follow-up, and when the risk is wanted, in the same unit.
    """
    left = math.exp(-rate * time_point)
    # both ends of the interval for the rate; where no rate could move the risk by the margin, none
    below = rate * time_point + math.log(left + _MARGIN) if 1.0 - left > _MARGIN else math.inf
    above = -math.log1p(-_MARGIN / left) if left > _MARGIN else math.inf
    allowed = min(below, above) / (_NORMAL * time_point)
    return _whole(rate / follow_up / allowed / allowed)


def expected_shrinkage(patients: float, parameters: int, r2: float) -> float:
    """Give the shrinkage to expect, by inverting criterion (i).

    Parameters
    ----------
    patients, parameters : int
        Of the cohort and of the model.
    r2 : float
        Cox-Snell R² on new patients, above 0.
    """
    from scipy.optimize import brentq

    if not parameters:
        return 1.0
    lowest, highest = r2 * (1.0 + 1e-12), 1.0
    wanted = parameters / patients if patients else math.inf
    if wanted >= _per_patient(r2, lowest):
        return r2
    return float(brentq(lambda s: _per_patient(r2, s) - wanted, lowest, highest))


def parameters_supported(patients: float, r2: float, highest: float) -> int:
    """Give the most parameters for which so many patients meet criteria (i) and (ii)."""
    strictest = max(LEAST_SHRINKAGE, shrinkage_for_optimism(r2, highest))
    return math.floor(patients * _per_patient(r2, strictest) + _ROUNDING)


def needed_patients(parameters: int, event_share: float, r2: float | None = None) -> int | None:
    """Give the patients that criteria (i) and (ii) ask for.

    Parameters
    ----------
    parameters : int
        Slopes of the model.
    event_share : float
        Events per patient.
    r2 : float, optional
        Cox-Snell R²; default: 15 % of the largest.

    Returns
    -------
    int or None
        None if there are no events, so that no number suffices.
    """
    highest = highest_r2(event_share)
    if not highest:
        return None
    r2 = R2_SHARE * highest if r2 is None else r2
    optimism = shrinkage_for_optimism(r2, highest)
    return max(patients_for_shrinkage(parameters, r2, s) for s in (LEAST_SHRINKAGE, optimism))


@dataclass(frozen=True)
class SampleSize:
    """What a model needs.

    Parameters
    ----------
    parameters : int
        Slopes of the model.
    rate, follow_up, time_point : float
        Events per unit of time, mean follow-up, and when the risk is wanted.
    r2, highest_r2 : float
        Cox-Snell R² expected, and the largest that there can be.
    for_shrinkage, for_optimism, for_risk : int
        Patients that each criterion asks for.
    """

    parameters: int
    rate: float
    follow_up: float
    time_point: float
    r2: float
    highest_r2: float
    for_shrinkage: int
    for_optimism: int
    for_risk: int

    @property
    def patients(self) -> int:
        """That all criteria together ask for."""
        return max(self.for_shrinkage, self.for_optimism, self.for_risk)

    @property
    def events(self) -> float:
        """To expect among so many patients."""
        return self.patients * self.rate * self.follow_up

    @property
    def events_per_parameter(self) -> float | None:
        """None for a model without slopes."""
        return self.events / self.parameters if self.parameters else None

    def criteria(self, unit: str = "") -> list[tuple[str, int]]:
        """Name the criteria and the patients that each asks for.

        Parameters
        ----------
        unit : str, default none
            Of times, written behind a number.

        Returns
        -------
        list of (str, int)
            Words and patients.
        """
        return [
            (f"shrinkage of the slopes at least {LEAST_SHRINKAGE:g}", self.for_shrinkage),
            (f"Nagelkerke's R² too high by at most {_OPTIMISM:g}", self.for_optimism),
            (f"overall risk at {self.time_point:g}{unit} within {_MARGIN:g}", self.for_risk),
        ]

    def anticipated(self) -> str:
        """Say on which R² the answer rests.

        Returns
        -------
        str
            A sentence without its full stop.
        """
        share = self.r2 / self.highest_r2
        return (
            f"Expected of the model: a Cox-Snell R² of {self.r2:.3g}, {100.0 * share:.0f} % of the "
            f"largest ({self.highest_r2:.3g})"
        )

    def lines(self) -> list[str]:
        """Say what is needed, and by which criterion.

        Returns
        -------
        list of str
            What the command ``sample-size`` prints of figures.
        """
        each = self.events_per_parameter
        words = "" if each is None else f", {each:.2f} events per parameter"
        noun = "parameter" if self.parameters == 1 else "parameters"
        lines = [
            f"A model with {self.parameters} {noun} needs {self.patients} patients: "
            f"{self.events:.0f} events{words}."
        ]
        width = max(len(name) for name, _ in self.criteria())
        digits = len(str(self.patients))
        lines += [f"  {name:<{width}}  {n:>{digits}} patients" for name, n in self.criteria()]
        return [*lines, f"{self.anticipated()}.", f"{CRITERIA}."]

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data.

        Returns
        -------
        dict
            Numbers only, and None where there is none.
        """
        return {
            "parameters": self.parameters,
            "patients_needed": self.patients,
            "events_needed": self.events,
            "events_per_parameter": self.events_per_parameter,
            "patients_for_shrinkage": self.for_shrinkage,
            "patients_for_optimism": self.for_optimism,
            "patients_for_overall_risk": self.for_risk,
            "rate": self.rate,
            "follow_up": self.follow_up,
            "time_point": self.time_point,
            "r2": self.r2,
            "highest_r2": self.highest_r2,
        }


def sample_size(
    parameters: int,
    *,
    rate: float,
    follow_up: float,
    time_point: float,
    r2: float | None = None,
    r2_share: float = R2_SHARE,
) -> SampleSize:
    """Give what a model needs, from figures that are expected.

    Parameters
    ----------
    parameters : int
        Slopes of the model.
    rate : float
        Events per unit of time at risk, over all patients.
    follow_up : float
        Mean, in the same unit.
    time_point : float
        When the overall risk is wanted, in the same unit.
    r2 : float, optional
        Cox-Snell R² expected on new patients.
    r2_share : float
        Where r2 is not given: its share of the largest that there can be.

    Raises
    ------
    InputError
        If the figures make no sense, with all problems.
    """
    _check(parameters, rate, follow_up, time_point, r2_share)
    event_share = rate * follow_up
    highest = highest_r2(event_share)
    r2 = r2_share * highest if r2 is None else r2
    if not isinstance(r2, numbers.Real) or not 0.0 < r2 <= highest:
        raise InputError(
            f"r2 is {r2}, but must be above 0 (no number of patients suffices for what explains "
            f"nothing) and at most {highest:.3g}, the largest Cox-Snell R² with {event_share:.3g} "
            "events per patient"
        )
    optimism = shrinkage_for_optimism(r2, highest)
    return SampleSize(
        parameters=parameters,
        rate=rate,
        follow_up=follow_up,
        time_point=time_point,
        r2=r2,
        highest_r2=highest,
        for_shrinkage=patients_for_shrinkage(parameters, r2),
        for_optimism=patients_for_shrinkage(parameters, r2, optimism),
        for_risk=patients_for_risk(rate, follow_up, time_point),
    )


def _check(
    parameters: object, rate: float, follow_up: float, time_point: float, r2_share: float
) -> None:
    problems = []
    if not isinstance(parameters, numbers.Integral) or parameters < 0:
        problems.append(f"parameters is {parameters}, but must be a whole number of 0 or more")
    figures = {"rate": rate, "follow_up": follow_up, "time_point": time_point}
    wrong = {
        name: value
        for name, value in figures.items()
        if not isinstance(value, numbers.Real) or not 0.0 < value < math.inf
    }
    problems += [f"{name} is {value}, but must be above 0" for name, value in wrong.items()]
    if not wrong and rate * follow_up > 1.0 + _ROUNDING:
        problems.append(
            f"rate times follow_up is {rate * follow_up:.3g} events per patient, but nobody "
            "resorbs twice: it must be at most 1"
        )
    if not isinstance(r2_share, numbers.Real) or not 0.0 < r2_share <= 1.0:
        problems.append(f"r2_share is {r2_share}, but must be above 0 and at most 1")
    if problems:
        raise InputError(problems)


def _whole(patients: float) -> int:
    if not patients < _MOST_PATIENTS:
        raise InputError(
            f"these figures ask for {_MOST_PATIENTS:.0e} patients or more; see whether R², rate "
            "and mean follow-up are what was meant"
        )
    return math.ceil(patients - _ROUNDING)
