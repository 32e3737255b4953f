"""Several models on the same patients, with paired differences.

**Estimand**: by how much one model does better than another in the population that these patients
are a sample of. Every resample of the patients judges all models, so that what makes patients hard
or easy for all cancels in the difference; who had resorbed where it was not seen is one answer for
all models (`common_status`), as is the model without covariates that IPA compares with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputFileError
from discresorb.predictor import Predictor
from discresorb_training.cohort import Cohort
from discresorb_training.common_status import CommonComponents
from discresorb_training.external import check_fits
from discresorb_training.measure import percentiles
from discresorb_training.performance import Evaluation, Key, linear_predictors
from discresorb_training.resampling import Track, resampled, untracked
from discresorb_training.working import WorkingModel

__all__ = ["Compared", "Judged", "check_all_fit", "compare_models", "interval_of"]


@dataclass(frozen=True)
class Judged:
    """A model, and the patients as it sees them.

    Parameters
    ----------
    name : str
        What the model is called here.
    predictor : Predictor
        The model.
    cohort : Cohort
        The same patients for all models, each with the covariates of its own.
    """

    name: str
    predictor: Predictor
    cohort: Cohort

    def evaluation(self, rows: Array, working: Sequence[WorkingModel]) -> Evaluation:
        """Judge it on some of the patients, with the working models that are common to all."""
        curve, y = self.predictor._curve, self.cohort.y
        return Evaluation(curve, self.design[rows, 1:], y[rows], working=working)

    @cached_property
    def design(self) -> Array:
        """Columns that the model's coefficients multiply, of all patients."""
        return self.predictor.design.matrix(self.cohort.X, self.cohort.y["entry"])

    @property
    def linear_predictors(self) -> Array:
        """Of all patients: of log time and, with a cure fraction, of logit π."""
        return linear_predictors(self.predictor._curve, self.design)


@dataclass(frozen=True)
class Compared:
    """What was found.

    Parameters
    ----------
    keys : sequence of Key
        Metrics and horizons, the order of the last axis.
    estimate : float array, (models, keys)
        On all patients; infinite or nan where there is no such figure.
    drawn : float array, (resamples, models, keys)
        The same on resampled patients.
    evaluations : sequence of Evaluation
        Of every model on all patients.
    components : int
        Covariates of the working models.
    failures : Counter
        Why some resamples gave nothing.
    """

    keys: Sequence[Key]
    estimate: Array
    drawn: Array
    evaluations: Sequence[Evaluation]
    components: int
    failures: Counter[str]


@dataclass(frozen=True)
class _Study:
    models: Sequence[Judged]
    months: Sequence[float]
    components: CommonComponents
    predictors: Array
    near: Sequence[WorkingModel]

    def sample(self, seed: np.random.SeedSequence) -> Array:
        n = len(self.predictors)
        rows = np.random.default_rng(seed).integers(n, size=n)
        y = self.models[0].cohort.y[rows]
        working = self.components.working_models(y, self.predictors[rows], self.near)
        return np.array(
            [
                list(each.evaluation(rows, working).values(self.months).values())
                for each in self.models
            ]
        )


def check_all_fit(models: Sequence[Judged], endpoint: str, name: str) -> None:
    """Refuse patients that any of the models does not speak of; see `check_fits`.

    Parameters
    ----------
    models : sequence of Judged
        The models.
    endpoint : str
        What counted as resorbed in the patients.
    name : str
        Of the patients' file, for messages.

    Raises
    ------
    InputFileError
        With all reasons, each naming the model.
    """
    problems = []
    for each in models:
        try:
            check_fits(each.predictor, each.cohort, endpoint, name)
        except InputFileError as error:
            problems += [f"model {each.name}: {problem}" for problem in error.problems]
    if problems:
        raise InputFileError(problems)


def compare_models(
    models: Sequence[Judged],
    months: Sequence[float],
    *,
    repeats: int,
    seed: int,
    n_jobs: int,
    track: Track = untracked,
) -> Compared:
    """Measure every model on all patients and on the same resamples of them.

    Parameters
    ----------
    models : sequence of Judged
        Two or more.
    months : sequence of float
        Horizons, after the index MRI.
    repeats, seed, n_jobs, track
        As in `validate`.

    Raises
    ------
    TrainingError
        If fewer than half of the resamples can be evaluated.
    """
    y = models[0].cohort.y
    predictors = np.column_stack([each.linear_predictors for each in models])
    components = CommonComponents.of(predictors)
    working = components.working_models(y, predictors)
    study = _Study(models, months, components, predictors, working)
    drawn, failures = resampled(
        study.sample, repeats=repeats, seed=seed, n_jobs=n_jobs, track=track, words="resamples"
    )
    everybody = np.arange(len(y))
    evaluations = [each.evaluation(everybody, working) for each in models]
    values: list[Mapping[Key, float]] = [each.values(months) for each in evaluations]
    return Compared(
        list(values[0]),
        np.array([list(each.values()) for each in values]),
        np.array(drawn),
        evaluations,
        working[0].design.shape[1] - 1,
        failures,
    )


def interval_of(drawn: Array, estimate: Array) -> tuple[Array, Array]:
    """Give the 95 % percentile interval; nan where the estimate itself is no number.

    The upper end is the lower one of what is drawn with its sign turned, so that a difference and
    its opposite have opposite intervals to the last digit.

    Parameters
    ----------
    drawn : float array, (resamples, keys)
        Of every resample.
    estimate : float array, (keys,)
        On all patients.
    """
    found = np.where(np.isfinite(estimate) & np.isfinite(drawn), drawn, np.nan)
    return percentiles(found)[0], -percentiles(-found)[0]
