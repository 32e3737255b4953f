"""Scoring pandas and polars frames: the same kind comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from discresorb.conversion import native_cells
from discresorb.errors import InputFileError, Problem
from discresorb.scoring import COUNT_OUTPUT, NUMBER_OUTPUTS, TEXT_OUTPUTS, Scored, Scorer

if TYPE_CHECKING:
    import polars as pl

    from discresorb.predictor import Predictor

__all__ = ["score_columns", "score_frame"]


def score_frame(predictor: Predictor, frame: Any, *, threshold: float) -> Any:
    """Score a pandas or polars frame and return it with the output columns added.

    Raises
    ------
    InputFileError
        If it is neither, or its columns do not fit.
    """
    import narwhals as nw

    is_pandas = nw.dependencies.is_pandas_dataframe(frame)
    if not (is_pandas or nw.dependencies.is_polars_dataframe(frame)):
        raise InputFileError(
            f"score needs a pandas or polars DataFrame, but was given {type(frame).__name__}; "
            "collect a lazy frame first"
        )
    scorer = Scorer(predictor, threshold)
    scorer.check_header([str(name) for name in frame.columns], "frame")
    scored = score_columns(scorer, frame)
    if is_pandas:
        return _add_to_pandas(frame, scored)
    return frame.with_columns(*_filled(scored))


def score_columns(
    scorer: Scorer, frame: Any, unusable: Mapping[int, Problem] | None = None
) -> Scored:
    """Score a pandas or polars frame whose header fits, except rows that are unusable anyway."""
    cells = {
        name: native_cells(frame[name]) for name in frame.columns if name in scorer.columns_read
    }
    return scorer.score(cells, len(frame), unusable)


def _filled(scored: Scored) -> pl.DataFrame:
    """Give the output columns; those of text with nothing to say hold empty text."""
    import polars as pl

    return scored.frame().with_columns(pl.col(TEXT_OUTPUTS).fill_null(""))


def _add_to_pandas(frame: Any, scored: Scored) -> Any:
    import pandas as pd

    filled = _filled(scored)
    return frame.assign(
        **{name: filled[name].to_numpy(writable=True) for name in NUMBER_OUTPUTS},
        **{COUNT_OUTPUT: pd.array(filled[COUNT_OUTPUT].to_list(), dtype="Int64")},
        reimage=pd.array(filled["reimage"].to_list(), dtype="boolean"),
        **{name: filled[name].to_list() for name in TEXT_OUTPUTS},
    )
