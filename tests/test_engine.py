"""What the calculator computes and says is what the library computes and says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from composed import CURVED, MANY, OPTIONAL, PLAIN, composed
from engine import Engine, opened

from discresorb import InputError, Predictor, load
from discresorb.columns import UNLIMITED, Column
from discresorb.distributions import Array
from discresorb.pages.model_data import ENGINE_SCRIPTS, model_data
from discresorb.wording import TOO_FAR

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Cells = dict[str, str]

HERE = Path(__file__).parent
PATIENTS = 2000
# what is asked; what is found is smaller by far, see the assertion's words
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


@pytest.fixture(scope="module")
def engine(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with opened(browser, tmp_path_factory.mktemp("engine")) as found:
        yield found


def model(name: str) -> Predictor:
    """A model that `load` or `composed` gives, by its name."""
    if name == "shipped":
        return load(HERE.parent / "artifacts" / "default.joblib")
    if name == "format 1":
        return load(HERE / "data" / "format_1" / "default.joblib")
    shape, distribution, cure = name.split()
    options: dict[str, Any] = {"distribution": distribution, "cure": cure == "cure"}
    if shape == "narrow":  # σ is small, so that z is far from 0
        return composed(log_scale=-3.5, **options)
    if shape == "linear":
        return composed(between_study_sd=0.5 if cure == "cure" else None, **options)
    return composed(
        CURVED,
        optional=OPTIONAL,
        by="smoker" if cure == "cure" else None,
        cure_columns=[0, 2, 5, 8] if distribution != "weibull" and cure == "cure" else None,
        between_study_sd=None if distribution == "lognormal" else 0.25,
        seed=2,
        **options,
    )


MODELS = [
    "shipped",
    "format 1",
    *(
        f"{shape} {distribution} {cure}"
        for shape in ("linear", "curved")
        for distribution in ("loglogistic", "lognormal", "weibull")
        for cure in ("cure", "all")
    ),
    "narrow lognormal cure",
    "narrow weibull all",
]


def mixture(rng: Array, *parts: Array) -> Array:
    """Take each value from one of some arrays, by chance."""
    return np.choose(rng.integers(0, len(parts), len(parts[0])), parts)


def numbers(column: Column, rng: Array, n: int) -> Array:
    """Numbers that may be entered: usual, at an end, or far from anything seen."""
    far = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-3, 4, n)
    farthest = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(4, 308, n)
    low, high = (end if abs(end) < UNLIMITED else 0.0 for end in (column.low, column.high))
    usual = (rng.uniform(0.5, 15.0, n), rng.normal(40.0, 15.0, n), rng.normal(0.0, 3.0, n))
    ends = rng.choice([low, high], n)
    others = (ends, far, np.where(rng.random(n) < 0.5, far, farthest))
    return np.clip(mixture(rng, *usual, *usual, *usual, *others), column.low, column.high)


def months(most: float, rng: Array, n: int) -> Array:
    """Months up to so many: none, the most, usual ones, and half a minute or more."""
    usual = (rng.uniform(0.0, 12.0, n), rng.uniform(0.0, 24.0, n).round(1))
    moments = 10.0 ** rng.uniform(-5.0, 0.0, n)
    known = rng.choice([0.0, most, 6.0], n)
    return mixture(rng, *usual, *usual, rng.uniform(0.0, most, n), moments, known)


def texts(column: Column, rng: Array, n: int, missing: float) -> list[str]:
    if column.kind == "number":
        found = list(map(repr, numbers(column, rng, n).tolist()))
    else:
        found = rng.choice(column.levels or ["yes", "no"], n).tolist()
    return ["" if gone else text for gone, text in zip(rng.random(n) < missing, found, strict=True)]


def patients(predictor: Predictor, n: int, seed: int = 0) -> list[Cells]:
    """A quarter with dates, the others with months."""
    rng = np.random.default_rng(seed)
    optional = predictor.design.optional
    columns = {
        column.name: texts(column, rng, n, 0.2 * (column.name in optional))
        for column in predictor.columns
    }
    by_dates = rng.random(n) < 0.25
    day = np.datetime64("1972-01-01") + rng.integers(0, 20_000, n)
    for name in ("onset_date", "imaging_date", "surgery_date"):
        columns[name] = np.where(by_dates, day.astype(str), "").tolist()
        day = day + rng.integers(0, 900, n)
    for name, most in (("months_since_onset", 240.0), ("months_to_surgery", 600.0)):
        entered = map(repr, months(most, rng, n).tolist())
        columns[name] = ["" if no else text for no, text in zip(by_dates, entered, strict=True)]
    columns["symptoms_changed"] = rng.choice(["yes", "no", ""], n).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


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
            with pytest.raises(InputError, match=f"^{re.escape(why)}$"):
                predictor.predict(**row)
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


@pytest.mark.parametrize("threshold", [0.0, 1.5, math.nan])
def test_a_threshold_that_is_none_is_refused(predictor: Predictor, threshold: float) -> None:
    with pytest.raises(InputError, match="threshold entered as"):
        model_data(predictor, threshold)


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


def moved(predictor: Predictor, row: Cells, orders: Iterable[Sequence[int]]) -> dict[str, float]:
    """Average, over orders, what p gains as each input is taken over from a typical patient."""
    typical = model_data(predictor)["typical"]
    names = [*(column.name for column in predictor.columns), "months_since_onset"]
    usual: dict[str, Any] = dict(
        zip(names, [*typical["covariates"], typical["entry"]], strict=True)
    )
    for column in predictor.columns:
        if column.levels:
            usual[column.name] = column.levels[int(usual[column.name])]

    @cache
    def worth(own: int) -> float:
        cells = {n: row[n] if own & (1 << i) else usual[n] for i, n in enumerate(names)}
        wait = row["months_to_surgery"]
        return predictor.predict(**cells, months_to_surgery=wait).probability

    gains, count = [0.0] * len(names), 0
    for order in orders:
        own = 0
        for i in order:
            gains[i] += worth(own | (1 << i)) - worth(own)
            own |= 1 << i
        count += 1
    return {name: gain / count for name, gain in zip(names, gains, strict=True)}


MOVES = "model.moves(model.read(row).patient)"


def case(predictor: Predictor, seed: int) -> Cells:
    """A patient whose every input can be combined with a typical one's."""
    rng = np.random.default_rng(seed)
    row = {"months_since_onset": "4", "months_to_surgery": "6"}
    for column in predictor.columns:
        missing = 0.3 * (column.name in predictor.design.optional)
        (row[column.name],) = texts(column, rng, 1, missing)
        if column.kind == "number" and row[column.name]:
            value = max(float(rng.normal(8.0, 6.0)), column.low)
            row[column.name] = repr(value if column.unit else value / 8.0)
    return row


