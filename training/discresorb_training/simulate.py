"""Synthetic cohorts with known truth.

Four herniation types enter the model only through ``size_mm`` and ``sequestrated``. A patient is
drawn as still herniated at the index MRI, ever resorbs with probability π, and is imaged at
planned visits with jitter and misses until resorption is seen, surgery, loss, or the end. Growth
of a herniation is ignored. The parameters of this first version are working assumptions of the
size that published rates suggest; they have not been fitted to them.
"""

from __future__ import annotations

import dataclasses
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, SIZE_MM
from discresorb.curve import CureCurve, expit
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ENDPOINT", "Settings", "simulate_cohort"]

ENDPOINT = "definite regression of the herniation on MRI"
TYPES = ("bulge", "protrusion", "extrusion", "sequestration")
TRUTH_MONTHS = (3, 6, 12)
MOST_PATIENTS = 100_000_000
_LARGEST = 1000.0


@dataclass(frozen=True)
class Settings:
    """What a simulated cohort is made of.

    Parameters
    ----------
    type_shares : tuple of float
        Of bulges, protrusions, extrusions and sequestrations.
    size_mean, size_sd : tuple of float
        Size by type, in mm.
    entry_mean, entry_shape : float
        Months from onset to the index MRI: gamma-distributed.
    distribution : str
        Of the resorption times of those who ever resorb.
    latency : tuple of float
        Intercept, slope of size_mm and of sequestrated on log months.
    scale : float
        σ of log months.
    ever : tuple of float
        Intercept, slope of size_mm and of sequestrated on the logit of ever resorbing.
    visit_months : tuple of float
        Planned MRIs, months after the index MRI.
    visit_jitter : float
        Largest deviation of a visit from its plan, in months (triangular).
    visit_missed : float
        Probability that a planned visit does not happen.
    surgery_by_year, lost_by_year : float
        Probability of surgery, and of loss to follow-up, by 12 months after the index MRI, in
        those for whom nothing else ends follow-up.
    """

    type_shares: tuple[float, ...] = (0.08, 0.27, 0.42, 0.23)
    size_mean: tuple[float, ...] = (3.5, 5.0, 8.0, 9.0)
    size_sd: tuple[float, ...] = (0.8, 1.2, 2.2, 2.5)
    entry_mean: float = 2.4
    entry_shape: float = 2.0
    distribution: str = "loglogistic"
    latency: tuple[float, float, float] = (1.6, -0.01, -0.3)
    scale: float = 0.45
    ever: tuple[float, float, float] = (-3.1, 0.54, 2.4)
    visit_months: tuple[float, ...] = (3.0, 6.0, 12.0, 24.0)
    visit_jitter: float = 1.0
    visit_missed: float = 0.1
    surgery_by_year: float = 0.39
    lost_by_year: float = 0.10

    def __post_init__(self) -> None:
        problems = self._shape_problems() or [*self._value_problems(), *self._visit_problems()]
        if problems:
            raise InputError(problems)

    def _shape_problems(self) -> list[str]:
        lengths = dict.fromkeys(("type_shares", "size_mean", "size_sd"), len(TYPES))
        lengths |= {"latency": 3, "ever": 3}
        problems = []
        for name, value in self.to_dict().items():
            if name == "distribution":
                continue
            try:
                values = np.array(value, dtype=float)
            except (TypeError, ValueError):
                problems.append(f"{name} is {value!r}, but must hold numbers only")
                continue
            if isinstance(getattr(Settings, name), tuple) != (values.ndim == 1):
                problems.append(f"{name} is {value!r}, which is not of the right shape")
            elif values.size != lengths.get(name, max(values.size, 1)):
                wanted = lengths.get(name, "at least 1")
                problems.append(f"{name} has {values.size} values, but must have {wanted}")
            elif not np.isfinite(values).all() or np.abs(values).max() > _LARGEST:
                problems.append(f"{name} is {value}, but must be finite and within ±{_LARGEST:g}")
        return problems

    def _value_problems(self) -> list[str]:
        problems = []
        if self.distribution not in list(DISTRIBUTIONS):
            problems.append(f"distribution must be one of {', '.join(DISTRIBUTIONS)}")
        if min(self.type_shares) < 0.0 or abs(sum(self.type_shares) - 1.0) > 1e-9:
            problems.append(
                f"type_shares are {self.type_shares}, but must be 0 or more and add up to 1"
            )
        for name in ("visit_missed", "surgery_by_year", "lost_by_year"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                problems.append(f"{name} is {value:g}, but must be at least 0 and below 1")
        for name in ("entry_mean", "entry_shape", "scale"):
            if not getattr(self, name) > 0.0:
                problems.append(f"{name} is {getattr(self, name):g}, but must be above 0")
        if min(self.size_sd) < 0.0:
            problems.append(f"size_sd is {self.size_sd}, but must be 0 or more")
        return problems

    def _visit_problems(self) -> list[str]:
        if self.visit_jitter < 0.0:
            return [f"visit_jitter is {self.visit_jitter:g}, but must be 0 or more"]
        if np.diff([0.0, *self.visit_months]).min() <= 2.0 * self.visit_jitter:
            return [
                f"visit_months {self.visit_months} with a visit_jitter of {self.visit_jitter:g} "
                "would let visits change order or precede the index MRI"
            ]
        return []

    def curve(self) -> CureCurve:
        """Give the true model."""
        return CureCurve(
            DISTRIBUTIONS[self.distribution],
            np.array(self.latency),
            float(np.log(self.scale)),
            np.array(self.ever),
            np.zeros((7, 7)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as plain values, for a data card."""
        return dataclasses.asdict(self)


def simulate_cohort(
    n: int = 2000, *, seed: int = 0, settings: Settings | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate a cohort and its truth.

    Parameters
    ----------
    n : int
        Patients.
    seed : int
        The same seed gives the same bytes.
    settings : Settings, optional
        What the cohort is made of.

    Returns
    -------
    cohort : pandas.DataFrame
        Training columns: patient_id, size_mm, sequestrated, months_since_onset,
        last_herniated_months, first_resorbed_months, exit_reason, exit_months.
    truth : pandas.DataFrame
        patient_id, resorption_months (empty if never), never, and p_true_3, p_true_6, p_true_12:
        P(resorbed within so many months of the index MRI | herniated then).

    Raises
    ------
    InputError
        If n, seed or settings make no sense, naming them.
    """
    import pandas as pd

    problems = []
    if not isinstance(n, numbers.Integral) or not 1 <= n <= MOST_PATIENTS:
        problems.append(f"n is {n}, but must be a whole number from 1 to {MOST_PATIENTS}")
    if not isinstance(seed, numbers.Integral) or seed < 0:
        problems.append(f"seed is {seed}, but must be a whole number of 0 or more")
    if problems:
        raise InputError(problems)
    settings = settings or Settings()
    rng = np.random.default_rng(seed)
    size, sequestrated = _case_mix(rng, n, settings)
    entry = np.round(rng.gamma(settings.entry_shape, settings.entry_mean / settings.entry_shape, n)
                     + 0.005, 2).clip(0.01, MONTHS_SINCE_ONSET.high)  # fmt: skip
    design = np.column_stack([np.ones(n), size, sequestrated])
    event = _event_times(rng, design, entry, settings)
    follow_up = _follow_up(rng, entry, event, settings)

    ids = [f"S{number:0{max(4, len(str(n)))}d}" for number in range(1, n + 1)]
    cohort = pd.DataFrame(
        {
            "patient_id": ids,
            "size_mm": size,
            "sequestrated": sequestrated.astype(int),
            "months_since_onset": entry,
            **follow_up,
        }
    )
    curve = settings.curve()
    truth = pd.DataFrame(
        {
            "patient_id": ids,
            "resorption_months": np.where(np.isfinite(event), event.round(4), np.nan),
            "never": (~np.isfinite(event)).astype(int),
            **{
                f"p_true_{m}": curve.probability(design, entry, entry + m).round(6)
                for m in TRUTH_MONTHS
            },
        }
    )
    return cohort, truth


def _case_mix(rng: np.random.Generator, n: int, settings: Settings) -> tuple[Array, Array]:
    kind = np.searchsorted(np.cumsum(settings.type_shares)[:-1], rng.random(n), side="right")
    mean, sd = np.array(settings.size_mean)[kind], np.array(settings.size_sd)[kind]
    size = np.round(rng.normal(mean, sd), 1).clip(1.0, SIZE_MM.high)
    return size, (kind == TYPES.index("sequestration")).astype(float)


def _event_times(
    rng: np.random.Generator, design: Array, entry: Array, settings: Settings
) -> Array:
    """Draw resorption times given that there is none by entry; infinite for never.

    The time at which G(t) = π F(t) reaches a uniform draw between G(entry) and 1; never, if that
    lies beyond π.
    """
    distribution = DISTRIBUTIONS[settings.distribution]
    location = design @ np.array(settings.latency)
    ever = expit(design @ np.array(settings.ever))
    by_entry = ever * np.exp(distribution.log_cdf((np.log(entry) - location) / settings.scale))
    reached = by_entry + rng.random(len(entry)) * (1.0 - by_entry)
    resorbs = reached < ever
    share = np.where(resorbs, reached / ever, 0.5)
    times = np.exp(location + settings.scale * distribution.quantile(share))
    return np.where(resorbs, np.maximum(times, entry), np.inf)


def _follow_up(
    rng: np.random.Generator, entry: Array, event: Array, settings: Settings
) -> dict[str, Array]:
    n, planned = len(entry), np.array(settings.visit_months)
    jitter = settings.visit_jitter * (rng.random((n, len(planned))) - rng.random((n, len(planned))))
    visits = np.round(entry[:, None] + planned + jitter, 2)
    end = np.round(entry + planned[-1] + settings.visit_jitter, 2)
    surgery = _exit_time(rng, entry, settings.surgery_by_year)
    lost = _exit_time(rng, entry, settings.lost_by_year)
    leaves = np.minimum(np.minimum(surgery, lost), end)
    happens = (rng.random(visits.shape) >= settings.visit_missed) & (visits <= leaves[:, None])

    resorbed = happens & (visits >= event[:, None])
    herniated = happens & (visits < event[:, None])
    first_resorbed = np.where(resorbed, visits, np.inf).min(axis=1)
    last_herniated = np.maximum(np.where(herniated, visits, 0.0).max(axis=1), entry)
    seen = np.isfinite(first_resorbed)
    reason = np.select(
        [seen, leaves == surgery, leaves == lost], ["resorbed", "surgery", "lost"], "end"
    )
    return {
        "last_herniated_months": last_herniated,
        "first_resorbed_months": np.where(seen, first_resorbed, np.nan),
        "exit_reason": reason,
        "exit_months": np.where(seen, first_resorbed, leaves),
    }


def _exit_time(rng: np.random.Generator, entry: Array, by_year: float) -> Array:
    """Exponential time with the given probability of coming within 12 months."""
    draws = rng.exponential(size=len(entry))
    if by_year == 0.0:
        return np.full(len(entry), np.inf)
    return np.round(entry + draws * 12.0 / -np.log1p(-by_year), 2)
