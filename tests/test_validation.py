"""External validation, and the command that does it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import SYNTHETIC, Run

from discresorb import Predictor
from discresorb.errors import InputError, InputFileError
from discresorb_training import Settings, TrainingError, simulate_cohort
from discresorb_training.answerable import known_by
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.external import check_fits, notes_on, resample
from discresorb_training.measure import Measure
from discresorb_training.performance import METRICS, Evaluation
from discresorb_training.validation import reference, validate

ENDPOINT = "definite regression of the herniation on MRI"


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return simulate_cohort(300, seed=11, settings=Settings(sites=3))[0]


@pytest.fixture(scope="module")
def facts(predictor: Predictor, patients: pd.DataFrame) -> dict[str, Any]:
    return validate(predictor, patients, endpoint=ENDPOINT, repeats=20, seed=1)


def test_estimates_are_the_evaluations(
    facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame
) -> None:
    cohort = cohort_from_frame(patients)
    evaluation = Evaluation(predictor._curve, cohort.X, cohort.y)
    for at in facts["at"]:
        found = evaluation.at(at["months"])
        assert {each["key"]: each["estimate"] for each in at["metrics"]} == found


def test_intervals_hold_the_estimate(facts: dict[str, Any]) -> None:
    for at in facts["at"]:
        for each in at["metrics"]:
            if each["key"] in ("ici", "e50", "e90"):
                assert each["low"] is None
                continue
            assert each["low"] < each["estimate"] < each["high"], each
            assert each["range"][0] <= each["estimate"] <= each["range"][1]


def test_it_can_be_written_as_json(facts: dict[str, Any]) -> None:
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["kind"] == "external"
    assert len(facts["at"][0]["metrics"]) == len(METRICS)


def test_the_same_seed_gives_the_same_numbers(
    facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame
) -> None:
    again = validate(predictor, patients, endpoint=ENDPOINT, repeats=20, seed=1, n_jobs=2)
    assert again == facts


def test_intervals_narrow_with_patients(predictor: Predictor, facts: dict[str, Any]) -> None:
    many = simulate_cohort(3_000, seed=12)[0]
    wide = validate(predictor, many, endpoint=ENDPOINT, repeats=20, months=(6.0,))
    for few, more in zip(facts["at"][1]["metrics"][:4], wide["at"][0]["metrics"][:4], strict=True):
        assert few["key"] == more["key"]
        assert more["high"] - more["low"] < 0.6 * (few["high"] - few["low"]), few["key"]


def test_a_centre_that_resorbs_less_shows_in_observed_to_expected(predictor: Predictor) -> None:
    table = pd.read_csv(SYNTHETIC / "new_centre.csv")
    found = validate(predictor, table, endpoint=ENDPOINT, repeats=20)
    assert found["not_answered"] == [
        "12 months lies beyond follow-up: nobody was imaged later than 10.8 months after the index "
        "MRI"
    ]
    metrics = {each["key"]: each for each in found["at"][1]["metrics"]}
    assert metrics["observed_expected"]["high"] < 1.0
    assert metrics["location"]["high"] < 0.0


def test_resampling_by_hand(predictor: Predictor, patients: pd.DataFrame) -> None:
    cohort = cohort_from_frame(patients)
    evaluation = Evaluation(predictor._curve, cohort.X, cohort.y)
    measure = Measure.of(evaluation, (6.0,), 6.0)
    large = cohort.X[:, 0] > 7.0
    found = resample(evaluation, measure, subgroups={"large": large}, repeats=3, seed=5)
    values = []
    for seed in np.random.SeedSequence(5).spawn(3):
        rows = np.random.default_rng(seed).integers(300, size=300)
        drawn = Evaluation(predictor._curve, cohort.X[rows], cohort.y[rows])
        values.append(measure(drawn, {"large": large[rows]}))
    for key in (("slope", 6.0), ("observed_expected | large", None)):
        k = list(found.keys).index(key)
        ends = np.quantile([each[key] for each in values], [0.025, 0.975])
        assert [found.low[k], found.high[k]] == pytest.approx(ends.tolist(), rel=1e-9)


def test_facts_by_hand(facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame) -> None:
    cohort = cohort_from_frame(patients)
    evaluation = Evaluation(predictor._curve, cohort.X, cohort.y)
    at = facts["at"][1]
    resorbed, herniated = known_by(cohort.y, 6.0)
    assert (at["known_resorbed"], at["known_herniated"]) == (resorbed.sum(), herniated.sum())
    w, p = evaluation.weights(6.0), evaluation.probability(6.0)
    assert at["expected_resorbed"] == pytest.approx(w.sum())
    counts = np.histogram(p, bins=40, range=(0.0, 1.0))[0]
    assert facts["calibration"]["histogram"] == counts.tolist()
    k = facts["decision"]["thresholds"].index(0.2)
    assert facts["decision"]["everybody"][k] == pytest.approx(w.mean() - 0.25 * (1 - w).mean())
    assert any(each["name"] == "site_id C01" for each in facts["subgroups"]["shown"])


def test_training_patients_are_known_again(
    predictor: Predictor, shipped_cohort: pd.DataFrame
) -> None:
    with pytest.raises(InputFileError, match="the very patients that the model was trained on"):
        validate(predictor, shipped_cohort, endpoint=ENDPOINT)


@pytest.mark.parametrize(("share", "refused"), [(0.4, False), (0.6, True)])
def test_most_must_be_like_the_training(
    share: float, refused: bool, predictor: Predictor, patients: pd.DataFrame
) -> None:
    """Judged by the widest range of all types: 14 mm is only seen in sequestrations."""
    cohort = cohort_from_frame(patients)
    cohort.X[:, 0] = 14.0
    cohort.X[: int(share * 300), 0] = 20.0
    if refused:
        with pytest.raises(InputFileError, match="size_mm of 60 % of the patients"):
            check_fits(predictor, cohort, ENDPOINT, "ours")
    else:
        check_fits(predictor, cohort, ENDPOINT, "ours")
        assert notes_on(predictor, cohort)[0].startswith("size_mm of 40 % of the patients lies")


def test_a_report_never_takes_the_place_of_what_is_read(
    patients: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    patients.to_csv(tmp_path / "ours.csv", index=False)
    before = (tmp_path / "ours.csv").read_bytes()
    told = ("--endpoint", ENDPOINT, "--data-origin", "synthetic", "--force")
    done = run("validate", "ours.csv", *told, "--report", "./ours.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "is an input of this command" in done.stderr
    train = ("train", "ours.csv", *told, "-o", "m.joblib")
    for wanted, words in (
        (("--report", "ours.csv"), "is an input of this command"),
        (("--report", "m.json"), "is named twice"),
        (("--report", "r.html", "--tripod", "./r.html"), "is named twice"),
        (("--report", "r.html", "--months", "500"), "500 months lies beyond follow-up"),
        (("--report", "r.html", "--repeats", "0"), "repeats entered as 0"),
    ):
        refused = run(*train, *wanted, cwd=tmp_path)
        assert refused.returncode in (2, 6), refused.stderr
        assert words in refused.stderr
    assert (tmp_path / "ours.csv").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["ours.csv"]


def test_nobody_is_named_and_no_line_is_forged(
    patients: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    forged = ["a\nNote: all is well" if k % 2 else "b" for k in range(300)]
    patients.assign(ward=forged).to_csv(tmp_path / "ours.csv", index=False)
    told = ("--endpoint", ENDPOINT, "--data-origin", "synthetic", "--repeats", 20, "--months", "6")
    named = run("validate", "ours.csv", *told, "--by", "patient_id", cwd=tmp_path)
    assert named.returncode == 3
    assert "makes no subgroups" in named.stderr
    done = run("validate", "ours.csv", *told, "--by", "ward", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ward a Note: all is well (150)" in done.stdout
    assert "\nNote: all is well" not in done.stdout


def test_other_endpoints_are_refused(predictor: Predictor, patients: pd.DataFrame) -> None:
    with pytest.raises(InputFileError, match="resorbed means 'complete resolution'"):
        validate(predictor, patients, endpoint="complete resolution")
    same = "  Definite regression of the herniation on MRI. "
    assert (
        validate(predictor, patients, endpoint=same, repeats=20, months=(6.0,))["patients"] == 300
    )


@pytest.mark.parametrize(
    ("column", "factor", "words"),
    [
        ("size_mm", 0.1, "Are they in mm?"),
        ("months_since_onset", 30.0, "Are they in months?"),
    ],
)
def test_other_units_are_noticed(
    predictor: Predictor, patients: pd.DataFrame, column: str, factor: float, words: str
) -> None:
    other = patients.assign(size_mm=patients["size_mm"].clip(lower=5.0))
    other[column] = (other[column] * factor).clip(upper=240.0)
    if column == "months_since_onset":
        other["last_herniated_months"] = other[column] + 10.0
        other["first_resorbed_months"] = other[column] + 20.0
        other = other.drop(columns=["exit_reason", "exit_months"])
    with pytest.raises(InputFileError, match=re.escape(words)):
        validate(predictor, other, endpoint=ENDPOINT)


def test_settings_that_make_no_sense_are_told_all_at_once(
    predictor: Predictor, patients: pd.DataFrame
) -> None:
    with pytest.raises(InputError) as caught:
        validate(predictor, patients, endpoint=ENDPOINT, repeats=5, seed=-1, n_jobs=0)
    assert len(caught.value.problems) == 3


def test_the_reference_is_the_horizon_nearest_to_six_months() -> None:
    assert reference((3.0, 6.0, 12.0)) == 6.0
    assert reference((1.0, 2.0)) == 2.0


def only(patients: pd.DataFrame, seen: bool) -> pd.DataFrame:
    return patients[patients["first_resorbed_months"].notna() == seen]


def in_centimetres(patients: pd.DataFrame) -> pd.DataFrame:
    return patients.assign(size_mm=(patients["size_mm"] / 10.0).clip(lower=0.5))


BAD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], int, str]] = {
    "all resorbed": (lambda p: only(p, seen=True), 6, "never seen resorbed: 0 of"),
    "none resorbed": (lambda p: only(p, seen=False), 6, "seen resorbed: 0 of"),
    "one patient": (lambda p: p.head(1), 6, "of 1 patient"),
    "other units": (in_centimetres, 3, "Are they in mm?"),
    "a missing covariate": (lambda p: p.drop(columns="size_mm"), 3, "size_mm"),
    "no patients": (lambda p: p.head(0), 3, "there are no patients in it"),
    "an impossible value": (
        lambda p: p.assign(size_mm=99.0),
        3,
        "row 1: size_mm must be a number from 0.5 to 40 mm",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_clear_words_and_a_status(
    name: str, patients: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    change, status, words = BAD[name]
    change(patients).to_csv(tmp_path / "ours.csv", index=False)
    told = ("--endpoint", ENDPOINT, "--data-origin", "synthetic", "--report", "r.html")
    done = run("validate", "ours.csv", *told, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_the_command_prints_a_table_json_and_a_report(
    patients: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    patients.assign(sex=np.where(np.arange(300) % 2, "f", "m")).to_csv(
        tmp_path / "ours.csv", index=False
    )
    told = ("--endpoint", ENDPOINT, "--data-origin", "synthetic", "--repeats", 20)
    done = run(
        "validate", "ours.csv", *told, "--by", "sex", "--report", "r.html", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model_id"].startswith("loglogistic-cure-")
    names = [each["name"] for each in found["subgroups"]["shown"]]
    assert {"sex f", "sex m"} <= set(names)
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "external validation" in html
    assert "Instability" not in html
    assert '<section id="drift"' in html
    assert found["drift"]["patients"] == 300
    again = run("validate", "ours.csv", *told, "--report", "r.html", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    table = run("validate", "ours.csv", *told, "--months", "6", cwd=tmp_path)
    assert table.returncode == 0, table.stderr
    assert "these patients are simulated" in table.stdout
    assert "\nHas it drifted? 300 patients here, 2000 in training\n" in table.stdout
    metrics = {each["key"]: each for each in found["at"][1]["metrics"]}
    auc = metrics["auc"]
    assert (
        f"AUC{'':27}{auc['estimate']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in table.stdout
    )


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--months", "soon"), 2, "months entered as soon, but must be numbers"),
        (("--by", "sex"), 3, "has no column sex to look at subgroups by; found: patient_id"),
        (("--model", "none.joblib"), 5, "no model file none.joblib"),
        (("--endpoint", "gone"), 3, "resorbed means 'gone' in these data"),
        (("--repeats", 3), 2, "repeats entered as 3"),
        (("--months", "400"), 6, "400 months lies beyond follow-up"),
    ],
)
def test_bad_options_get_clear_words_and_a_status(
    options: tuple[object, ...], status: int, words: str, run: Run
) -> None:
    done = run("validate", SYNTHETIC / "new_centre.csv", *options)
    assert done.returncode == status, done.stderr
    assert words in done.stderr


def test_a_cohort_without_a_card_must_be_described(
    patients: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    patients.to_csv(tmp_path / "ours.csv", index=False)
    done = run("validate", "ours.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "--endpoint and --data-origin must be given" in done.stderr


def test_models_that_need_other_covariates_are_refused(
    predictor: Predictor, patients: pd.DataFrame
) -> None:
    cohort = cohort_from_frame(patients)
    fewer = type(cohort)(cohort.plan[:1], cohort.X[:, :1], cohort.y, cohort.last_seen, cohort.sites)
    with pytest.raises(InputFileError, match="gives size_mm, but the model needs size_mm, seq"):
        check_fits(predictor, fewer, ENDPOINT, "ours.csv")


def test_too_many_failing_resamples_are_a_refusal(
    predictor: Predictor, patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from discresorb_training import external, performance

    cohort = cohort_from_frame(patients)
    evaluation = Evaluation(predictor._curve, cohort.X, cohort.y)
    measure = Measure.of(evaluation, (6.0,), 6.0)

    def refuse(*_: object) -> None:
        raise TrainingError("no working model")

    monkeypatch.setattr(performance, "fit_working_models", refuse)
    with pytest.raises(TrainingError, match="only 0 of 20 resamples"):
        external.resample(evaluation, measure, repeats=20)
