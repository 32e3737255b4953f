"""The thin wrapper around a saved model: load once, predict as often as you like."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from discresorb.advice import (
    DEFAULT_THRESHOLD,
    check_threshold,
    reason_bits,
    reason_sentences,
)
from discresorb.cells import is_empty, show
from discresorb.columns import (
    IMAGING_DATE,
    MONTHS_SINCE_ONSET,
    MONTHS_TO_SURGERY,
    ONSET_DATE,
    SCORING_COLUMNS,
    SEQUESTRATED,
    SIZE_MM,
    SURGERY_DATE,
    Column,
)
from discresorb.curve import CureCurve
from discresorb.design import Design
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.errors import ArtifactError, InputError, Problem
from discresorb.prediction import CurvePoints, Prediction
from discresorb.rows import Patient, read_patient
from discresorb.support import Support
from discresorb.wording import (
    ESTIMAND,
    SYNTHETIC,
    SYNTHETIC_NOTICE,
    TOO_FAR,
    filled_in,
    interval_label,
)

if TYPE_CHECKING:
    from pathlib import Path

    Frame = TypeVar("Frame")

__all__ = ["Predictor", "load"]

_COVARIATES = (SIZE_MM, SEQUESTRATED)  # read by the models that have them, refused by others


class Predictor:
    """A trained model, ready to predict. Immutable, thread-safe, picklable.

    Parameters
    ----------
    artifact : mapping
        As `discresorb.artifact.load_artifact` gives it; `load` does both.

    Attributes
    ----------
    columns : tuple of Column
        The model's covariates: name, unit, range, meaning.
    design : Design
        What covariates are turned into before coefficients multiply them.
    notices : tuple of str
        What must be said beside every prediction: of a model of synthetic data, that it is one.
    interval_label : str
        What the 95 % interval covers.
    """

    columns: tuple[Column, ...]
    design: Design
    notices: tuple[str, ...]
    interval_label: str
    _artifact: dict[str, Any]
    _curve: CureCurve
    _support: Support
    _accepted: frozenset[str]
    _default_reasons: list[tuple[str, ...]]

    def __init__(self, artifact: Mapping[str, Any]) -> None:
        set_once = object.__setattr__
        artifact = copy.deepcopy(dict(artifact))
        for value in artifact.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        set_once(self, "_artifact", artifact)
        design = Design.from_artifact(artifact)
        set_once(self, "design", design)
        set_once(self, "columns", tuple(covariate.column for covariate in design.covariates))
        set_once(self, "_curve", _curve(artifact))
        set_once(self, "_support", Support.from_artifact(artifact, self.columns))
        notices = (SYNTHETIC_NOTICE,) if artifact["data_origin"] == SYNTHETIC else ()
        set_once(self, "notices", notices)
        set_once(self, "interval_label", interval_label(artifact["between_study_sd"]))
        known = (*self.columns, *(each for each in SCORING_COLUMNS if each not in _COVARIATES))
        set_once(self, "_accepted", frozenset(column.name for column in known))
        set_once(self, "_default_reasons", reason_sentences(DEFAULT_THRESHOLD))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Predictor is immutable; {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Predictor is immutable; {name} cannot be deleted")

    def __reduce__(self) -> tuple[type[Predictor], tuple[Mapping[str, Any]]]:
        """Pickle as the artifact that it wraps."""
        return type(self), (self._artifact,)

    def __repr__(self) -> str:
        names = ", ".join(column.name for column in self.columns)
        return f"<Predictor {self.model_id} of {names}; data: {self.artifact['data_origin']}>"

    @property
    def artifact(self) -> Mapping[str, Any]:
        """What the model file holds, read-only."""
        return MappingProxyType(self._artifact)

    @property
    def model_id(self) -> str:
        """The model's id, derived from its content."""
        return str(self.artifact["model_id"])

    @property
    def endpoint(self) -> str:
        """What counts as resorbed."""
        return str(self.artifact["endpoint"])

    @property
    def estimand(self) -> str:
        """What the probability is a probability of."""
        return ESTIMAND

    def predict(self, *, threshold: float = DEFAULT_THRESHOLD, **cells: object) -> Prediction:
        """P(resorbed on MRI by the surgery date | herniated at the index MRI), one patient.

        The probability holds if surgery does not happen before that date:
        p = π [F(horizon) - F(entry)] / [1 - π F(entry)], with F the distribution of resorption
        times of those who ever resorb and π the probability of ever resorbing; the interval is the
        delta method on logit p (`discresorb.curve` has the formulas and their source).

        Parameters
        ----------
        threshold : float, default 0.20
            Probability from which on imaging again is advised.
        **cells
            The model's covariates (``size_mm``, ``sequestrated``), and ``onset_date``,
            ``imaging_date``, ``surgery_date`` (ISO text, date or datetime64) or
            ``months_since_onset`` (at the index MRI) and ``months_to_surgery``; optionally
            ``symptoms_changed`` and ``patient_id``. Text is read as in a CSV.

        Returns
        -------
        Prediction
            Probability, interval, reasons to image again, warnings.

        Raises
        ------
        InputError
            With every problem in words.

        Examples
        --------
        >>> prediction = load().predict(
        ...     size_mm=11, sequestrated=True, months_since_onset=0.5, months_to_surgery=6.2
        ... )
        >>> prediction.low < prediction.probability < prediction.high
        True
        """
        patient = self._read(cells)
        if threshold == DEFAULT_THRESHOLD:
            reasons = self._default_reasons
        else:
            reasons = reason_sentences(check_threshold(threshold))
        entry, horizon = patient.entry, patient.entry + patient.wait
        missing = self._missing(patient.covariates) if self.design.optional else []
        probability, low, high = self._curve.interval(
            self._row(patient), entry, horizon, wait=patient.wait
        )
        if low + high != low + high:  # nan
            raise self._no_probability(patient.covariates, entry, horizon)
        bits = reason_bits(float(probability), patient.wait, patient.changed, threshold)
        surgery_day = patient.surgery_day
        return Prediction(
            float(probability),
            float(low),
            float(high),
            entry,
            horizon,
            reasons[bits],
            (
                *self.notices,
                *([filled_in(missing)] if missing else []),
                *self._support.warnings(patient.covariates, entry, horizon),
            ),
            self.model_id,
            self.endpoint,
            self.interval_label,
            None if math.isnan(surgery_day) else surgery_day,
            len(missing),
        )

    def score(self, frame: Frame, *, threshold: float = DEFAULT_THRESHOLD) -> Frame:
        """Score every row of a pandas or polars frame; the same kind comes back.

        Rows, their order, the index and all columns stay; the output columns are added. A row
        that cannot be scored keeps its place, with its problems in words.

        Parameters
        ----------
        frame : pandas.DataFrame or polars.DataFrame
            Columns as in the scoring CSV; typed or text.
        threshold : float, default 0.20
            Probability from which on imaging again is advised.

        Returns
        -------
        pandas.DataFrame or polars.DataFrame
            As many rows, in the same order.

        Raises
        ------
        InputFileError
            If needed columns are missing or output columns are already there.
        """
        from discresorb.frames import score_frame

        scored: Frame = score_frame(self, frame, threshold=threshold)
        return scored

    def curve(self, *, months: Sequence[float] | Array, **cells: object) -> CurvePoints:
        """P(resorbed on MRI within so many months of the index MRI), one patient.

        The probability holds if surgery does not happen before then.

        Parameters
        ----------
        months : array of float
            After the index MRI, 0 or more.
        **cells
            As `Predictor.predict` takes them; the surgery date is not needed.

        Returns
        -------
        CurvePoints
            Probability and interval at each month; 0 at month 0, and never falling.

        Raises
        ------
        InputError
            With every problem in words.
        """
        try:
            months = np.asarray(months, dtype=float)
        except (TypeError, ValueError):
            raise InputError("months must be numbers of 0 or more") from None
        if not np.all((months >= 0.0) & (months < np.inf)):
            raise InputError("months must be numbers of 0 or more")
        patient = self._at_imaging(cells)
        entry = patient.entry
        probability, low, high = self._curve.interval(
            self._row(patient), entry, entry + months, wait=months
        )
        if np.isnan(low + high).any():
            raise self._no_probability(patient.covariates, entry, entry)
        return CurvePoints(months, probability, low, high)

    def row(self, **cells: object) -> Array:
        """Give what coefficients multiply, of one patient: a one, then the design's columns.

        Parameters
        ----------
        **cells
            As `Predictor.curve` takes them.

        Returns
        -------
        float array, (1 + columns,)
            In the order of the artifact's ``location``.

        Raises
        ------
        InputError
            With every problem in words.
        """
        return self._row(self._at_imaging(cells))

    def _at_imaging(self, cells: Mapping[str, object]) -> Patient:
        """Read a patient for whom no surgery date is needed: as if it were on the day."""
        surgery = (SURGERY_DATE.name, MONTHS_TO_SURGERY.name)
        known = {
            name: cell for name, cell in cells.items() if name not in surgery and not is_empty(cell)
        }
        if IMAGING_DATE.name in known:
            known[SURGERY_DATE.name] = known[IMAGING_DATE.name]
        elif MONTHS_SINCE_ONSET.name not in known:
            raise InputError(
                f"{ONSET_DATE.name} and {IMAGING_DATE.name}, or {MONTHS_SINCE_ONSET.name}, are "
                "missing"
            )
        if MONTHS_SINCE_ONSET.name in known:
            known[MONTHS_TO_SURGERY.name] = 0.0
        return self._read(known)

    def _read(self, cells: Mapping[str, object]) -> Patient:
        unknown = [name for name in cells if name not in self._accepted]
        patient, problems = read_patient(self.columns, cells, self.design.optional)
        if unknown or problems:
            names = [*map(self._unknown, unknown)]
            raise InputError(
                [*names, *(each.rule for each in problems)],
                [*names, *(each.words for each in problems)],
            )
        return patient

    def _no_probability(
        self, covariates: Sequence[float], entry: float, horizon: float
    ) -> InputError:
        problem = self.too_far(covariates, entry, horizon)
        return InputError(problem.rule, [problem.words])

    def too_far(self, covariates: Sequence[float], entry: float, horizon: float) -> Problem:
        """Say of one patient why no probability comes of values that each are allowed.

        Parameters
        ----------
        covariates : sequence of float
            In the model's order.
        entry, horizon : float
            Months since onset.

        Returns
        -------
        Problem
            Which values lie outside what the model was trained on.
        """
        outside = "; ".join(self._support.warnings(covariates, entry, horizon))
        return Problem(
            "values too far to compute with", TOO_FAR, f"{TOO_FAR}: {outside}" if outside else ""
        )

    def _missing(self, covariates: Sequence[float]) -> list[str]:
        """Name the covariates that are filled in; others were refused."""
        return [
            column.name
            for column, value in zip(self.columns, covariates, strict=True)
            if math.isnan(value)
        ]

    def _row(self, patient: Patient) -> Array:
        """Give the columns that coefficients multiply, of one patient."""
        if not self.design.curved:
            return np.array([1.0, *patient.covariates])
        values = [np.array([value]) for value in patient.covariates]
        columns = self.design.columns(values, np.array([patient.entry]))
        return np.array([1.0, *(column[0] for column in columns)])

    def _probe(self) -> None:
        """Raise ValueError unless a typical patient of each type gets a probability."""
        for group in self._artifact["support"]["groups"]:
            middle = {name: sum(ends) / 2.0 for name, ends in group["ranges"].items()}
            by = self._artifact["support"]["by"]
            covariates = [
                middle.get(column.name, group["level"] if column.name == by else 0.0)
                for column in self.columns
            ]
            entry = middle[MONTHS_SINCE_ONSET.name]
            patient = Patient(covariates, entry, 6.0, math.nan, math.nan)
            found = self._curve.interval(self._row(patient), entry, entry + 6.0)
            if not np.all((np.array(found) >= 0.0) & (np.array(found) <= 1.0)):
                raise ValueError("it gives no probability for a typical patient")

    def _unknown(self, name: str) -> str:
        import difflib

        names = sorted(self._accepted)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else "allowed: " + ", ".join(names)
        return f"{name} is not an input of this model; {hint}"


