"""A model of six covariates: two splines, one category, missing values, from training to JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import SYNTHETIC, Run
from equations import solved

from discresorb import InputError, Predictor, load
from discresorb.errors import InputFileError
from discresorb_training import simulate_cohort, train
from discresorb_training.plan import planned
from discresorb_training.training import TrainResult
from discresorb_training.validation import validate

COVARIATES = [
    "size_mm:spline",
    "sequestrated",
    "age:spline3",
    "work:category",
    "bmi",
    "smoker:flag",
]
OPTIONAL = ["age", "bmi", "work"]
DICTIONARY = {
    "age": {"label": "age at the index MRI", "unit": "years", "low": 16, "high": 100},
    "bmi": {"unit": "kg/m²", "low": 10, "high": 80},
}
ENDPOINT = "gone on MRI"


def with_more_covariates(n: int, seed: int, missing: float = 0.1) -> pd.DataFrame:
    cohort, _ = simulate_cohort(n, seed=seed)
    rng = np.random.default_rng(seed)
    cohort["age"] = (45 + cohort["size_mm"] + rng.normal(0, 11, n)).round(0).clip(18, 90)
    cohort["work"] = rng.choice(["desk", "mixed", "heavy, by hand"], n)
    cohort["bmi"] = rng.normal(26, 4, n).round(1).clip(16, 45)
    cohort["smoker"] = rng.choice(["yes", "no"], n)
    for name in OPTIONAL:
        cohort.loc[rng.random(n) < missing, name] = None
    return cohort


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return with_more_covariates(700, seed=4)


@pytest.fixture(scope="module")
def trained(patients: pd.DataFrame) -> TrainResult:
    return train(
        patients,
        endpoint=ENDPOINT,
        data_origin="synthetic",
        covariates=COVARIATES,
        may_be_missing=OPTIONAL,
        dictionary=DICTIONARY,
        distribution="loglogistic",
        cure=True,
    )


@pytest.fixture(scope="module")
def saved(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("six") / "six.joblib"
    trained.save(path)
    return path


@pytest.fixture(scope="module")
def waiting() -> pd.DataFrame:
    frame = with_more_covariates(60, seed=9, missing=0.25)
    frame["months_to_surgery"] = 5.5
    kept = ["patient_id", "size_mm", "sequestrated", "age", "work", "bmi", "smoker"]
    return frame[[*kept, "months_since_onset", "months_to_surgery"]]


def test_the_json_twin_gives_every_prediction(saved: Path, waiting: pd.DataFrame) -> None:
    twin = json.loads(saved.with_suffix(".json").read_text(encoding="utf-8"))
    scored = load(saved).score(waiting)
    for row, found in zip(waiting.to_dict("records"), scored.to_dict("records"), strict=True):
        inputs: dict[str, Any] = {
            name: None if pd.isna(row[name]) else row[name]
            for name in ("size_mm", "sequestrated", "age", "work", "bmi")
        }
        inputs |= {"smoker": float(row["smoker"] == "yes"), "entry": row["months_since_onset"]}
        inputs["horizon"] = inputs["entry"] + row["months_to_surgery"]
        assert found["p_resorbed"] == pytest.approx(solved(twin["equation"], inputs), rel=1e-10)
        assert found["n_imputed"] == sum(each is None for each in inputs.values())


def test_every_way_of_scoring_gives_the_same(
    saved: Path, waiting: pd.DataFrame, tmp_path: Path, run: Run
) -> None:
    predictor = load(saved)
    by_pandas = predictor.score(waiting)
    by_polars = predictor.score(pl.DataFrame(waiting.to_dict("list")))
    assert by_polars["n_imputed"].to_list() == by_pandas["n_imputed"].tolist()
    waiting.to_csv(tmp_path / "list.csv", index=False)
    done = run("score", tmp_path / "list.csv", "--model", saved, "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    by_csv = pd.read_csv(tmp_path / "out.csv")
    assert by_csv["n_imputed"].dtype == np.int64
    for frame in (by_polars.to_dict(as_series=False), by_csv):
        np.testing.assert_allclose(frame["p_resorbed"], by_pandas["p_resorbed"], rtol=1e-12)
        np.testing.assert_allclose(frame["p_high"], by_pandas["p_high"], rtol=1e-12)
    assert by_csv["warnings"].tolist() == by_pandas["warnings"].tolist()
    for number, row in enumerate(waiting.to_dict("records")):
        one = predictor.predict(**{str(k): v for k, v in row.items() if not pd.isna(v)})
        assert one.probability == by_pandas["p_resorbed"][number]
        assert one.n_imputed == by_pandas["n_imputed"][number]
        assert "; ".join(one.warnings) == by_pandas["warnings"][number]


def test_what_was_filled_in_is_said(saved: Path) -> None:
    case: dict[str, Any] = {
        "size_mm": 9,
        "sequestrated": 1,
        "smoker": "no",
        "months_since_onset": 2.0,
    }
    found = load(saved).predict(**case, work="desk", months_to_surgery=4)
    assert found.n_imputed == found.to_dict()["n_imputed"] == 2
    words = "missing, filled in by regression on the other inputs, which the interval takes as "
    assert f"{words}known: age, bmi" in found.warnings


def test_predict_takes_further_covariates_on_the_command_line(saved: Path, run: Run) -> None:
    case = ("--size-mm", 9, "--sequestrated", "yes", "--months-since-onset", 2)
    about = ("--months-to-surgery", 4, "--model", saved)
    others = ("--set", "smoker=no", "--set", "work=heavy, by hand", "--set", "age=50")
    done = run("predict", *case, *about, *others)
    assert done.returncode == 0, done.stderr
    assert "  work                heavy, by hand\n" in done.stdout
    assert "  age                 50 years\n" in done.stdout
    assert "which the interval takes as known: bmi." in done.stdout
    found = json.loads(run("predict", *case, *about, *others, "--json").stdout)
    known: dict[str, Any] = {
        "size_mm": 9,
        "sequestrated": 1,
        "smoker": 0,
        "work": "heavy, by hand",
        "age": 50,
    }
    clock = {"months_since_onset": 2, "months_to_surgery": 4}
    assert found["p_resorbed"] == load(saved).predict(**known, **clock).probability
    wrong = run("predict", *case, *about, "--set", "smoker", "--set", "=x")
    assert wrong.returncode == 2
    assert "--set entered as smoker, but must be NAME=VALUE" in wrong.stderr
    assert "--set entered as =x" in wrong.stderr


def test_an_unseen_level_is_a_problem_of_its_row(saved: Path, waiting: pd.DataFrame) -> None:
    frame = waiting.copy()
    frame.loc[3, "work"] = "Desk"
    scored = load(saved).score(frame)
    problem = "work entered as Desk, but must be one of desk, heavy, by hand, mixed"
    assert scored["problems"][3] == problem
    assert np.isnan(scored["p_resorbed"][3])
    assert (scored["problems"].drop(3) == "").all()


def test_what_may_not_be_missing_is_a_problem(saved: Path, waiting: pd.DataFrame) -> None:
    frame = waiting.copy()
    frame.loc[0, "smoker"] = None
    assert "smoker is missing" in load(saved).score(frame)["problems"][0]
    with pytest.raises(InputFileError, match="age"):
        load(saved).score(frame.drop(columns="age"))


def test_values_outside_what_the_dictionary_allows_are_refused(saved: Path) -> None:
    case: dict[str, Any] = {
        "size_mm": 9,
        "sequestrated": 1,
        "smoker": "no",
        "months_since_onset": 2.0,
    }
    with pytest.raises(InputError, match="bmi must be a number from 10 to 80"):
        load(saved).predict(**case, bmi=8, months_to_surgery=4)
    with pytest.raises(InputError, match="age must be a number"):
        load(saved).predict(**case, age="1e999", months_to_surgery=4)


def test_training_refuses_missing_values_by_default(patients: pd.DataFrame) -> None:
    with pytest.raises(InputFileError, match="age is missing"):
        train(patients, endpoint=ENDPOINT, data_origin="synthetic", covariates=COVARIATES)


def test_one_imputation_for_training_and_prediction(
    trained: TrainResult, patients: pd.DataFrame
) -> None:
    """The model gives a training patient with a gap what it gives the patient filled in by hand."""
    predictor = trained.predictor
    gap = patients[patients["bmi"].isna() & patients["age"].notna() & patients["work"].notna()]
    row = gap.iloc[0]
    stored = next(c for c in predictor.artifact["imputation"]["columns"] if c["column"] == "bmi")
    names = predictor.artifact["imputation"]["predictors"]
    known = {**row, "smoker": float(row["smoker"] == "yes")}
    bmi = stored["coefficients"] @ [1.0, *(float(known[name]) for name in names)]
    case = {name: row[name] for name in ("size_mm", "sequestrated", "age", "work", "smoker")}
    case |= {"months_since_onset": row["months_since_onset"], "months_to_surgery": 6}
    by_hand = predictor.predict(**case, bmi=bmi)
    assert predictor.predict(**case).probability == pytest.approx(by_hand.probability, rel=1e-12)


def test_imputation_does_not_look_at_the_outcome(patients: pd.DataFrame) -> None:
    other = patients.copy()
    columns = ["last_herniated_months", "first_resorbed_months", "exit_months", "exit_reason"]
    later = other["first_resorbed_months"].notna()
    other.loc[later, ["first_resorbed_months", "exit_months"]] += 3.0
    assert not other[columns].equals(patients[columns])
    one, two = (
        train(
            each,
            endpoint=ENDPOINT,
            data_origin="synthetic",
            covariates=["size_mm", "sequestrated", "bmi"],
            may_be_missing=["bmi"],
            distribution="weibull",
            cure=False,
            second_opinion=False,
        ).artifact
        for each in (patients, other)
    )
    np.testing.assert_array_equal(
        one["imputation"]["columns"][0]["coefficients"],
        two["imputation"]["columns"][0]["coefficients"],
    )
    assert not np.array_equal(one["location"], two["location"])


def test_spline_and_levels_are_recovered() -> None:
    """A pure-noise category and a linear truth: the spline's curve is nearly straight."""
    frame = with_more_covariates(2500, seed=11, missing=0.0)
    linear, curved = (
        train(
            frame,
            endpoint=ENDPOINT,
            data_origin="synthetic",
            covariates=[form, "sequestrated"],
            distribution="loglogistic",
            cure=True,
            second_opinion=False,
        )
        for form in ("size_mm", "size_mm:spline3")
    )
    case = {"sequestrated": 0, "months_since_onset": 2.0, "months_to_surgery": 6.0}
    for size in (4, 6, 8, 10):
        p = [each.predictor.predict(size_mm=size, **case).probability for each in (linear, curved)]
        assert abs(p[0] - p[1]) < 0.05


