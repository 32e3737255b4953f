"""A model as a nomogram: a chart from which probabilities are read with a pencil, not a computer.

>>> from discresorb import load
>>> from discresorb.nomogram import make_nomogram
>>> chart = make_nomogram(load(), months=[6, 12])
>>> sorted(chart.read(size_mm=11, sequestrated=True))
[6.0, 12.0]
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.cells import show
from discresorb.columns import MONTHS_SINCE_ONSET, MONTHS_TO_SURGERY
from discresorb.distributions import Array
from discresorb.errors import InputError, Problem
from discresorb.nomogram_charts import Marks, OneTotal, TwoTotals, added, input_marks
from discresorb.nomogram_one import one_total
from discresorb.nomogram_two import two_totals
from discresorb.predictor import Predictor
from discresorb.rows import read_patient
from discresorb.training_patients import (
    level_names,
    median_entry,
    ranges_by_type,
    similar_patients,
    training_range,
    typical_patient,
)

__all__ = [
    "DEFAULT_MONTHS",
    "Accuracy",
    "Nomogram",
    "accuracy_sentence",
    "make_nomogram",
    "notes",
    "ranges_sentences",
    "wrong_entry",
    "wrong_months",
]

DEFAULT_MONTHS = (3.0, 6.0, 12.0, 24.0)
MOST_MONTHS = 5
LARGEST_MEAN_ERROR = 0.01
_FITTED, _CHECKED = 2_000, 2_000
_SEED_FITTED, _SEED_CHECKED = 1, 2
# a chart of one total is taken if it is this good, since it is the easiest to read
_GOOD_MEAN, _GOOD_MOST = 0.005, 0.05
_MOST_STRATA = 4
_PENCIL = 1.0  # points beyond an axis that still are its end
_ROUGHNESS, _LOOSEST = (1e-2, 1e-5, 1e-7), 1e-8  # from nearly even marks to what fits best


@dataclass(frozen=True)
class Accuracy:
    """How far readings are from the model, over patients like those in training.

    Parameters
    ----------
    patients : int
        How many were read.
    mean : float array
        Mean absolute difference of probabilities, by month.
    most : float array
        Largest, by month.
    whole : float array
        Mean by month where each input's points are read to whole ones only.
    """

    patients: int
    mean: Array
    most: Array
    whole: Array

    @property
    def is_good(self) -> bool:
        """Whether the mean difference is below 0.01 in every month."""
        return bool(np.max(self.mean) < LARGEST_MEAN_ERROR)


@dataclass(frozen=True)
class Nomogram:
    """A nomogram as numbers.

    Parameters
    ----------
    predictor : Predictor
        The model.
    months : tuple of float
        After the index MRI.
    entry : float
        Months since onset at the index MRI.
    chart : OneTotal or TwoTotals
        What is drawn.
    accuracy : Accuracy
        Measured.
    """

    predictor: Predictor
    months: tuple[float, ...]
    entry: float
    chart: OneTotal | TwoTotals
    accuracy: Accuracy

    def read(self, **cells: object) -> dict[float, float]:
        """Read one patient's probability by each month, as a person does: between drawn marks.

        Parameters
        ----------
        **cells
            The model's covariates.

        Returns
        -------
        dict
            Probability by month after the index MRI.

        Raises
        ------
        InputError
            With every problem in words; also for a value or a total that no axis reaches.
        """
        known = {
            **cells,
            MONTHS_SINCE_ONSET.name: self.entry,
            MONTHS_TO_SURGERY.name: self.months[-1],
        }
        names = [column.name for column in self.predictor.columns]
        wrong = [
            f"{name} is not read off this nomogram; its inputs are {', '.join(names)}"
            for name in cells
            if name not in names
        ]
        patient, problems = read_patient(
            self.predictor.columns, known, self.predictor.design.optional
        )
        if not (wrong or problems):
            problems = self._beyond(patient.covariates)
        if wrong or problems:
            raise InputError(
                [*wrong, *(each.rule for each in problems)],
                [*wrong, *(each.words for each in problems)],
            )
        X = np.array([patient.covariates], float)
        if self.chart.beyond(X)[0] > _PENCIL:
            raise InputError(
                "the points of these inputs add up to more or less than any patient's like those "
                "in training, so that no probability axis reaches there; use discresorb predict"
            )
        read = self.chart.read(X)[0]
        return dict(zip(self.months, read.tolist(), strict=True))

    def typical(self) -> list[float]:
        """Give the covariates of a typical patient, by whom reading is shown."""
        return typical_patient(self.predictor)

    def totals(self, covariates: Sequence[float]) -> dict[str, float]:
        """Add up one patient's points."""
        X = np.array([covariates], float)
        if isinstance(self.chart, OneTotal):
            return {"total points": float(added(self.chart.inputs, X)[0])}
        ever, pace = (float(added(axes, X)[0]) for axes in (self.chart.ever, self.chart.pace))
        return {"total A": ever, "total B": pace}

    def words(self, position: int, value: float) -> str:
        """Word one covariate's value."""
        column = self.predictor.columns[position]
        if column.kind == "number":
            return f"{value:.4g} {column.unit}".strip()
        return level_names(column)[int(value)]

    def _beyond(self, covariates: Sequence[float]) -> list[Problem]:
        wrong = []
        names = [column.name for column in self.predictor.columns]
        by = self.predictor.artifact["support"]["by"]
        level = covariates[names.index(by)] if by in names else None
        for marks in input_marks(self.predictor):
            value, name = covariates[marks.position], marks.column.name
            low, high = float(marks.values[0]), float(marks.values[-1])
            reaches = "beyond the axis, which reaches"
            own = ranges_by_type(self.predictor, name).get(level) if level is not None else None
            if own is not None and low <= value <= high:
                (low, high), reaches = own, f"beyond the training patients with {by} like this,"
            if value < low or value > high:  # nan is neither
                lies = f"lies {reaches} from {low:.4g} to {high:.4g}"
                wrong.append(Problem("", f"{name} {lies}", f"{name} of {value:g} {lies}"))
        return wrong


