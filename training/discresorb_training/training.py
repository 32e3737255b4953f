"""Train: select, fit, ask for a second opinion, and make an artifact."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from discresorb.cells import show
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.errors import InputError
from discresorb.predictor import Predictor
from discresorb.schema import MOST_BETWEEN_STUDY_SD
from discresorb.wording import SYNTHETIC
from discresorb_training.beyond import beyond_clock, penalty_effect
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.cohort_support import cohort_support
from discresorb_training.content import artifact_content, save_if_whole
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel
from discresorb_training.information import FOLDS, check_information, warnings_of
from discresorb_training.plan import STANDARD, Planned, planned
from discresorb_training.procedure import Procedure
from discresorb_training.robust import one_share_each
from discresorb_training.second_opinion import ask_lifelines
from discresorb_training.selection import Candidate
from discresorb_training.surgery import WeightedRows, check_surgery_weights, weighted_rows
from discresorb_training.visits import visits_from_frame

__all__ = ["DATA_ORIGINS", "TrainResult", "train", "train_cohort"]

DATA_ORIGINS = (SYNTHETIC, "observed")


@dataclass(frozen=True)
class TrainResult:
    """A trained model and how it came about.

    Parameters
    ----------
    model : ResorptionModel
        The fit.
    predictor : Predictor
        The same model, ready to predict.
    artifact : dict
        What `save` writes.
    tried : sequence of Candidate
        Every model that was compared.
    notes : sequence of str
        What the person who trains must know.
    procedure : Procedure
        All that made the model, so that internal validation can repeat it.
    """

    model: ResorptionModel
    predictor: Predictor
    artifact: dict[str, Any]
    tried: Sequence[Candidate]
    notes: Sequence[str]
    procedure: Procedure

    def summary(self) -> list[str]:
        """Say what was trained and how it was chosen, a line each.

        Returns
        -------
        list of str
            What the command ``train`` prints.
        """
        lines = [f"Note: {notice}." for notice in self.predictor.notices]
        lines += [f"Trained {self.artifact['model_id']}, endpoint: {self.artifact['endpoint']}."]
        lines.append(f"  estimate: {self.artifact['estimand']}")
        lines += [f"  {name}: {value}" for name, value in self.artifact["metrics"].items()]
        if self.artifact["between_study_sd"] is not None:
            spread = self.artifact["between_study_sd"]
            lines.append(f"  spread between studies: {spread:g} on the logit scale, in intervals")
        lines.append(
            f"  penalty: {self.artifact['penalty']:g} on the standardised slopes of the "
            "probability of ever resorbing"
        )
        return lines + [f"Note: {note}." for note in self.notes]

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Save as ``NAME.joblib`` with its JSON twin and hashes.

        Parameters
        ----------
        path : str or Path
            Of ``NAME.joblib``.
        force : bool, default False
            Write over a model that stands there.

        Raises
        ------
        OutputError
            If something stands there already (without force), or nothing can be written there.
        """
        save_if_whole(self.artifact, Path(path), force=force)


