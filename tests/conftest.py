"""Shared fixtures: the shipped model and data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from discresorb import Predictor, load

ROOT = Path(__file__).parents[1]
SYNTHETIC = ROOT / "data" / "synthetic"

# shared machines stall; a slow example is not a wrong one
settings.register_profile("suite", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("suite")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


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
def run() -> Run:
    """Run the command line as a user does, in a process of its own."""

    def run_command(
        *arguments: object, cwd: Path | None = None, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "model"), str(ROOT / "training")]),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            [sys.executable, "-m", "discresorb", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment,
            cwd=cwd,
            input=input,
            timeout=120,
            check=False,
        )

    return run_command
