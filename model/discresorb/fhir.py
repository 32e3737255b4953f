"""A prediction as a FHIR R4 ``RiskAssessment``, for a record that other systems read.

What stands where, as R4 defines it: ``probabilityDecimal`` is a percentage; ``whenPeriod`` runs
from the index MRI to the surgery date. Of patients given by months no date is known: an absent
``when`` would mean the subject's whole life, and a ``whenRange`` the subject's age, so the period
says that it is unknown, and ``basis`` and the sentence among the notes give the months. R4 has the
probability or its range, not both: the interval stands in ``rationale`` for people and, unrounded,
in the last but one ``note`` under the names of the output columns. The advice is a ``note``:
``mitigation`` is for what reduces a risk, which an image does not. A model that is not for patient
care says so in ``method``, too, for readers that show no notes. There is no ``id``, which the
receiving server gives, and no ``occurrence``, which is not known here: the same patient and model
give the same bytes.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import IO, TYPE_CHECKING, Any, Final

from discresorb.advice import DEFAULT_THRESHOLD, reason_sentences
from discresorb.beside import StreamBeside
from discresorb.cells import is_empty, show
from discresorb.clock import DAYS_PER_MONTH
from discresorb.columns import (
    IMAGING_DATE,
    MONTHS_SINCE_ONSET,
    MONTHS_TO_SURGERY,
    ONSET_DATE,
    PATIENT_ID,
    SURGERY_DATE,
    SYMPTOMS_CHANGED,
    Column,
)
from discresorb.prediction import Prediction
from discresorb.rows import Patient
from discresorb.terminal import about
from discresorb.wording import as_sentence

if TYPE_CHECKING:
    from discresorb.predictor import Predictor
    from discresorb.scoring import Scored, Scorer
    from discresorb.table import Rows

__all__ = ["ResourceLines", "risk_assessment", "to_json"]

# what a FHIR string may not hold
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_LONGEST: Final = 1 << 20
_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
# where some readers of lines would break one
_LINE_ENDS: Final = str.maketrans({each: f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"})
_STATED: Final = (
    "p_resorbed", "p_low", "p_high", "months_at_imaging", "months_at_surgery", "n_imputed"
)  # fmt: skip


def risk_assessment(
    predictor: Predictor,
    prediction: Prediction,
    patient: Patient,
    *,
    patient_id: object = None,
    threshold: float = DEFAULT_THRESHOLD,
    threshold_note: str = "",
) -> dict[str, Any]:
    """Give a prediction as a FHIR R4 RiskAssessment; its decimals are `decimal.Decimal`.

    Parameters
    ----------
    predictor : Predictor
        That made the prediction.
    prediction : Prediction
        Of one patient.
    patient : Patient
        What `discresorb.rows.read_patient` gives.
    patient_id : object, optional
        Identifies the subject; without one ``subject`` says that it is not named.
    threshold : float
        That the prediction was made with.
    threshold_note : str
        What must be said of the threshold; a sentence.

    Returns
    -------
    dict
        For `to_json`; with no more of the patient than the model used.
    """
    percentage = _percentage(prediction.probability)
    ends = f"{_percentage(prediction.low):.1f} to {_percentage(prediction.high):.1f} %"
    resource = {
        "resourceType": "RiskAssessment",
        "status": "final",
        "method": {
            "text": "; ".join([f"discresorb, model {prediction.model_id}", *predictor.notices])
        },
        "code": {"text": "Resorption of a lumbar disc herniation on MRI by the planned surgery"},
        "subject": _subject(patient_id),
        "condition": {"display": "Lumbar disc herniation"},
        "basis": [{"display": words} for words in _basis(predictor, patient)],
        "prediction": [
            {
                "outcome": {"text": f"Resorbed on MRI: {prediction.endpoint}"},
                "probabilityDecimal": percentage,
                **_when(patient),
                "rationale": f"{prediction.interval_label}: {ends}",
            }
        ],
        "note": [
            {"text": words} for words in _notes(predictor, prediction, threshold, threshold_note)
        ],
    }
    cleaned: dict[str, Any] = _cleaned(resource)
    return cleaned


def to_json(resource: Any) -> str:
    """Write a resource as JSON on one line, decimals digit for digit."""
    if isinstance(resource, dict):
        members = (f"{encode_basestring(name)}:{to_json(each)}" for name, each in resource.items())
        return "{" + ",".join(members) + "}"
    if isinstance(resource, list):
        return "[" + ",".join(map(to_json, resource)) + "]"
    if isinstance(resource, Decimal):
        return str(resource)
    text = encode_basestring(resource)
    return text if text.isascii() else text.translate(_LINE_ENDS)


class ResourceLines(StreamBeside):
    """Writes scored rows as RiskAssessments, one a line; a row with problems has none.

    Parameters
    ----------
    stream : binary file
        Where to.
    scorer : Scorer
        The model and the threshold.
    threshold_note : str
        What must be said of the threshold.
    """

    def __init__(self, stream: IO[bytes], scorer: Scorer, threshold_note: str = "") -> None:
        super().__init__(stream)
        self._scorer, self._note = scorer, threshold_note
        self._reasons = reason_sentences(scorer.threshold)

    def render(self, rows: Rows, scored: Scored) -> tuple[list[Any], Scored]:
        """Keep the batch: as lines it would fill much more memory."""
        has_id = PATIENT_ID.name in rows.frame.columns
        ids = rows.frame[PATIENT_ID.name].to_list() if has_id else [None] * len(scored)
        return ids, scored

    def take(self, content: tuple[list[Any], Scored], name: str, before: int) -> None:
        """Write a batch's lines."""
        ids, scored = content
        self.stream.writelines(
            self._line(ids[row], prediction, patient)
            for row, prediction, patient in self._predictions(scored)
        )

    def _line(self, patient_id: object, prediction: Prediction, patient: Patient) -> bytes:
        resource = risk_assessment(
            self._scorer.predictor,
            prediction,
            patient,
            patient_id=patient_id,
            threshold=self._scorer.threshold,
            threshold_note=self._note,
        )
        return to_json(resource).encode() + b"\n"

    def _predictions(self, scored: Scored) -> Iterator[tuple[int, Prediction, Patient]]:
        """Give each row that was scored: where it stands, and what `predict` would give."""
        predictor, given = self._scorer.predictor, scored.given
        surgery_days = given.surgery_day.tolist()
        for row, out in enumerate(scored.frame().iter_rows(named=True)):
            if not scored.usable[row]:
                continue
            surgery_day = surgery_days[row]
            prediction = Prediction(
                out["p_resorbed"],
                out["p_low"],
                out["p_high"],
                out["months_at_imaging"],
                out["months_at_surgery"],
                self._reasons[scored.bits[row]],
                _split_notices(predictor.notices, out["warnings"] or ""),
                predictor.model_id,
                predictor.endpoint,
                predictor.interval_label,
                None if math.isnan(surgery_day) else surgery_day,
                out["n_imputed"],
            )
            patient = Patient(
                given.covariates[row].tolist(),
                float(given.entry[row]),
                float(given.wait[row]),
                float(given.changed[row]),
                surgery_day,
            )
            yield row, prediction, patient