def load(path: str | Path | None = None) -> Predictor:
    """Load a model, by default the one shipped with discresorb.

    Parameters
    ----------
    path : str or Path, optional
        Of ``NAME.joblib``, with ``NAME.sha256`` beside it, or ``shipped``. If not given: the
        environment variable DISCRESORB_MODEL, then the shipped model.

    Returns
    -------
    Predictor
        Ready to predict; files of former formats load as well.

    Raises
    ------
    ArtifactError
        If the file is missing, altered, unsafe or of an unknown format.

    Warns
    -----
    ModelNotKeptWarning
        If other users of this machine may write the model, its hash or their folder.

    Notes
    -----
    The file's SHA-256 must stand in ``NAME.sha256``. Its bytes are unpickled through an allow-list
    of three names that can do nothing, so that no code of a file is run.
    """
    # here, so that importing discresorb needs neither hashes nor JSON
    from discresorb.artifact import load_artifact, model_path

    path = model_path(path)
    artifact = load_artifact(path)
    try:
        predictor = Predictor(artifact)
        predictor._probe()
        return predictor
    except ArtifactError:
        raise
    except Exception as error:  # whatever a damaged model leads to
        raise ArtifactError(
            f"{path} is not a whole model: {type(error).__name__}: {error}"
        ) from error


def _curve(artifact: Mapping[str, Any]) -> CureCurve:
    if artifact["distribution"] not in DISTRIBUTIONS:
        raise ArtifactError(
            f"distribution {show(artifact['distribution'])} is unknown to this version of "
            "discresorb; known: " + ", ".join(DISTRIBUTIONS)
        )
    return CureCurve(
        DISTRIBUTIONS[artifact["distribution"]],
        artifact["location"],
        artifact["log_scale"],
        artifact["cure_coefficients"],
        artifact["covariance"],
        artifact["cure_columns"],
        artifact["between_study_sd"],
    )
