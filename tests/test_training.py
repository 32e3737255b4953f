"""Training as a whole: what it returns, refuses and notes, on good and on small cohorts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import EVERYBODY
from conftest import ROOT

from discresorb import InputError, load
from discresorb_training import Settings, TrainingError, TrainResult, simulate_cohort, train
from discresorb_training import training as training_module
from discresorb_training.second_opinion import SecondOpinion

ABOUT: dict[str, Any] = {"endpoint": "definite regression", "data_origin": "synthetic"}


@pytest.fixture(scope="module")
def result() -> TrainResult:
    return train(simulate_cohort(800, seed=1)[0], seed=1, **ABOUT)


def test_returns_a_model_that_predicts_what_the_fit_predicts(
    result: TrainResult, tmp_path: Path
) -> None:
    result.save(tmp_path / "m.joblib")
    p = result.model.predict_resorption(
        pd.DataFrame({"size_mm": [9.0], "sequestrated": [1.0]}),
        entry=1.0,
        horizon=5.0,
        interval=0.95,
    )[0]
    cells = {"size_mm": 9, "sequestrated": 1, "months_since_onset": 1, "months_to_surgery": 4}
    for predictor in (result.predictor, load(tmp_path / "m.joblib")):
        r = predictor.predict(**cells)
        np.testing.assert_allclose([r.probability, r.low, r.high], p, rtol=1e-12)
        assert r.endpoint == "definite regression"


def test_says_what_it_did(result: TrainResult) -> None:
    text = "\n".join(result.summary())
    for words in (
        "patients: 800",
        "compared: ",
        "second opinion (lifelines): agrees",
        "penalty: 0.1 on",
    ):
        assert words in text
    assert len(result.tried) == 6
    assert result.artifact["parameter_names"][1] == "size_mm"


def test_same_seed_same_model(result: TrainResult) -> None:
    again = train(simulate_cohort(800, seed=1)[0], seed=1, **ABOUT)
    assert again.artifact["model_id"] == result.artifact["model_id"]
    np.testing.assert_array_equal(again.artifact["location"], result.artifact["location"])


def test_the_default_model_can_be_made_again(shipped_cohort: pd.DataFrame) -> None:
    card = json.loads((ROOT / "data/synthetic/cohort.card.json").read_text(encoding="utf-8"))
    again = train(
        shipped_cohort, endpoint=card["endpoint"], data_origin=card["data_origin"]
    ).artifact
    shipped = load(ROOT / "artifacts" / "default.joblib").artifact
    assert again["distribution"] == shipped["distribution"]
    for key in ("location", "cure_coefficients", "covariance"):
        np.testing.assert_allclose(again[key], shipped[key], rtol=1e-8, atol=1e-10)


def test_support_is_of_the_type(result: TrainResult) -> None:
    support = result.artifact["support"]
    assert support["by"] == "sequestrated"
    assert [group["level"] for group in support["groups"]] == [0.0, 1.0]
    assert sum(group["n"] for group in support["groups"]) == 800


def test_80_cohorts_of_120_patients() -> None:
    """Finite probabilities and intervals, or a refusal that says what is missing.

    200 others, each with the second opinion: `benchmarks/small_cohorts.py`.
    """
    cells = pd.DataFrame(
        {
            "size_mm": [4.0, 8.0, 12.0] * 2,
            "sequestrated": [0] * 3 + [1] * 3,
            "months_since_onset": [0.0, 2.0, 6.0] * 2,
            "months_to_surgery": [0.0, 6.0, 600.0] * 2,
        }
    )
    trained, refusals = 0, []
    for seed in range(80):
        cohort, _ = simulate_cohort(120, seed=seed)
        try:
            # some with the second opinion, for the time that it takes
            found = train(cohort, second_opinion=seed % 40 == 0, **ABOUT)
        except TrainingError as error:
            refusals.append(str(error))
            continue
        trained += 1
        scored = found.predictor.score(cells)
        values = scored[["p_low", "p_resorbed", "p_high"]].to_numpy()
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1)).all()
        assert (np.diff(values, axis=1) >= 0).all()
        assert found.model.converged_
    assert trained > 60  # refusing everything would be safe too
    assert all(len(words) > 30 for words in refusals)


def test_without_a_cure_fraction_it_says_so() -> None:
    could_not = train(simulate_cohort(300, seed=13, settings=EVERYBODY)[0], **ABOUT)
    assert not could_not.artifact["cure"]
    assert any("it could not be estimated from these data" in note for note in could_not.notes)
    no_better = train(simulate_cohort(300, seed=6, settings=EVERYBODY)[0], **ABOUT)
    assert not no_better.artifact["cure"]
    assert any("it did not predict better" in note for note in no_better.notes)


def few_events() -> pd.DataFrame:
    cohort, _ = simulate_cohort(100, seed=1, settings=Settings(ever=(-6.0, 0.0, 0.0)))
    return cohort


def no_sequestrations() -> pd.DataFrame:
    cohort, _ = simulate_cohort(100, seed=1)
    return cohort.assign(sequestrated=0)


def two_sequestrations() -> pd.DataFrame:
    cohort = no_sequestrations()
    cohort.loc[:1, "sequestrated"] = 1
    return cohort


def one_size() -> pd.DataFrame:
    return simulate_cohort(100, seed=1)[0].assign(size_mm=8.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (few_events, "patients, but at least 10 are needed"),
        (no_sequestrations, r"sequestrated is the same in every patient \(rows 1 to 100\)"),
        (
            two_sequestrations,
            r"sequestrated is yes in 2 of 100 patients \(rows \d+, \d+\), but at least 5",
        ),
        (one_size, "size_mm is the same in every patient"),
    ],
)
def test_refuses_and_says_what_is_missing(make: Callable[[], pd.DataFrame], words: str) -> None:
    with pytest.raises(TrainingError, match=words) as caught:
        train(make(), **ABOUT)
    assert caught.value.exit_status == 6


def test_a_disagreeing_second_opinion_stops_the_save(monkeypatch: pytest.MonkeyPatch) -> None:
    def disagrees(*_: object, **__: object) -> SecondOpinion:
        return SecondOpinion(False, "lifelines gives another")

    monkeypatch.setattr(training_module, "ask_lifelines", disagrees)
    with pytest.raises(TrainingError, match="disagrees, so nothing was saved: lifelines gives"):
        train(simulate_cohort(300, seed=1)[0], **ABOUT)


def test_an_early_outlier_does_not_hide_the_better_maximum() -> None:
    """A resorption on the first day makes a second maximum at a much wider spread."""
    cohort, _ = simulate_cohort(300, seed=11)
    cohort.loc[0, ["months_since_onset", "last_herniated_months"]] = 0.0
    cohort.loc[0, ["first_resorbed_months", "exit_months"]] = 0.01
    cohort.loc[0, "exit_reason"] = "resorbed"
    assert train(cohort, **ABOUT).predictor.model_id
    far = simulate_cohort(400, seed=3)[0]
    far.loc[0] = cohort.loc[0]
    plain = train(far, distribution="weibull", cure=False, **ABOUT)
    assert "disagrees" not in plain.artifact["metrics"]["second opinion (lifelines)"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"endpoint": " "}, "endpoint is empty"),
        ({"data_origin": "real"}, "data_origin entered as real"),
        ({"distribution": "gamma"}, "distribution entered as gamma"),
        ({"cure": "maybe"}, "cure entered as maybe"),
        ({"penalty": None}, "penalty entered as None"),
        ({"seed": -1}, "seed entered as -1"),
    ],
)
def test_settings_that_do_not_fit(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        train(simulate_cohort(50)[0], **{**ABOUT, **options})


def test_explicit_choices_are_kept() -> None:
    cohort, _ = simulate_cohort(400, seed=1)
    found = train(cohort, distribution="weibull", cure=True, penalty=2.0, **ABOUT)
    assert found.artifact["distribution"] == "weibull"
    assert found.artifact["cure"] is True
    assert found.artifact["penalty"] == 2.0
    assert len(found.tried) == 1