def wrong_months(months: Sequence[float], entered: str) -> list[str]:
    """Say so if months are none that can be drawn; they were entered as the text."""
    fits = (
        0 < len(months) <= MOST_MONTHS
        and all(1.0 <= month <= MONTHS_TO_SURGERY.high for month in months)
        and all(early < late for early, late in itertools.pairwise(months))
        and len({f"{month:g}" for month in months}) == len(months)  # told apart on the sheet
    )
    if fits:
        return []
    return [
        f"months entered as {show(entered) or 'nothing'}, but must be one to {MOST_MONTHS} rising "
        f"numbers from 1 to {MONTHS_TO_SURGERY.high:g}, such as 3,6,12,24"
    ]


def wrong_entry(entry: float) -> list[str]:
    """Say so if months since onset are not allowed."""
    if MONTHS_SINCE_ONSET.low <= entry <= MONTHS_SINCE_ONSET.high:  # nan is not
        return []
    return [
        f"entry entered as {entry:g}, but must be {MONTHS_SINCE_ONSET.allowed}, "
        f"{MONTHS_SINCE_ONSET.meaning}"
    ]


def make_nomogram(
    predictor: Predictor,
    *,
    months: Sequence[float] = DEFAULT_MONTHS,
    entry: float | None = None,
) -> Nomogram:
    """Turn a model into a nomogram.

    A chart of one total is taken where it is good, if need be with axes of their own for the
    levels of a flag or category; else, with a cure fraction, one of two totals.

    Parameters
    ----------
    predictor : Predictor
        The model.
    months : sequence of float
        After the index MRI, one to five, rising, from 1 to 600.
    entry : float, optional
        Months since onset at the index MRI, 0 to 240; the training patients' median by default.

    Returns
    -------
    Nomogram

    Raises
    ------
    InputError
        If months or entry are none that can be drawn.
    """
    months = tuple(float(month) for month in months)
    entered = ", ".join(f"{month:g}" for month in months)
    entry = median_entry(predictor) if entry is None else float(entry)
    problems = [*wrong_months(months, entered), *wrong_entry(entry)]
    if problems:
        raise InputError(problems)
    X = similar_patients(predictor, _FITTED, _SEED_FITTED)
    if np.isnan(_probabilities(predictor, X, months, entry)).any():
        raise InputError(
            f"no probability can be computed so far from the training patients: entry of {entry:g} "
            f"and months up to {months[-1]:g}; enter less"
        )
    chart = _best(predictor, X, months, entry)
    fresh = similar_patients(predictor, _CHECKED, _SEED_CHECKED)
    truth = _probabilities(predictor, fresh, months, entry)
    error = np.abs(chart.read(fresh) - truth)
    whole = np.abs(chart.read(fresh, whole=True) - truth).mean(axis=0)
    accuracy = Accuracy(len(fresh), error.mean(axis=0), error.max(axis=0), whole)
    return Nomogram(predictor, months, entry, chart, accuracy)


