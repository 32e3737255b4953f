"""Weights for surgery: what they are, what they mend, and training with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import NO_EXITS
from conftest import SYNTHETIC, Run
from scipy.optimize import minimize

from discresorb import load
from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training import (
    ResorptionModel,
    Settings,
    TrainingError,
    TrainResult,
    simulate_cohort,
    simulate_visits,
    train,
)
from discresorb_training.plan import STANDARD
from discresorb_training.procedure import Procedure
from discresorb_training.selection import compare, fold_of_rows
from discresorb_training.surgery import WeightedRows, weighted_rows
from discresorb_training.visits import Visits, visits_from_frame

ABOUT: dict[str, Any] = {"endpoint": "definite regression", "data_origin": "synthetic"}
# pain goes with late resorption, and is operated on
BY_PAIN = Settings(
    surgery_severity=float(np.log(2.5)), severity_resorption=0.7, surgery_by_year=0.5
)
PROFILES = np.array([[6.1, 0, 2.0], [8.2, 0, 3.2], [9.0, 1, 2.0], [10.7, 1, 3.2]])


def made(n: int, seed: int = 1, settings: Settings = BY_PAIN) -> Visits:
    return visits_from_frame(simulate_visits(n, seed=seed, settings=settings))


@pytest.fixture(scope="module")
def visits() -> Visits:
    return made(20_000)


@pytest.fixture(scope="module")
def rows(visits: Visits) -> WeightedRows:
    return weighted_rows(visits)


def p_in_half_a_year(curve: CureCurve) -> Array:
    design = np.column_stack([np.ones(4), PROFILES[:, :2]])
    return curve.probability(design, PROFILES[:, 2], PROFILES[:, 2] + 6.0)


def test_weights_mend_what_surgery_by_pain_does(visits: Visits, rows: WeightedRows) -> None:
    size, sequestrated, entry = PROFILES.T
    truth = BY_PAIN.process().probability(size, sequestrated, entry, entry + 6.0)
    plain = ResorptionModel().fit(visits.patients.X, visits.patients.y)
    weighted = ResorptionModel().fit(rows.X, rows.y, **rows.fit_options())
    bias, left = (p_in_half_a_year(model.curve()) - truth for model in (plain, weighted))
    assert bias.max() > 0.05
    assert (bias > 0.015).all()
    assert np.abs(left).max() < 0.3 * bias.max()


def test_weights_stand_for_those_operated_on(visits: Visits, rows: WeightedRows) -> None:
    """Weighted, those not yet operated on have the pain that all had at the index MRI."""
    index = np.diff(visits.patient, prepend=-1) > 0
    first_pain = visits.leg_pain[index]
    for_late = np.isfinite(rows.y["lower"]) & (rows.y["entry"] - visits.patients.y["entry"][
        rows.patient
    ] > 1.0)  # fmt: skip
    late = ~np.isfinite(rows.y["upper"]) & for_late
    pain, weight = first_pain[rows.patient[late]], rows.weights[late]
    # herniated late goes with pain, so compare with the same cohort without surgery
    without = made(20_000, settings=replace(BY_PAIN, surgery_by_year=0.0))
    split = without.split()
    same = ~np.isfinite(split.y["upper"]) & (
        split.y["entry"] - without.patients.y["entry"][split.patient] > 1.0
    )
    begins = np.diff(without.patient, prepend=-1) > 0
    expected = without.leg_pain[begins][split.patient[same]].mean()
    assert pain.mean() < expected - 0.3
    assert np.average(pain, weights=weight) == pytest.approx(expected, abs=0.1)


def test_pain_that_changes_is_used_as_last_recorded(visits: Visits) -> None:
    """A row's weight knows the pain at the MRI where it begins, not that at its end."""
    split = visits.split()
    index = np.diff(visits.patient, prepend=-1) > 0
    second = split.visit[(split.visit > 1) & ~index[split.visit] & ~index[split.visit - 1]]
    changed = visits.leg_pain.copy()
    changed[second - 1] = np.random.default_rng(3).integers(0, 11, len(second))
    rows = weighted_rows(replace(visits, leg_pain=changed))
    pain = changed[split.visit - 1]
    ends_second = np.isin(split.visit, second)
    ends_first = ~ends_second & ~index[split.visit]
    at_end = changed[split.visit]

    def level(chosen: Array) -> float:
        return float(np.median(rows.weights[chosen]))

    begins_low = ends_first & (pain == 5)
    assert level(begins_low & (at_end <= 2)) == pytest.approx(
        level(begins_low & (at_end >= 8)), rel=0.1
    )
    assert level(ends_second & (pain >= 8)) > level(ends_second & (pain <= 2))


