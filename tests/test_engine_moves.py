"""What moves an estimate from that of a typical patient: Shapley values that add up to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from composed import CURVED, MANY, OPTIONAL, PLAIN, composed
from engine import Engine
from random_patients import Cells, model, texts

from discresorb import Predictor, load
from discresorb.columns import Column
from discresorb.design import Covariate
from discresorb.pages.model_data import model_data
from discresorb.wording import TOO_FAR


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


# a median at the end of what is allowed, with more digits than are shown
AT_THE_END = composed(
    (*PLAIN, Covariate(Column("share", "number", "a share", low=0.12345678))),
    fingerprint={"quantiles": {"share": {"0.5": 0.12345678}, "size_mm": {"0.5": 7.123456}}},
)


@pytest.mark.parametrize(
    "predictor", [load(), composed(CURVED, optional=OPTIONAL), AT_THE_END], ids=["2", "7", "3"]
)
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


def test_inputs_are_shown_as_they_are_entered_with_their_unit(engine: Engine) -> None:
    predictor = composed(CURVED, optional=OPTIONAL)
    row = {
        **{"size_mm": "11.00", "sequestrated": "TRUE", "age": "", "work": "2.0", "depth": "-1e-7"},
        **{"bmi": "26.123456", "smoker": "0", "months_since_onset": "0.5"},
    }
    (found,) = engine.ask(MOVES, [{**row, "months_to_surgery": "6"}], predictor)
    shown = ["11 mm", "yes", "missing", "2", "26.12 kg/m²", "no", "-1e-07", "0.5 months"]
    assert [part["value"] for part in found["parts"]] == shown
    usual = ["7.5 mm", "no", "45.5 years", "desk", "26.5 kg/m²", "no", "-0.5", "3.5 months"]
    assert [part["typical"] for part in found["parts"]] == usual


def test_what_cannot_be_combined_moves_nothing(engine: Engine) -> None:
    predictor = composed(CURVED, distribution="weibull", cure=False)
    row = {**case(predictor, 0), "age": "1e300"}
    assert engine.ask(MOVES, [row], predictor) == [None]
    (found,) = engine.ask("model.predict(model.read(row).patient)", [row], predictor)
    assert found["problem"].startswith(TOO_FAR)
