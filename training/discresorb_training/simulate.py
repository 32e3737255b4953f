"""Synthetic cohorts with known truth.

Four herniation types enter the model only through ``size_mm`` and ``sequestrated``. A patient is
drawn as still herniated at the index MRI, resorbs by the law of `process` in the patient's centre,
and is imaged until resorption is seen, surgery, loss, or the end. Growth of a herniation is
ignored. The law's parameters are those that `discresorb calibrate` fitted to published proportions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtri

from discresorb.clock import DAYS_PER_MONTH
from discresorb.columns import MONTHS_SINCE_ONSET, SIZE_MM
from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training.case_mix import SEQUESTRATION, SMALLEST_SIZE, TYPES
from discresorb_training.draws import Draws
from discresorb_training.follow_up import follow
from discresorb_training.process import Process
from discresorb_training.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ENDPOINT", "Simulation", "simulate_cohort", "simulate_visits"]

ENDPOINT = "definite regression of the herniation on MRI"
TRUTH_MONTHS = (3, 6, 12)
TRUTH_COLUMNS = {
    "type": "herniation type; no covariate",
    "severity": "of symptoms, a standard normal score",
    "centre_effect": "added to the logit of having resorbed, the shift included",
    "resorption_months": "months since onset; empty for never",
    "never": "1 if the herniation never resorbs",
    "p_true_3, p_true_6, p_true_12": "true P(resorbed within so many months of the index MRI | "
    "herniated then), averaged over the centres, each counted once",
}
VISIT_COLUMNS = {
    "onset_date": "when the symptoms began",
    "mri_date": "one row an MRI, in order; a patient's first is the index MRI",
    "finding": "herniated or resorbed",
    "size_mm": "as at the index MRI, because growth is ignored; empty once resorbed",
    "sequestrated": "as at the index MRI",
    "leg_pain": "0 to 10, from the severity of symptoms; the same at every MRI",
    "surgery_date": "empty if follow-up did not end with surgery",
    "exit_date, exit_reason": "when and how follow-up ended: resorbed, surgery, lost or end",
}
_LEAST_LEFT = 1e-290  # a smaller share of herniations has no digits left to condition on
MOST_PATIENTS = 10_000_000  # in memory; make more in several files, each with its own seed


def simulate_cohort(
    n: int = 2000, *, seed: int = 0, settings: Settings | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate a cohort and its truth.

    Patients are still herniated at their index MRI; by default the law of resorption is the one
    fitted to published proportions (docs/calibration.md). Not data of any patient.

    Parameters
    ----------
    n : int, default 2000
        Patients.
    seed : int, default 0
        The same seed gives the same bytes.
    settings : Settings, optional
        What the cohort is made of.

    Returns
    -------
    cohort : pandas.DataFrame
        Training columns: patient_id, site_id (with centres), size_mm, sequestrated,
        months_since_onset, last_herniated_months, first_resorbed_months, exit_reason, exit_months.
    truth : pandas.DataFrame
        patient_id, type, severity, centre_effect, resorption_months (empty if never), never, and
        p_true_3, p_true_6, p_true_12: P(resorbed within so many months of the index MRI | herniated
        then), averaged over the centres of the settings, each counted once.

    Raises
    ------
    InputError
        If n or seed make no sense, naming them.
    """
    simulation = Simulation(n, seed=seed, settings=settings)
    return simulation.cohort(), simulation.truth()


def simulate_visits(
    n: int = 2000, *, seed: int = 0, settings: Settings | None = None
) -> pd.DataFrame:
    """Simulate the same patients as `simulate_cohort`, as an export with one row an MRI.

    Parameters
    ----------
    n, seed, settings : int, int, Settings
        As in `simulate_cohort`.

    Returns
    -------
    pandas.DataFrame
        patient_id, site_id (with centres), onset_date, mri_date, finding (herniated or resorbed),
        size_mm (empty once resorbed; otherwise as at the index MRI, because growth is ignored),
        sequestrated, leg_pain (0 to 10, from severity), surgery_date, exit_date, exit_reason. Rows
        of a patient are in order of time, the first is the index MRI.
    """
    return Simulation(n, seed=seed, settings=settings).visits()