def test_surgery_that_does_not_depend_on_pain_gives_weights_near_one() -> None:
    rows = weighted_rows(made(5_000, settings=Settings()))
    assert np.abs(rows.weights - 1.0).max() < 0.15
    assert rows.notes == []


@pytest.mark.parametrize("settings", [NO_EXITS, replace(BY_PAIN, surgery_by_year=0.02)])
def test_too_few_operations_give_weights_of_one_and_the_same_fit(settings: Settings) -> None:
    visits = made(400, settings=settings)
    rows = weighted_rows(visits)
    assert (rows.weights == 1.0).all()
    assert "too few to model surgery" in rows.notes[0]
    plain = ResorptionModel().fit(visits.patients.X, visits.patients.y)
    same = ResorptionModel().fit(rows.X, rows.y, **rows.fit_options())
    np.testing.assert_allclose(same._theta, plain._theta, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("pain", [5.0, 3.3, 0.1])
def test_the_same_pain_everywhere(visits: Visits, pain: float) -> None:
    rows = weighted_rows(replace(visits, leg_pain=np.full(len(visits.leg_pain), pain)))
    np.testing.assert_allclose(rows.weights, 1.0, rtol=1e-9)
    assert rows.notes[:1] == [
        "leg_pain is the same at every MRI, so that weights cannot depend on it"
    ]


def operated_first(visits: Visits, operated: Array, after: float) -> Visits:
    """The same, but some are operated on so many months after the index MRI, before any other."""
    index = np.diff(visits.patient, prepend=-1) > 0
    keep = index | ~operated[visits.patient]
    y = visits.patients.y.copy()
    y["lower"][operated], y["upper"][operated] = y["entry"][operated], np.inf
    return replace(
        visits,
        patients=replace(visits.patients, y=y),
        patient=visits.patient[keep],
        months=visits.months[keep],
        herniated=visits.herniated[keep],
        leg_pain=visits.leg_pain[keep],
        exit_months=np.where(operated, y["entry"] + after, visits.exit_months),
        operated=operated,
    )


def test_those_for_whom_nobody_stands_are_told_of() -> None:
    visits = made(300, settings=NO_EXITS)
    pain = visits.leg_pain[np.diff(visits.patient, prepend=-1) > 0]
    rows = weighted_rows(operated_first(visits, pain > 6, after=0.0))
    count = int((pain > 6).sum())
    assert any(
        words.startswith(f"{count} patients operated on had more leg_pain than anybody imaged")
        for words in rows.notes
    )


def test_nobody_imaged_again() -> None:
    visits = made(300, settings=NO_EXITS)
    everybody = operated_first(visits, np.ones(300, dtype=bool), after=1.0)
    with pytest.raises(TrainingError, match="nobody was imaged after the index MRI"):
        weighted_rows(everybody)


def test_surgery_that_cannot_be_modelled_is_refused() -> None:
    """All at the same time after the index MRI: the spread of times to surgery runs to zero."""
    visits = made(300, settings=NO_EXITS)
    entry = visits.patients.y["entry"]
    latest = float((visits.patients.last_seen - entry).max())
    same = replace(visits, exit_months=entry + latest + 1.0, operated=np.ones(300, dtype=bool))
    herniated = replace(same, herniated=np.ones(len(same.months), dtype=bool))
    with pytest.raises(TrainingError, match="surgery cannot be modelled from these visits"):
        weighted_rows(herniated)


def test_candidates_keep_a_patients_rows_together() -> None:
    """Unweighted, the scores of split rows are those of whole patients, fold by fold."""
    some = made(600)
    rows, whole = some.split(), some.patients
    split = compare(rows.X, rows.y, seed=3, patient=rows.patient)
    plain = compare(whole.X, whole.y, seed=3)
    for a, b in zip(split, plain, strict=True):
        assert a.failure == b.failure
        assert a.log_score == (b.log_score and pytest.approx(b.log_score, rel=1e-6))


@pytest.fixture(scope="module")
def result() -> TrainResult:
    table = simulate_visits(600, seed=4, settings=BY_PAIN)
    return train(table, seed=1, surgery_weights=True, **ABOUT)


def test_training_says_that_and_how_rows_were_weighted(result: TrainResult) -> None:
    text = "\n".join(result.summary())
    for words in (
        "patients: 600",
        "rows weighted by: inverse probability of no surgery before the row's end, from a Weibull",
        "months_since_onset at the index MRI and the last leg_pain",
        "none cut",
        "interval: by patient (sandwich covariance), weights taken as known",
        "second opinion (lifelines): agrees",
    ):
        assert words in text
    assert sum(group["n"] for group in result.artifact["support"]["groups"]) == 600
    assert result.artifact["fingerprint"]["rows"] == 600


def test_the_saved_interval_is_the_robust_one(result: TrainResult) -> None:
    visits = made(600, seed=4)
    rows = weighted_rows(visits)
    model = ResorptionModel(result.artifact["distribution"], cure=result.artifact["cure"])
    model.fit(rows.X, rows.y, **rows.fit_options())
    np.testing.assert_allclose(result.artifact["covariance"], model.covariance_, rtol=1e-6)
    usual = model.fit(rows.X, rows.y, sample_weight=rows.weights)
    assert not np.allclose(result.artifact["covariance"], usual.covariance_, rtol=0.02)


def test_whole_patients_cannot_make_such_a_model_again() -> None:
    """So that internal validation refuses rather than repeats another procedure."""
    visits = made(300)
    rows = weighted_rows(visits)
    procedure = Procedure(STANDARD, ["weibull"], [False], 0.25, 5, 0, split=True)
    assert procedure.run(rows.X, rows.y, rows.weights, rows.patient).best.name == "weibull"
    with pytest.raises(TrainingError, match="rows weighted for surgery, which cannot be made aga"):
        procedure.run(visits.patients.X, visits.patients.y)


def test_on_the_command_line(run: Run, tmp_path: Path) -> None:
    done = run("train", SYNTHETIC / "new_centre_visits.csv", "--surgery-weights", "--json",
               "-o", "m.joblib", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no surgery before" in json.loads(done.stdout)["metrics"]["rows weighted by"]
    shown = run("show", "m.joblib", cwd=tmp_path).stdout
    assert "rows weighted by: inverse probability of no surgery" in shown
    assert "interval: by patient (sandwich covariance)" in shown
    artifact = load(tmp_path / "m.joblib").artifact
    card = json.loads((SYNTHETIC / "new_centre_visits.card.json").read_text(encoding="utf-8"))
    for key in ("endpoint", "data_origin", "between_study_sd"):
        assert artifact[key] == card[key]


def test_the_other_kind_of_file(run: Run, tmp_path: Path) -> None:
    pd.DataFrame(simulate_cohort(60, seed=1)[0]).to_csv(tmp_path / "c.csv", index=False)
    about = ("-o", "m.joblib", "--endpoint", "x", "--data-origin", "synthetic")
    plain = run("train", SYNTHETIC / "new_centre_visits.csv", *about, cwd=tmp_path)
    assert plain.returncode == 3
    assert (
        "has one row an MRI; make one row a patient of it with discresorb cohort, or train on it"
        in plain.stderr
    )
    weighted = run("train", "c.csv", "--surgery-weights", *about, cwd=tmp_path)
    assert weighted.returncode == 3
    assert "has one row a patient; weights for surgery need one row an MRI" in weighted.stderr
    table = simulate_visits(60, seed=1).astype({"size_mm": object})
    table.loc[0, "size_mm"] = "wide"
    table.to_csv(tmp_path / "v.csv", index=False)
    bad = run("train", "v.csv", "--surgery-weights", "--show-values", *about, cwd=tmp_path)
    assert bad.returncode == 3
    assert "v.csv, row 1: size_mm entered as wide, but must be a number" in bad.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"c.csv", "v.csv"}


def test_weights_are_those_of_a_weibull_hazard_fitted_independently() -> None:
    """Pain changes at every MRI, and each period, from MRI to MRI or to the exit, is an episode."""
    visits = made(1500, seed=5)
    pain = np.random.default_rng(2).integers(0, 11, len(visits.months)).astype(float)
    visits = replace(visits, leg_pain=pain)
    who, entry = visits.patient, visits.patients.y["entry"]
    last = np.append(np.diff(who) > 0, True)
    following = np.append(visits.months[1:], 0.0)
    stop = np.where(last, visits.exit_months[who], following) - entry[who]
    start, operated = visits.months - entry[who], last & visits.operated[who]
    use = visits.herniated & (stop > start)
    X = np.column_stack([visits.patients.X[who], entry[who], pain])
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    index = np.flatnonzero(np.diff(who, prepend=-1) > 0)
    totals = []
    for covariates in (X, X[:, :3]):
        design = np.column_stack([np.ones(len(X)), covariates])
        beta = weibull_hazard(design[use], start[use], stop[use], operated[use])
        hazard, shape = np.exp(design @ beta[1:]), np.exp(beta[0])
        added = np.where(use, hazard * (np.maximum(stop, 0.0) ** shape - start**shape), 0.0)
        before = np.cumsum(added) - added
        totals.append(before - before[index][who])
    expected = np.exp(totals[0] - totals[1])[visits.split().visit]
    np.testing.assert_allclose(weighted_rows(visits).weights, expected, rtol=2e-3)


def weibull_hazard(design: Array, start: Array, stop: Array, event: Array) -> Array:
    """Log shape and log-linear rates of episodes, by scipy."""

    def loss(beta: Array) -> float:
        rate, shape = design @ beta[1:], np.exp(beta[0])
        log_hazard = rate + beta[0] + (shape - 1.0) * np.log(stop)
        passed = np.exp(rate) * (stop**shape - start**shape)
        return float(passed.sum() - log_hazard[event].sum())

    first = np.array([-0.3, -3.0, *np.zeros(design.shape[1] - 1)])
    return np.asarray(minimize(loss, first, method="BFGS", options={"gtol": 1e-4}).x)


def test_twenty_operations_are_enough_and_nineteen_are_not() -> None:
    visits = made(400, seed=1)
    for count in (19, 20):
        few = replace(visits, operated=visits.operated & (np.cumsum(visits.operated) <= count))
        notes = weighted_rows(few).notes
        assert any("too few" in note for note in notes) == (count < 20)


def test_large_weights_are_told_of() -> None:
    rows = weighted_rows(made(20_000))
    assert rows.weights.max() > 20.0
    assert any(f"the largest weight is {rows.weights.max():.3g}" in note for note in rows.notes)


def test_weights_count_in_the_cross_validated_score() -> None:
    rows = weighted_rows(made(600, seed=4))
    (tried,) = compare(
        rows.X, rows.y, distributions=["weibull"], cures=[False], seed=3,
        weights=rows.weights, patient=rows.patient,
    )  # fmt: skip
    last = np.append(np.diff(rows.patient) > 0, True)
    fold = fold_of_rows(rows.X[last], rows.y[last], 5, 3)[rows.patient]
    total = 0.0
    for k in range(5):
        out = fold == k
        options = {name: each[~out] for name, each in rows.fit_options().items()}
        model = ResorptionModel("weibull", cure=False).fit(rows.X[~out], rows.y[~out], **options)
        total += model.score(rows.X[out], rows.y[out], rows.weights[out]) * rows.weights[out].sum()
    assert tried.log_score == pytest.approx(total / 600, rel=1e-6)
