"""The calibration: what must hold of it, of the shipped parameters, and of the shipped model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Run

from discresorb import Predictor
from discresorb.distributions import Array
from discresorb.errors import InputFileError
from discresorb_training import Settings, calibration, simulate_cohort
from discresorb_training.calibration import ASSUMPTIONS, Calibration, calibrate
from discresorb_training.errors import TrainingError
from discresorb_training.evidence import Target, targets
from discresorb_training.expected import EFFECT_WEIGHTS, STANDARD_EFFECTS, StudyPatients
from discresorb_training.parameters import calibrated, read_parameters
from discresorb_training.process import Process

DATA = ROOT / "training" / "discresorb_training" / "data"
Z = 4.0


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return calibrate()


def by_key(values: Array) -> dict[str, float]:
    return {row.published.key: float(v) for row, v in zip(targets(), values, strict=True)}


def test_meets_the_evidence(fitted: Calibration) -> None:
    assert len(fitted.targets) == 17
    assert fitted.rms_difference <= 0.11
    differences, simulated = by_key(fitted.differences), by_key(fitted.simulated)
    chiu = [value for key, value in differences.items() if key.startswith("chiu2015")]
    assert len(chiu) == 4
    assert np.abs(chiu).max() <= 0.06
    for row in fitted.targets[:2]:
        low, high = row.published.low, row.published.high
        assert low is not None
        assert high is not None
        assert low <= simulated[row.published.key] <= high
    assert [row.published.key for row in fitted.targets[:2]] == ["zhong2017", "wang2020"]


def test_keeps_both_assumptions(fitted: Calibration) -> None:
    assert min(fitted.margins()) >= 0.0


def test_the_shipped_model_keeps_both_assumptions(predictor: Predictor) -> None:
    """Spelt out here, apart from the code that the calibration uses."""

    def p(size: float, sequestrated: bool, entry: float, horizon: float) -> float:
        return predictor.predict(
            size_mm=size,
            sequestrated=sequestrated,
            months_since_onset=entry,
            months_to_surgery=horizon - entry,
        ).probability

    for size in (9.0, 11.0):
        assert p(size, True, 5.8, 12.0) >= 0.4
        for entry in np.linspace(0.0, 6.0, 25):
            for horizon in (12.0, entry + 3.0, entry + 6.0, entry + 12.0):
                assert p(size, True, entry, horizon) >= p(5.0, False, entry, horizon)
    for size in np.linspace(9.0, 14.0, 11):
        assert p(size, True, 14.0 / 30.4375, 14.0 / 30.4375 + 6.0) <= 0.96


P = Callable[[float, float, float, float], float]
Law = tuple[tuple[float, ...], float, tuple[float, ...], Callable[[P], bool], int]
ABSURD: dict[str, Law] = {
    # each breaks one clause of one assumption only
    "late sequestrations have less than 0.4": (
        (2.0, 0.0, 0.0), 0.35, (-5.0, 0.1, 4.0), lambda p: p(9.0, 1.0, 5.8, 12.0) < 0.4, 0,
    ),
    "late sequestrations have less than a protrusion": (
        (1.5, 0.0, 0.0), 0.3, (6.0, 0.0, -3.9), lambda p: p(9.0, 1.0, 5.8, 12.0) > 0.4, 0,
    ),
    "early sequestrations are certain": (
        (1.0, -0.1, -0.5), 0.3, (-3.0, 0.6, 6.0), lambda p: p(14.0, 1.0, 0.46, 6.46) > 0.96, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_law_breaks_its_assumption(name: str) -> None:
    latency, scale, ever, holds, broken = ABSURD[name]
    found = Calibration(Process("loglogistic", latency, scale, ever), 0.0, [], np.array([]))

    def p(*at: float) -> float:
        size, sequestrated, entry, horizon = map(np.array, at)
        return float(found.probability(size, sequestrated, entry, horizon))

    assert holds(p)
    margins = found.margins()
    assert margins[broken] < 0.0 <= margins[1 - broken], margins


def test_the_shipped_parameters_are_this_calibration(fitted: Calibration) -> None:
    shipped = json.loads((DATA / "parameters.json").read_text(encoding="utf-8"))
    again = fitted.to_dict()
    for name in ("latency", "scale", "ever", "between_study_sd"):
        # other libraries' rounding may end the search elsewhere in its last digits
        np.testing.assert_allclose(again[name], shipped[name], atol=2e-3, err_msg=name)
    assert again["distribution"] == shipped["distribution"]
    for mine, theirs in zip(again["studies"], shipped["studies"], strict=True):
        assert mine["id"] == theirs["id"]
        assert mine["simulated"] == pytest.approx(theirs["simulated"], abs=1e-3)
    assert Settings().site_sd == calibrated().site_sd == shipped["between_study_sd"]
    assert Settings().latency == tuple(shipped["latency"])


def test_expected_proportions_are_what_the_simulator_gives() -> None:
    """Every study simulated, with a centre for every patient or so."""
    shipped, rows = calibrated(), targets()
    process = Settings().process()
    expected = (
        StudyPatients(rows).proportions(process, shipped.site_sd * STANDARD_EFFECTS)
        @ EFFECT_WEIGHTS
    )
    n = 20_000
    for row, proportion in zip(rows, expected, strict=True):
        shares = row.assumed.type_shares
        settings = Settings(
            type_shares=shares, entry_mean=row.assumed.mean_entry_months,
            sites=1000, sites_balanced=True,
        )  # fmt: skip
        cohort, truth = simulate_cohort(n, seed=4, settings=settings)
        after = truth["resorption_months"].fillna(np.inf) - cohort["months_since_onset"]
        resorbed = after <= row.months
        if row.assumed.min_size_mm:
            # the study's mix is of those above the smallest size
            large = cohort["size_mm"] > row.assumed.min_size_mm + 0.049
            within_type = resorbed[large].groupby(truth["type"]).mean()
            share = float(within_type @ np.array(shares)[[2, 1, 3]])
        else:
            share = float(resorbed.mean())
        assert abs(share - proportion) < Z * np.sqrt(0.25 / n) + 0.002, row.published.key


def test_more_nodes_change_nothing() -> None:
    rows, process = targets(), Settings().process()
    plain = StudyPatients(rows).proportions(process, STANDARD_EFFECTS) @ EFFECT_WEIGHTS
    finer = StudyPatients(rows, 32, 32).proportions(process, STANDARD_EFFECTS) @ EFFECT_WEIGHTS
    assert np.abs(plain - finer).max() < 5e-4


def test_the_between_study_spread_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies that agree leave no spread; studies moved apart leave more."""
    monkeypatch.setattr(calibration, "_STARTS", calibration._STARTS[:1])
    rows, process = targets(), Settings().process()

    def published_as(effects: dict[str, float]) -> list[Target]:
        moved = []
        for k, row in enumerate(rows):
            effect = np.array([effects.get(row.published.study, 0.0)])
            p = float(StudyPatients(rows).proportions(process, effect)[k, 0])
            printed = replace(row.published, proportion=p, n=400, design="single")
            moved.append(Target(printed, row.assumed))
        return moved

    alike = calibrate(published_as({}))
    apart = calibrate(
        published_as({"Komori 1996": -1.5, "Bush 1992": 1.5, "Modic 1995": 1.0, "Ahn 2000": -1.0})
    )
    assert alike.between_study_sd < 0.1
    assert alike.rms_difference < 0.02
    assert 0.5 < apart.between_study_sd < 1.6