@dataclass(frozen=True)
class _Centres:
    """Centre effects, and which patient belongs to which."""

    effects: Array
    of_patient: Array

    @classmethod
    def draw(cls, draws: Draws, settings: Settings) -> _Centres:
        count = max(settings.sites, 1)
        if settings.sites_balanced:
            scores = ndtri((np.argsort(draws.uniform("centres", n=count)) + 0.5) / count)
            scores = scores / (scores.std() or 1.0)
        else:
            scores = draws.normal("centres", n=count)
        spread = settings.site_sd if settings.sites else 0.0
        of_patient = np.minimum((draws.uniform("centre") * count).astype(int), count - 1)
        return cls(settings.shift + spread * scores, of_patient)


class Simulation:
    """Simulated patients, and the tables that can be made of them.

    Parameters
    ----------
    n, seed, settings
        As in `simulate_cohort`.
    """

    def __init__(self, n: int, *, seed: int = 0, settings: Settings | None = None) -> None:
        _check(n, seed)
        settings = Settings() if settings is None else settings
        if not isinstance(settings, Settings):
            raise InputError(f"settings is {settings!r}, but must be a Settings")
        self.settings = settings
        draws = Draws(seed, n)
        self._ids = [f"S{number:0{max(4, len(str(n)))}d}" for number in range(1, n + 1)]
        self._type, self._size = _case_mix(draws, settings)
        self._sequestrated = (self._type == SEQUESTRATION).astype(float)
        self._centres = _Centres.draw(draws, settings)
        self._entry = _entry_days(draws, settings)
        uniform, process = draws.uniform("event"), settings.process()
        patients = self._size, self._sequestrated, self._entry / DAYS_PER_MONTH
        _check_herniated(process, *patients)
        effects = self._centres.effects[self._centres.of_patient]
        self._event = process.draw(uniform, *patients, effects)
        link = settings.severity_resorption
        own = np.sqrt(1.0 - link**2) * draws.normal("severity")
        self._severity = own + link * ndtri(uniform) if link else own
        event_days = self._event * DAYS_PER_MONTH
        self._seen = follow(draws, settings, self._entry, event_days, self._severity)
        self._imaged = np.floor(
            draws.uniform("imaged") * settings.recruitment_months * DAYS_PER_MONTH
        )

    @property
    def centre_effects(self) -> Array:
        """Effect of every centre, (sites,), or of the one that there is."""
        return self._centres.effects

    def cohort(self) -> pd.DataFrame:
        """One row a patient, as training reads it."""
        import pandas as pd

        seen = self._seen
        return pd.DataFrame(
            {
                **self._who(),
                "size_mm": self._size,
                "sequestrated": self._sequestrated.astype(int),
                "months_since_onset": _months(self._entry),
                "last_herniated_months": _months(seen.last_herniated),
                "first_resorbed_months": _months(_known(seen.first_resorbed)),
                "exit_reason": seen.reason,
                "exit_months": _months(seen.exit),
            }
        )

    def truth(self) -> pd.DataFrame:
        """Give what no cohort shows; see `simulate_cohort`."""
        import pandas as pd

        return pd.DataFrame(
            {
                "patient_id": self._ids,
                "type": np.array(TYPES)[self._type],
                "severity": self._severity.round(4),
                "centre_effect": self._centres.effects[self._centres.of_patient].round(6),
                "resorption_months": _known(self._event).round(4),
                "never": np.isinf(self._event).astype(int),
                **{f"p_true_{m}": self.probability(m).round(6) for m in TRUTH_MONTHS},
            }
        )

    def probability(self, months: float) -> Array:
        """P(resorbed within so many months of the index MRI), averaged over the centres."""
        entry = self._entry / DAYS_PER_MONTH
        span = self.settings.process().span(self._size, self._sequestrated, entry, entry + months)
        effects, times = np.unique(self._centres.effects, return_counts=True)
        total = np.zeros(len(entry))
        for effect, count in zip(effects, times, strict=True):
            total += count * span.probability(effect)
        return total / times.sum()

    def visits(self) -> pd.DataFrame:
        """One row an MRI; see `simulate_visits`."""
        import pandas as pd

        days = np.column_stack([self._entry, self._seen.visits])
        patient, visit = np.nonzero(np.isfinite(days))
        day = days[patient, visit]
        onset = (self._imaged - self._entry)[patient]
        resorbed = day >= self._seen.first_resorbed[patient]
        left, reason = self._seen.exit[patient], self._seen.reason[patient]
        pain = np.rint(5.0 + 2.0 * self._severity).clip(0.0, 10.0).astype(int)
        return pd.DataFrame(
            {
                **{name: np.array(values)[patient] for name, values in self._who().items()},
                "onset_date": self._dates(onset),
                "mri_date": self._dates(onset + day),
                "finding": np.where(resorbed, "resorbed", "herniated"),
                "size_mm": np.where(resorbed, np.nan, self._size[patient]),
                "sequestrated": self._sequestrated[patient].astype(int),
                "leg_pain": pain[patient],
                "surgery_date": np.where(reason == "surgery", self._dates(onset + left), ""),
                "exit_date": self._dates(onset + left),
                "exit_reason": reason,
            }
        )

    def _who(self) -> dict[str, object]:
        who: dict[str, object] = {"patient_id": self._ids}
        if self.settings.sites:
            width = max(2, len(str(self.settings.sites)))
            names = np.array([f"C{k + 1:0{width}d}" for k in range(self.settings.sites)])
            who["site_id"] = names[self._centres.of_patient]
        return who

    def _dates(self, days: Array) -> Array:
        first = np.datetime64(self.settings.first_imaging_date, "D")
        return np.datetime_as_string(first + days.astype("timedelta64[D]"))