def train(
    cohort: Any,
    *,
    endpoint: str,
    data_origin: str,
    covariates: Sequence[str] | None = None,
    may_be_missing: Sequence[str] = (),
    dictionary: Mapping[str, Any] | None = None,
    weights: str | None = None,
    seed: int = 0,
    distribution: str = "auto",
    cure: bool | Literal["auto"] = "auto",
    penalty: float = DEFAULT_PENALTY,
    between_study_sd: float | None = None,
    second_opinion: bool = True,
    surgery_weights: bool = False,
) -> TrainResult:
    """Train a model on a cohort, one row a patient.

    The estimand is P(resorbed by a later date | herniated at the index MRI, covariates as then), if
    surgery does not happen before. Penalised maximum likelihood of interval-censored,
    left-truncated times (`ResorptionModel`); distribution and cure fraction by the cross-validated
    interval log score; lifelines is asked for a second opinion before anything is returned.

    Assumption: MRI dates, and leaving before resorption, do not depend on resorption given the
    covariates; `surgery_weights` relaxes it for surgery.

    Parameters
    ----------
    cohort : pandas.DataFrame or polars.DataFrame
        Training columns; months or dates. With `surgery_weights`, one row an MRI.
    endpoint : str
        What counted as resorbed, in words.
    data_origin : {"synthetic", "observed"}
        Whether the patients are simulated; predictions of a synthetic model say so.
    covariates : sequence of str, optional
        ``NAME`` or ``NAME:FORM``; forms are linear, spline (four knots), spline3 to spline7, flag
        and category. By default size_mm and sequestrated. Nothing is chosen among them.
    may_be_missing : sequence of str, default none
        Covariates that may be missing. Their linear regression on those that may not, and on
        months since onset, stands in for them, here and at prediction.
    dictionary : mapping, optional
        Name → ``label``, ``unit``, ``low``, ``high`` of a covariate.
    weights : str, optional
        Column that says how much each patient counts; the covariance is then a robust one.
    seed : int, default 0
        Of the cross-validation's folds and of the second opinion's rows.
    distribution : {"auto", "loglogistic", "lognormal", "weibull"}
        "auto" chooses among the three by the cross-validated interval log score.
    cure : bool or "auto", default "auto"
        Whether some never resorb; "auto" keeps a cure fraction only if it scores better.
    penalty : float, default 0.1
        Weight of ½ · Σ (standardised slope of logit π)².
    between_study_sd : float, optional
        Spread between studies or centres on the logit scale, known from elsewhere; intervals are
        widened by it.
    second_opinion : bool, default True
        Ask lifelines; leave it out only in simulation studies.
    surgery_weights : bool, default False
        Split patients at their MRIs and weight the rows for surgery that depends on leg pain; see
        `discresorb_training.surgery`. The interval is then a robust one, by patient, with the
        weights taken as known.

    Returns
    -------
    TrainResult
        The model, ready to predict and to save, and how it was chosen.

    Raises
    ------
    InputError
        If settings or cohort do not fit, with all problems.
    TrainingError
        If the cohort does not carry a model; the message says what is missing.
    """
    check_settings(endpoint, data_origin, distribution, cure, penalty, between_study_sd, seed)
    plan: Sequence[Planned] = STANDARD
    if covariates is not None or may_be_missing or dictionary is not None:
        names = [each.column.name for each in STANDARD] if covariates is None else covariates
        plan = planned(names, optional=may_be_missing, dictionary=dictionary)
    if surgery_weights:
        check_surgery_weights(plan, weights)
    visits = visits_from_frame(cohort) if surgery_weights else None
    return train_cohort(
        visits.patients if visits else cohort_from_frame(cohort, plan, weights),
        endpoint=endpoint,
        data_origin=data_origin,
        seed=seed,
        distribution=distribution,
        cure=cure,
        penalty=penalty,
        between_study_sd=between_study_sd,
        second_opinion=second_opinion,
        weighted=weighted_rows(visits) if visits else None,
    )


def train_cohort(
    cohort: Cohort,
    *,
    endpoint: str,
    data_origin: str,
    seed: int = 0,
    distribution: str = "auto",
    cure: bool | Literal["auto"] = "auto",
    penalty: float = DEFAULT_PENALTY,
    between_study_sd: float | None = None,
    second_opinion: bool = True,
    weighted: WeightedRows | None = None,
) -> TrainResult:
    """Train on a cohort that is already read; see `train`.

    Where there are weighted rows of the same patients, they are what is fitted.

    Parameters
    ----------
    cohort : Cohort
        Already read.
    endpoint, data_origin, seed, distribution, cure, penalty, between_study_sd, second_opinion
        As in `train`.
    weighted : WeightedRows, optional
        What is fitted in the patients' place.
    """
    check_settings(endpoint, data_origin, distribution, cure, penalty, between_study_sd, seed)
    check_information(cohort)
    X, y, weights, patient = _rows(cohort, weighted)
    procedure = Procedure(
        plan=cohort.plan,
        distributions=tuple(DISTRIBUTIONS) if distribution == "auto" else (distribution,),
        cures=(False, True) if cure == "auto" else (cure,),
        penalty=penalty,
        folds=FOLDS,
        seed=seed,
        split=weighted is not None,
    )
    warned = warnings_of(cohort)
    try:
        chosen = procedure.run(X, y, weights, patient)
    except TrainingError as error:
        raise TrainingError("; ".join([str(error), *warned])) from None
    model, best, tried = chosen.model, chosen.best, chosen.tried
    columns = chosen.design.matrix(X, y["entry"])[:, 1:]
    opinion = None
    if second_opinion:
        opinion = ask_lifelines(
            columns,
            y,
            model._theta,
            best.distribution,
            cure=best.cure,
            penalty=penalty,
            seed=seed,
            weights=weights,
            scale_weight=None if patient is None else one_share_each(patient),
        )
        if opinion.agrees is False:
            raise TrainingError(
                f"the second opinion disagrees, so nothing was saved: {opinion.why}; please "
                "report this with the data card"
            )
    notes = [
        *warned,
        *_notes(tried, best, cure),
        *(weighted.notes if weighted else ()),
    ]
    about = {
        "sample size (Riley 2019)": cohort_support(cohort, cure=cure).sentence,
        **_filled_in(cohort),
        "months since onset beyond the clock": "not tested: rows are weighted"
        if weights is not None
        else _in_words(beyond_clock(model, columns, y)),
        "effect of the penalty": _in_words(penalty_effect(model, columns, y, weights)),
        **(weighted.about if weighted else {}),
    }
    artifact = artifact_content(
        cohort,
        chosen,
        opinion,
        endpoint=endpoint,
        data_origin=data_origin,
        penalty=penalty,
        between_study_sd=between_study_sd,
        about=about,
    )
    return TrainResult(model, Predictor(artifact), artifact, tried, notes, procedure)


