"""The page on retraining shows what its commands print."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from shown import assert_shows_what_it_prints

import discresorb_training
from discresorb import load
from discresorb_training import Settings, cohort_from_visits
from discresorb_training.simulate import Simulation

PAGE = ROOT / "docs" / "retraining.md"


def test_the_page_shows_what_its_commands_print() -> None:
    assert_shows_what_it_prints("docs/retraining.md", rel=0.02, far=0.003)


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