def _check_herniated(process: Process, size: Array, sequestrated: Array, entry: Array) -> None:
    """Refuse a law under which somebody cannot be herniated at the index MRI."""
    left = process.span(size, sequestrated, entry, entry).left_at_entry
    worst = int(np.argmin(left))
    if not left[worst] > _LEAST_LEFT:
        raise InputError(
            "latency, scale and ever leave no chance that a herniation is still there at the index "
            f"MRI, as in a patient of {size[worst]:g} mm {entry[worst]:.2f} months after onset"
        )


def _check(n: object, seed: object) -> None:
    problems = []
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= MOST_PATIENTS:
        problems.append(f"n is {n}, but must be a whole number from 1 to {MOST_PATIENTS}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        problems.append(f"seed is {seed}, but must be a whole number of 0 or more")
    if problems:
        raise InputError(problems)


def _case_mix(draws: Draws, settings: Settings) -> tuple[Array, Array]:
    shares = np.cumsum(settings.type_shares)[:-1]
    kind = np.searchsorted(shares, draws.uniform("type"), side="right")
    mean, sd = np.array(settings.size_mean)[kind], np.array(settings.size_sd)[kind]
    size = np.round(mean + sd * draws.normal("size"), 1)
    return kind, size.clip(SMALLEST_SIZE, SIZE_MM.high)


def _entry_days(draws: Draws, settings: Settings) -> Array:
    """Days from onset to the index MRI, at least one."""
    months = gammaincinv(settings.entry_shape, draws.uniform("entry"))
    months = months * settings.entry_mean / settings.entry_shape
    last = np.floor(MONTHS_SINCE_ONSET.high * DAYS_PER_MONTH)
    days: Array = np.rint(months * DAYS_PER_MONTH).clip(1.0, last)
    return days


def _months(days: Array) -> Array:
    months: Array = np.round(days / DAYS_PER_MONTH, 2)
    return months


def _known(times: Array) -> Array:
    return np.where(np.isfinite(times), times, np.nan)