def test_validation_reads_a_cohort_by_the_models_own_covariates(trained: TrainResult) -> None:
    fresh = with_more_covariates(250, seed=20)
    found = validate(trained.predictor, fresh, endpoint=ENDPOINT, months=[6.0], repeats=20)
    names = {each["name"] for each in found["subgroups"]["shown"]}
    assert {"work desk", "work mixed", "smoker yes"} <= names
    fresh.loc[5, "work"] = "night"
    with pytest.raises(InputFileError, match="row 6: work must be one of") as caught:
        validate(trained.predictor, fresh, endpoint=ENDPOINT, months=[6.0], repeats=20)
    assert "row 6: work entered as night" in caught.value.with_values[0]


def test_the_command_takes_the_same_and_reports_on_it(
    patients: pd.DataFrame, tmp_path: Path, run: Run, trained: TrainResult
) -> None:
    patients.to_csv(tmp_path / "ours.csv", index=False)
    (tmp_path / "words.json").write_text(json.dumps(DICTIONARY), encoding="utf-8")
    done = run(
        "train", "ours.csv", "-o", "six.joblib", "--endpoint", ENDPOINT,
        "--data-origin", "synthetic", "--covariates", ",".join(COVARIATES),
        "--may-be-missing", ",".join(OPTIONAL), "--dictionary", "words.json",
        "--distribution", "loglogistic", "--cure", "yes", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert load(tmp_path / "six.joblib").model_id == trained.artifact["model_id"]
    assert "months since onset beyond the clock: likelihood-ratio test" in done.stdout
    assert "effect of the penalty: without it probabilities" in done.stdout
    shown = run("show", "six.joblib", cwd=tmp_path).stdout
    assert 'work[mixed] = 1 if work is "mixed", else 0' in shown
    assert "if bmi is missing: bmi = min(max(" in shown


@pytest.mark.parametrize(
    ("texts", "options", "words"),
    [
        (
            ["size_mm:curve"],
            {},
            "must be one of linear, spline, spline3 to spline7, flag, category",
        ),
        (["size_mm:spline9"], {}, "size_mm is to have 9 knots"),
        (["size_mm:spline2"], {}, "size_mm is to have 2 knots"),
        (["size_mm:flag"], {}, "size_mm is a number; it cannot be entered as flag"),
        (["sequestrated:spline"], {}, "sequestrated is a flag; it cannot be entered as spline"),
        (["age", "age:spline"], {}, "covariate age is named twice"),
        (["months_since_onset"], {}, "months_since_onset is the clock"),
        (["site_id"], {}, "site_id is no covariate"),
        (["p_resorbed"], {}, "p_resorbed is no covariate"),
        ([""], {}, "no covariate is named"),
        (["a[b"], {}, "its name must be plain text"),
        (["age"], {"optional": ["age"]}, "at least one must not"),
        (["age", "bmi"], {"optional": ["agee"]}, "agee may be missing, .* did you mean age?"),
        (["age"], {"dictionary": {"bmi": {}}}, "bmi is described in the dictionary, but is none"),
        (["age"], {"dictionary": {"age": {"low": 9, "high": 2}}}, "low of age must be below"),
        (["age"], {"dictionary": {"age": {"lower": 9}}}, "gives lower of age; known are label"),
        (["age"], {"dictionary": {"age": {"low": "a"}}}, "low of age entered as 'a'"),
        (["age"], {"dictionary": []}, "must give facts by name"),
        (["size_mm"], {"dictionary": {"size_mm": {"low": 1}}}, "described by discresorb itself"),
    ],
)
def test_plans_that_make_no_sense(texts: list[str], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        planned(texts, **options)


def test_a_category_needs_some_levels(patients: pd.DataFrame) -> None:
    for values, count in ((["x"] * 700, 1), ([f"v{k}" for k in range(700)], 700)):
        with pytest.raises(InputFileError, match=f"work has {count} different values, but"):
            train(
                patients.assign(work=values),
                endpoint=ENDPOINT,
                data_origin="synthetic",
                covariates=["size_mm", "work:category"],
            )


def test_levels_of_numbers_are_the_same_in_every_kind_of_frame(patients: pd.DataFrame) -> None:
    ward = np.random.default_rng(0).integers(1, 12, len(patients))
    model = train(
        patients.assign(ward=ward),
        endpoint=ENDPOINT,
        data_origin="synthetic",
        covariates=["size_mm", "ward:category"],
        distribution="weibull",
        cure=False,
        second_opinion=False,
    ).predictor
    assert model.columns[1].levels == tuple(map(str, range(1, 12)))
    case = {"size_mm": 7.0, "months_since_onset": 2.0, "months_to_surgery": 6.0}
    found = {model.predict(**case, ward=ward).probability for ward in ("3", 3, 3.0, np.int8(3))}
    assert len(found) == 1


def test_old_artifacts_load_and_predict_as_before() -> None:
    """A file of format 1, the shipped model of its time; probabilities frozen when it was made."""
    old = Path(__file__).parent / "data" / "format_1"
    predictor = load(old / "default.joblib")
    assert json.loads((old / "default.json").read_text(encoding="utf-8"))["format"] == 1
    assert predictor.artifact["format"] == 2
    cases = pd.read_csv(SYNTHETIC / "waiting_list.csv")
    frozen = pd.read_csv(old / "scored.csv")
    scored = predictor.score(cases)
    np.testing.assert_allclose(scored["p_resorbed"], frozen["p_resorbed"], rtol=1e-12)
    np.testing.assert_allclose(scored["p_low"], frozen["p_low"], rtol=1e-12)
    assert (scored["model_id"] == "loglogistic-cure-" + predictor.model_id[-10:]).all()
    assert isinstance(predictor, Predictor)
