"""The page on retraining shows what its commands print."""

from __future__ import annotations

import re
import runpy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import discresorb_training
from discresorb import load
from discresorb_training import Settings, cohort_from_visits
from discresorb_training.simulate import Simulation

PAGE = ROOT / "docs" / "retraining.md"
MODEL_ID = re.compile(r"\b([a-z-]+)-[0-9a-f]{10}\b")
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def test_the_page_shows_what_its_commands_print() -> None:
    """To the last word; decimals may round otherwise where another library computes."""
    shown = MODEL_ID.sub(r"\1-id", PAGE.read_text(encoding="utf-8"))
    filled = runpy.run_path(str(ROOT / "docs" / "run_page.py"))["filled"]
    printed = MODEL_ID.sub(r"\1-id", filled(PAGE.read_text(encoding="utf-8")))
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    numbers = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True)
    for found, said in numbers:
        assert float(found) == pytest.approx(float(said), rel=0.02, abs=0.003)


def test_the_pages_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shorter = partial(discresorb_training.compare, repeats=20, months=[6.0])
    monkeypatch.setattr(discresorb_training, "compare", shorter)
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    later, _ = cohort_from_visits(visits_of_others(120, seed=2))
    names: dict[str, Any] = {"visits": visits_of_others(300, seed=1), "later_patients": later}
    exec(compile(code[1], "page", "exec"), names)  # noqa: S102  # the page is our own
    assert names["updated"].level == 1
    assert load("ours.joblib").model_id == names["updated"].predictor.model_id
    assert len(load("own.joblib").columns) == 4


def visits_of_others(n: int, seed: int) -> pd.DataFrame:
    """Simulate visits of patients whose herniations resorb less, with two more covariates."""
    visits = Simulation(n, seed=seed, settings=Settings(shift=-1.2)).visits()
    rng = np.random.default_rng(seed)
    who = pd.factorize(visits["patient_id"])[0]
    age = rng.integers(18, 80, n).astype(float)
    age[::10] = np.nan
    return visits.assign(age=age[who], work=rng.choice(["light", "heavy"], n)[who])