def _split_notices(notices: Sequence[str], warnings: str) -> tuple[str, ...]:
    """Part what every row is warned of from what this one is; the rest stays joined."""
    rest = warnings.removeprefix("; ".join(notices)).removeprefix("; ")
    return (*notices, *([rest] if rest else []))


def _decimal(number: float) -> Decimal:
    """Give the number's own digits, as Python prints it."""
    return Decimal(repr(number).removesuffix(".0"))


def _percentage(probability: float) -> Decimal:
    shifted = _decimal(probability).scaleb(2)
    return shifted.quantize(Decimal(1)) if shifted == shifted.to_integral() else shifted


def _subject(patient_id: object) -> dict[str, Any]:
    """Identify the patient; an id that FHIR cannot hold is not altered into another's."""
    patient = {"type": "Patient"}
    text = "" if is_empty(patient_id) else str(patient_id).strip()
    if not text:
        return {**patient, "display": "patient not named in the input"}
    if len(text) > _LONGEST or _FORBIDDEN.search(text):
        return {**patient, "display": f"{PATIENT_ID.name} that FHIR cannot hold: {show(text)}"}
    return {**patient, "identifier": {"value": text}}


def _when(patient: Patient) -> dict[str, Any]:
    if not math.isnan(patient.surgery_day):
        return {
            "whenPeriod": {"start": _day(_imaging_day(patient)), "end": _day(patient.surgery_day)}
        }
    return {"whenPeriod": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}}


def _imaging_day(patient: Patient) -> float:
    return round(patient.surgery_day - DAYS_PER_MONTH * patient.wait)


def _day(number: float) -> str:
    return datetime.date.fromordinal(int(number)).isoformat()


def _basis(predictor: Predictor, patient: Patient) -> Iterator[str]:
    """Name what the prediction rests on: the index MRI, and every value that was used."""
    by_dates = not math.isnan(patient.surgery_day)
    yield f"index MRI of {_day(_imaging_day(patient))}" if by_dates else "index MRI, undated"
    for column, value in zip(predictor.columns, patient.covariates, strict=True):
        yield _stated(column, value)
    if by_dates:
        imaging = _imaging_day(patient)
        yield f"{ONSET_DATE.name}: {_day(round(imaging - DAYS_PER_MONTH * patient.entry))}"
        yield f"{IMAGING_DATE.name}: {_day(imaging)}"
        yield f"{SURGERY_DATE.name}: {_day(patient.surgery_day)}"
    else:
        yield _stated(MONTHS_SINCE_ONSET, patient.entry)
        yield _stated(MONTHS_TO_SURGERY, patient.wait)
    yield _stated(SYMPTOMS_CHANGED, patient.changed)


def _stated(column: Column, value: float) -> str:
    if math.isnan(value):
        return f"{column.name}: not given"
    if column.kind == "flag":
        return f"{column.name}: {'yes' if value else 'no'}"
    if column.kind == "category":
        return f"{column.name}: {column.levels[int(value)]}"
    return f"{column.name}: {_decimal(value)} {column.unit}".rstrip()


def _notes(
    predictor: Predictor, prediction: Prediction, threshold: float, threshold_note: str
) -> Iterator[str]:
    yield from map(as_sentence, predictor.notices)
    yield prediction.sentence
    yield prediction.advice
    own = [each for each in prediction.warnings if each not in predictor.notices]
    if own:
        yield as_sentence("warnings: " + "; ".join(own))
    estimate, endpoint, limits = about(predictor)
    yield estimate
    yield endpoint
    yield f"Threshold for imaging again: {threshold:g}. {threshold_note}".rstrip()
    values = prediction.to_dict()
    yield "; ".join(f"{name}={values[name]!r}" for name in _STATED)
    yield limits


def _cleaned(value: Any) -> Any:
    """Keep to what a FHIR string may be: short enough, and free of control characters."""
    if isinstance(value, str):
        if value.isprintable() and len(value) <= _LONGEST:
            return value
        text = _FORBIDDEN.sub("\ufffd", value)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value
