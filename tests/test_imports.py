"""What an import brings with it, and which way the arrows run."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest
from conftest import ROOT


def in_a_fresh_process(code: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "model"), str(ROOT / "training")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout.strip()


def test_import_discresorb_loads_numpy_and_the_standard_library_only() -> None:
    code = (
        "import sys, discresorb; "
        "print(*{n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)); "
        "assert 'importlib.metadata' not in sys.modules"
    )
    found = {name for name in in_a_fresh_process(code).split() if not name.startswith("_")}
    # a development install adds its own finder; cython_runtime is numpy's
    assert {n for n in found if "editable" not in n} <= {"discresorb", "numpy", "cython_runtime"}


def test_the_model_side_never_imports_the_training_side() -> None:
    for path in (ROOT / "model" / "discresorb").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else ([each.name for each in node.names] if isinstance(node, ast.Import) else [])
            )
            assert not any(name.startswith("discresorb_training") for name in names), path


@pytest.mark.parametrize(
    "name", ["train", "simulate_cohort", "interval_outcome", "ResorptionModel"]
)
def test_the_documented_imports_give_what_they_say(name: str) -> None:
    code = f"from discresorb_training import {name}; print(callable({name}))"
    assert in_a_fresh_process(code) == "True"
    after = f"import discresorb_training.training as t; {code}"
    assert in_a_fresh_process(after) == "True"


def test_the_library_never_prints() -> None:
    for root in ("model", "training"):
        for path in (ROOT / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not (isinstance(node, ast.Name) and node.id == "print"), path


def test_files_stay_readable() -> None:
    for root in ("model", "training", "tests"):
        for path in (ROOT / root).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
