"""What `predict` prints: words for a person, JSON or FHIR for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from discresorb.columns import PATIENT_ID
from discresorb.errors import InputError

if TYPE_CHECKING:
    from discresorb.prediction import Prediction
    from discresorb.predictor import Predictor

__all__ = ["Form", "form_of", "predicted"]

Form = Literal["text", "json", "fhir"]


def form_of(*, as_json: bool, as_fhir: bool) -> Form:
    """Tell which form is asked for, or raise InputError for two."""
    if as_json and as_fhir:
        raise InputError("give either --json or --fhir")
    return "json" if as_json else "fhir" if as_fhir else "text"


def predicted(
    predictor: Predictor,
    given: Mapping[str, str],
    threshold: float,
    note: str,
    form: Form,
) -> str:
    """Predict for one patient and say it.

    Parameters
    ----------
    predictor : Predictor
        The model.
    given : mapping
        Cells that were entered, by column.
    threshold : float
        Probability from which on imaging again is advised.
    note : str
        What must be said of the threshold; a sentence.
    form : {"text", "json", "fhir"}
        How it is said.

    Raises
    ------
    InputError
        With every problem in words.
    """
    prediction = predictor.predict(threshold=threshold, **given)
    if form == "fhir":
        return _fhir(predictor, prediction, given, threshold, note)
    if form == "json":
        return _json(predictor, prediction, given, threshold, note)
    from discresorb.terminal import prediction_text

    text = prediction_text(predictor, prediction, given)
    return f"{text}\n{note}" if note else text


def _json(
    predictor: Predictor,
    prediction: Prediction,
    given: Mapping[str, str],
    threshold: float,
    note: str,
) -> str:
    about = {
        "notice": "; ".join(predictor.notices),
        "sentence": prediction.sentence,
        "advice": prediction.advice,
        "threshold": threshold,
        "endpoint": predictor.endpoint,
        "estimand": predictor.estimand,
        "interval": predictor.interval_label,
        **({"threshold_note": note} if note else {}),
    }
    content = {**about, **given, **prediction.to_dict()}
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _fhir(
    predictor: Predictor,
    prediction: Prediction,
    given: Mapping[str, str],
    threshold: float,
    note: str,
) -> str:
    from discresorb.fhir import risk_assessment, to_json
    from discresorb.rows import read_patient

    patient, _ = read_patient(predictor.columns, given, predictor.design.optional)
    resource = risk_assessment(
        predictor,
        prediction,
        patient,
        patient_id=given.get(PATIENT_ID.name),
        threshold=threshold,
        threshold_note=note,
    )
    return to_json(resource)
