"""FHIR RiskAssessments: valid by their definition, the same numbers, one a row that was scored."""

from __future__ import annotations

import io
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from composed import CURVED, OPTIONAL, composed
from conftest import SYNTHETIC
from fhir.resources.R4B.riskassessment import RiskAssessment
from hypothesis import given
from hypothesis import strategies as st
from random_patients import model, patients
from typer.testing import CliRunner, Result
from waiting_lists import waiting_list

from discresorb import Predictor
from discresorb.cli import app
from discresorb.errors import InputError
from discresorb.fhir import ResourceLines, risk_assessment, to_json
from discresorb.rows import read_patient
from discresorb.score_file import score_file
from discresorb.scoring import Scorer
from discresorb.wording import ESTIMAND, LIMITS, SYNTHETIC_NOTICE
from discresorb.writing import CsvWriter
from discresorb_training.training import TrainResult

DATES: dict[str, Any] = {
    "size_mm": "11", "sequestrated": "yes", "onset_date": "2019-03-01",
    "imaging_date": "2019-03-15", "surgery_date": "2019-09-20", "symptoms_changed": "yes",
}  # fmt: skip
MONTHS: dict[str, Any] = {
    "size_mm": "4.5", "sequestrated": "no", "months_since_onset": "1.3", "months_to_surgery": "2.3"
}  # fmt: skip

UNNAMED = {"type": "Patient", "display": "patient not named in the input"}


