"""What a model keeps of its training, and which part has changed where new patients come from."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from discresorb import Predictor
from discresorb.columns import Column
from discresorb_training import ResorptionModel, Settings, simulate_cohort
from discresorb_training.case_mix_drift import NOT_HELD, case_mix_facts, holm, p_of_counts
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.drift import drift_facts
from discresorb_training.drift_text import case_mix_rows, drift_lines, drift_page
from discresorb_training.fingerprint import content_hash, fingerprint_of
from discresorb_training.levels import levels_of
from discresorb_training.performance import linear_predictors
from discresorb_training.plan import Planned
from discresorb_training.subspace import Patients, Subspace, theta_of
from discresorb_training.training import TrainResult


def design_of(cohort: Cohort) -> np.ndarray[Any, Any]:
    return np.column_stack([np.ones(len(cohort.X)), cohort.X])


@pytest.fixture(scope="module")
def parents(predictor: Predictor) -> list[Predictor]:
    """Models of 800 patients each."""

    def parent(seed: int) -> Predictor:
        cohort = cohort_from_frame(simulate_cohort(800, seed=seed)[0])
        curve = ResorptionModel().fit(cohort.X, cohort.y).curve()
        artifact = {
            **copy.deepcopy(dict(predictor.artifact)),
            "location": curve.location,
            "log_scale": curve.log_scale,
            "cure_coefficients": curve.cure,
            "covariance": curve.covariance,
            "fingerprint": fingerprint_of(cohort, linear_predictors(curve, design_of(cohort))),
        }
        return Predictor(artifact)

    return [parent(seed) for seed in range(1_000, 1_020)]


def drifts(
    parents: list[Predictor],
    count: int,
    *,
    n: int = 200,
    settings: Settings | None = None,
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
) -> list[dict[str, Any]]:
    found = []
    for k in range(count):
        table = change(simulate_cohort(n, seed=7_000 + k, settings=settings)[0])
        cohort = cohort_from_frame(table)
        found.append(drift_facts(parents[k % len(parents)], cohort, design_of(cohort), 6.0))
    return found


def test_patients_like_those_of_the_training_are_seldom_flagged(parents: list[Predictor]) -> None:
    """Each at 5 %: more than 12 of 100, or none of both, would be a rare accident."""
    found = drifts(parents, 100)
    case_mix = sum(each["case_mix"]["changed"] for each in found)
    model = sum(each["model"]["level"] != 0 for each in found)
    assert case_mix <= 12
    assert model <= 12
    assert case_mix + model >= 1


def test_other_patients_alike_are_case_mix_alone(parents: list[Predictor]) -> None:
    found = drifts(parents, 20, n=400, change=lambda table: table[table["size_mm"] > 6.0])
    for each in found:
        size = each["case_mix"]["covariates"][0]
        assert size["changed"]
        assert size["now"] > size["then"] + 1.0
    assert sum(each["model"]["level"] != 0 for each in found) <= 5
    line = next(each for each in drift_lines(found[0]) if each.startswith("  Case mix:"))
    assert line.startswith("  Case mix:  changed: size_mm, median ")


def test_fewer_who_resorb_are_baseline_alone(parents: list[Predictor]) -> None:
    found = drifts(parents, 20, settings=Settings(shift=-1.5))
    assert sum(each["model"]["level"] == 1 for each in found) >= 15
    assert all(each["model"]["baseline"]["changed"] for each in found)
    assert sum(each["case_mix"]["changed"] for each in found) <= 5
    first = next(each for each in found if each["model"]["level"] == 1)
    resorbed = first["model"]["baseline"]["resorbed"]
    assert resorbed["here"] < resorbed["model"]
    here, model = (100.0 * resorbed[who] for who in ("here", "model"))
    assert (
        f"changed: of 100 such patients {here:.0f} resorb within 6 months of the index MRI, where "
        f"the model says {model:.0f} (p"
    ) in "\n".join(drift_lines(first))


def test_effects_that_are_half_as_strong_are_seen(parents: list[Predictor]) -> None:
    """A model whose slopes are twice the truth, judged where effects are as in its training."""
    steep = []
    for parent in parents[:5]:
        artifact = copy.deepcopy(dict(parent.artifact))
        eta, zeta = (artifact["fingerprint"]["linear_predictors"][name]["0.5"]
                     for name in ("log_time", "logit_ever"))  # fmt: skip
        artifact["location"] = 2.5 * artifact["location"] - np.array([1.5 * eta, 0.0, 0.0])
        artifact["cure_coefficients"] = 2.5 * artifact["cure_coefficients"] - np.array(
            [1.5 * zeta, 0.0, 0.0]
        )
        steep.append(Predictor(artifact))
    found = drifts(steep, 5, n=800)
    assert all(each["model"]["effects"]["changed"] for each in found)
    for each in found:
        slopes = [s["value"] for s in each["model"]["effects"]["shifts"] if s["kind"] == "slope"]
        assert all(0.1 < slope < 0.8 for slope in slopes)
        assert "  Effects:   changed" in "\n".join(drift_lines(each))


def test_what_would_have_shown_falls_with_patients(parents: list[Predictor]) -> None:
    few, many = (drifts(parents[:1], 1, n=n)[0]["model"] for n in (200, 1_600))
    for here, there in zip(few["would_show"], many["would_show"], strict=True):
        assert 1.0 < there["factor"] < here["factor"]


def test_what_should_have_shown_shows(parents: list[Predictor]) -> None:
    """Four times in five: of 60, fewer than 38 or more than 58 would be as rare as one in 500."""
    shown = 0
    for k in range(60):
        parent = parents[k % len(parents)]
        cohort = cohort_from_frame(simulate_cohort(400, seed=9_000 + k)[0])
        design = design_of(cohort)
        time = drift_facts(parent, cohort, design, 6.0)["model"]["would_show"][0]
        assert time["of"] == "log time"
        earlier = parent.artifact["location"] - np.array([np.log(time["factor"]), 0.0, 0.0])
        moved = Predictor({**copy.deepcopy(dict(parent.artifact)), "location": earlier})
        shown += drift_facts(moved, cohort, design, 6.0)["model"]["level"] != 0
    assert 38 <= shown <= 58


def test_what_is_shown_is_what_these_patients_say(predictor: Predictor) -> None:
    """Not what an update would take, which is held toward the model."""
    table, _ = simulate_cohort(300, seed=3, settings=Settings(shift=-1.2))
    cohort = cohort_from_frame(table)
    design, curve = design_of(cohort), predictor._curve
    shown = drift_facts(predictor, cohort, design, 6.0)["model"]["baseline"]["shifts"]
    level = levels_of(curve, design)[1]
    free = Subspace(Patients.of(curve, design, cohort.y), theta_of(curve), level.directions)
    time, odds = free.maximum().theta
    assert shown[0]["value"] == pytest.approx(np.exp(time * np.exp(curve.log_scale)), rel=0.01)
    assert shown[1]["value"] == pytest.approx(np.exp(odds), rel=0.05)


def test_too_few_patients_are_told_so(parents: list[Predictor]) -> None:
    found = drifts(parents[:1], 1, n=14)[0]
    assert found["model"]["level"] is None
    text = "\n".join(drift_lines(found))
    assert "  Baseline:  too few patients to say: it frees 2 parameters and has" in text
    assert "too few patients to compare" in text


def test_counts_are_compared_as_in_a_table() -> None:
    new, training = np.array([12.0, 30.0, 18.0]), np.array([300.0, 400.0, 300.0])
    known = chi2_contingency(np.array([new, training]), correction=False).pvalue
    assert p_of_counts(new, training) == pytest.approx(known, rel=1e-9)
    thin = np.array([12.0, 30.0, 17.0, 1.0])  # what is too thin is joined with its neighbour
    assert p_of_counts(thin, np.array([300.0, 400.0, 290.0, 10.0])) == pytest.approx(known)
    assert p_of_counts(np.array([9.0, 0.0]), training[:2]) is None


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_holm_lies_between_p_and_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    for one, own in zip(adjusted, p, strict=True):
        assert own <= one <= min(1.0, len(p) * own) + 1e-12
    assert np.argsort(p, kind="stable").tolist() == sorted(
        range(len(p)), key=lambda k: (adjusted[k], p[k], k)
    )


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_the_fingerprint_holds_shares_and_no_rows(
    small_cohort: Cohort, small_training: TrainResult
) -> None:
    kept = small_training.predictor.artifact["fingerprint"]
    assert kept["sha256"] == content_hash(small_cohort)
    flag = kept["shares"]["sequestrated"]
    assert flag == {
        "shares": [1.0 - small_cohort.X[:, 1].mean(), small_cohort.X[:, 1].mean()],
        "missing": 0.0,
    }
    size, edges = small_cohort.X[:, 0], kept["shares"]["size_mm"]["edges"]
    assert np.cumsum(kept["shares"]["size_mm"]["shares"][:-1]) == pytest.approx(
        [(size <= edge).mean() for edge in edges]
    )
    y = small_cohort.y
    seen = np.isfinite(y["upper"])
    assert kept["events"]["seen_resorbed"] == seen.mean()
    assert kept["events"]["gap"]["0.5"] == np.median((y["upper"] - y["lower"])[seen])
    flow = small_cohort.flow()
    never = flow["never imaged after the index MRI (adds no information)"]
    assert kept["events"]["never_imaged_again"] == never / 400
    spread = linear_predictors(small_training.predictor._curve, design_of(small_cohort))
    ends = kept["linear_predictors"]["log_time"]
    assert [ends["0.0"], ends["1.0"]] == pytest.approx(
        [spread[:, 0].min(), spread[:, 0].max()], abs=1e-6
    )
    numbers = sum(isinstance(each, float) for each in _flat(kept))
    assert numbers < 100  # of 400 patients with five numbers each


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [part for each in value.values() for part in _flat(each)]
    return [part for each in value for part in _flat(each)] if isinstance(value, list) else [value]


def test_the_training_itself_has_not_drifted(
    small_cohort: Cohort, small_training: TrainResult
) -> None:
    found = drift_facts(small_training.predictor, small_cohort, design_of(small_cohort), 6.0)
    assert all(each["p"] == pytest.approx(1.0) for each in found["case_mix"]["covariates"])
    assert all(
        each["now"] == pytest.approx(each["then"]) for each in found["case_mix"]["covariates"]
    )
    assert found["events"]["now"] == found["events"]["then"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["model"]["level"] == 0


def test_missing_values_count(small_cohort: Cohort, small_training: TrainResult) -> None:
    X = small_cohort.X.copy()
    X[:40, 0] = X[:20, 1] = np.nan
    gaps = dataclasses.replace(small_cohort, X=X)
    predictors = linear_predictors(small_training.predictor._curve, design_of(small_cohort))
    kept = fingerprint_of(gaps, predictors)
    assert [kept["shares"][name]["missing"] for name in ("size_mm", "sequestrated")] == [0.1, 0.05]
    artifact = {**copy.deepcopy(dict(small_training.predictor.artifact)), "fingerprint": kept}
    found = drift_facts(Predictor(artifact), small_cohort, design_of(small_cohort), 6.0)
    size, sequestrated, entry = found["case_mix"]["covariates"]
    assert [each["changed"] for each in (size, sequestrated, entry)] == [True, True, False]
    assert (size["missing"], sequestrated["missing"]) == ([0.0, 0.1], [0.0, 0.05])
    text = " ".join("\n".join(drift_lines(found)).split())
    assert "size_mm, missing 0 of 100 10 of 100" in text
    assert "sequestrated, missing 0 of 100 here, 5 of 100 in training" in text


def test_levels_count(small_cohort: Cohort, small_training: TrainResult) -> None:
    """A category whose second level is half as frequent as it was."""
    region = Column("region", "category", "of the spine", "", 0.0, 2.0, ("upper", "middle", "low"))
    code = np.repeat([0.0, 1.0, 2.0], [100, 200, 100])
    widened = [
        dataclasses.replace(
            small_cohort,
            plan=[*small_cohort.plan, Planned(region)],
            X=np.column_stack([small_cohort.X, values]),
        )
        for values in (code, np.where((code == 1.0) & (np.arange(400) % 2 == 0), 2.0, code))
    ]
    predictors = linear_predictors(small_training.predictor._curve, design_of(small_cohort))
    kept = fingerprint_of(widened[0], predictors)
    assert kept["shares"]["region"] == {"shares": [0.25, 0.5, 0.25], "missing": 0.0}
    assert "region" not in kept["quantiles"]
    found = case_mix_facts(widened[1], kept)
    assert [each["changed"] for each in found] == [False, False, True, False]
    assert found[2]["now"] == {"upper": 0.25, "middle": 0.25, "low": 0.5}
    assert found[2]["then"] == {"upper": 0.25, "middle": 0.5, "low": 0.25}
    drift = drift_facts(small_training.predictor, small_cohort, design_of(small_cohort), 6.0)
    rows = case_mix_rows({**drift, "case_mix": {"covariates": found}})
    assert [row.label for row in rows][2:5] == ["region upper", "region middle", "region low"]
    assert rows[3][1:] == ("25 of 100", "50 of 100", "")


def test_a_model_of_an_earlier_version_says_what_it_does_not_hold(
    small_cohort: Cohort, small_training: TrainResult
) -> None:
    artifact = copy.deepcopy(dict(small_training.predictor.artifact))
    for key in ("shares", "events", "linear_predictors"):
        del artifact["fingerprint"][key]
    found = drift_facts(Predictor(artifact), small_cohort, design_of(small_cohort), 6.0)
    size, sequestrated, entry = found["case_mix"]["covariates"]
    assert min(size["p"], entry["p"]) > 0.9
    assert (sequestrated["p"], sequestrated["why"]) == (None, NOT_HELD)
    assert (
        "Not compared, sequestrated, the spread of the linear predictors, what was seen of the "
        f"patients: {NOT_HELD}."
    ) in "\n".join(drift_lines(found))
    assert drift_page(found)["not_held"]
