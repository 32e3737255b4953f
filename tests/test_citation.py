"""CITATION.cff is in the Citation File Format 1.2.0, and in step with the package."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml
from conftest import ROOT

from discresorb import __version__

# the keys that the format's schema allows: citation-file-format, schema guide of version 1.2.0
KEYS = {
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi"),
    *("identifiers", "keywords", "license", "license-url", "message", "preferred-citation"),
    *("references", "repository", "repository-artifact", "repository-code", "title", "type"),
    *("url", "version"),
}
NEEDED = {"authors", "cff-version", "message", "title"}
OF_AN_ENTITY = {
    *("address", "alias", "city", "country", "date-end", "date-start", "email", "fax"),
    *("location", "name", "orcid", "post-code", "region", "tel", "website"),
}


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_it_is_in_the_format(citation: dict[str, Any]) -> None:
    assert set(citation) >= NEEDED
    assert set(citation) <= KEYS
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    texts = ("abstract", "license", "message", "title")
    assert all(isinstance(citation[key], str) and citation[key].strip() for key in texts)
    assert len(set(citation["keywords"])) == len(citation["keywords"]) > 0


def test_its_authors_are_entities_with_a_name(citation: dict[str, Any]) -> None:
    assert citation["authors"]
    for author in citation["authors"]:
        assert set(author) <= OF_AN_ENTITY
        assert author["name"].strip()


def test_it_says_what_the_package_says(citation: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(citation["version"]) == __version__
    assert citation["license"] == project["license"]
    assert citation["keywords"] == project["keywords"]
    assert [{"name": each["name"]} for each in project["authors"]] == citation["authors"]


def test_its_date_is_the_changelogs(citation: dict[str, Any]) -> None:
    """A version that is not released yet has no date; a released one has its day."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(r"^## (\S+) \((.+)\)$", changelog, re.MULTILINE)
    assert heading
    assert heading[1] == __version__
    date = None if heading[2] == "unreleased" else heading[2]
    assert (str(citation["date-released"]) if "date-released" in citation else None) == date
