"""What the calculator computes and says is what the library computes and says."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest
from composed import composed
from engine import Engine
from random_patients import MODELS, Cells, model, patients

from discresorb import InputError, Predictor
from discresorb.pages.model_data import ENGINE_SCRIPTS, model_data
from discresorb.wording import TOO_FAR

PATIENTS = 2000
# what is asked; what is found is smaller, see the words of the assertions
CLOSE, CLOSE_ENDS = 1e-9, 1e-6
READ_AND_PREDICT = "(({patient, problems}) => patient ? model.predict(patient) : {problems})"
ASK = f"{READ_AND_PREDICT}(model.read(row))"

# log Φ(z) by mpmath at 40 digits
LOG_NDTR = [
    (-40.0, -804.60844201375378817),
    (-38.5, -745.69527029041108133),
    (-37.0, -689.0305855768905936),
    (-30.0, -454.32124395634319711),
    (-25.25, -322.93057705939401347),
    (-20.0, -203.91715537109726394),
    (-15.0, -116.13138484571169524),
    (-12.0, -75.410673001568795939),
    (-10.0, -53.231285150512470578),
    (-8.5, -39.197396428217669289),
    (-7.0, -27.384307498811075243),
    (-6.0, -20.736768949974705655),
    (-5.0, -15.064998393988725736),
    (-4.5, -12.592419735713078666),
    (-4.0, -10.360101486527290828),
    (-3.5, -8.366065308344092935),
    (-3.0, -6.6077262215103495433),
    (-2.5, -5.0816482772786904984),
    (-2.0, -3.7831843336820319488),
    (-1.5, -2.705944400823889807),
    (-1.4375, -2.5864346999003318488),
    (-1.40625, -2.5279191564615909236),
    (-1.0, -1.8410216450092635058),
    (-0.75, -1.484448229919656292),
    (-0.5, -1.1759117615936186089),
    (-0.25, -0.91306176481113505517),
    (-0.0078125, -0.69940009909320642946),
    (0.0, -0.69314718055994530942),
    (0.0078125, -0.68693311817833307152),
    (0.25, -0.51298407540943043213),
    (0.5, -0.36894641528865639307),
    (1.0, -0.17275377902344988953),
    (1.40625, -0.083191356191954078716),
    (1.4375, -0.078272926607111482572),
    (2.0, -0.023012909328963488465),
    (3.0, -0.0013508099647481937988),
    (4.0, -0.00003167174337748926386),
    (5.5, -1.8989562646189462989e-8),
    (7.0, -1.2798125438866539645e-12),
    (8.0, -6.2209605742717860585e-16),
    (10.0, -7.619853024160526066e-24),
    (20.0, -2.7536241186062336951e-89),
    (37.0, -5.7255712225245768227e-300),
    (40.0, 0.0),
]


def refused(found: dict[str, Any]) -> str:
    """Why there is no probability; empty if there is one."""
    words = [found["problem"]] if "problem" in found else []
    return "; ".join([*words, *(each["words"] for each in found.get("problems", []))])


@pytest.mark.parametrize("name", MODELS)
def test_every_patient_gets_what_the_library_gives(engine: Engine, name: str) -> None:
    predictor = model(name)
    rows = patients(predictor, PATIENTS)
    found = engine.ask(ASK, rows, predictor)
    scored = predictor.score(pd.DataFrame(rows)).to_dict("records")
    apart, ends_apart, seen = 0.0, 0.0, 0
    for row, mine, its in zip(rows, scored, found, strict=True):
        assert mine["problems"] == refused(its), row
        if mine["problems"]:
            assert mine["problems"].startswith(TOO_FAR), row
            continue
        seen += 1
        apart = max(apart, abs(mine["p_resorbed"] - its["probability"]))
        for mine_end, end in (("p_low", "low"), ("p_high", "high")):
            ends_apart = max(ends_apart, abs(mine[mine_end] - its[end]))
        assert mine["months_at_imaging"] == its["entry"]
        assert mine["months_at_surgery"] == its["horizon"]
        assert mine["n_imputed"] == len(its["missing"])
        assert mine["reimage"] == its["reimage"]
        assert mine["reimage_reason"] == "; ".join(its["reasons"]), row
        assert mine["warnings"] == "; ".join([*predictor.notices, *its["warnings"]]), row
    assert seen > 0.8 * PATIENTS
    assert apart <= CLOSE, f"probabilities differ by up to {apart:.2g}"
    assert ends_apart <= CLOSE_ENDS, f"ends of intervals differ by up to {ends_apart:.2g}"


@pytest.mark.parametrize("name", ["shipped", "linear lognormal all", "curved weibull cure"])
def test_every_patient_is_told_what_the_library_says(engine: Engine, name: str) -> None:
    predictor = model(name)
    rows = patients(predictor, 500, seed=1)
    for row, its in zip(rows, engine.ask(ASK, rows, predictor), strict=True):
        if why := refused(its):
            with pytest.raises(InputError) as caught:
                predictor.predict(**row)
            assert "; ".join(caught.value.with_values) == why
            continue
        mine = predictor.predict(**row)
        assert its["sentence"] == mine.sentence, row
        assert its["advice"] == mine.advice, row
        assert tuple(its["reasons"]) == mine.reasons, row
        assert (*predictor.notices, *its["warnings"]) == mine.warnings, row


def test_another_threshold_is_used_and_named(engine: Engine, predictor: Predictor) -> None:
    rows = patients(predictor, 100, seed=2)
    data = {"model": model_data(predictor, 0.123456)}
    found = engine.each(ASK, rows, data)
    said = [predictor.predict(threshold=0.123456, **row).advice for row in rows]
    assert [each["advice"] for each in found] == said
    assert any("0.123456" in each for each in said)


def test_a_reason_applies_from_its_limit_on(engine: Engine) -> None:
    """A probability of one at a threshold of one, and 181 days but not 180."""
    predictor = composed(distribution="weibull", cure=False, log_scale=-3.0)
    case: Cells = {"size_mm": "9", "sequestrated": "no", "onset_date": "2015-01-01"}
    late = {**case, "imaging_date": "2018-03-01", "surgery_date": "2018-08-29"}
    soon = {**late, "surgery_date": "2018-08-28"}
    found = engine.each(ASK, [late, soon], {"model": model_data(predictor, 1.0)})
    for row, its in zip((late, soon), found, strict=True):
        assert its["probability"] == predictor.predict(**row).probability == 1.0
        assert tuple(its["reasons"]) == predictor.predict(threshold=1.0, **row).reasons
    assert [len(its["reasons"]) for its in found] == [2, 1]


@pytest.mark.parametrize("level", [0, 1])
def test_a_type_without_training_patients_is_named(engine: Engine, level: int) -> None:
    support = dict(composed().artifact["support"])
    predictor = composed(support={**support, "groups": support["groups"][level : level + 1]})
    rows = patients(predictor, 50)
    for row, its in zip(rows, engine.ask(ASK, rows, predictor), strict=True):
        assert tuple(its["warnings"]) == predictor.predict(**row).warnings
    unknown = {each for its in engine.ask(ASK, rows, predictor) for each in its["warnings"]}
    assert f"no training patients with sequestrated {'no' if level else 'yes'}" in unknown


@pytest.mark.parametrize("name", ["shipped", "curved lognormal cure"])
def test_a_curve_is_the_librarys(engine: Engine, name: str) -> None:
    predictor, at = model(name), [0.0, 0.03, 1.0, 6.0, 24.0, 600.0]
    rows = [row for row in patients(predictor, 60, seed=3) if not row["onset_date"]]
    asked = f"model.curve(model.read(row).patient, {at})"
    for row, its in zip(rows, engine.ask(asked, rows, predictor), strict=True):
        assert its["probability"][0] == its["low"][0] == its["high"][0] == 0.0
        try:
            mine = predictor.curve(months=at, **row)
        except InputError:
            assert None in its["probability"]
            continue
        np.testing.assert_allclose(its["probability"], mine.probability, rtol=0, atol=CLOSE)
        np.testing.assert_allclose(its["low"], mine.low, rtol=0, atol=CLOSE_ENDS)
        np.testing.assert_allclose(its["high"], mine.high, rtol=0, atol=CLOSE_ENDS)


def test_the_normal_distribution_keeps_its_digits_in_both_tails(engine: Engine) -> None:
    asked = "discresorb.functions.logNdtr(row)"
    found = engine.each(asked, [z for z, _ in LOG_NDTR], {})
    pairs = [(exact, its) for (_, exact), its in zip(LOG_NDTR, found, strict=True)]
    apart = max(abs(its / exact - 1.0) for exact, its in pairs if abs(exact) > 1e-300)
    assert apart < 1e-14, f"log Φ differs by up to {apart:.2g} of itself"
    assert found[-1] == 0.0
    ends = "[-Infinity, Infinity, NaN].map((z) => String(discresorb.functions.logNdtr(z)))"
    assert engine.each(ends, [0], {}) == [["-Infinity", "0", "NaN"]]


def test_numbers_are_written_as_python_writes_them(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    ties = [sign * n / 2.0**k for n in range(1, 400, 2) for k in range(7) for sign in (1, -1)]
    sizes = (rng.choice([-1.0, 1.0], 2000) * 10.0 ** rng.uniform(-12, 12, 2000)).tolist()
    others = [0.0, -0.0, 999999.5, 9999.5, 99995.0, 0.00009999995, 1e-5, 5e-324, 1.7e308, 1770.0]
    values = [*ties, *sizes, *others]
    asked = """[...[1, 3, 4, 6].map((count) => discresorb.numbers.general(row, count)),
                ...[0, 1, 2].map((places) => discresorb.numbers.fixed(row, places))]"""
    for value, its in zip(values, engine.each(asked, values, {}), strict=True):
        general = [f"{value:.1g}", f"{value:.3g}", f"{value:.4g}", f"{value:g}"]
        assert its[:4] == general
        if 0.0 <= value < 1e21 and not (value == 0.0 and math.copysign(1.0, value) < 0.0):
            assert its[4:] == [f"{value:.0f}", f"{value:.1f}", f"{value:.2f}"]


def test_the_engine_is_small() -> None:
    assets = files("discresorb.pages").joinpath("assets")
    assert sum(len(assets.joinpath(name).read_bytes()) for name in ENGINE_SCRIPTS) < 40_000


def test_the_page_has_one_global_that_cannot_be_changed(engine: Engine) -> None:
    asked = "[Object.isFrozen(discresorb), typeof model, typeof general, typeof designRow]"
    assert engine.each(asked, [1], {})[0] == [True, "object", "undefined", "undefined"]
