"""Validation from end to end: which horizons, which subgroups, measuring, and facts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discresorb.errors import InputError
from discresorb.predictor import Predictor
from discresorb_training.answerable import DEFAULT_MONTHS, Answerable, answerable_months
from discresorb_training.by_centre import by_centre
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.drift import drift_facts
from discresorb_training.external import check_fits, notes_on, resample
from discresorb_training.internal import bootstrap
from discresorb_training.measure import Measure
from discresorb_training.performance import Evaluation
from discresorb_training.performance_facts import external_facts, internal_facts
from discresorb_training.plan import plan_of
from discresorb_training.procedure import Procedure
from discresorb_training.resampling import Track, untracked
from discresorb_training.subgroups import subgroups_of

__all__ = [
    "DEFAULT_REPEATS",
    "check_answers",
    "evaluation_of",
    "reference",
    "validate",
    "validate_cohort",
    "validate_internally",
]

DEFAULT_REPEATS = 200
_LEAST_REPEATS, _MOST_REPEATS = 20, 10_000
_REFERENCE = 6.0


def validate(
    predictor: Predictor,
    cohort: Any,
    *,
    endpoint: str,
    months: Sequence[float] = DEFAULT_MONTHS,
    repeats: int = DEFAULT_REPEATS,
    seed: int = 0,
    n_jobs: int = 1,
) -> dict[str, Any]:
    """Judge a model on patients that had no part in making it.

    The estimand of each figure is its value if every resorption time were known; patients whose
    status at a horizon was not seen count by a working model fitted to these data, and bounds say
    what rests on that. Assumption: MRIs come at times that do not depend on the event, given the
    model's predictors.

    Parameters
    ----------
    predictor : Predictor
        The model, from `discresorb.load` or `train`.
    cohort : pandas.DataFrame or polars.DataFrame
        Training columns, one row a patient.
    endpoint : str
        What counted as resorbed; must be the model's.
    months : sequence of float, default (3, 6, 12)
        Horizons, months after the index MRI; those that the data cannot answer are left out with
        the reason.
    repeats : int, default 200
        Resamples of the patients for intervals.
    seed : int, default 0
        The same seed gives the same numbers, whatever n_jobs.
    n_jobs : int, default 1
        Processes, as joblib counts them.

    Returns
    -------
    dict
        Plain data: ``overall`` and ``at`` hold the metrics, ``not_answered`` the reasons.

    Raises
    ------
    InputError
        If settings or cohort do not fit, with all problems.
    TrainingError
        If these data cannot say how good the model is; the message says what is missing.
    """
    return validate_cohort(
        predictor,
        cohort_from_frame(cohort, plan_of(predictor)),
        endpoint=endpoint,
        name="cohort",
        months=months,
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
    )


def validate_cohort(
    predictor: Predictor,
    cohort: Cohort,
    *,
    endpoint: str,
    name: str,
    months: Sequence[float],
    repeats: int,
    seed: int,
    n_jobs: int,
    recorded: Mapping[str, Sequence[str]] | None = None,
    track: Track = untracked,
) -> dict[str, Any]:
    """Judge a model on a cohort that is already read; see `validate`.

    Parameters
    ----------
    recorded : mapping, optional
        Further columns by which to look at subgroups: name → text of each patient.
    track : callable
        Shows progress.
    predictor, endpoint, months, repeats, seed, n_jobs
        As in `validate`.
    cohort : Cohort
        Already read, with the model's covariates.
    name : str
        Of the cohort's file, for messages.
    """
    check_fits(predictor, cohort, endpoint, name)
    answerable = check_answers(cohort, months, repeats=repeats, seed=seed, n_jobs=n_jobs)
    evaluation = evaluation_of(predictor, cohort)
    measure = Measure.of(evaluation, answerable.months, reference(answerable.months))
    sites = {"site_id": cohort.sites} if cohort.sites is not None else {}
    subgroups = subgroups_of(cohort, measure.reference, {**sites, **(recorded or {})})
    found = resample(
        evaluation,
        measure,
        subgroups=subgroups.members,
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
        track=track,
    )
    facts = external_facts(found, evaluation, measure, answerable, subgroups, repeats)
    drift = drift_facts(predictor, cohort, evaluation.design, measure.reference)
    return {**facts, "notes": notes_on(predictor, cohort), "drift": drift}


def validate_internally(
    predictor: Predictor,
    cohort: Cohort,
    procedure: Procedure,
    *,
    months: Sequence[float] = DEFAULT_MONTHS,
    repeats: int = DEFAULT_REPEATS,
    seed: int = 0,
    n_jobs: int = 1,
    track: Track = untracked,
) -> dict[str, Any]:
    """Judge the procedure that made a model on the patients that it was made from.

    Parameters
    ----------
    predictor : Predictor
        The model.
    cohort : Cohort
        The patients.
    procedure : Procedure
        Everything that made it, to be repeated on every bootstrap sample.
    months, repeats, seed, n_jobs, track
        As in `validate_cohort`.

    Returns
    -------
    dict
        Plain data, each metric apparent and corrected for optimism.
    """
    X, y = cohort.X, cohort.y
    answerable = check_answers(cohort, months, repeats=repeats, seed=seed, n_jobs=n_jobs)
    evaluation = evaluation_of(predictor, cohort)
    measure = Measure.of(evaluation, answerable.months, reference(answerable.months))
    subgroups = subgroups_of(cohort, measure.reference)
    found = bootstrap(
        procedure,
        X,
        y,
        measure,
        evaluation,
        subgroups=subgroups.members,
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
        track=track,
    )
    centres = by_centre(
        procedure, X, y, cohort.sites or [], measure.reference, n_jobs=n_jobs, track=track
    )
    return internal_facts(found, evaluation, measure, answerable, subgroups, centres, repeats)


def evaluation_of(predictor: Predictor, cohort: Cohort) -> Evaluation:
    """Set a model's predictions beside what was seen of a cohort that was read for it."""
    columns = predictor.design.matrix(cohort.X, cohort.y["entry"])[:, 1:]
    return Evaluation(predictor._curve, columns, cohort.y)


def reference(months: Sequence[float]) -> float:
    """Choose the horizon of curves and subgroups: six months, or the nearest that is answered."""
    return min(months, key=lambda each: abs(each - _REFERENCE))


def check_answers(
    cohort: Cohort, months: Sequence[float], *, repeats: int, seed: int, n_jobs: int
) -> Answerable:
    """Refuse settings that make no sense, and patients who can answer nothing; give what they can.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    months : sequence of float
        Horizons that are asked for.
    repeats, seed, n_jobs : int
        As in `validate`.

    Returns
    -------
    Answerable
        The horizons that these patients can answer, and why not the others.

    Raises
    ------
    InputError
        If settings make no sense, with all problems.
    TrainingError
        If these patients can answer none of the horizons.
    """
    problems = []
    if not _LEAST_REPEATS <= repeats <= _MOST_REPEATS:
        problems.append(
            f"repeats entered as {repeats}, but must be from {_LEAST_REPEATS} to {_MOST_REPEATS}"
        )
    if seed < 0:
        problems.append(f"seed entered as {seed}, but must be a whole number of 0 or more")
    if n_jobs == 0:
        problems.append("n_jobs entered as 0, but must be a number of processes, or -1 for all")
    if problems:
        raise InputError(problems)
    return answerable_months(cohort.y, months)
