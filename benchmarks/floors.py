"""The oldest release that pyproject.toml allows of everything it names."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def requirements(extra: str | None = None) -> list[Requirement]:
    """List what discresorb needs on this Python, or what an extra adds; itself left out."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    written = project["optional-dependencies"][extra] if extra else project["dependencies"]
    listed = [Requirement(each) for each in written]
    return [
        each
        for each in listed
        if each.name != project["name"] and (each.marker is None or each.marker.evaluate())
    ]


def floor(requirement: Requirement) -> str:
    """Give the oldest version that a requirement allows."""
    lowest = [each.version for each in requirement.specifier if each.operator in (">=", "~=")]
    if len(lowest) != 1:
        raise ValueError(f"{requirement} names no oldest version")
    return lowest[0]


def pins(listed: list[Requirement]) -> list[str]:
    """Ask for exactly the oldest version of each."""
    return [f"{each.name}=={floor(each)}" for each in listed]
