"""Updating a model with a centre's own patients: levels, closed test, estimates, what is gained."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

import numpy as np
import pandas as pd
import pytest
from builders import EVERYBODY, simulated
from conftest import SYNTHETIC
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from discresorb import Predictor
from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb.errors import InputError, InputFileError
from discresorb.schema import wrong_with
from discresorb_training import (
    ResorptionModel,
    Settings,
    TrainingError,
    simulate_cohort,
    update,
    validate,
)
from discresorb_training.carried import carried_levels
from discresorb_training.closed_test import compare_levels, weighted_chi2_tail
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.cohort_support import support_of
from discresorb_training.levels import SPREAD, Levels, levels_of
from discresorb_training.outcome import interval_outcome
from discresorb_training.recalibration import refit_predictors
from discresorb_training.subspace import Patients, Subspace, theta_of
from discresorb_training.update_procedure import assess_update, chosen_update
from discresorb_training.updated_estimates import updated_curve


class Words(TypedDict):
    """What is said of patients."""

    endpoint: str
    data_origin: str


ENDPOINT = "definite regression of the herniation on MRI"
WORDS = Words(endpoint=ENDPOINT, data_origin="synthetic")
BOUNDLESS = SPREAD.times(1e5)
LATER = Settings(shift=-1.2)


def arrays(n: int, seed: int = 1, settings: Settings | None = None) -> tuple[Array, Array]:
    X, y = simulated(n, seed, settings)
    return np.column_stack([np.ones(n), X.to_numpy()]), y


@pytest.fixture(scope="module")
def parent() -> CureCurve:
    X, y = simulated(2_000, seed=7)
    return ResorptionModel().fit(X, y).curve()


@pytest.fixture(scope="module")
def centre() -> tuple[Array, Array]:
    return arrays(500, seed=12, settings=LATER)


@pytest.fixture(scope="module")
def new_centre() -> pd.DataFrame:
    return pd.read_csv(SYNTHETIC / "new_centre.csv")


def exact(curve: CureCurve) -> CureCurve:
    """Give a model that was estimated from patients without number."""
    return replace(curve, covariance=1e-12 * curve.covariance)


def setting(curve: CureCurve, design: Array, y: Array) -> tuple[Patients, Levels]:
    return Patients.of(curve, design, y), levels_of(curve, design)


def test_level_3_without_bounds_is_a_fit_from_scratch(
    parent: CureCurve, centre: tuple[Array, Array]
) -> None:
    design, y = centre
    found = updated_curve(parent, *setting(parent, design, y), 3, BOUNDLESS)
    model = ResorptionModel(penalty=0.0).fit(design[:, 1:], y)
    np.testing.assert_allclose(theta_of(found), theta_of(model.curve()), rtol=2e-4)
    np.testing.assert_allclose(found.covariance, model.covariance_, rtol=2e-3, atol=1e-6)


def test_level_2_is_the_refit_of_both_linear_predictors(
    parent: CureCurve, centre: tuple[Array, Array]
) -> None:
    design, y = centre
    found = updated_curve(parent, *setting(parent, design, y), 2, BOUNDLESS)
    by_name = {each.name: each.value for each in refit_predictors(parent, design, y)}
    a, b = by_name["location of log time"], by_name["slope of log time"]
    np.testing.assert_allclose(found.location, b * parent.location + [a, 0, 0], rtol=1e-5)
    assert found.cure is not None
    assert parent.cure is not None
    c, d = by_name["location of logit π"], by_name["slope of logit π"]
    np.testing.assert_allclose(found.cure, d * parent.cure + [c, 0, 0], rtol=1e-5)
    spread = by_name["log of the spread, less the model's"]
    assert found.log_scale == pytest.approx(parent.log_scale + spread, rel=1e-5)


def test_larger_levels_fit_better_and_smaller_lie_within_them(
    parent: CureCurve, centre: tuple[Array, Array]
) -> None:
    design, y = centre
    patients, levels = setting(parent, design, y)
    assert [len(levels[k].free) for k in range(4)] == [0, 2, 5, 7]
    reached = [
        patients.at(theta_of(updated_curve(parent, patients, levels, k, BOUNDLESS))).log_likelihood
        for k in range(4)
    ]
    assert (np.diff(reached) > 0.0).all()
    for inner, outer in ((0, 1), (1, 2), (2, 3)):
        back = levels[outer].directions @ levels.coordinates(inner, outer)
        np.testing.assert_allclose(back, levels[inner].directions, atol=1e-10)


def test_without_bounds_and_with_an_exact_parent_it_is_the_likelihood_ratio_test(
    parent: CureCurve,
) -> None:
    design, y = arrays(800, seed=3)
    patients, levels = setting(parent, design, y)
    fits = [updated_curve(exact(parent), patients, levels, k, BOUNDLESS) for k in range(4)]
    at = [patients.at(theta_of(curve)).log_likelihood for curve in fits]
    for level, df in ((0, 7), (1, 5), (2, 2)):
        found = compare_levels(exact(parent), patients, levels, level, 3, spread=BOUNDLESS)
        assert found.statistic == pytest.approx(2.0 * (at[3] - at[level]), rel=1e-4)
        assert found.df == pytest.approx(df, rel=1e-3)
        assert found.p == pytest.approx(chi2.sf(found.statistic, df), rel=1e-2)


def test_the_parents_own_error_makes_the_test_more_lenient(
    parent: CureCurve, centre: tuple[Array, Array]
) -> None:
    patients, levels = setting(parent, *centre)
    known = compare_levels(exact(parent), patients, levels, 0, 3)
    estimated = compare_levels(parent, patients, levels, 0, 3)
    assert estimated.statistic == pytest.approx(known.statistic)
    assert estimated.df > 1.1 * known.df
    assert estimated.p > known.p


def test_patients_who_made_the_parent_give_no_evidence_against_it() -> None:
    design, y = arrays(800, seed=3)
    own = ResorptionModel(penalty=0.0).fit(design[:, 1:], y).curve()
    patients, levels = setting(own, design, y)
    for level in range(3):
        assert compare_levels(own, patients, levels, level, 3).statistic < 1e-6


def test_no_spread_between_centres_gives_the_parent(
    parent: CureCurve, centre: tuple[Array, Array]
) -> None:
    patients, levels = setting(parent, *centre)
    for level in range(4):
        found = updated_curve(exact(parent), patients, levels, level, SPREAD.times(1e-5))
        np.testing.assert_allclose(theta_of(found), theta_of(parent), atol=1e-6)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_neither_the_unit_of_time_nor_the_order_of_rows_matters(
    parent: CureCurve, centre: tuple[Array, Array], level: int
) -> None:
    design, y = centre
    days = 30.4375
    in_days = interval_outcome(
        lower=days * y["lower"], upper=days * y["upper"], entry=days * y["entry"]
    )
    slower = parent.location + np.array([np.log(days), 0.0, 0.0])
    by_day = replace(parent, location=slower)
    turned = slice(None, None, -1)
    here = chosen_update(parent, design, y, wanted=level)
    there = chosen_update(by_day, design[turned], in_days[turned], wanted=level)
    np.testing.assert_allclose(
        [each.p for each in here.comparisons], [each.p for each in there.comparisons], rtol=1e-5
    )
    horizon = y["entry"] + 6.0
    p = here.curve.probability(design, y["entry"], horizon)
    np.testing.assert_allclose(
        p, there.curve.probability(design, days * y["entry"], days * horizon), rtol=1e-6
    )


def test_what_is_kept_is_kept_with_its_uncertainty(
    parent: CureCurve, centre: tuple[Array, Array]
) -> None:
    patients, levels = setting(parent, *centre)
    found = updated_curve(parent, patients, levels, 1)
    np.testing.assert_array_equal(found.location[1:], parent.location[1:])
    assert found.log_scale == parent.log_scale
    np.testing.assert_allclose(
        found.covariance.diagonal()[[1, 2, 3]], parent.covariance.diagonal()[[1, 2, 3]]
    )


@given(n=st.integers(30, 200), seed=st.integers(0, 10_000), level=st.integers(1, 3))
def test_the_covariance_is_one(parent: CureCurve, n: int, seed: int, level: int) -> None:
    design, y = arrays(n, seed)
    found = updated_curve(parent, *setting(parent, design, y), level)
    np.testing.assert_array_equal(found.covariance, found.covariance.T)
    assert np.linalg.eigvalsh(found.covariance)[0] > 0.0
    assert np.isfinite(theta_of(found)).all()


def test_a_model_without_a_cure_fraction_has_one_location_and_one_slope() -> None:
    design, y = arrays(400, settings=EVERYBODY)
    others, y_others = arrays(400, seed=2, settings=EVERYBODY)
    curve = ResorptionModel(cure=False).fit(others[:, 1:], y_others).curve()
    levels = levels_of(curve, design)
    assert [len(levels[k].free) for k in range(4)] == [0, 1, 3, 4]
    assert updated_curve(curve, Patients.of(curve, design, y), levels, 3).cure is None
    seen = np.isfinite(y["upper"])
    assert carried_levels(levels, y[seen]).highest == 3  # nobody need be left for the others


def test_effects_on_pi_stand_where_the_parent_has_them() -> None:
    X, y = simulated(600)
    curve = ResorptionModel(cure_covariates=["size_mm"]).fit(X, y).curve()
    design, y = arrays(300, seed=5)
    levels = levels_of(curve, design)
    assert [len(levels[k].free) for k in range(4)] == [0, 2, 5, 6]
    found = updated_curve(curve, Patients.of(curve, design, y), levels, 3)
    assert found.cure_columns == curve.cure_columns


def test_a_type_of_whom_all_resorbed_is_no_hindrance(parent: CureCurve) -> None:
    design, y = arrays(300, seed=6)
    seen = np.isfinite(y["upper"])
    kept = seen | (design[:, 2] == 0.0)
    design, y = design[kept], y[kept]
    patients, levels = setting(parent, design, y)
    plain = Subspace(patients, theta_of(parent), levels[3].directions)
    with pytest.raises(TrainingError):
        ResorptionModel(penalty=0.0).fit(design[:, 1:], y)
    assert plain(np.zeros(7)).log_likelihood < 0.0
    found = compare_levels(parent, patients, levels, 0, 3)
    assert 0.0 < found.p < 1.0


def test_the_closed_test_keeps_its_level_although_the_parent_is_uncertain() -> None:
    rejected = 0
    for seed in range(150):
        X, y = simulated(300, seed=2 * seed)
        curve = ResorptionModel().fit(X, y).curve()
        design, y = arrays(200, seed=2 * seed + 1)
        rejected += compare_levels(curve, *setting(curve, design, y), 0, 2).p < 0.05
    assert 1 <= rejected <= 17  # about 8 are right


def test_the_tail_of_a_weighted_sum() -> None:
    assert weighted_chi2_tail(11.07, np.ones(5)) == pytest.approx(chi2.sf(11.07, 5), rel=1e-9)
    assert weighted_chi2_tail(3.0, [1.5]) == pytest.approx(chi2.sf(2.0, 1), rel=1e-9)
    assert weighted_chi2_tail(0.0, []) == 1.0
    weights = np.array([1.4, 0.9, 0.5, 0.2, 0.05])
    draws = np.random.default_rng(1).chisquare(1.0, (400_000, 5)) @ weights
    for value in (3.0, 6.0, 9.0, 12.0):
        assert weighted_chi2_tail(value, weights) == pytest.approx((draws > value).mean(), rel=0.04)


def test_level_3_needs_what_the_sample_size_command_says(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    result = update(predictor, new_centre, **WORDS)
    need = support_of(cohort_from_frame(new_centre).y, 4).need
    assert need is not None
    words = (
        f"4 slopes of their own need {need.for_shrinkage} patients imaged after the index MRI "
        "(Riley 2019), but there are 116"
    )
    assert words in "\n".join(result.summary())


def test_fifteen_patients_keep_the_model_and_are_told_why(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    result = update(predictor, new_centre[:15], **WORDS)
    assert result.level == 0
    assert result.artifact is None
    assert result.predictor is predictor
    words = "\n".join(result.summary())
    assert "level 0, keep, because too few patients" in words
    assert "1 seen resorbed, but needs 8" in words


def test_sixty_patients_of_a_waiting_list_get_new_locations(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    result = update(predictor, new_centre[:60], **WORDS)
    assert result.level == 1
    found = result.facts["cross_validation"]["log_score"]
    assert found["difference"] > 2.0 * found["error"]


def test_on_the_new_centre_the_update_brings_observed_and_expected_together(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    result = update(predictor, new_centre, **WORDS)
    found = result.facts["cross_validation"]["observed_expected"]
    assert found["before"] < 0.8
    assert 0.9 <= found["after"] <= 1.1
    assert found["difference"] > 3.0 * found["error"]
    assert result.facts["cross_validation"]["months"] == 6.0


def test_cross_validation_judges_updates_by_patients_they_have_not_seen(
    parent: CureCurve,
) -> None:
    design, y = arrays(120, seed=21)
    carried = carried_levels(levels_of(parent, design), y)
    found = assess_update(parent, design, y, carried, wanted=3, spread=SPREAD.times(10.0))
    patients, levels = setting(parent, design, y)
    fitted = updated_curve(parent, patients, levels, 3, SPREAD.times(10.0))
    apparent = patients.at(theta_of(fitted)).log_likelihood / 120
    assert found.log_score.before == pytest.approx(patients.at(theta_of(parent))[0] / 120)
    assert found.log_score.after < apparent - 0.02
    assert found.chosen == [0.0, 0.0, 0.0, 1.0]


def test_the_new_artifact_is_whole_and_knows_its_parent(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    result = update(predictor, new_centre, endpoint=ENDPOINT, data_origin="observed")
    artifact = result.artifact
    assert artifact is not None
    assert wrong_with(artifact) == []
    assert artifact["parent_model"] == predictor.model_id
    assert artifact["data_origin"] == "synthetic"  # as its parent is
    assert artifact["fingerprint"]["rows"] == 180
    assert artifact["support"] == predictor.artifact["support"]  # effects are the parent's
    assert artifact["between_study_sd"] is None
    first, second = artifact["lineage"]
    assert (first["model_id"], first["level"]) == (predictor.model_id, None)
    assert (second["model_id"], second["level"]) == (artifact["model_id"], 1)
    assert second["seen_resorbed"] == 33
    again = update(predictor, new_centre, endpoint=ENDPOINT, data_origin="observed")
    assert again.artifact is not None
    assert again.artifact["model_id"] == artifact["model_id"]


def test_a_lineage_that_says_too_little_is_no_model(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    artifact = update(predictor, new_centre, **WORDS).artifact
    assert artifact is not None
    first, second = artifact["lineage"]
    assert wrong_with({**artifact, "lineage": "none"}) == ["lineage is str"]
    assert wrong_with({**artifact, "lineage": [first, {**second, "level": "1"}]}) == [
        "lineage level is str"
    ]
    assert wrong_with({**artifact, "lineage": [first, {**second, "log_score_after": None}]}) == [
        f"lineage says too little of the update to {artifact['model_id']}"
    ]


def test_patients_of_several_centres_are_said_to_be_taken_as_one(predictor: Predictor) -> None:
    table, _ = simulate_cohort(100, seed=4, settings=Settings(sites=3))
    notes = update(predictor, table, **WORDS).facts["notes"]
    assert any("from 3 centres, which are taken as one" in note for note in notes)


def test_an_update_can_be_updated_but_not_with_the_same_patients(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    first = update(predictor, new_centre[:90], **WORDS).predictor
    second = update(first, new_centre[90:], level=1, **WORDS)
    assert second.artifact is not None
    assert [each["level"] for each in second.artifact["lineage"]] == [None, 1, 1]
    with pytest.raises(InputFileError, match=r"very patients.*they would count twice"):
        update(second.predictor, new_centre[:90], **WORDS)


def test_patients_are_known_again_in_another_order(
    predictor: Predictor, new_centre: pd.DataFrame, shipped_cohort: pd.DataFrame
) -> None:
    """As another export of the same database may have them."""
    first = update(predictor, new_centre, **WORDS).predictor
    for model, table in ((predictor, shipped_cohort), (first, new_centre)):
        with pytest.raises(InputFileError, match=r"very patients.*they would count twice"):
            update(model, table[::-1], **WORDS)
    with pytest.raises(InputFileError, match="was updated with, who say too much good of it"):
        validate(first, new_centre[::-1], endpoint=ENDPOINT)


def test_a_model_that_is_hardly_known_is_not_called_right(predictor: Predictor) -> None:
    table, _ = simulate_cohort(300, seed=41)
    words = "the model is less certain of itself than these patients are"
    vague = {**predictor.artifact, "covariance": 100.0 * predictor.artifact["covariance"]}
    for model, said in ((predictor, False), (Predictor(vague), True)):
        kept = update(model, table, **WORDS)
        assert kept.level == 0
        assert any(words in note for note in kept.facts["notes"]) == said


def test_simulated_patients_are_said_to_be_so(
    predictor: Predictor, new_centre: pd.DataFrame
) -> None:
    """Also where the model that they update is one of people."""
    ours = Predictor({**predictor.artifact, "data_origin": "observed"})
    result = update(ours, new_centre, **WORDS)
    assert result.summary()[0] == (
        "Note: these patients are simulated; nothing here speaks of people."
    )
    assert result.predictor.notices
    kept = update(ours, new_centre, endpoint=ENDPOINT, data_origin="observed").summary()
    assert not any("simulated" in line for line in kept)


def test_level_3_has_the_ranges_of_the_new_patients(predictor: Predictor) -> None:
    table, _ = simulate_cohort(450, seed=31, settings=LATER)
    result = update(predictor, table, level=3, **WORDS)
    assert result.artifact is not None
    groups = result.artifact["support"]["groups"]
    assert sum(group["n"] for group in groups) == 450
    assert any("asked for" in line for line in result.summary())


def test_what_is_refused(predictor: Predictor, new_centre: pd.DataFrame) -> None:
    with pytest.raises(TrainingError, match="level 3 is not open to these patients: 4 slopes"):
        update(predictor, new_centre, level=3, **WORDS)
    with pytest.raises(InputError, match="level entered as 4"):
        update(predictor, new_centre, level=4, **WORDS)
    with pytest.raises(InputFileError, match="resorbed means 'gone'"):
        update(predictor, new_centre, endpoint="gone", data_origin="synthetic")
    kept = update(predictor, new_centre, level=0, **WORDS)
    assert kept.facts["cross_validation"] is None
    with pytest.raises(TrainingError, match="no new one to save"):
        kept.save("m.joblib")
