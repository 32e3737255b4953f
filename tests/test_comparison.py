"""Several models on the same patients, and the command that compares them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import SYNTHETIC
from typer.testing import CliRunner

from discresorb import Predictor
from discresorb.errors import ArtifactError, InputError, InputFileError
from discresorb_training import compare, simulate_cohort
from discresorb_training.answerable import Answerable
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.common_status import CommonComponents
from discresorb_training.comparison_facts import comparison_facts
from discresorb_training.comparison_text import comparison_lines
from discresorb_training.paired import Judged, compare_models, interval_of
from discresorb_training.performance import Evaluation
from discresorb_training.validation_commands import app
from discresorb_training.working import fit_working_models

ENDPOINT = "definite regression of the herniation on MRI"
LOG_SCORE = 0


def changed(predictor: Predictor, **values: Any) -> Predictor:
    artifact = {**copy.deepcopy(dict(predictor.artifact)), **values}
    return Predictor({**artifact, "model_id": f"changed-{sorted(values)}"})


def shifted(predictor: Predictor, by: float) -> Predictor:
    """Every resorption later by a factor."""
    return changed(predictor, location=predictor.artifact["location"] + np.array([by, 0.0, 0.0]))


def compared(
    models: Mapping[str, Predictor],
    patients: pd.DataFrame,
    *,
    months: tuple[float, ...] = (3.0, 6.0),
    repeats: int = 6,
    n_jobs: int = 1,
) -> dict[str, Any]:
    """Compare with fewer resamples than anybody should."""
    cohort = cohort_from_frame(patients)
    judged = [Judged(name, each, cohort) for name, each in models.items()]
    found = compare_models(judged, months, repeats=repeats, seed=2, n_jobs=n_jobs)
    return comparison_facts(found, judged, Answerable(months, []), 6.0, repeats)


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return simulate_cohort(150, seed=31)[0]


@pytest.fixture(scope="module")
def facts(predictor: Predictor, patients: pd.DataFrame) -> dict[str, Any]:
    """The shipped model compared with one that is late."""
    return compared({"late": shifted(predictor, 0.3), "shipped": predictor}, patients)


def entries(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [*part["overall"], *(each for at in part["at"] for each in at["metrics"])]


def verdict(facts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = facts["differences"][0]["verdicts"][LOG_SCORE]
    return found


def test_differences_are_those_of_the_models(facts: dict[str, Any]) -> None:
    late, shipped = map(entries, facts["models"])
    for first, second, by in zip(late, shipped, entries(facts["differences"][0]), strict=True):
        assert by["estimate"] == second["estimate"] - first["estimate"]
        if by["low"] is not None:
            assert by["low"] < by["high"]
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_figures_without_a_working_model_are_those_of_a_validation(
    facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame
) -> None:
    cohort = cohort_from_frame(patients)
    alone = Evaluation(predictor._curve, cohort.X, cohort.y).values(facts["months"])
    for each in facts["models"][1]["overall"][:2]:
        assert each["estimate"] == alone[each["key"], None]


def test_the_pairing_by_hand(
    facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame
) -> None:
    cohort = cohort_from_frame(patients)
    scores = [
        Evaluation(each._curve, cohort.X, cohort.y).log_scores()
        for each in (predictor, shifted(predictor, 0.3))
    ]
    differences = scores[0] - scores[1]
    drawn = [
        differences[np.random.default_rng(seed).integers(150, size=150)].mean()
        for seed in np.random.SeedSequence(2).spawn(6)
    ]
    found = facts["differences"][0]["overall"][LOG_SCORE]
    assert found["estimate"] == pytest.approx(differences.mean(), rel=1e-9)
    ends = np.quantile(drawn, [0.025, 0.975]).tolist()
    assert [found["low"], found["high"]] == pytest.approx(ends, rel=1e-9)
    assert verdict(facts)["standard_error"] == pytest.approx(np.std(drawn, ddof=1), rel=1e-9)


def test_turned_round_signs_turn_and_nothing_else(
    facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame
) -> None:
    named = {"shipped": predictor, "late": shifted(predictor, 0.3)}
    turned = compared(named, patients, n_jobs=2)
    assert turned["models"] == facts["models"][::-1]
    pairs = zip(*(entries(each["differences"][0]) for each in (facts, turned)), strict=True)
    for one, other in pairs:
        assert one["estimate"] == -other["estimate"]
        if one["low"] is not None:
            assert (one["low"], one["high"]) == (-other["high"], -other["low"])


def test_a_third_model(facts: dict[str, Any], predictor: Predictor, patients: pd.DataFrame) -> None:
    """One that is there already changes nothing; another, nothing that needs no working model."""
    late = shifted(predictor, 0.3)
    named = {"late": late, "shipped": predictor}
    again = compared({**named, "again": late}, patients)
    assert again["differences"][0] == facts["differences"][0]
    assert again["differences"][1]["same_model"]
    assert all(each["estimate"] == 0.0 for each in entries(again["differences"][1]))
    assert "again and late are the same model." in comparison_lines(again)
    bent = changed(predictor, location=predictor.artifact["location"] * np.array([1.0, -1.0, 1.0]))
    wider = compared({**named, "bent": bent}, patients)
    assert wider["differences"][0]["overall"][:2] == facts["differences"][0]["overall"][:2]


@pytest.mark.parametrize(
    ("named", "better"), [(("true", "late"), "first"), (("late", "true"), "model")]
)
def test_the_true_model_is_better_where_there_are_many(
    named: Sequence[str], better: str, predictor: Predictor
) -> None:
    many = simulate_cohort(2_000, seed=32)[0]
    models = {"true": predictor, "late": shifted(predictor, 0.3)}
    found = compared({name: models[name] for name in named}, many, months=(6.0,))
    assert [each["better"] for each in found["differences"][0]["verdicts"][:2]] == [better, better]
    lines = comparison_lines(found)
    assert any(each.startswith("true predicts these patients better than late") for each in lines)


def test_few_patients_cannot_tell(predictor: Predictor) -> None:
    few = simulate_cohort(60, seed=34)[0]
    models = {"true": predictor, "late": shifted(predictor, 0.1)}
    found = compared(models, few, months=(6.0,), repeats=12)
    assert verdict(found)["better"] is None
    needed, error = verdict(found)["patients_needed"], verdict(found)["standard_error"]
    assert needed == int(np.ceil(60 * (2.8 * error / verdict(found)["difference"]) ** 2))
    text = "\n".join(comparison_lines(found))
    assert "These data cannot tell true and late apart: difference of interval log score" in text
    assert f"if it is {2.8 * error:.2g} or more; one as small as that seen would need more" in text
    assert needed > 100 * 60


def test_paired_intervals_cover(predictor: Predictor) -> None:
    """Of 200 cohorts of 100 patients; intervals of 80 % would hold 160, endless ones all."""
    models = [predictor._curve, shifted(predictor, 0.2)._curve]

    def by_patient(n: int, seed: int) -> np.ndarray[Any, Any]:
        cohort = cohort_from_frame(simulate_cohort(n, seed=seed)[0])
        scores = [
            Evaluation(curve, cohort.X, cohort.y, working=()).log_scores() for curve in models
        ]
        return np.asarray(scores[1] - scores[0])

    truth = by_patient(100_000, 1).mean()
    held = 0
    for seed in range(200):
        differences = by_patient(100, 100 + seed)
        rows = np.random.default_rng(seed).integers(100, size=(200, 100))
        low, high = interval_of(
            differences[rows].mean(axis=1)[:, None], differences.mean(keepdims=True)
        )
        held += int(low[0] <= truth <= high[0])
    assert 176 <= held <= 199


def test_the_working_model_is_common(predictor: Predictor, patients: pd.DataFrame) -> None:
    """Both models' patients count by it, so that a difference is none of the weights."""
    cohort = cohort_from_frame(patients)
    models = [
        Judged(str(k), each, cohort) for k, each in enumerate((predictor, shifted(predictor, 0.3)))
    ]
    predictors = np.column_stack([each.linear_predictors for each in models])
    components = CommonComponents.of(predictors)
    working = components.working_models(cohort.y, predictors)
    everybody = np.arange(len(cohort.y))
    weights = [each.evaluation(everybody, working).weights(6.0) for each in models]
    assert np.array_equal(weights[0], weights[1])
    # the same patients, the same two covariates: any basis of their span gives the same likelihood
    own = fit_working_models(cohort.y, models[0].linear_predictors)
    assert working[0].aic == pytest.approx(own[0].aic, abs=1.0)
    found = components(predictors)
    assert found.shape[1] == 2
    assert np.cov(found.T, ddof=0) == pytest.approx(np.eye(2), abs=1e-9)


