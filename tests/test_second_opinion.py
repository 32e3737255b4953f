"""The second opinion: it agrees where it should, and it can disagree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import SEPARATED, simulated

from discresorb.distributions import DISTRIBUTIONS
from discresorb_training import ResorptionModel, Settings, fitting, second_opinion
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.second_opinion import ask_lifelines


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("cure", [False, True], ids=["no cure", "cure"])
def test_agrees_on_the_shipped_cohort(
    distribution: str, cure: bool, shipped_cohort: pd.DataFrame
) -> None:
    cohort = cohort_from_frame(shipped_cohort)
    model = ResorptionModel(distribution, cure=cure).fit(cohort.X, cohort.y)
    opinion = ask_lifelines(cohort.X, cohort.y, model._theta, distribution, cure=cure)
    assert opinion.agrees is True, opinion.why
    figures = opinion.figures
    assert figures["lifelines at our estimates"] == pytest.approx(
        figures["ours at our estimates"], rel=1e-8
    )
    assert figures["largest difference in probability"] < 1e-3


def test_disagrees_on_another_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = simulated(200)
    model = ResorptionModel().fit(X, y)
    ours = second_opinion._log_likelihood
    monkeypatch.setattr(second_opinion, "_log_likelihood", lambda *a: ours(*a) * (1 + 1e-7))
    opinion = ask_lifelines(X.to_numpy(), y, model._theta, "loglogistic", cure=True)
    assert opinion.agrees is False
    assert "where ours is" in opinion.why


def test_disagrees_when_lifelines_finds_more(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = simulated(200)
    model = ResorptionModel().fit(X, y)
    fit = fitting.fit_dataset

    def stops_early(*args: Any, **options: Any) -> object:
        found = fit(*args, **options)
        object.__setattr__(found, "log_likelihood", found.log_likelihood - 0.01)
        return found

    monkeypatch.setattr(second_opinion, "fit_dataset", stops_early)
    opinion = ask_lifelines(X.to_numpy(), y, model._theta, "loglogistic", cure=True)
    assert opinion.agrees is False
    assert "better by 0.01" in opinion.why


def test_notices_estimates_that_are_not_the_best() -> None:
    X, y = simulated(400)
    model = ResorptionModel(cure=False).fit(X, y)
    moved = model._theta + np.array([0.3, 0.0, 0.2, 0.1])
    opinion = ask_lifelines(X.to_numpy(), y, moved, "loglogistic", cure=False)
    assert opinion.agrees is False
    assert "a fit is reached that is better by" in opinion.why


def test_lifelines_rounding_is_no_disagreement() -> None:
    """A resorption in the first hours: a probability of which lifelines keeps no digits."""
    X, y = simulated(800, settings=Settings(scale=0.15))
    row = int(np.argmin(y["entry"]))
    y[row] = (0.025, 0.05, 0.025)
    model = ResorptionModel().fit(X, y)
    opinion = ask_lifelines(X.to_numpy(), y, model._theta, "loglogistic", cure=True)
    assert opinion.agrees is None
    assert "loses digits of the small probabilities of 1 rows" in opinion.why


def test_unavailable_without_a_maximum() -> None:
    X, y = simulated(400, settings=SEPARATED)
    model = ResorptionModel().fit(X, y)
    opinion = ask_lifelines(X.to_numpy(), y, model._theta, "loglogistic", cure=True)
    assert opinion.agrees is None
    assert "without the penalty" in opinion.why


def test_large_data_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = simulated(600)
    model = ResorptionModel("weibull", cure=False).fit(X, y)
    monkeypatch.setattr(second_opinion, "MOST_ROWS", 300)
    opinion = ask_lifelines(X.to_numpy(), y, model._theta, "weibull", cure=False, seed=1)
    assert opinion.agrees is True
    assert opinion.figures["ours at our estimates"] > 0.7 * model.log_likelihood_
    assert np.isfinite(list(opinion.figures.values())).all()
