"""External validation: a finished model on patients that had no part in making it.

**Estimand**: how the model does in the population that these patients are a sample of. Intervals
are percentiles over resampled patients, working models fitted anew each time; centres stay as they
are, so that they speak of further patients of these centres.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET
from discresorb.distributions import Array
from discresorb.errors import InputFileError
from discresorb.predictor import Predictor
from discresorb_training.cohort import Cohort
from discresorb_training.lineage import made_from
from discresorb_training.measure import Measure, percentiles
from discresorb_training.performance import Evaluation, Key
from discresorb_training.resampling import Track, resampled, untracked

__all__ = ["External", "check_fits", "notes_on", "resample"]

_MOST_OUTSIDE = 0.5  # of the patients; more are another population, or in another unit
_NOTED_OUTSIDE = 0.1


@dataclass(frozen=True)
class External:
    """What evaluation and resampling found.

    Parameters
    ----------
    keys : sequence of Key
        Order of the arrays.
    estimate, low, high : float array, (keys,)
        Value on all patients, and its 95 % interval.
    failures : Counter
        Why some resamples gave nothing.
    """

    keys: Sequence[Key]
    estimate: Array
    low: Array
    high: Array
    failures: Counter[str]


@dataclass(frozen=True)
class _Resampling:
    evaluation: Evaluation
    measure: Measure
    subgroups: Mapping[str, Array]

    def sample(self, seed: np.random.SeedSequence) -> Mapping[Key, float]:
        count = len(self.evaluation.y)
        rows = np.random.default_rng(seed).integers(count, size=count)
        drawn = self.evaluation.resampled(rows)
        return self.measure(drawn, {name: each[rows] for name, each in self.subgroups.items()})


def resample(
    evaluation: Evaluation,
    measure: Measure,
    *,
    subgroups: Mapping[str, Array] | None = None,
    repeats: int = 200,
    seed: int = 0,
    n_jobs: int = 1,
    track: Track = untracked,
) -> External:
    """Measure, and find intervals by resampling patients.

    Parameters
    ----------
    evaluation : Evaluation
        Of the model on all patients.
    measure : Measure
        What to measure.
    subgroups : mapping, optional
        Name → which patients belong to it.
    repeats : int
        Resamples.
    seed : int
        The same seed gives the same numbers, whatever n_jobs.
    n_jobs : int
        Processes, as joblib counts them.
    track : callable
        Shows progress.

    Raises
    ------
    TrainingError
        If fewer than half of the resamples can be evaluated.
    """
    study = _Resampling(evaluation, measure, subgroups or {})
    good, failures = resampled(
        study.sample, repeats=repeats, seed=seed, n_jobs=n_jobs, track=track, words="resamples"
    )
    values = measure(evaluation, study.subgroups)
    keys = list(values)
    low, high = percentiles(np.array([[each[key] for key in keys] for each in good]))
    return External(keys, np.array([values[key] for key in keys]), low, high, failures)


def check_fits(predictor: Predictor, cohort: Cohort, endpoint: str, name: str) -> None:
    """Refuse a cohort that the model does not speak of.

    Parameters
    ----------
    predictor : Predictor
        The model.
    cohort : Cohort
        The patients.
    endpoint : str
        What counted as resorbed in them.
    name : str
        Of the cohort's file, for messages.

    Raises
    ------
    InputFileError
        With all reasons: another endpoint, other covariates, values that suggest other units.
    """
    problems = []
    if _plain(endpoint) != _plain(predictor.endpoint):
        problems.append(
            f"{name}: resorbed means '{endpoint}' in these data, but '{predictor.endpoint}' in the "
            "model; predictions of one are not judged by the other. If both are the same, give "
            "--endpoint in the model's words"
        )
    here, there = (
        [column.name for column in columns] for columns in (cohort.covariates, predictor.columns)
    )
    if here != there:
        problems.append(f"{name} gives {', '.join(here)}, but the model needs {', '.join(there)}")
    else:
        problems += _other_units(predictor, cohort, name)
    source = made_from(predictor, cohort)
    if source == predictor.model_id and predictor.artifact["parent_model"]:
        problems.append(
            f"{name} holds the very patients that the model was updated with, who say too much "
            "good of it; update says by cross-validation what it gained"
        )
    elif source == predictor.model_id:
        problems.append(
            f"{name} holds the very patients that the model was trained on, who say too much good "
            "of it; train --report validates on them honestly"
        )
    elif source is not None:
        problems.append(
            f"{name} holds the very patients that {source} was made from, of which the model is an "
            "update; they say too much good of it"
        )
    if problems:
        raise InputFileError(problems)


def notes_on(predictor: Predictor, cohort: Cohort) -> list[str]:
    """Word what a reader must know of patients who are partly unlike those of the training."""
    return [
        f"{name} of {100 * outside:.0f} % of the patients lies outside the central ranges of the "
        f"training data ({low:.3g} to {high:.3g} {unit})"
        for name, unit, _, low, high, outside in _ranges(predictor, cohort)
        if outside > _NOTED_OUTSIDE
    ]


def _ranges(
    predictor: Predictor, cohort: Cohort
) -> Iterator[tuple[str, str, Array, float, float, float]]:
    """Give each number's name, unit, values, training range and share of values outside it."""
    numbers = {
        column.name: (column.unit, values)
        for column, values in zip(cohort.covariates, cohort.X.T, strict=True)
        if column.kind == "number"
    }
    numbers[MONTHS_SINCE_ONSET.name] = (MONTHS_SINCE_ONSET.unit, cohort.y["entry"])
    groups = predictor.artifact["support"]["groups"]
    for name, (unit, values) in numbers.items():
        low = min(group["ranges"][name][0] for group in groups)
        high = max(group["ranges"][name][1] for group in groups)
        yield name, unit, values, low, high, float(((values < low) | (values > high)).mean())


def _other_units(predictor: Predictor, cohort: Cohort, name: str) -> list[str]:
    """Word each number of which most values lie outside all that the model was trained on."""
    return [
        f"{name}: {number} of {100 * outside:.0f} % of the patients lies outside what the model "
        f"was trained on ({low:.3g} to {high:.3g} {unit}); their median is "
        f"{np.median(values):.3g}. Are they in {unit}? If so, this model says nothing of such "
        "patients"
        for number, unit, values, low, high, outside in _ranges(predictor, cohort)
        if outside > _MOST_OUTSIDE
    ]


def _plain(words: str) -> str:
    return " ".join(words.casefold().split()).rstrip(".")
