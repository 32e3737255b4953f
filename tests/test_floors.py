"""The oldest versions that are promised are those that were tried."""

from __future__ import annotations

import re

from conftest import ROOT
from floors import floor, pins, requirements
from packaging.requirements import Requirement
from packaging.version import Version

PRINTOUT = ROOT / "benchmarks" / "results" / "versions.txt"


def test_the_printout_tried_every_floor_of_pyproject() -> None:
    """A floor that is moved is tried again: python benchmarks/versions.py."""
    table = dict(re.findall(r"^([\w.-]+) +([0-9.]+) +[0-9.]+$", PRINTOUT.read_text(), re.MULTILINE))
    asked = [*requirements(), *requirements("cluster")]
    assert len(asked) > 10
    tried = {each.name: Version(table[each.name.lower()]) for each in asked}
    assert tried == {each.name: Version(floor(each)) for each in asked}


def test_every_requirement_names_its_oldest_version() -> None:
    listed = [each for extra in (None, "cluster", "dev") for each in requirements(extra)]
    assert len(pins(listed)) == len(listed)


def test_a_floor_is_the_lower_bound_and_not_the_cap() -> None:
    assert pins([Requirement("pandas>=2.1,<3")]) == ["pandas==2.1"]
    assert pins([Requirement("pandas-stubs~=2.3")]) == ["pandas-stubs==2.3"]
