"""Answers of other programs, frozen with the command that gave them."""

from __future__ import annotations

import numpy as np
import pytest
from builders import simulated
from lifelines import LogLogisticAFTFitter, LogNormalAFTFitter, WeibullAFTFitter
from lifelines.datasets import load_diabetes, load_rossi

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import ResorptionModel, Settings, interval_outcome


@pytest.fixture(scope="module")
def diabetes() -> tuple[Array, Array]:
    frame = load_diabetes()
    male = (frame["gender"] == "male").to_numpy(float)
    return male[:, None], interval_outcome(lower=frame["left"], upper=frame["right"])


# Rscript tests/oracles/survreg.R, R 4.2.2, survival 3.5.3:
# intercept, male, scale, log-likelihood, standard errors of intercept, male, log scale
SURVREG = {
    "loglogistic": (2.72353963, 0.07918987, 0.20556145, -2003.69548778, 0.02244630, 0.02831273,
                    0.03298899),
    "lognormal": (2.69982025, 0.08642844, 0.38472354, -2026.11821156, 0.02389226, 0.03044794,
                  0.02771460),
    "weibull": (2.90797742, 0.04575830, 0.35382184, -2027.19633319, 0.02234308, 0.02750112,
                0.02814564),
}  # fmt: skip


@pytest.mark.parametrize("name", SURVREG)
def test_diabetes_interval_censored_against_survreg(
    name: str, diabetes: tuple[Array, Array]
) -> None:
    model = ResorptionModel(name, cure=False).fit(*diabetes)
    found = [model.intercept_, model.coef_[0], model.scale_, model.log_likelihood_]
    expected = SURVREG[name]
    np.testing.assert_allclose(found, expected[:4], rtol=0, atol=1e-7)
    errors = np.sqrt(np.diag(model.covariance_))
    np.testing.assert_allclose(errors, expected[4:], rtol=0, atol=1e-7)


def test_diabetes_against_flexsurv(diabetes: tuple[Array, Array]) -> None:
    """flexsurvreg(Surv(left, right, type="interval2") ~ gender, IR_diabetes, dist="weibull")."""
    model = ResorptionModel("weibull", cure=False).fit(*diabetes)
    assert round(model.log_likelihood_, 3) == -2027.196
    assert round(model.coef_[0], 5) == 0.04576
    assert round(1 / model.scale_, 5) == 2.82628
    assert round(float(np.exp(model.intercept_)), 4) == 18.3197


def test_rossi_with_delayed_entry_against_eha() -> None:
    """eha::aftreg(Surv(start, week, arrest) ~ fin + race + wexp + mar + paro + prio + age).

    start is 2 for those watched beyond week 10, else 0; the sign is that of slopes on log time.
    """
    frame = load_rossi()
    week = frame["week"].to_numpy(float)
    y = interval_outcome(
        lower=week,
        upper=np.where(frame["arrest"] == 1, week, np.inf),
        entry=np.where(week > 10, 2.0, 0.0),
    )
    X = frame.drop(columns=["week", "arrest"]).astype(float)
    model = ResorptionModel("weibull", cure=False).fit(X, y)
    slopes = dict(zip(X.columns, model.coef_, strict=True))
    assert round(slopes["fin"], 4) == 0.2886
    assert round(slopes["prio"], 4) == -0.0696
    assert round(-np.log(model.scale_), 4) == 0.2756
    errors = dict(zip(model.parameter_names_, np.sqrt(np.diag(model.covariance_)), strict=True))
    assert round(errors["fin"], 3) == 0.148
    assert round(errors["mar"], 3) == 0.292
    assert round(errors["log_scale"], 3) == 0.104


FITTERS = {
    "loglogistic": LogLogisticAFTFitter,
    "lognormal": LogNormalAFTFitter,
    "weibull": WeibullAFTFitter,
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_entry_inside_interval_censoring_against_lifelines(name: str) -> None:
    everybody_resorbs = Settings(ever=(9.0, 0.0, 0.0), surgery_by_year=0.2)
    X, y = simulated(400, settings=everybody_resorbs)
    frame = X.assign(lower=y["lower"], upper=y["upper"], entry=y["entry"])
    fitter = FITTERS[name]()
    fitter.fit_interval_censoring(
        frame, "lower", "upper", entry_col="entry", fit_options={"ftol": 1e-12}
    )
    model = ResorptionModel(name, cure=False).fit(X, y)
    # lifelines clips survival at 1e-12
    assert model.log_likelihood_ == pytest.approx(fitter.log_likelihood_, abs=1e-4)
    primary = fitter.params_.loc[fitter._primary_parameter_name]
    np.testing.assert_allclose(
        [*model.coef_, model.intercept_],
        primary[["size_mm", "sequestrated", "Intercept"]],
        atol=2e-3,
    )
    errors = np.sqrt(np.diag(model.covariance_))[:3]
    theirs = fitter.standard_errors_.loc[fitter._primary_parameter_name]
    np.testing.assert_allclose(errors, theirs[["Intercept", "size_mm", "sequestrated"]], rtol=0.02)