def test_every_resample_has_a_working_model_of_its_own_patients(
    predictor: Predictor, patients: pd.DataFrame
) -> None:
    cohort = cohort_from_frame(patients)
    judged = [Judged("late", shifted(predictor, 0.3), cohort), Judged("m", predictor, cohort)]
    found = compare_models(judged, [6.0], repeats=2, seed=2, n_jobs=1)
    predictors = np.column_stack([each.linear_predictors for each in judged])
    components = CommonComponents.of(predictors)
    near = components.working_models(cohort.y, predictors)
    for seed, drawn in zip(np.random.SeedSequence(2).spawn(2), found.drawn, strict=True):
        rows = np.random.default_rng(seed).integers(150, size=150)
        working = components.working_models(cohort.y[rows], predictors[rows], near)
        for k, each in enumerate(judged):
            drawn_values = each.evaluation(rows, working).values([6.0])
            assert drawn[k] == pytest.approx(list(drawn_values.values()), nan_ok=True)


def test_components_do_not_depend_on_the_order_of_models() -> None:
    columns = np.random.default_rng(5).normal(size=(50, 4))
    columns[:, 3] = columns[:, 0] + 1e-5 * columns[:, 1]
    there, back = CommonComponents.of(columns), CommonComponents.of(columns[:, ::-1])
    assert there(columns).shape == (50, 3)
    assert np.array_equal(there(columns), back(columns[:, ::-1]))


