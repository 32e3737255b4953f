"""Optimism bootstrap, instability, and each centre by a model of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import simulated

from discresorb.distributions import Array
from discresorb_training import Settings, TrainingError
from discresorb_training.by_centre import by_centre
from discresorb_training.cohort import Cohort
from discresorb_training.internal import Internal, bootstrap, known_mean
from discresorb_training.measure import Measure
from discresorb_training.performance import Evaluation
from discresorb_training.performance_text import performance_lines
from discresorb_training.plan import STANDARD, planned
from discresorb_training.procedure import Chosen, Procedure
from discresorb_training.training import TrainResult

ONE = Procedure(STANDARD, ("loglogistic",), (True,), 0.25, 5, 0)


def judged(
    procedure: Procedure, X: Array, y: Array, *, repeats: int, seed: int = 0, n_jobs: int = 1
) -> tuple[Internal, Measure, Evaluation]:
    final = Evaluation(procedure.run(X, y).model.curve(), X, y)
    measure = Measure.of(final, (6.0,), 6.0)
    found = bootstrap(
        procedure,
        X,
        y,
        measure,
        final,
        subgroups={"large": X[:, 0] > 7.0},
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
    )
    return found, measure, final


def test_numbers_do_not_depend_on_processes() -> None:
    X, y = simulated(150)
    alone, _, _ = judged(ONE, X.to_numpy(), y, repeats=6, n_jobs=1)
    together, _, _ = judged(ONE, X.to_numpy(), y, repeats=6, n_jobs=2)
    for name in ("apparent", "optimism", "low", "high", "p_low", "p_high"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))
    again, _, _ = judged(ONE, X.to_numpy(), y, repeats=6, seed=1)
    assert (again.optimism != alone.optimism).any()


def test_every_sample_has_knots_and_stand_ins_of_its_own() -> None:
    table, y = simulated(200, seed=4)
    rng = np.random.default_rng(0)
    age = 40.0 + table["size_mm"].to_numpy() + rng.normal(0.0, 5.0, 200)
    X = np.column_stack([table, np.where(rng.random(200) < 0.3, np.nan, age)])
    plan = planned(["size_mm:spline3", "sequestrated", "age"], optional=["age"])
    procedure = replace(ONE, plan=plan)
    entry, whole = y["entry"], procedure.run(X, y)
    final = Evaluation(whole.model.curve(), whole.design.matrix(X, entry)[:, 1:], y)
    found = bootstrap(procedure, X, y, Measure.of(final, (6.0,), 6.0), final, repeats=3)
    own: list[float] = []
    borrowed: list[float] = []
    for seed in np.random.SeedSequence(0).spawn(3):
        rows = np.random.default_rng(seed).integers(200, size=200)
        times = np.bincount(rows, minlength=200)
        chosen = procedure.run(X[times > 0], y[times > 0], times[times > 0].astype(float))
        for designs, design in ((own, chosen.design), (borrowed, whole.design)):
            curve = chosen.model.curve()
            p = curve.probability(design.matrix(X, entry), entry, entry + 6.0)
            designs.append(np.abs(p - found.p).mean())
    assert found.p_error == pytest.approx(np.mean(own), rel=1e-9)
    assert found.p_error != pytest.approx(np.mean(borrowed), rel=1e-4)


def test_optimism_is_that_of_the_definition() -> None:
    """Repeated by hand from the same samples."""
    table, y = simulated(150)
    X = table.to_numpy()
    found, measure, final = judged(ONE, X, y, repeats=3)
    gaps, final_values = [], []
    for seed in np.random.SeedSequence(0).spawn(3):
        rows = np.random.default_rng(seed).integers(150, size=150)
        times = np.bincount(rows, minlength=150)
        kept = times > 0
        curve = ONE.run(X[kept], y[kept], times[kept].astype(float)).model.curve()
        sample, everybody = Evaluation(curve, X[rows], y[rows]), Evaluation(curve, X, y)
        gaps.append(measure(sample)["brier", 6.0] - measure(everybody)["brier", 6.0])
        final_on_sample = Evaluation(final.curve, X[rows], y[rows])
        members = {"large": X[rows, 0] > 7.0}
        final_values.append(measure(final_on_sample, members))
    k = list(found.keys).index(("brier", 6.0))
    assert found.optimism[k] == pytest.approx(np.mean(gaps), rel=1e-12)
    assert found.apparent[k] == measure(final)["brier", 6.0]
    for key in (("brier", 6.0), ("auc | large", None)):
        k = list(found.keys).index(key)
        ends = np.quantile([each[key] for each in final_values], [0.025, 0.975])
        moved = ends - found.optimism[k]
        assert [found.low[k], found.high[k]] == pytest.approx(moved.tolist(), rel=1e-9), key


def test_means_over_samples_leave_out_those_that_gave_nothing() -> None:
    nan = np.nan
    values = np.array([[1.0, nan], [2.0, nan], [nan, 5.0]])
    np.testing.assert_array_equal(known_mean(values), [1.5, nan])


def test_noise_is_found_out() -> None:
    """Eight covariates of noise: apparent performance is too good, and the bootstrap says so."""
    X, y = simulated(150, seed=2)
    rng = np.random.default_rng(1)
    noisy = np.column_stack([X, rng.normal(size=(150, 8))])
    plan = planned([f"x{k}" for k in range(10)])
    overfitting = replace(ONE, plan=plan, cures=(False,), penalty=0.0)
    found, _, _ = judged(overfitting, noisy, y, repeats=12)
    optimism = dict(zip(found.keys, found.optimism, strict=True))
    assert optimism["log_score", None] > 0.05
    assert optimism["auc", 6.0] > 0.01
    assert optimism["brier", 6.0] < -0.005
    assert optimism["slope", 6.0] > 0.1
    plain, _, _ = judged(replace(ONE, cures=(False,)), X.to_numpy(), y, repeats=12)
    assert plain.p_error < 0.7 * found.p_error


def test_a_bootstrapped_row_weighs_as_often_as_it_was_drawn() -> None:
    table, y = simulated(150)
    X = table.to_numpy()
    rows = np.random.default_rng(1).integers(150, size=150)
    times = np.bincount(rows, minlength=150).astype(float)
    kept = times > 0
    by_weight = ONE.run(X[kept], y[kept], times[kept]).model
    by_rows = ONE.run(X[rows], y[rows]).model
    np.testing.assert_allclose(by_weight.coef_, by_rows.coef_, rtol=1e-6)


class Failing(Procedure):
    """Refuses samples that lack the first patient."""

    def run(
        self, X: Array, y: Array, weights: Array | None = None, patient: Array | None = None
    ) -> Chosen:
        if X[0, 0] != 99.0:
            raise TrainingError("the first patient is missing")
        return super().run(X[1:], y[1:], None if weights is None else weights[1:])


def failing(share_with_first: bool) -> Any:
    table, y = simulated(150)
    X = table.to_numpy().copy()
    X[0, 0] = 99.0 if share_with_first else 98.0
    procedure = Failing(*vars(ONE).values())
    final = Evaluation(ONE.run(X[1:], y[1:]).model.curve(), X, y)
    measure = Measure.of(final, (6.0,), 6.0)
    return bootstrap(procedure, X, y, measure, final, repeats=20)


def test_samples_without_a_model_are_counted() -> None:
    found = failing(share_with_first=True)
    assert 0 < found.failures["the first patient is missing"] < 10
    assert found.chosen.total() + found.failures.total() == 20


def test_too_many_of_them_are_a_refusal() -> None:
    with pytest.raises(TrainingError, match="only 0 of 20 bootstrap samples give a result"):
        failing(share_with_first=False)


def test_every_patient_lies_about_his_range(small_performance: dict[str, Any]) -> None:
    spread = small_performance["instability"]
    p, low, high = (np.array(spread[key]) for key in ("p", "low", "high"))
    assert (low <= high).all()
    assert ((low <= p) & (p <= high)).mean() > 0.8
    assert 0.0 < spread["mean_absolute_difference"] < 0.1


def test_each_centre_judges_a_model_of_the_others(
    small_cohort: Cohort, small_training: TrainResult
) -> None:
    X, y, sites = small_cohort.X, small_cohort.y, list(small_cohort.sites or [])
    found = by_centre(ONE, X, y, sites, 6.0)
    assert [each.name for each in found] == ["C01", "C02", "C03", "C04"]
    assert sum(each.patients for each in found) == 400
    here = np.array(sites) == "C02"
    curve = ONE.run(X[~here], y[~here]).model.curve()
    by_hand = Evaluation(curve, X[here], y[here]).at(6.0)
    assert found[1].values["auc"] == by_hand["auc"]


def test_small_centres_are_not_judged_and_nameless_patients_judge_none() -> None:
    X, y = simulated(200, settings=Settings(surgery_by_year=0.1))
    sites = ["A" if k < 90 else "B" if k < 180 else "small" if k < 190 else "" for k in range(200)]
    found = {each.name: each for each in by_centre(ONE, X.to_numpy(), y, sites, 6.0)}
    assert set(found) == {"A", "B", "small"}
    assert found["small"].values == {}
    assert "fewer than 10" in found["small"].why


def test_the_facts_hold_each_centres_own_figures(
    small_performance: dict[str, Any], small_cohort: Cohort, small_training: TrainResult
) -> None:
    X, y, sites = small_cohort.X, small_cohort.y, list(small_cohort.sites or [])
    months = small_performance["reference_months"]
    assert months == 6.0
    by_hand = by_centre(small_training.procedure, X, y, sites, months)
    shown = small_performance["centres"]
    assert [each["values"]["auc"] for each in shown] == [each.values["auc"] for each in by_hand]


def test_nobody_is_named_by_order(small_performance: dict[str, Any]) -> None:
    p = small_performance["instability"]["p"]
    assert p == sorted(p)


def test_one_centre_or_none_is_no_validation_by_centre() -> None:
    X, y = simulated(200)
    assert by_centre(ONE, X.to_numpy(), y, ["A"] * 200, 6.0) == []
    assert by_centre(ONE, X.to_numpy(), y, [], 6.0) == []


def test_failures_are_told_by_kind(small_performance: dict[str, Any]) -> None:
    failures = {"no model can be fitted: a": 2, "no model can be fitted: b": 1, "too few": 1}
    lines = performance_lines({**small_performance, "failures": failures})
    assert "4 samples gave no result: no model can be fitted; too few." in lines