def resource(predictor: Predictor, cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    patient, problems = read_patient(predictor.columns, cells, predictor.design.optional)
    assert problems == []
    return risk_assessment(predictor, predictor.predict(**cells), patient, **more)


def valid(line: str) -> None:
    """Hold one line against the definition, and against what FHIR says of strings."""
    assert len(line.splitlines()) == 1  # at U+2028 some readers of lines break them, too
    content = json.loads(line, parse_float=Decimal)
    for text in texts(content):
        assert text.strip()
        assert len(text) <= 1 << 20
        assert not any(ord(c) < 32 and c not in "\t\n\r" for c in text)
    RiskAssessment.model_validate_json(line)


def texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        content = list(content.values())
    return [text for each in content for text in texts(each)] if isinstance(content, list) else []


def notes(found: dict[str, Any]) -> list[str]:
    return [each["text"] for each in found["note"]]


def test_what_stands_where(predictor: Predictor) -> None:
    found = resource(predictor, DATES, patient_id=" 007 ")
    valid(to_json(found))
    prediction = predictor.predict(**DATES)
    assert found["status"] == "final"
    assert found["subject"] == {"type": "Patient", "identifier": {"value": "007"}}
    named = f"discresorb, model {predictor.model_id}; {SYNTHETIC_NOTICE}"
    assert found["method"] == {"text": named}
    assert [each["display"] for each in found["basis"]] == [
        "index MRI of 2019-03-15", "size_mm: 11 mm", "sequestrated: yes",
        "onset_date: 2019-03-01", "imaging_date: 2019-03-15", "surgery_date: 2019-09-20",
        "symptoms_changed: yes",
    ]  # fmt: skip
    (predicted,) = found["prediction"]
    assert predictor.endpoint in predicted["outcome"]["text"]
    assert predicted["whenPeriod"] == {"start": "2019-03-15", "end": "2019-09-20"}
    low, high = 100 * prediction.low, 100 * prediction.high
    assert predicted["rationale"] == f"{predictor.interval_label}: {low:.1f} to {high:.1f} %"
    said = notes(found)
    assert said[0].rstrip(".").lower() == SYNTHETIC_NOTICE
    assert said[1:3] == [prediction.sentence, prediction.advice]
    for words in (ESTIMAND, LIMITS, "Threshold for imaging again: 0.2.", predictor.endpoint):
        assert any(words in each for each in said)
    # an image reduces no risk, which is what R4 means by mitigation
    assert not {"occurrenceDateTime", "id", "mitigation"} & found.keys()


def test_months_alone_give_no_dates(predictor: Predictor) -> None:
    found = resource(predictor, MONTHS)
    valid(to_json(found))
    assert found["subject"] == UNNAMED
    assert found["basis"][0] == {"display": "index MRI, undated"}
    # R4 reads a whenRange as the subject's age, and no when at all as the whole life
    when = found["prediction"][0]["whenPeriod"]
    assert [each["valueCode"] for each in when["extension"]] == ["unknown"]
    assert not {"start", "end"} & when.keys()
    assert "whenRange" not in found["prediction"][0]
    assert "within 2.3 months of the index MRI" in notes(found)[1]
    assert {"display": "months_to_surgery: 2.3 months"} in found["basis"]


def test_both_sets_are_told_as_they_are_used(predictor: Predictor) -> None:
    both = {**DATES, "months_since_onset": "0.5", "months_to_surgery": "6.2"}
    assert to_json(resource(predictor, both)) == to_json(resource(predictor, DATES))


@given(st.floats(0.0, 1.0, allow_subnormal=False))
def test_percentages_lose_and_invent_no_digits(p: float) -> None:
    from discresorb.fhir import _percentage

    written = to_json(_percentage(p))
    assert Decimal(written) == Decimal(repr(p)) * 100
    assert json.loads(written) == pytest.approx(100 * p, rel=1e-15)
    assert len(written.strip("0.").replace(".", "")) <= 17 or "E" in written


def test_a_percentage_without_noise() -> None:
    from discresorb.fhir import _percentage

    written = [to_json(_percentage(p)) for p in (0.0, 1.0, 0.5, 0.07, 0.29, 0.57)]
    assert written == ["0", "100", "50", "7", "29", "57"]
    assert 100 * 0.57 != 57


@given(
    size=st.floats(0.5, 40.0),
    sequestrated=st.sampled_from(["yes", "no"]),
    entry=st.floats(0.0, 240.0),
    wait=st.floats(0.0, 600.0),
    changed=st.sampled_from(["yes", "no", ""]),
    threshold=st.floats(0.01, 1.0),
    who=st.text(max_size=20),
)
def test_any_patient_gives_a_valid_resource(
    predictor: Predictor, size: float, sequestrated: str, entry: float, wait: float, changed: str,
    threshold: float, who: str,
) -> None:  # fmt: skip
    cells: dict[str, Any] = {
        "size_mm": repr(size), "sequestrated": sequestrated, "months_since_onset": repr(entry),
        "months_to_surgery": repr(wait), "symptoms_changed": changed,
    }  # fmt: skip
    prediction = predictor.predict(threshold=threshold, **cells)
    patient, _ = read_patient(predictor.columns, cells)
    found = risk_assessment(predictor, prediction, patient, patient_id=who, threshold=threshold)
    line = to_json(found)
    valid(line)
    written = json.loads(line, parse_float=Decimal)["prediction"][0]["probabilityDecimal"]
    assert Decimal(repr(prediction.probability)) * 100 == written <= 100
    numbers = dict(each.split("=") for each in notes(found)[-2].split("; "))
    assert float(numbers["p_low"]) == prediction.low
    assert float(numbers["p_high"]) == prediction.high


@pytest.mark.parametrize("who", ["a\x00b", "\x1b[31m", "x" * ((1 << 20) + 1), "b\udcff"])
def test_an_id_that_fhir_cannot_hold_is_not_made_into_another(
    predictor: Predictor, who: str
) -> None:
    found = resource(predictor, MONTHS, patient_id=who)
    valid(to_json(found))
    assert "identifier" not in found["subject"]
    assert found["subject"]["display"].startswith("patient_id that FHIR cannot hold: ")


@pytest.mark.parametrize(
    "who", ["=1+1", "</script>", 'a"b\\', "é 患者 🙂", "a\tb\nc", "a\x85\u2028\u2029b", 7]
)
def test_other_ids_come_back_as_they_are(predictor: Predictor, who: object) -> None:
    line = to_json(resource(predictor, MONTHS, patient_id=who))
    valid(line)
    assert json.loads(line)["subject"]["identifier"]["value"] == str(who)


@pytest.mark.parametrize("who", [None, "", "  ", "\t", math.nan])
def test_without_an_id_the_subject_says_so(predictor: Predictor, who: object) -> None:
    found = resource(predictor, MONTHS, patient_id=who)
    assert found["subject"] == UNNAMED


def test_a_model_of_any_words(small_training: TrainResult) -> None:
    odd = Predictor({**small_training.predictor.artifact, "endpoint": "</script>\x07 `gone`"})
    found = resource(odd, MONTHS)
    valid(to_json(found))
    assert found["prediction"][0]["outcome"]["text"] == "Resorbed on MRI: </script>\ufffd `gone`"


def lines_of(predictor: Predictor, frame: pl.DataFrame, folder: Path, **more: Any) -> list[str]:
    source, stream = folder / "in.csv", io.BytesIO()
    frame.write_csv(source, null_value="")
    lines = ResourceLines(stream, Scorer(predictor))
    score_file(Scorer(predictor), source, CsvWriter(io.BytesIO()), besides=[lines], **more)
    return stream.getvalue().decode().split("\n")[:-1]


def test_a_line_for_every_row_that_was_scored(predictor: Predictor, tmp_path: Path) -> None:
    frame = waiting_list(600, bad=7)
    lines = lines_of(predictor, frame, tmp_path)
    fine = [row for number, row in enumerate(frame.to_dicts(), 1) if number % 7]
    assert len(lines) == len(fine)
    for line, row in zip(lines, fine, strict=True):
        cells = {name: row[name] for name in row if name not in ("note", "patient_id")}
        expected = resource(predictor, cells, patient_id=row["patient_id"])
        assert line == to_json(expected)
    for line in lines[::50]:
        valid(line)


@pytest.mark.parametrize("name", ["curved loglogistic cure", "curved weibull all", "format 1"])
def test_any_model_s_lines_are_those_of_predict(name: str, tmp_path: Path) -> None:
    predictor = model(name)
    found = patients(predictor, 150, seed=5)
    lines = iter(lines_of(predictor, pl.DataFrame(found), tmp_path))
    for cells in found:
        try:
            expected = to_json(resource(predictor, cells))
        except InputError:
            continue
        line = next(lines)
        assert line == expected
        valid(line)
    assert list(lines) == []


def test_what_was_missing_is_told() -> None:
    predictor = composed(CURVED, optional=OPTIONAL)
    cells = {**MONTHS, "work": "heavy, by hand", "bmi": "", "smoker": "1", "depth": "-1.50"}
    found = resource(predictor, cells)
    displays = [each["display"] for each in found["basis"]]
    for words in ("age: not given", "bmi: not given", "work: heavy, by hand", "smoker: yes"):
        assert words in displays
    assert "depth: -1.5" in displays
    said = notes(found)
    assert said[0] == predictor.predict(**cells).sentence  # no notice: its data were observed
    assert found["method"]["text"] == f"discresorb, model {predictor.model_id}"
    assert any("filled in by regression on the other inputs" in each for each in said)
    assert said[-2].endswith("n_imputed=2")


def test_lines_do_not_depend_on_batches(predictor: Predictor, tmp_path: Path) -> None:
    frame = waiting_list(300, bad=9)
    whole = lines_of(predictor, frame, tmp_path)
    assert whole == lines_of(predictor, frame, tmp_path, threads=2, batch_bytes=500)


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), prog_name="discresorb")