def notes(nomogram: Nomogram) -> list[str]:
    """Word what a reader must know beyond the training data, and of readings that are poor."""
    predictor, entry, found = nomogram.predictor, nomogram.entry, []
    low, high = training_range(predictor, MONTHS_SINCE_ONSET.name)
    if not low <= entry <= high:
        found.append(
            f"an index MRI {entry:.4g} months after onset lies outside the central "
            f"{100 * predictor.artifact['support']['central']:g} % of training patients "
            f"({low:.3g} to {high:.3g})"
        )
    longest = predictor.artifact["longest_follow_up"]
    late = [f"{month:g}" for month in nomogram.months if entry + month > longest]
    if late:
        found.append(
            f"{_listed(late)} after the index MRI {'lies' if late == ['1'] else 'lie'} beyond the "
            f"longest follow-up in training ({longest:.1f} months since onset)"
        )
    if not nomogram.accuracy.is_good:
        found.append(
            f"readings differ from the model by {np.max(nomogram.accuracy.mean):.3f} on average, "
            f"more than {LARGEST_MEAN_ERROR:g}: compute probabilities with discresorb predict "
            "instead"
        )
    return found


def _listed(months: Sequence[str]) -> str:
    *most, last = months
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"{listed} month{'' if listed == '1' else 's'}"


def ranges_sentences(nomogram: Nomogram) -> list[str]:
    """Say for whom readings are right where an axis reaches further than their type did."""
    predictor = nomogram.predictor
    types = {column.name: column for column in predictor.columns}
    by = types.get(str(predictor.artifact["support"]["by"]))
    if by is None:
        return []
    found = []
    for column in predictor.columns:
        ranges = ranges_by_type(predictor, column.name)
        if column.kind != "number" or len(set(ranges.values())) < 2:
            continue
        said = " and ".join(
            f"{low:.3g} to {high:.3g} {column.unit}".rstrip()
            + f" with {by.name} {level_names(by)[int(level)]}"
            for level, (low, high) in sorted(ranges.items())
        )
        found.append(
            f"{column.meaning}: readings hold from {said}, the central "
            f"{100 * predictor.artifact['support']['central']:g} % of training patients; beyond "
            "that they may be far from the model's."
        )
    return found


def accuracy_sentence(nomogram: Nomogram) -> str:
    """Say how far readings are from the model, as it was measured."""
    found = nomogram.accuracy
    return (
        "read from this chart, probabilities differ from the model's by "
        f"{np.max(found.mean):.3f} on average and {np.max(found.most):.3f} at most among "
        f"{found.patients:,} patients drawn from the training ranges, in the month where they "
        f"differ most; by {np.max(found.whole):.3f} on average if each input's points are read to "
        "whole ones."
    )


def _probabilities(predictor: Predictor, X: Array, months: Sequence[float], entry: float) -> Array:
    entries = np.full(len(X), entry)
    design = predictor.design.matrix(X, entries)
    return np.column_stack(
        [predictor._curve.probability(design, entries, entries + month) for month in months]
    )


def _best(
    predictor: Predictor, X: Array, months: Sequence[float], entry: float
) -> OneTotal | TwoTotals:
    marks = input_marks(predictor)
    truth = _probabilities(predictor, X, months, entry)
    charts: list[OneTotal | TwoTotals] = []
    for stratum in (None, *_strata(predictor, marks, X)):
        loosest = one_total(marks, X, truth, stratum, _LOOSEST)
        charts.append(loosest)
        if not _is_good(loosest, X, truth):
            continue  # evener marks would not be better
        even = (one_total(marks, X, truth, stratum, roughness) for roughness in _ROUGHNESS)
        return next((chart for chart in even if _is_good(chart, X, truth)), loosest)
    if predictor.artifact["cure"]:
        charts.append(two_totals(predictor, marks, X, months, entry))
    return min(charts, key=lambda chart: _worst_mean(chart, X, truth))


def _worst_mean(chart: OneTotal | TwoTotals, X: Array, truth: Array) -> float:
    return float(np.abs(chart.read(X) - truth).mean(axis=0).max())


def _is_good(chart: OneTotal | TwoTotals, X: Array, truth: Array) -> bool:
    largest = float(np.abs(chart.read(X) - truth).max())
    return _worst_mean(chart, X, truth) <= _GOOD_MEAN and largest <= _GOOD_MOST


def _strata(predictor: Predictor, marks: Sequence[Marks], X: Array) -> list[int]:
    """Name the flags and categories that could have axes of their own, the patient type first."""
    found = []
    for each in marks:
        levels = len(each.values)
        if each.column.kind == "number" or each.optional or levels > _MOST_STRATA:
            continue
        if len(np.unique(X[:, each.position])) == levels:
            found.append(each.position)
    by = predictor.artifact["support"]["by"]
    return sorted(found, key=lambda position: predictor.columns[position].name != by)