def check_settings(
    endpoint: str,
    data_origin: str,
    distribution: str,
    cure: object,
    penalty: float,
    between_study_sd: float | None,
    seed: int,
) -> None:
    problems = []
    if not isinstance(endpoint, str) or not endpoint.strip():
        problems.append("endpoint is empty; say in words what counted as resorbed")
    elif not endpoint.isprintable():
        problems.append(f"endpoint entered as {endpoint!r}, but must be printable text")
    if data_origin not in DATA_ORIGINS:
        problems.append(
            f"data_origin entered as {show(data_origin)}, but must be one of "
            f"{', '.join(DATA_ORIGINS)}"
        )
    if distribution not in ("auto", *DISTRIBUTIONS):
        problems.append(
            f"distribution entered as {distribution}, but must be auto or one of "
            + ", ".join(DISTRIBUTIONS)
        )
    if cure != "auto" and not isinstance(cure, bool):
        problems.append(f"cure entered as {cure}, but must be auto, True or False")
    if not isinstance(penalty, numbers.Real) or not 0.0 <= penalty < math.inf:
        problems.append(f"penalty entered as {penalty}, but must be a number of 0 or more")
    spread = 0.0 if between_study_sd is None else between_study_sd
    if not isinstance(spread, numbers.Real) or not 0.0 <= spread <= MOST_BETWEEN_STUDY_SD:
        problems.append(
            f"between_study_sd entered as {spread}, but must be a number from 0 to "
            f"{MOST_BETWEEN_STUDY_SD:g}"
        )
    if not isinstance(seed, numbers.Integral) or seed < 0:
        problems.append(f"seed entered as {seed}, but must be a whole number of 0 or more")
    if problems:
        raise InputError(problems)


def _rows(
    cohort: Cohort, weighted: WeightedRows | None
) -> tuple[Array, Array, Array | None, Array | None]:
    """Give covariates, outcome, weights and whose each row is."""
    if weighted is not None:
        return weighted.X, weighted.y, weighted.weights, weighted.patient
    whose = None if cohort.weights is None else np.arange(len(cohort.y))
    return cohort.X, cohort.y, cohort.weights, whose


def _filled_in(cohort: Cohort) -> dict[str, str]:
    """Count, of covariates that may be missing, in how many patients they were."""
    counts = [
        f"{each.column.name} in {int(np.isnan(values).sum())}"
        for each, values in zip(cohort.plan, cohort.X.T, strict=True)
        if each.optional
    ]
    return {"missing and filled in by regression": ", ".join(counts)} if counts else {}


def _in_words(found: Any) -> str:
    return found if isinstance(found, str) else str(found.words)


def _notes(tried: Sequence[Candidate], best: Candidate, cure: bool | str) -> list[str]:
    notes = [f"{each.name} left out: {each.failure}" for each in tried if each.log_score is None]
    if cure == "auto" and not best.cure:
        able = any(each.cure and each.log_score is not None for each in tried)
        notes.append(
            "no fraction that never resorbs is assumed, because it "
            + ("did not predict better" if able else "could not be estimated from these data")
        )
    return notes
