"""Covariates at their extremes: values far away, gaps in a whole group, names that mean others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import SEPARATED
from conftest import Run
from equations import solved

from discresorb import InputError, Predictor
from discresorb.artifact import save_artifact
from discresorb.design import Imputation
from discresorb.errors import InputFileError
from discresorb.schema import wrong_with
from discresorb_training import ResorptionModel, simulate_cohort, train
from discresorb_training.beyond import BeyondClock, beyond_clock
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.cohort_facts import typical_curves
from discresorb_training.errors import TrainingError
from discresorb_training.information import check_information, rows_of, warnings_of
from discresorb_training.model_facts import model_facts
from discresorb_training.plan import planned
from discresorb_training.procedure import Procedure
from discresorb_training.training import TrainResult

CASE: dict[str, Any] = {"size_mm": 9, "months_since_onset": 2, "months_to_surgery": 6}


def cohort_with(**columns: Any) -> pd.DataFrame:
    return simulate_cohort(400, seed=5)[0].assign(**columns)


def noise(seed: int = 0, mean: float = 45.0) -> Any:
    return np.random.default_rng(seed).normal(mean, 10.0, 400).round(1)


def quickly(frame: pd.DataFrame, covariates: list[str], **options: Any) -> TrainResult:
    settings: dict[str, Any] = {"distribution": "loglogistic", "cure": True} | options
    return train(
        frame,
        endpoint="gone",
        data_origin="observed",
        covariates=covariates,
        second_opinion=False,
        **settings,
    )


@pytest.fixture(scope="module")
def weibull() -> Predictor:
    frame = cohort_with(age=noise())
    return quickly(frame, ["size_mm", "age:spline"], distribution="weibull", cure=False).predictor


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("age", ["1e200", 1e308])
def test_values_that_nothing_can_be_computed_from_are_a_problem(
    weibull: Predictor, age: object
) -> None:
    rule = "no probability can be computed so far from the training patients"
    words = f"{rule}: age of "
    with pytest.raises(InputError, match=f"^{rule}$") as caught:
        weibull.predict(**CASE, age=age)
    assert caught.value.with_values[0].startswith(words)
    with pytest.raises(InputError, match=f"^{rule}$") as caught:
        weibull.curve(months=[1, 6], size_mm=9, months_since_onset=2, age=age)
    assert caught.value.with_values[0].startswith(words)
    frame = pd.DataFrame([{**CASE, "age": a} for a in ("a", 40, age, 50)])
    scored = weibull.score(frame)
    assert scored["problems"][2].startswith(words)
    assert "age entered as a" in scored["problems"][0]
    assert scored["p_resorbed"].isna().tolist() == [True, False, True, False]
    assert scored["p_low"].isna().tolist() == [True, False, True, False]
    assert scored["n_imputed"].isna().tolist() == [True, False, True, False]
    assert scored["reimage"].isna().tolist() == [True, False, True, False]
    alone = weibull.predict(**CASE, age=50)
    assert scored["p_resorbed"][3] == alone.probability


def test_a_unit_that_is_none_leaves_no_gap_in_the_words(weibull: Predictor) -> None:
    found = " ".join(weibull.predict(**CASE, age=85).warnings)
    assert "age of 85 lies outside" in found
    assert "  " not in found


def test_such_values_on_the_command_line(weibull: Predictor, tmp_path: Path, run: Run) -> None:
    model = tmp_path / "m.joblib"
    save_artifact(dict(weibull.artifact), model)
    given = ("--size-mm", 9, "--months-since-onset", 2, "--months-to-surgery", 6, "--model", model)
    done = run("predict", *given, "--set", "age=1e200", "--json")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no probability can be computed")
    (tmp_path / "in.csv").write_text(
        "size_mm,age,months_since_onset,months_to_surgery\n9,1e200,2,6\n9,40,2,6\n"
    )
    done = run("score", tmp_path / "in.csv", "--model", model, "--json")
    assert done.returncode == 4, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["p_resorbed"] is None
    assert "no probability can be computed" in first["problems"]
    assert second["problems"] == ""


def test_nothing_set_is_dropped(weibull: Predictor, tmp_path: Path, run: Run) -> None:
    model = tmp_path / "m.joblib"
    save_artifact(dict(weibull.artifact), model)
    given = ("--size-mm", 9, "--months-since-onset", 2, "--months-to-surgery", 6, "--model", model)
    done = run("predict", *given, "--set", "age=40", "--set", "age =50", "--set", "size_mm=3")
    assert done.returncode == 2
    assert "Error: age is given twice" in done.stderr
    assert "Error: size_mm is given twice" in done.stderr
    done = run("predict", *given, "--set", "age=40", "--sequestrated", "yes")
    assert done.returncode == 2
    assert "sequestrated is not an input of this model" in done.stderr
    for name in ("threshold", "self"):
        done = run("predict", *given, "--set", f"{name}=0.5", "--set", "age=40")
        assert done.returncode == 2
        assert done.stderr.startswith(f"Error: {name} is no covariate, so --set cannot give it")


def test_a_covariate_never_known_in_one_type_is_trained_and_described() -> None:
    frame = cohort_with(canal=noise(mean=15.0))
    frame.loc[frame["sequestrated"] == 1, "canal"] = np.nan
    names = ["canal", "size_mm", "sequestrated"]
    found = quickly(frame, names, may_be_missing=["canal"])
    ranges = {each["level"]: each["ranges"] for each in found.artifact["support"]["groups"]}
    assert "canal" in ranges[0.0]
    assert "canal" not in ranges[1.0]
    cohort = cohort_from_frame(frame, planned(names, optional=["canal"]))
    curves = typical_curves(found.predictor, cohort)
    assert len(curves) == 4
    assert all("nan" not in each["title"] for each in curves)
    assert curves[0]["title"].startswith("canal ")
    scored = found.predictor.score(pd.DataFrame([{**CASE, "sequestrated": 1, "canal": 15}]))
    assert scored["problems"][0] == ""


def test_a_typical_patient_of_small_numbers_may_be_entered() -> None:
    frame = cohort_with(share=np.random.default_rng(0).uniform(0.012, 0.04, 400).round(4))
    names, words = ["share", "sequestrated"], {"share": {"low": 0.011, "high": 0.05}}
    found = quickly(frame, names, dictionary=words)
    patient = model_facts(found.predictor)["example"]["inputs"]
    assert 0.02 < patient["share"] < 0.03
    cohort = cohort_from_frame(frame, planned(names, dictionary=words))
    assert {len(each["p"]) for each in typical_curves(found.predictor, cohort)} == {49}


def test_what_cannot_be_fitted_is_called_by_its_name() -> None:
    separated = simulate_cohort(400, seed=1, settings=SEPARATED)[0]
    metrics = quickly(separated, ["size_mm", "sequestrated"]).artifact["metrics"]
    assert "how sequestrated changes the probability" in metrics["effect of the penalty"]
    frame = cohort_with()
    copied = frame.assign(other=frame["months_since_onset"])
    metrics = quickly(copied, ["size_mm", "other"], cure=False).artifact["metrics"]
    said = metrics["months since onset beyond the clock"]
    assert "other, months_since_onset say the same" in said


def test_whole_numbers_are_one_level_however_they_are_written(tmp_path: Path) -> None:
    """A column of 1, 2, 3 with gaps leaves pandas as 1.0, 2.0, 3.0 and comes back as numbers."""
    grade = np.random.default_rng(0).integers(1, 4, 400).astype(float)
    grade[::7] = np.nan
    cohort_with(grade=grade).to_csv(tmp_path / "c.csv", index=False)
    options: dict[str, Any] = {"may_be_missing": ["grade"]}
    names = ["size_mm", "grade:category"]
    by_text, by_number = (
        quickly(pd.read_csv(tmp_path / "c.csv", dtype=kind), names, **options).predictor
        for kind in (str, None)
    )
    assert by_text.columns[1].levels == by_number.columns[1].levels == ("1", "2", "3")
    assert by_text.model_id == by_number.model_id
    found = {by_text.predict(**CASE, grade=each).probability for each in (2, 2.0, "2", "2.0")}
    assert len(found) == 1


def test_levels_like_terms_of_a_formula_leave_it_whole(tmp_path: Path) -> None:
    level = np.random.default_rng(0).choice(["a + -b", "x - -y"], 400)
    depth = noise(1, mean=-20.0)
    frame = cohort_with(level=level, depth=depth)
    frame.loc[::9, "depth"] = np.nan
    names = ["size_mm", "level:category", "depth:spline3"]
    found = quickly(frame, names, may_be_missing=["depth"])
    found.save(tmp_path / "m.joblib")
    twin = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert "level[x - -y]" in " ".join(twin["equation"])
    assert "months_since_onset = entry" in twin["equation"]
    inputs = {"size_mm": 9.0, "level": "x - -y", "depth": None, "entry": 2.0, "horizon": 8.0}
    case = {**CASE, "level": "x - -y"}
    for depth in (None, -35.0, -1.0):
        p = found.predictor.predict(**case, depth=depth).probability
        assert p == pytest.approx(solved(twin["equation"], inputs | {"depth": depth}), rel=1e-10)


@pytest.mark.parametrize(
    ("texts", "options", "words"),
    [
        (["size_mm:spline", "size_mm_s1"], {}, "size_mm_s1 is also the name of a part of"),
        (["age", "cure_age"], {}, "cure_age means something else"),
        (["threshold"], {}, "threshold means something else"),
        (["log_scale"], {}, "log_scale means something else"),
        (["ward:category"], {"dictionary": {"ward": {"low": 1}}}, "gives low of ward, but a cat"),
        (["smoker:flag"], {"dictionary": {"smoker": {"unit": "x"}}}, "gives unit of smoker"),
        ("size_mm", {}, "covariates entered as 'size_mm', but must be a list of names"),
        (["size_mm", 3], {}, "must be a list of names"),
        (["size_mm", "age"], {"optional": "age"}, "may be missing entered as 'age', but must be"),
    ],
)
def test_names_that_would_mean_two_things(texts: Any, options: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        planned(texts, **options)


def test_who_does_not_count_carries_no_model() -> None:
    table = simulate_cohort(120, seed=3)[0]
    seen = table["first_resorbed_months"].notna()
    late = np.cumsum(seen) > 5
    nobody = cohort_from_frame(table.assign(w=np.where(seen & late, 0.0, 1.0)), weights="w")
    with pytest.raises(TrainingError, match=r"seen resorbed: 5 of \d+ patients"):
        check_information(nobody)
    alike = table.assign(w=np.where(table["sequestrated"] == 1, 0.0, 1.0))
    with pytest.raises(TrainingError, match="sequestrated is the same in every patient"):
        check_information(cohort_from_frame(alike, weights="w"))
    odd = table.assign(w=np.where(seen & (table["sequestrated"] == 0), 0.0, 1.0))
    found = warnings_of(cohort_from_frame(odd, weights="w"))
    assert any("nobody with sequestrated no was seen resorbed" in each for each in found)


_WRONG = "has knots, but no spline|appears twice|cannot be printed|is not two numbers in order"


@pytest.mark.parametrize(
    "change",
    [
        lambda covariate: covariate["terms"][0].update(knots=[1.0, 2.0]),
        lambda covariate: covariate["terms"][0].update(knots="abc"),
        lambda covariate: covariate.update(name="size_mm_s1"),
        lambda covariate: covariate.update(label="\x1b[2Jage"),
        lambda covariate: covariate.update(range=[None, None, 1.0]),
    ],
)
def test_a_crafted_design_is_no_model(change: Any) -> None:
    frame = cohort_with(age=noise())
    artifact = dict(quickly(frame, ["size_mm:spline", "age"]).artifact)
    change(artifact["covariates"][1])
    artifact["support"] = {**artifact["support"], "groups": []}
    assert re.search(_WRONG, "; ".join(wrong_with(artifact)))


def test_imputation_names_what_it_rests_on() -> None:
    frame = cohort_with(age=noise())
    frame.loc[::9, "age"] = np.nan
    artifact = dict(quickly(frame, ["size_mm", "age"], may_be_missing=["age"]).artifact)
    assert not wrong_with(artifact)
    artifact["imputation"] = {**artifact["imputation"], "predictors": ["size_mm", "age"]}
    assert "names other predictors" in "; ".join(wrong_with(artifact))


def test_levels_that_cannot_be_printed_are_refused() -> None:
    frame = cohort_with(work=["a\u2028b", "c"] * 200)
    with pytest.raises(InputFileError, match="work has values that cannot be printed") as caught:
        cohort_from_frame(frame, planned(["size_mm", "work:category"]))
    assert r"such as 'a\u2028b'" in caught.value.with_values[0]
    assert "u2028" not in str(caught.value)


def test_a_spline_needs_as_many_different_values_as_knots() -> None:
    frame = cohort_with(two=np.arange(400) % 2)
    with pytest.raises(TrainingError, match="two has too few different values for a natural spl"):
        quickly(frame, ["size_mm", "two:spline3"])


def test_what_is_missing_in_most_is_warned_of_and_rows_are_those_it_is_known_in() -> None:
    table = simulate_cohort(80, seed=3)[0]
    seen = table["first_resorbed_months"].notna()
    age = np.where(seen, 60.0, 40.0)
    age[np.flatnonzero(seen)[3:]] = np.nan
    age[np.flatnonzero(~seen)[4:]] = np.nan
    plan = planned(["size_mm", "age"], optional=["age"])
    found = " ".join(warnings_of(cohort_from_frame(table.assign(age=age), plan)))
    assert "age is missing in 73 of 80 patients: most of what its effect rests on" in found
    rows = ", ".join(str(row + 1) for row in np.flatnonzero(seen)[:3])
    words = f"age of everybody seen resorbed, where it is known, (rows {rows}) lies above"
    assert words in found


def test_one_patient_is_one_row() -> None:
    assert rows_of(np.ones(1, dtype=bool)) == "row 1"


def test_a_column_of_weights_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="the column of weights has no name"):
        cohort_from_frame(cohort_with(), weights=" ")


def test_what_stands_in_stays_inside_what_was_seen() -> None:
    one = Imputation("x", np.array([0.0, 1.0]), 2.0, 5.0)
    found = one.value([np.ones(3), np.array([-9.0, 3.0, 99.0])])
    np.testing.assert_array_equal(found, [2.0, 3.0, 5.0])


def test_knots_stand_where_weights_do_and_the_procedure_passes_them_on() -> None:
    frame = cohort_with(age=noise())
    times = np.where(frame["size_mm"] > frame["size_mm"].median(), 3.0, 1.0)
    cohort = cohort_from_frame(frame, planned(["size_mm:spline3", "sequestrated"]))
    run = Procedure(cohort.plan, ("loglogistic",), (True,), 0.1, 5, 0).run
    plain, weighted = run(cohort.X, cohort.y), run(cohort.X, cohort.y, times)
    copies = np.repeat(cohort.X[:, 0], times.astype(int))
    knots = weighted.design.covariates[0].knots
    np.testing.assert_allclose(knots, np.quantile(copies, [0.1, 0.5, 0.9]), atol=0.05)
    assert min(np.subtract(knots, plain.design.covariates[0].knots)[1:]) > 0.2


@pytest.mark.parametrize(("cure", "degrees"), [(True, 2), (False, 1)])
def test_the_clock_is_tested_on_as_many_degrees_as_it_adds(cure: bool, degrees: int) -> None:
    cohort = cohort_from_frame(cohort_with())
    model = ResorptionModel("loglogistic", cure=cure, penalty=0.1).fit(cohort.X, cohort.y)
    found = beyond_clock(model, cohort.X, cohort.y)
    assert isinstance(found, BeyondClock)
    assert found.degrees == degrees


def test_a_flag_that_may_be_missing_makes_no_types() -> None:
    flag = np.random.default_rng(0).integers(0, 2, 400).astype(float)
    flag[::9] = np.nan
    names = ["smoker:flag", "size_mm", "sequestrated"]
    found = quickly(cohort_with(smoker=flag), names, may_be_missing=["smoker"])
    assert found.artifact["support"]["by"] == "sequestrated"
