"""The page on security names tests that are there."""

from __future__ import annotations

import re

from command_line import ROOT


def test_every_defence_names_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    done = page.partition("## What is done about it")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", page))
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py"))
    assert named <= set(re.findall(r"^def (test_\w+)", sources, re.M))
    defences = [part for part in done.split("\n\n") if part.startswith("**")]
    assert len(defences) == done.count("\n\n**")
    for defence in defences:
        assert re.search(r"`test_\w+`", defence), defence
