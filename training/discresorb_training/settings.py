"""What a simulated cohort is made of: one class of settings, each with its range and meaning."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, SIZE_MM
from discresorb.distributions import DISTRIBUTIONS
from discresorb.errors import InputError
from discresorb_training.case_mix import (
    ENTRY_MEAN,
    ENTRY_SHAPE,
    SIZE_MEAN,
    SIZE_SD,
    TYPE_SHARES,
    TYPES,
)
from discresorb_training.parameters import calibrated
from discresorb_training.process import Process

__all__ = ["VISIT_PLANS", "Settings", "about"]

VISIT_PLANS = ("protocol", "symptoms")
_LARGEST = 1000.0
_LONGEST = 240.0  # months of follow-up, so that every time fits the columns' ranges


@dataclass(frozen=True)
class _Limits:
    """What a number of a setting may be; `above` and `below` are not allowed themselves."""

    low: float = -_LARGEST
    high: float = _LARGEST
    above: float = -np.inf
    below: float = np.inf

    def admits(self, value: float) -> bool:
        return self.low <= value <= self.high and self.above < value < self.below

    @property
    def words(self) -> str:
        low = f"above {self.above:g}" if self.above > -np.inf else f"at least {self.low:g}"
        return f"{low} and " + (
            f"below {self.below:g}" if self.below < np.inf else f"at most {self.high:g}"
        )


_PROBABILITY = _Limits(0.0, 0.999)
_POSITIVE = _Limits(above=0.0)


def _setting(
    default: Any,
    meaning: str,
    limits: _Limits | None = None,
    *,
    length: int | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Make a field; `default` may be a function, called when a cohort is set up."""
    about = {"meaning": meaning, "limits": limits, "length": length, "choices": tuple(choices)}
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=about)
    return dataclasses.field(default=default, metadata=about)


def _calibrated(name: str) -> Callable[[], Any]:
    return lambda: getattr(calibrated(), name)


