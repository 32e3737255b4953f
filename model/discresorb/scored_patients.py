"""A scored list read again, and held against the threshold that a plot is asked to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discresorb.advice import LIKELY, reason_sentences
from discresorb.cells import is_empty, read_column
from discresorb.columns import OUTPUT_COLUMNS, PATIENT_ID
from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb.figure_style import words
from discresorb.wording import SYNTHETIC_NOTICE

__all__ = ["ScoredPatients", "check_scored_with", "read_scored"]

_LONGEST_ID = 24
_NUMBERS = ("p_resorbed", "p_low", "p_high", "reimage")
_NEEDED = (*_NUMBERS, "reimage_reason", "warnings", "problems")


@dataclass(frozen=True)
class ScoredPatients:
    """Those that could be scored, the likeliest first.

    Parameters
    ----------
    names : sequence of str
        As they are written.
    probability, low, high : float array, (n,)
        The estimate and its interval.
    reimage : bool array, (n,)
        Whether to image again.
    reasons : sequence of str
        Why, joined.
    unscored : int
        Rows left out.
    synthetic : bool
        Whether the model is a demonstration.
    """

    names: Sequence[str]
    probability: Array
    low: Array
    high: Array
    reimage: Array
    reasons: Sequence[str]
    unscored: int
    synthetic: bool


def read_scored(scored: Any, label: str) -> ScoredPatients:
    """Read the rows that could be scored.

    Parameters
    ----------
    scored : pandas.DataFrame or polars.DataFrame
        From `Predictor.score`.
    label : str
        Column that names the patients.

    Raises
    ------
    InputError
        If the frame is none, or is not as scoring gave it.
    """
    import narwhals as nw

    known = nw.dependencies.is_pandas_dataframe(scored) or nw.dependencies.is_polars_dataframe(
        scored
    )
    if not known:
        raise InputError(
            "plot_waiting_list needs a pandas or polars DataFrame that predictor.score gave, but "
            f"was given {type(scored).__name__}"
        )
    missing = [name for name in _NEEDED if name not in scored.columns]
    if missing:
        raise InputError(
            f"the frame lacks {', '.join(missing)}, which scoring adds; plot what "
            "predictor.score(frame) gives"
        )
    if label not in scored.columns and label != PATIENT_ID.name:
        raise InputError(f"the frame has no column {label} to name the patients by")
    columns = {column.name: column for column in OUTPUT_COLUMNS}
    values = {}
    for name in _NUMBERS:
        values[name], problems = read_column(columns[name], list(scored[name]))
        if problems:
            found = dict.fromkeys(problems.values())
            raise InputError([each.rule for each in found], [each.words for each in found])
    p = values["p_resorbed"]
    fits = ~np.isnan(p)
    lacking = [name for name in _NUMBERS if np.isnan(values[name][fits]).any()]
    if lacking:
        raise InputError(
            f"{' and '.join(lacking)} missing where p_resorbed is there; plot what "
            "predictor.score(frame) gives, unchanged"
        )
    order = np.flatnonzero(fits)[np.argsort(-p[fits], kind="stable")]
    names = [*scored[label]] if label in scored.columns else [""] * len(p)
    reasons = [*scored["reimage_reason"]]
    return ScoredPatients(
        [_short(names[row], row) for row in order],
        p[order],
        values["p_low"][order],
        values["p_high"][order],
        values["reimage"][order] == 1.0,
        [str(reasons[row]) for row in order],
        int((~fits).sum()),
        any(SYNTHETIC_NOTICE in str(each) for each in scored["warnings"]),
    )


def check_scored_with(patients: ScoredPatients, threshold: float) -> None:
    """Refuse a line that is not where the list's own reasons to image again begin.

    Parameters
    ----------
    patients : ScoredPatients
        The list.
    threshold : float
        Where the line is to be.

    Raises
    ------
    InputError
        If the list was scored with another threshold.
    """
    reason = reason_sentences(threshold)[LIKELY][0]
    beginning = reason.removesuffix(f"{threshold:g}")
    for p, said in zip(patients.probability, patients.reasons, strict=True):
        found = [each for each in said.split("; ") if each.startswith(beginning)]
        if found != ([reason] if p >= threshold else []):
            raise InputError(
                f"threshold entered as {threshold:g}, but the list was scored with another one; "
                "give that one, or score again"
            )


def _short(name: object, row: int) -> str:
    text = f"row {row + 1}" if is_empty(name) else words(name)
    return text if len(text) <= _LONGEST_ID else text[: _LONGEST_ID - 1] + "…"
