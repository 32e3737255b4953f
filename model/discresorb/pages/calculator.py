"""A model as a page that computes in the browser: the risk calculator."""

from __future__ import annotations

from typing import Any, Final

from discresorb.advice import (
    CASE_REPORT_NOTE,
    DEFAULT_THRESHOLD,
    check_threshold,
    is_case_reports,
    reason_sentences,
)
from discresorb.columns import (
    IMAGING_DATE,
    ONSET_DATE,
    SEQUESTRATED,
    SIZE_MM,
    SURGERY_DATE,
    SYMPTOMS_CHANGED,
)
from discresorb.pages.model_data import ENGINE_SCRIPTS, model_data
from discresorb.pages.page import html_page
from discresorb.predictor import Predictor

__all__ = ["calculator_page"]

TITLE: Final = "Resorption of a lumbar disc herniation by the surgery date"
STYLES: Final = ("calculator.css", "charts.css", "record.css")
SCRIPTS: Final = (
    *ENGINE_SCRIPTS,
    "elements.js",
    "fields.js",
    "form.js",
    "icon_array.js",
    "curve_chart.js",
    "influences.js",
    "results.js",
    "record.js",
    "calculator.js",
)
# the case report's patient; it gives no day of onset, so that one is assumed
_EXAMPLE: Final = {
    SIZE_MM.name: "11",
    SEQUESTRATED.name: "yes",
    ONSET_DATE.name: "2019-03-01",
    IMAGING_DATE.name: "2019-03-15",
    SURGERY_DATE.name: "2019-09-20",
    SYMPTOMS_CHANGED.name: "yes",
}


def calculator_page(
    predictor: Predictor,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    note: str = "",
    sha256: str = "",
) -> str:
    """Write a model as one HTML file that computes in the browser and needs nothing else.

    It gives P(resorbed on MRI by the surgery date | still herniated at the index MRI), if surgery
    does not happen before that date, by the arithmetic of `Predictor.predict`. The same model gives
    the same bytes.

    Parameters
    ----------
    predictor : Predictor
        Any model.
    threshold : float, default 0.20
        Probability from which on imaging again is advised.
    note : str
        What must be said of the threshold; a sentence.
    sha256 : str
        Of the model file, to be named on the page and on the record that it prints.

    Raises
    ------
    InputError
        If the threshold is none.
    """
    check_threshold(threshold)
    return html_page(
        "calculator.html",
        title=TITLE,
        styles=STYLES,
        scripts=SCRIPTS,
        data={"model": model_data(predictor, threshold), "page": _page_data(threshold)},
        notices=predictor.notices,
        endpoint=predictor.endpoint,
        estimand=predictor.estimand,
        interval_label=predictor.interval_label,
        model_id=predictor.model_id,
        sha256=sha256,
        threshold=f"{threshold:g}",
        note=note,
    )


def _page_data(threshold: float) -> dict[str, Any]:
    """Give what the page shows beside the model's own arithmetic."""
    every_reason = reason_sentences(threshold)[-1]
    return {
        "example": list(_EXAMPLE.items()),
        "case_report": {
            "note": CASE_REPORT_NOTE,
            "reasons": [reason for reason in every_reason if is_case_reports(reason)],
        },
    }
