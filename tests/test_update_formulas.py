"""Updating against its formulas, each written out again."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pytest
from builders import simulated
from conftest import SYNTHETIC

from discresorb import Predictor
from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training import ResorptionModel, Settings, update, update_procedure
from discresorb_training.carried import carried_levels
from discresorb_training.closed_test import compare_levels, significance
from discresorb_training.levels import SPREAD, TEST_SPREAD, levels_of
from discresorb_training.selection import fold_of_rows
from discresorb_training.subspace import Patients, Subspace, theta_of
from discresorb_training.update_procedure import assess_update, chosen_update
from discresorb_training.updated_estimates import updated_curve

ENDPOINT = "definite regression of the herniation on MRI"


@pytest.fixture(scope="module")
def parent() -> CureCurve:
    X, y = simulated(1_000, seed=7)
    return ResorptionModel().fit(X, y).curve()


@pytest.fixture(scope="module")
def new() -> tuple[Array, Array]:
    X, y = simulated(150, 8, Settings(shift=-1.2))
    return np.column_stack([np.ones(150), X.to_numpy()]), y


@pytest.mark.parametrize("number", [1, 2, 3])
def test_estimates_and_covariance(number: int, parent: CureCurve, new: tuple[Array, Array]) -> None:
    patients, levels = Patients.of(parent, *new), levels_of(parent, new[0])
    D, S, V = levels[number].directions, levels.covariance(number, SPREAD), parent.covariance
    updated = updated_curve(parent, patients, levels, number)
    phi = np.linalg.lstsq(D, theta_of(updated) - theta_of(parent), rcond=None)[0]
    hold = np.linalg.inv(S + np.linalg.inv(D.T @ np.linalg.inv(V) @ D))
    at = patients.at(theta_of(updated))
    assert D.T @ at.gradient == pytest.approx(hold @ phi, abs=1e-4)
    H = -at.hessian
    gain = D @ np.linalg.inv(D.T @ H @ D + hold) @ D.T
    A = np.eye(len(V)) - gain @ H
    departure = D @ (S + np.outer(phi, phi)) @ D.T
    assert updated.covariance == pytest.approx(A @ (V + departure) @ A.T + gain @ H @ gain.T)


def test_slopes_move_all_effects_together(parent: CureCurve, new: tuple[Array, Array]) -> None:
    levels = levels_of(parent, new[0])
    S, free = levels.covariance(3, SPREAD), levels[3].free
    own = np.exp(parent.log_scale)
    assert parent.cure is not None
    for part, coefficients in (("log time", parent.location / own), ("logit π", parent.cure)):
        at = [k for k, each in enumerate(free) if (each.kind, each.of) == ("effect", part)]
        moved = coefficients[1:] * new[0][:, 1:].std(axis=0)
        expected = np.diag([SPREAD.effect**2] * 2) + SPREAD.slope**2 * np.outer(moved, moved)
        assert S[np.ix_(at, at)] == pytest.approx(expected)


def test_the_statistic_hardly_holds_what_both_levels_free(
    parent: CureCurve, new: tuple[Array, Array]
) -> None:
    patients, levels = Patients.of(parent, *new), levels_of(parent, new[0])
    C = levels.coordinates(1, 2)
    both = C @ np.diag([TEST_SPREAD.location**2] * 2) @ C.T
    hold = np.linalg.inv(levels.covariance(2, TEST_SPREAD) + 100.0 * both)
    whole = Subspace(patients, theta_of(parent), levels[2].directions, hold)
    difference = (
        whole.maximum().evaluation.log_likelihood
        - whole.within(C).maximum().evaluation.log_likelihood
    )
    found = compare_levels(parent, patients, levels, 1, 2)
    assert found.statistic == pytest.approx(2.0 * difference, rel=1e-6)


def test_few_patients_are_tested_more_loosely(parent: CureCurve, new: tuple[Array, Array]) -> None:
    assert (significance(99), significance(100)) == ((0.07, 0.20), (0.05, 0.05))
    design, y = new
    followed = np.flatnonzero(np.isfinite(y["upper"]) | (y["lower"] > y["entry"]))
    assert len(followed) >= 100
    for count, alpha in ((99, 0.07), (100, 0.05)):
        rows = followed[:count]
        assert chosen_update(parent, design[rows], y[rows]).comparisons[0].alpha == alpha


def test_where_all_resorb_nothing_is_said_of_what_share_does(
    parent: CureCurve, new: tuple[Array, Array]
) -> None:
    design, y = new
    seen = np.isfinite(y["upper"])
    carried = carried_levels(levels_of(parent, design), y[seen])
    assert carried.highest == 0
    assert "0 followed but never seen resorbed, but needs 2" in carried.barred[1]


def test_every_repeat_has_folds_of_its_own(
    parent: CureCurve, new: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []
    real = fold_of_rows

    def noted(X: Array, y: Array, folds: int, seed: int) -> Array:
        seeds.append(seed)
        return real(X, y, folds, seed)

    monkeypatch.setattr(update_procedure, "fold_of_rows", noted)
    carried = carried_levels(levels_of(parent, new[0]), new[1])
    assess_update(parent, *new, carried, wanted=1, seed=3)
    assert seeds == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("level", [1, 2])
def test_where_effects_are_the_parents_its_ranges_stay(
    level: Literal[1, 2], predictor: Predictor
) -> None:
    table = pd.read_csv(SYNTHETIC / "new_centre.csv")
    result = update(predictor, table, endpoint=ENDPOINT, data_origin="synthetic", level=level)
    assert result.artifact is not None
    assert result.artifact["support"] == predictor.artifact["support"]
    assert result.artifact["fingerprint"]["rows"] == 180