@dataclass(frozen=True)
class Settings:
    """What a simulated cohort is made of.

    Patients are still herniated at their index MRI. Growth of a herniation, and shrinkage short of
    resorption, are ignored.

    @parameters

    Raises
    ------
    InputError
        If settings make no sense, with all problems, each naming its setting.
    """

    type_shares: tuple[float, ...] = _setting(
        TYPE_SHARES,
        "shares of bulges, protrusions, extrusions and sequestrations",
        _Limits(0.0, 1.0),
        length=len(TYPES),
    )
    size_mean: tuple[float, ...] = _setting(
        SIZE_MEAN, "mean size by type, mm", _Limits(SIZE_MM.low, SIZE_MM.high), length=len(TYPES)
    )
    size_sd: tuple[float, ...] = _setting(
        SIZE_SD, "SD of size by type, mm", _Limits(0.0), length=len(TYPES)
    )
    entry_mean: float = _setting(
        ENTRY_MEAN,
        "mean months from onset to the index MRI (gamma-distributed)",
        _Limits(above=0.0, high=MONTHS_SINCE_ONSET.high),
    )
    entry_shape: float = _setting(ENTRY_SHAPE, "shape of that gamma distribution", _POSITIVE)

    distribution: str = _setting(
        _calibrated("distribution"),
        "of the resorption times of those who ever resorb",
        choices=tuple(DISTRIBUTIONS),
    )
    latency: tuple[float, ...] = _setting(
        _calibrated("latency"),
        "intercept, slope of size_mm and of sequestrated on log months to resorption",
        _Limits(-50.0, 50.0),
        length=3,
    )
    scale: float = _setting(
        _calibrated("scale"), "scale (σ) of log months to resorption", _POSITIVE
    )
    ever: tuple[float, ...] = _setting(
        _calibrated("ever"),
        "intercept, slope of size_mm and of sequestrated on the logit of ever resorbing",
        _Limits(-50.0, 50.0),
        length=3,
    )

    shift: float = _setting(
        0.0,
        "added to the logit of having resorbed in every patient; below 0 they resorb less",
        _Limits(-10.0, 10.0),
    )
    sites: int = _setting(
        0, "number of centres; 0: no site_id and no centre effect", _Limits(0, 1000)
    )
    site_sd: float = _setting(
        _calibrated("site_sd"),
        "SD of centre effects on the logit of having resorbed",
        _Limits(0.0, 5.0),
    )
    sites_balanced: bool = _setting(
        False,
        "centre effects are not drawn at random, but evenly spaced normal quantiles with mean and "
        "SD exactly as set, in random order",
    )

    severity_resorption: float = _setting(
        0.0,
        "correlation of symptom severity with late resorption or none",
        _Limits(above=-1.0, below=1.0),
    )

    visits: str = _setting(
        "protocol", "MRIs by protocol, or driven by symptoms", choices=VISIT_PLANS
    )
    visit_months: tuple[float, ...] = _setting(
        (3.0, 6.0, 12.0, 24.0),
        "protocol: planned MRIs, months after the index MRI",
        _Limits(high=_LONGEST),
    )
    visit_jitter: float = _setting(
        1.0, "protocol: largest deviation from the plan, months (triangular)", _Limits(0.0)
    )
    visit_missed: float = _setting(
        0.1, "protocol: probability that a planned MRI does not happen", _PROBABILITY
    )
    visit_gap: float = _setting(
        4.0,
        "symptoms: mean months between MRIs of a patient of mean severity (at least a week)",
        _Limits(0.25, _LONGEST),
    )
    visit_severity: float = _setting(
        0.5, "symptoms: log rate ratio of MRIs for an SD of severity", _Limits(-2.0, 2.0)
    )
    visit_triggered: float = _setting(
        0.3,
        "symptoms: probability that resorption itself, by a change of symptoms, leads to an MRI "
        "(after half a month on average)",
        _Limits(0.0, 1.0),
    )
    follow_up: float = _setting(
        25.0, "months after the index MRI at which the study ends", _Limits(above=0, high=_LONGEST)
    )

    surgery_by_year: float = _setting(
        0.39,
        "probability of surgery within 12 months of the index MRI, if nothing else ends follow-up "
        "(0.39: conservative arm of Peul 2007)",
        _PROBABILITY,
    )
    surgery_shape: float = _setting(
        0.67,
        "Weibull shape of the time to surgery (0.67: mean of 18.7 weeks among those operated on "
        "within a year, Peul 2007)",
        _Limits(0.1, 10.0),
    )
    surgery_severity: float = _setting(
        0.0, "log hazard ratio of surgery for an SD of severity", _Limits(-3.0, 3.0)
    )
    lost_by_year: float = _setting(
        0.10,
        "probability of loss to follow-up within 12 months, if nothing else ends follow-up",
        _PROBABILITY,
    )

    first_imaging_date: str = _setting(
        "2022-01-03", "day of the first index MRI, in the export of visits"
    )
    recruitment_months: float = _setting(
        24.0, "index MRIs spread evenly over so many months", _Limits(0.0)
    )

    def __post_init__(self) -> None:
        problems = [
            problem for field in dataclasses.fields(self) for problem in self._problems(field)
        ]
        problems = problems or self._joint_problems()
        if problems:
            raise InputError(problems)
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name)))

    def process(self) -> Process:
        """Give the law of resorption in a typical centre.

        Returns
        -------
        Process
            True probabilities and times.
        """
        return Process(self.distribution, self.latency, self.scale, self.ever)

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as plain values, for a data card.

        Returns
        -------
        dict
            By name.
        """
        return dataclasses.asdict(self)

    def _problems(self, field: dataclasses.Field[Any]) -> list[str]:
        name, value, limits = field.name, getattr(self, field.name), field.metadata["limits"]
        if field.type == "str":
            return _text_problems(name, value, field.metadata["choices"])
        if field.type == "bool":
            return (
                []
                if isinstance(value, bool | np.bool_)
                else [f"{name} is {value!r}, but must be a bool"]
            )
        try:
            values = np.asarray(value)
        except ValueError:  # a ragged sequence
            return [f"{name} is {value!r}, which is not of the right shape"]
        if field.type == "int" and values.dtype.kind not in "iu":
            return [f"{name} is {value!r}, but must be a whole number"]
        if values.dtype.kind not in "iuf":
            return [f"{name} is {value!r}, but must hold numbers only"]
        if field.type.startswith("tuple") != (values.ndim == 1):
            return [f"{name} is {value!r}, which is not of the right shape"]
        length = field.metadata["length"]
        if values.size != (length or max(values.size, 1)):
            return [f"{name} has {values.size} values, but must have {length or 'at least 1'}"]
        if not all(limits.admits(each) for each in values.flat):
            each = " each" if values.ndim else ""
            return [f"{name} is {value}, but must{each} be {limits.words}"]
        return []

    def _joint_problems(self) -> list[str]:
        problems = []
        if abs(sum(self.type_shares) - 1.0) > 1e-9:
            problems.append(f"type_shares are {self.type_shares}, but must add up to 1")
        return problems + (self._protocol_problems() if self.visits == "protocol" else [])

    def _protocol_problems(self) -> list[str]:
        problems = []
        planned, jitter = np.array([0.0, *self.visit_months]), self.visit_jitter
        if np.diff(planned).min() < 2.0 * jitter + 0.1:
            problems.append(
                f"visit_months {self.visit_months} with a visit_jitter of {jitter:g} would let "
                "visits change order, fall on one day or precede the index MRI and onset"
            )
        if planned[-1] + jitter > self.follow_up:
            problems.append(
                f"follow_up is {self.follow_up:g}, but the last of visit_months may come at "
                f"{planned[-1] + jitter:g}"
            )
        return problems


def _plain(value: Any) -> Any:
    """Give lists and arrays as tuples, and numpy's scalars as Python's, for JSON and hashing."""
    if isinstance(value, str):
        return value
    plain = np.asarray(value).tolist()
    return tuple(plain) if isinstance(plain, list) else plain


def _text_problems(name: str, value: object, choices: Sequence[str]) -> list[str]:
    if not isinstance(value, str):
        return [f"{name} is {value!r}, but must be text"]
    if choices:
        allowed = f"one of {', '.join(choices)}"
        return [] if value in choices else [f"{name} is {value!r}, but must be {allowed}"]
    try:
        date = datetime.date.fromisoformat(value)
    except ValueError:
        date = None
    if date is None or str(date) != value or not 1900 <= date.year <= 2100:
        return [f"{name} is {value!r}, but must be a date written YYYY-MM-DD, from 1900 to 2100"]
    return []


def _parameters_section() -> str:
    """Document every setting from its field: meaning, what it may be, default."""
    lines = ["    Parameters", "    ----------"]
    for field in dataclasses.fields(Settings):
        lines += [f"    {field.name} : {field.type}", f"        {about(field)}"]
    return "\n".join(lines)


def about(field: dataclasses.Field[Any]) -> str:
    """Say what a setting means, what it may be, and its default."""
    meaning, limits = field.metadata["meaning"], field.metadata["limits"]
    choices, default = field.metadata["choices"], "from the calibration to published evidence"
    allowed = f"; one of {', '.join(choices)}" if choices else f"; {limits.words}" if limits else ""
    if field.default is not dataclasses.MISSING:
        shown = field.default
        default = ",".join(f"{each:g}" for each in shown) if isinstance(shown, tuple) else shown
    return f"{meaning[0].upper()}{meaning[1:]}{allowed}. Default: {default}."


if Settings.__doc__:  # none under python -OO
    Settings.__doc__ = Settings.__doc__.replace("    @parameters", _parameters_section())
