"""What an import brings with it, and which way the arrows run."""

from __future__ import annotations

import ast
import os
import runpy
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from conftest import ROOT
from imports import imports, modules

LAYERS = runpy.run_path(str(ROOT / "docs" / "make_architecture.py"))["layers"]()
ROOMS, HEAVY = LAYERS["room"], LAYERS["heavy"]


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
        # some packages are loaded whenever Python starts
        "import sys; there = set(sys.modules); import discresorb; "
        "new = {n.partition('.')[0] for n in set(sys.modules) - there}; "
        "print(*new - set(sys.stdlib_module_names)); "
        "assert 'importlib.metadata' not in sys.modules"
    )
    found = {name for name in in_a_fresh_process(code).split() if not name.startswith("_")}
    assert found <= {"discresorb", "numpy", "cython_runtime"}  # the last is numpy's


def test_every_module_has_one_room() -> None:
    housed = [name for room in ROOMS for name in room["names"]]
    assert sorted(housed) == sorted(modules())


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_imports_from_its_own_room_or_lower_ones(module: str) -> None:
    floor = {name: number for number, room in enumerate(ROOMS) for name in room["names"]}
    higher = {each.name for each in imports(module) if floor.get(each.name, 0) > floor[module]}
    assert higher == set(), f"{module} is in a room below; see docs/layers.toml"


def test_the_model_side_never_imports_the_training_side() -> None:
    """Asked apart from the rooms, which someone may put in another order."""
    for module in modules():
        found = {each.name.partition(".")[0] for each in imports(module)}
        assert module.startswith("discresorb_training") or "discresorb_training" not in found


def test_no_module_needs_itself_to_be_imported() -> None:
    needs = {m: {each.name for each in imports(m) if each.on_import} for m in modules()}
    TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_heavy_libraries_are_imported_only_where_they_may(library: str) -> None:
    """As listed and no more, so that the list cannot go stale either."""
    found: dict[str, set[str]] = {"on_import": set(), "inside": set()}
    for module in modules():
        for each in imports(module):
            if each.name == library and not each.typing_only:
                found["on_import" if each.on_import else "inside"].add(module)
    listed = {when: set(HEAVY[library].get(when, ())) for when in found}
    assert found == listed


def test_every_library_that_is_imported_when_a_module_is_counts_as_heavy_or_is_numpy() -> None:
    found = {each.name for m in modules() for each in imports(m) if each.on_import}
    assert found - set(modules()) - set(HEAVY) == {"numpy"}


def test_the_map_shows_the_rooms_and_modules_that_there_are() -> None:
    again = runpy.run_path(str(ROOT / "docs" / "make_architecture.py"))["filled"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert again(page) == page


@pytest.mark.parametrize("first", ["", "import discresorb_training.training as t; "])
def test_the_documented_imports_give_what_they_say(first: str) -> None:
    """Also where the module of the same name as a function was imported before."""
    names = "train, simulate_cohort, interval_outcome, ResorptionModel"
    code = f"{first}from discresorb_training import {names}; print(*map(callable, ({names})))"
    assert in_a_fresh_process(code) == "True True True True"


def test_the_library_never_prints() -> None:
    for root in ("model", "training"):
        for path in (ROOT / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not (isinstance(node, ast.Name) and node.id == "print"), path


@pytest.mark.parametrize("ending", ["py", "js", "css", "html"])
def test_files_stay_readable(ending: str) -> None:
    written = {"model", "training", "tests", "benchmarks", "docs", "data"}
    found = [
        path
        for folder in sorted(written)
        for path in (ROOT / folder).rglob(f"*.{ending}")
        if "__pycache__" not in path.parts
    ]
    assert found
    for path in found:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