def options(cells: dict[str, Any]) -> list[str]:
    return [each for name, cell in cells.items() for each in (f"--{name.replace('_', '-')}", cell)]


def test_predict_prints_one_resource(predictor: Predictor) -> None:
    done = command("predict", *options(DATES), "--patient-id", "W1", "--fhir")
    assert done.exit_code == 0, done.stderr
    valid(done.stdout.rstrip("\n"))
    assert done.stdout == to_json(resource(predictor, DATES, patient_id="W1")) + "\n"
    assert command("predict", *options(DATES), "--fhir", "--json").exit_code == 2
    refused = command("predict", *options({**MONTHS, "size_mm": "x"}), "--fhir")
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_predict_names_the_patient_in_every_form() -> None:
    named = ("--patient-id", "W 1")
    assert "patient_id          W 1" in command("predict", *options(MONTHS), *named).stdout
    done = command("predict", *options(MONTHS), *named, "--json")
    assert json.loads(done.stdout)["patient_id"] == "W 1"


def test_score_and_predict_write_the_same_line(tmp_path: Path) -> None:
    target = tmp_path / "out.ndjson"
    done = command(
        "score", SYNTHETIC / "waiting_list.csv", "-o", tmp_path / "o.csv", "--fhir", target,
        "--scan-cost", 1, "--operation-cost", 4,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    first = target.read_text().split("\n")[0]
    costs = ("--scan-cost", 1, "--operation-cost", 4)
    named = ("--patient-id", "case-report", "--fhir", *costs)
    assert command("predict", *options(DATES), *named).stdout.rstrip("\n") == first
    assert "upper bound" in first