def changes_of(its: dict[str, Any]) -> dict[str, float]:
    """The changes by input, which lead from the typical patient's p to this one's."""
    changes = {part["name"]: float(part["change"]) for part in its["parts"]}
    assert its["typical"] + sum(changes.values()) == pytest.approx(its["probability"], abs=1e-14)
    return changes


@pytest.mark.parametrize("name", ["shipped", "curved lognormal cure"])
def test_what_moves_the_estimate_are_shapley_values(engine: Engine, name: str) -> None:
    predictor = model(name)
    rows = [case(predictor, seed) for seed in range(3)]
    for row, its in zip(rows, engine.ask(MOVES, rows, predictor), strict=True):
        changes = changes_of(its)
        assert its["probability"] == pytest.approx(predictor.predict(**row).probability, abs=1e-13)
        assert max(map(abs, changes.values())) > 0.01
        orders = permutations(range(len(changes)))
        assert changes == pytest.approx(moved(predictor, row, orders), abs=1e-12)


def test_of_many_inputs_one_order_and_its_reverse_are_taken(engine: Engine) -> None:
    predictor = composed(MANY)
    rows = [case(predictor, seed) for seed in range(3)]
    along = range(len(MANY) + 1)
    for row, its in zip(rows, engine.ask(MOVES, rows, predictor), strict=True):
        expected = moved(predictor, row, [along, along[::-1]])
        assert changes_of(its) == pytest.approx(expected, abs=1e-13)


def test_the_order_of_covariates_does_not_matter_to_what_moves(engine: Engine) -> None:
    one, row = composed(PLAIN, seed=3), case(composed(PLAIN), 0)
    other = composed(
        PLAIN[::-1],
        location=one.artifact["location"][[0, 2, 1]],
        cure_coefficients=one.artifact["cure_coefficients"][[0, 2, 1]],
    )
    found = [changes_of(engine.ask(MOVES, [row], each)[0]) for each in (one, other)]
    assert list(found[0]) != list(found[1])
    assert found[0] == pytest.approx(found[1], abs=1e-14)


