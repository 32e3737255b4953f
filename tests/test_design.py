"""From covariates to design columns: splines, levels, and what stands in for missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discresorb.columns import SEQUESTRATED, SIZE_MM, Column
from discresorb.design import Covariate, Design, Imputation, natural_spline
from discresorb_training.designing import fit_design
from discresorb_training.errors import TrainingError
from discresorb_training.plan import Planned

WORK = Column("work", "category", "work", "", 0.0, 2.0, ("desk", "mixed", "heavy"))
AGE = Column("age", "number", "age", "years")
KNOTS = (2.0, 5.0, 9.0, 14.0)


def patients(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Size, sequestration, age, work; and months since onset."""
    rng = np.random.default_rng(seed)
    size, entry = rng.gamma(9.0, 1.0, n), rng.gamma(2.0, 1.2, n)
    X = np.column_stack(
        [size, rng.random(n) < 0.3, 40 + size + rng.normal(0, 8, n), rng.integers(0, 3, n)]
    )
    return X, entry


def test_a_natural_spline_is_linear_outside_its_knots_and_smooth_at_them() -> None:
    for outside in (np.linspace(-5.0, 2.0, 9), np.linspace(14.0, 40.0, 9)):
        for column in natural_spline(outside, KNOTS):
            np.testing.assert_allclose(np.diff(column, 2), 0.0, atol=1e-10)
    step = 1e-4
    for knot in KNOTS:
        around = natural_spline(knot + step * np.arange(-3, 4), KNOTS)
        for column in around:
            assert np.abs(np.diff(column, 3)).max() < 10 * step**3  # no jump up to the curvature


def test_a_natural_spline_by_hand() -> None:
    found = np.column_stack(natural_spline(np.array([3.0, 7.0, 12.0, 20.0]), KNOTS))
    by_hand = [
        [1 / 144, 0.0],
        [125 / 144, 8 / 144],
        [(1000 - 27 * 12 / 5) / 144, (343 - 27 * 9 / 5) / 144],
        [(5832 - 1331 * 12 / 5 + 216 * 7 / 5) / 144, (3375 - 1331 * 9 / 5 + 216 * 4 / 5) / 144],
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_columns_of_every_kind() -> None:
    design = Design([Covariate(SIZE_MM, KNOTS), Covariate(SEQUESTRATED), Covariate(WORK)])
    assert design.names == [
        "size_mm", "size_mm_s1", "size_mm_s2", "sequestrated", "work[mixed]", "work[heavy]",
    ]  # fmt: skip
    found = design.matrix(np.array([[7.0, 1.0, 2.0], [3.0, 0.0, 0.0]]), np.ones(2))
    np.testing.assert_allclose(
        found, [[1, 7, 125 / 144, 8 / 144, 1, 0, 1], [1, 3, 1 / 144, 0, 0, 0, 0]]
    )


def test_missing_values_are_the_regression_on_what_is_known() -> None:
    X, entry = patients()
    plan = [
        Planned(SIZE_MM),
        Planned(SEQUESTRATED, optional=True),
        Planned(AGE, knots=3, optional=True),
        Planned(WORK, optional=True),
    ]
    whole = X.copy()
    rng = np.random.default_rng(1)
    for j in (1, 2, 3):
        X[rng.random(len(X)) < 0.2, j] = np.nan
    design = fit_design(plan, X, entry)
    assert design.optional == {"sequestrated", "age", "work"}
    predictors = np.column_stack([np.ones(len(X)), entry, X[:, 0]])
    matrix = design.matrix(X, entry)
    columns = dict(zip(design.names, matrix[:, 1:].T, strict=True))
    for name, values in (("sequestrated", X[:, 1]), ("age", X[:, 2])):
        known = ~np.isnan(values)
        slopes = np.linalg.lstsq(predictors[known], values[known], rcond=None)[0]
        wanted = np.where(known, values, predictors @ slopes)
        wanted = np.clip(wanted, np.nanmin(values), np.nanmax(values))
        np.testing.assert_allclose(columns[name], wanted, rtol=1e-9)
    np.testing.assert_allclose(
        columns["age_s1"], natural_spline(columns["age"], design.covariates[2].knots)[0]
    )
    known = ~np.isnan(X[:, 3])
    np.testing.assert_array_equal(columns["work[heavy]"][known], whole[known, 3] == 2.0)
    assert np.isfinite(matrix).all()
    counted = sum(where.astype(int) for where in design.missing(X.T).values())
    np.testing.assert_array_equal(counted, np.isnan(X).sum(axis=1))


def test_weights_count_patients() -> None:
    X, entry = patients(60)
    X[:10, 2] = np.nan
    plan = [
        Planned(SIZE_MM, knots=4),
        Planned(SEQUESTRATED),
        Planned(AGE, optional=True),
        Planned(WORK),
    ]
    times = np.random.default_rng(2).integers(0, 3, len(X))
    twice = fit_design(plan, np.repeat(X, times, axis=0), np.repeat(entry, times))
    weighted = fit_design(plan, X, entry, times.astype(float))
    np.testing.assert_allclose(
        weighted.imputations[0].coefficients, twice.imputations[0].coefficients, rtol=1e-8
    )
    doubled = fit_design(plan, X, entry, np.full(len(X), 2.0))
    assert doubled.covariates == fit_design(plan, X, entry).covariates
    drawn = times > 0
    assert (
        fit_design(plan, X[drawn], entry[drawn], times[drawn].astype(float)).covariates
        == weighted.covariates
    )


@given(st.lists(st.integers(0, 399), min_size=1, max_size=30))
def test_a_row_does_not_depend_on_the_rows_beside_it(rows: list[int]) -> None:
    X, entry = patients()
    X[::3, 2] = np.nan
    plan = [Planned(SIZE_MM, knots=5), Planned(SEQUESTRATED), Planned(AGE, 3, True), Planned(WORK)]
    design = fit_design(plan, X, entry)
    np.testing.assert_array_equal(
        design.matrix(X[rows], entry[rows]), design.matrix(X, entry)[rows]
    )


def test_too_few_different_values_or_patients_are_told() -> None:
    X, entry = patients(50)
    X[:, 0] = np.repeat([5.0, 8.0], 25)
    with pytest.raises(TrainingError, match=r"size_mm has too few different values .* of 4 knots"):
        fit_design([Planned(SIZE_MM, knots=4)], X[:, :1], entry)
    X[2:, 2] = np.nan
    with pytest.raises(TrainingError, match="age is known of 2 patients, but at least 4"):
        fit_design([Planned(SIZE_MM), Planned(AGE, optional=True)], X[:, [0, 2]], entry)


def test_an_artifact_gives_the_design_back() -> None:
    design = Design(
        [Covariate(SIZE_MM, KNOTS), Covariate(AGE), Covariate(WORK)],
        [Imputation("age", np.array([40.0, 0.1, 1.0, 0.2, 0.3]), 20.0, 80.0)],
    )
    back = Design.from_artifact(design.to_artifact())
    assert back.covariates == design.covariates
    assert back.names == design.names
    np.testing.assert_array_equal(
        back.imputations[0].coefficients, design.imputations[0].coefficients
    )
    assert design.predictor_names == ["months_since_onset", "size_mm", "work[mixed]", "work[heavy]"]
