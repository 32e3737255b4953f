"""Comparing models from end to end: checks, measuring, and facts of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from discresorb.errors import InputError
from discresorb.predictor import Predictor
from discresorb_training.answerable import DEFAULT_MONTHS
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.comparison_facts import comparison_facts
from discresorb_training.paired import Judged, check_all_fit, compare_models
from discresorb_training.plan import plan_of
from discresorb_training.resampling import Track, untracked
from discresorb_training.validation import DEFAULT_REPEATS, check_answers, reference

__all__ = ["compare", "compare_cohort", "distinct_names"]


def compare(
    predictors: Sequence[Predictor] | Mapping[str, Predictor],
    cohort: Any,
    *,
    endpoint: str,
    months: Sequence[float] = DEFAULT_MONTHS,
    repeats: int = DEFAULT_REPEATS,
    seed: int = 0,
    n_jobs: int = 1,
) -> dict[str, Any]:
    """Judge several models on the same patients, who had no part in making any of them.

    The estimand of a difference is by how much a model does better than the first in the population
    that these patients are a sample of, if every resorption time were known. Patients whose status
    at a horizon was not seen count by one working model, common to all; the log score and the
    C-index need none. Differences are paired: every resample judges all models. Adding a model adds
    its linear predictors to the working model, and so may move figures of the others that need one.

    Parameters
    ----------
    predictors : sequence or mapping of Predictor
        Two or more models; the others are compared with the first. A mapping names them; else they
        go by their ids.
    cohort : pandas.DataFrame or polars.DataFrame
        Training columns, one row a patient.
    endpoint : str
        What counted as resorbed; must be that of every model.
    months : sequence of float, default (3, 6, 12)
        Horizons, months after the index MRI.
    repeats, seed, n_jobs : int
        As in `validate`.

    Returns
    -------
    dict
        Plain data: ``models`` hold the metrics of each, ``differences`` those less the first's.

    Raises
    ------
    InputError
        If settings, models or cohort do not fit, with all problems.
    TrainingError
        If these data cannot say how good the models are; the message says what is missing.
    """
    if isinstance(predictors, Mapping):
        named = dict(predictors)
    else:
        names = distinct_names([each.model_id for each in predictors])
        named = dict(zip(names, predictors, strict=True))
    models = [
        Judged(name, each, cohort_from_frame(cohort, plan_of(each))) for name, each in named.items()
    ]
    return compare_cohort(
        models,
        endpoint=endpoint,
        name="cohort",
        months=months,
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
    )


def compare_cohort(
    models: Sequence[Judged],
    *,
    endpoint: str,
    name: str,
    months: Sequence[float],
    repeats: int,
    seed: int,
    n_jobs: int,
    track: Track = untracked,
) -> dict[str, Any]:
    """Compare models on a cohort that is already read for each of them; see `compare`.

    Parameters
    ----------
    models : sequence of Judged
        Names, models, patients.
    name : str
        Of the cohort's file, for messages.
    track : callable
        Shows progress.
    endpoint, months, repeats, seed, n_jobs
        As in `compare`.
    """
    if len(models) < 2:
        raise InputError(f"{len(models)} models are named; a comparison needs two or more")
    check_all_fit(models, endpoint, name)
    answerable = check_answers(models[0].cohort, months, repeats=repeats, seed=seed, n_jobs=n_jobs)
    found = compare_models(
        models, answerable.months, repeats=repeats, seed=seed, n_jobs=n_jobs, track=track
    )
    return comparison_facts(found, models, answerable, reference(answerable.months), repeats)


def distinct_names(names: Sequence[str]) -> list[str]:
    """Tell names that come again apart by a number: m, m (2)."""
    times = Counter[str]()
    found = []
    for name in names:
        times[name] += 1
        found.append(name if times[name] == 1 else f"{name} ({times[name]})")
    return found
