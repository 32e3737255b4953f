"""Shared fixtures: the shipped model and data."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Visitor, started
from calculator_visits import left_open
from command_line import ROOT, Run, run_apart, run_here
from engine import Engine, opened
from hypothesis import settings

from discresorb import Predictor, load
from discresorb_training import Settings, simulate_cohort
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.report_facts import report_facts
from discresorb_training.training import TrainResult, train
from discresorb_training.validation import validate_internally

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["ROOT", "SYNTHETIC", "Run"]

SYNTHETIC = ROOT / "data" / "synthetic"

# shared machines stall; a slow example is not a wrong one
settings.register_profile("suite", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def default_path() -> Path:
    return ROOT / "artifacts" / "default.joblib"


@pytest.fixture(scope="session")
def predictor(default_path: Path) -> Predictor:
    return load(default_path)


@pytest.fixture(scope="session")
def shipped_cohort() -> pd.DataFrame:
    return pd.read_csv(SYNTHETIC / "cohort.csv")


@pytest.fixture(scope="session")
def small_cohort() -> Cohort:
    """400 simulated patients of four centres."""
    table, _ = simulate_cohort(400, seed=5, settings=Settings(sites=4))
    return cohort_from_frame(table)


@pytest.fixture(scope="session")
def small_training() -> TrainResult:
    """A model of the small cohort, distribution and cure chosen."""
    table, _ = simulate_cohort(400, seed=5, settings=Settings(sites=4))
    return train(table, endpoint="gone on MRI", data_origin="synthetic", between_study_sd=0.5)


@pytest.fixture(scope="session")
def small_performance(
    small_cohort: Cohort, small_training: TrainResult, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Its internal validation, with few bootstrap samples; the tests' first process makes it."""
    own = tmp_path_factory.getbasetemp()
    place = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "performance.pickle"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            trained = small_training
            performance = validate_internally(
                trained.predictor, small_cohort, trained.procedure, repeats=20, seed=3
            )
            place.write_bytes(pickle.dumps(performance))
    found: dict[str, Any] = pickle.loads(place.read_bytes())
    return found


@pytest.fixture(scope="session")
def small_facts(
    small_cohort: Cohort, small_training: TrainResult, small_performance: dict[str, Any]
) -> dict[str, Any]:
    """All that its report is filled from."""
    return report_facts(
        small_training.predictor,
        small_cohort,
        small_performance,
        file="small.csv",
        data_origin="synthetic",
        command="discresorb train small.csv",
    )


@pytest.fixture(scope="session")
def run() -> Run:
    """Run the command line in this process, as most tests do."""
    return run_here


@pytest.fixture(scope="session")
def run_process() -> Run:
    """Run it in a process of its own, for tests of what only a process has."""
    return run_apart


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file of tests: its event loop must not be there for others."""
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def shipped(
    browser: Browser, predictor: Predictor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """Keep the shipped model's calculator open, for one file of tests."""
    with left_open(browser, predictor, tmp_path_factory.mktemp("shipped")) as found:
        yield found


@pytest.fixture(scope="module")
def engine(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Open the calculator's arithmetic, for one file of tests."""
    with opened(browser, tmp_path_factory.mktemp("engine")) as found:
        yield found


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Open pages; afterwards none may have made a request or an error."""
    found = Visitor(browser)
    yield found
    found.close()
    found.quiet()