def test_no_maximum_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = calibration.Assumption("p above 1", lambda p: np.array([-1.0]))
    monkeypatch.setattr(calibration, "ASSUMPTIONS", (*ASSUMPTIONS, impossible))
    monkeypatch.setattr(calibration, "_STARTS", calibration._STARTS[:1])
    with pytest.raises(TrainingError, match="no maximum that keeps the assumptions"):
        calibrate()


def test_the_command_prints_and_writes(
    run: Run, tmp_path: Path, fitted: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("calibrate", "-o", "p.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Root mean square difference over 17 targets: 0.1" in done.stdout
    for words in (
        "komori1996_type1",
        "*",
        "Stated assumptions",
        "like a count in 20",
        "Between-study",
    ):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 122
    written = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert written["made_by"] == "discresorb calibrate -o p.json"
    assert read_parameters(tmp_path / "p.json").site_sd == written["between_study_sd"]
    assert run("calibrate", "-o", "p.json", cwd=tmp_path).returncode == 2
    other = {**written, "ever": [0.0, 0.0, 0.0], "between_study_sd": 0.0}
    (tmp_path / "other.json").write_text(json.dumps(other))
    # the same once more as JSON: what is fitted stays, for the time that it takes
    monkeypatch.setattr("discresorb_training.calibration.calibrate", lambda: fitted)
    as_json = run("calibrate", "--json", cwd=tmp_path)
    assert json.loads(as_json.stdout)["latency"] == written["latency"]
    made = run("simulate", "-n", 50, "-o", "c.csv", "--parameters", "other.json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    card = json.loads((tmp_path / "c.card.json").read_text(encoding="utf-8"))
    assert card["settings"]["ever"] == [0.0, 0.0, 0.0]
    assert card["between_study_sd"] is None


GOOD: dict[str, object] = {
    "distribution": "loglogistic",
    "latency": [1, 2.0, 3],
    "scale": 0.4,
    "ever": [1, 2, 3],
    "between_study_sd": 0.5,
}
WRONG: list[dict[str, object]] = [
    {"latency": "123"}, {"latency": {"1": 2}}, {"latency": None}, {"scale": "0.4"}, {"scale": True},
    {"scale": 10**400}, {"scale": float("nan")}, {"ever": [1, 2, "3"]}, {"between_study_sd": True},
    {"distribution": 3},
]  # fmt: skip


def test_parameters_are_taken_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(GOOD))
    assert read_parameters(tmp_path / "p.json").latency == (1.0, 2.0, 3.0)


def test_a_law_that_cannot_be_names_its_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({**GOOD, "distribution": "gamma", "scale": -1}))
    done = run("simulate", "-o", "c.csv", "--parameters", "p.json", cwd=tmp_path)
    assert done.returncode == 3
    assert "p.json: distribution is 'gamma', but must be one of" in done.stderr
    assert "p.json: scale is -1.0, but must be above 0" in done.stderr


@pytest.mark.parametrize(
    "content",
    ["{}", "[]", "not json", "", "[" * 100_000, *(json.dumps({**GOOD, **each}) for each in WRONG)],
    ids=range(5 + len(WRONG)),
)
def test_a_file_that_holds_no_parameters(content: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(InputFileError, match="does not hold the simulator's parameters"):
        read_parameters(path)
    with pytest.raises(InputFileError, match="cannot be read"):
        read_parameters(tmp_path / "none.json")