@pytest.mark.parametrize("predictor", [load(), composed(CURVED, optional=OPTIONAL)])
def test_nothing_moves_the_typical_patient(engine: Engine, predictor: Predictor) -> None:
    asked = """(({covariates, entry, words}) => ({
        moves: model.moves({covariates, entry, wait: row}), patient: {covariates, entry},
        read: model.read({...words, months_to_surgery: String(row)}).patient,
    }))(model.typical)"""
    for its in engine.ask(asked, [0, 6, 600], predictor):
        assert [part["change"] for part in its["moves"]["parts"]] == [0.0] * (
            len(predictor.columns) + 1
        )
        assert its["moves"]["typical"] == its["moves"]["probability"]
        assert {key: its["read"][key] for key in its["patient"]} == its["patient"]


def test_what_cannot_be_combined_moves_nothing(engine: Engine) -> None:
    predictor = composed(CURVED, distribution="weibull", cure=False)
    row = {**case(predictor, 0), "age": "1e300"}
    assert engine.ask(MOVES, [row], predictor) == [None]
    assert refused(engine.ask(ASK, [row], predictor)[0]).startswith(TOO_FAR)


def test_a_typical_patient_is_one_of_the_training(predictor: Predictor) -> None:
    quantiles = predictor.artifact["fingerprint"]["quantiles"]
    assert model_data(predictor)["typical"] == {
        "covariates": [quantiles["size_mm"]["0.5"], 0.0],
        "entry": quantiles["months_since_onset"]["0.5"],
    }
    fingerprint = {
        "quantiles": {"size_mm": {"0.5": 8.5}, "age": {}, "months_since_onset": {"0.5": 2.5}},
        "shares": {
            "sequestrated": {"shares": [0.25, 0.5], "missing": 0.25},
            "work": {"shares": [0.25, 0.25, 0.5], "missing": 0.0},
            "smoker": {"shares": [0.5, 0.5], "missing": 0.0},
        },
    }
    found = model_data(composed(CURVED, fingerprint=fingerprint))["typical"]
    assert found["entry"] == 2.5
    # age and bmi were never known, so the middle of what the support tells stands for them
    assert found["covariates"][:2] == [8.5, 1.0]
    assert found["covariates"][3] == 2.0
    assert found["covariates"][5] == 0.0
    ranges = composed(CURVED).artifact["support"]["groups"][1]["ranges"]
    assert found["covariates"][2] == sum(ranges["age"]) / 2.0


@pytest.mark.parametrize("predictor", [load(), composed(CURVED, optional=OPTIONAL), composed(MANY)])
def test_the_data_are_plain_and_whole(predictor: Predictor) -> None:
    data = model_data(predictor)
    assert json.loads(json.dumps(data, allow_nan=False)) == json.loads(
        json.dumps(data, default=str)
    )
    root = np.array(data["curve"]["root"])
    np.testing.assert_allclose(root.T @ root, predictor.artifact["covariance"], atol=1e-12)
    assert data["curve"]["location"] == predictor.artifact["location"].tolist()
    assert [each["allowed"] for each in data["covariates"]] == [
        column.allowed for column in predictor.columns
    ]


def test_a_limit_that_there_is_not_is_none() -> None:
    columns = {each["name"]: each for each in model_data(composed(CURVED))["covariates"]}
    assert (columns["age"]["low"], columns["age"]["high"]) == (16.0, None)
    assert (columns["bmi"]["low"], columns["bmi"]["high"]) == (None, 80.0)
    assert (columns["size_mm"]["low"], columns["size_mm"]["high"]) == (0.5, 40.0)


def test_the_engine_is_small() -> None:
    assets = files("discresorb.pages").joinpath("assets")
    assert sum(len(assets.joinpath(name).read_bytes()) for name in ENGINE_SCRIPTS) < 40_000


def test_the_page_has_one_global_that_cannot_be_changed(engine: Engine) -> None:
    asked = "[Object.isFrozen(discresorb), typeof model, typeof general, typeof designRow]"
    assert engine.each(asked, [1], {})[0] == [True, "object", "undefined", "undefined"]