def test_models_without_covariates_or_more_than_patients_can_bear(predictor: Predictor) -> None:
    cohort = cohort_from_frame(simulate_cohort(60, seed=33)[0])
    constant = np.ones((60, 2))
    assert len(CommonComponents.of(constant).working_models(cohort.y, constant)) > 0
    noise = np.random.default_rng(6).normal(size=(60, 30))
    working = CommonComponents.of(noise).working_models(cohort.y, noise)
    assert working[0].design.shape[1] == 1 + 2  # of fewer than 30 seen resorbed


def test_a_model_that_gives_no_chance_is_told_in_words(
    predictor: Predictor, patients: pd.DataFrame
) -> None:
    sure = changed(predictor, distribution="weibull", log_scale=-8.0)
    found = compared({"shipped": predictor, "sure": sure}, patients, months=(6.0,))
    assert found["models"][1]["overall"][LOG_SCORE]["estimate"] is None
    count = found["models"][1]["without_a_chance"]
    assert 0 < count < 150
    assert verdict(found)["better"] == "first"
    assert (
        f"sure gave no chance at all to what was seen of {count} patients: its interval log "
        "score is minus infinity, the worst that there is."
    ) in comparison_lines(found)
    json.dumps(found, allow_nan=False)


def test_refusals_name_the_model(predictor: Predictor, shipped_cohort: pd.DataFrame) -> None:
    other = changed(predictor, endpoint="gone")
    with pytest.raises(InputFileError) as caught:
        compare({"a": predictor, "b": other}, shipped_cohort, endpoint=ENDPOINT)
    words = list(caught.value.problems)
    assert [each.partition(":")[0] for each in words] == ["model a", "model b", "model b"]
    assert "the very patients that the model was trained on" in words[0]
    assert "but 'gone' in the model" in words[1]
    fingerprint = predictor.artifact["fingerprint"]
    lineage = [
        {"sha256": fingerprint["sha256"], "model_id": "m-1"},
        {"sha256": "of others", "model_id": "m-2"},
    ]
    update = changed(predictor, lineage=lineage, fingerprint={**fingerprint, "sha256": "of others"})
    with pytest.raises(
        InputFileError, match=r"model b: .* m-1 was made from, of which the model is"
    ):
        compare({"a": update, "b": update}, shipped_cohort, endpoint=ENDPOINT)
    with pytest.raises(InputError, match="1 models are named; a comparison needs two or more"):
        compare([predictor], shipped_cohort, endpoint=ENDPOINT)


def test_the_command_compares(tmp_path: Path, default_path: Path) -> None:
    for name in ("a", "b"):
        for suffix in (".joblib", ".json", ".sha256"):
            content = default_path.with_suffix(suffix).read_bytes()
            if suffix == ".sha256":
                content = content.replace(b"default", name.encode())
            (tmp_path / name).with_suffix(suffix).write_bytes(content)
    a, b, gone = (str(tmp_path / f"{name}.joblib") for name in ("a", "b", "gone"))

    def validate(*arguments: object) -> Any:
        told = [str(SYNTHETIC / "new_centre.csv"), "--model", a, "--model", b, *map(str, arguments)]
        return CliRunner().invoke(app, told)

    with pytest.raises(InputError) as caught:
        raise validate("--report", tmp_path / "r.html", "--by", "site_id").exception
    assert [each.partition(" is for one")[0] for each in caught.value.problems] == [
        "--report",
        "--by",
    ]
    with pytest.raises(ArtifactError, match=r"gone\.joblib"):
        raise validate("--model", gone).exception
    few = ("--repeats", 20, "--months", "6", "--n-jobs", 1)
    text = validate(*few)
    assert text.exit_code == 0
    assert "Model b: loglogistic-cure-" in text.stdout
    assert "b and a are the same model." in text.stdout
    assert "Has b drifted? 180 patients here, 2000 in training" in text.stdout


def test_models_without_names_go_by_their_ids(predictor: Predictor, patients: pd.DataFrame) -> None:
    found = compare([predictor, predictor], patients, endpoint=ENDPOINT, months=(6.0,), repeats=20)
    name = predictor.model_id
    assert [each["name"] for each in found["models"]] == [name, f"{name} (2)"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
