"""The command that writes a model as a page, and what the page holds."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from composed import CURVED, MANY, OPTIONAL, composed
from typer.testing import CliRunner, Result

from discresorb import Predictor
from discresorb.advice import UPPER_BOUND_NOTE
from discresorb.cli import app
from discresorb.errors import InputError
from discresorb.pages.calculator import calculator_page
from discresorb.pages.page import embedded
from discresorb.wording import ESTIMAND, LIMITS, SYNTHETIC_NOTICE

MOST_BYTES = 150_000


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calculator", *map(str, arguments)])


def test_the_page_is_written_whole_and_said(default_path: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = command("-o", page, "--model", default_path)
    assert done.exit_code == 0
    assert done.stdout == ""
    size = f"{page.stat().st_size / 1000:.0f} kB"
    assert done.stderr.splitlines() == [
        f"Wrote {page} ({size}); it opens in any browser, without a network.",
        f"Note: {SYNTHETIC_NOTICE}.",
    ]
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_it_says_what_it_is(default_path: Path, predictor: Predictor, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command("-o", page, "--model", default_path)
    html = page.read_text(encoding="utf-8")
    digest = hashlib.sha256(default_path.read_bytes()).hexdigest()
    said = (predictor.model_id, digest, predictor.endpoint[1:], ESTIMAND[1:], LIMITS)
    assert all(words in html for words in said)
    assert predictor.interval_label in html


def test_an_existing_page_is_overwritten_only_with_force(
    default_path: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    refused = command("-o", page, "--model", default_path)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert page.read_text() == "mine"
    assert command("-o", page, "--model", default_path, "--force").exit_code == 0
    assert page.stat().st_size > 50_000


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-o", "none/page.html"), 2, "does not exist; make it first"),
        (("-o", "."), 2, "is a folder"),
        (("-o", "page.html", "--model", "none.joblib"), 5, "no model file none.joblib"),
        (("-o", "page.html", "--threshold", "2"), 2, "threshold entered as 2.0"),
        (("-o", "page.html", "--scan-cost", "200"), 2, "--operation-cost together"),
        (("-o", "m.json", "--model", "m.joblib", "--force"), 2, "is an input of this command"),
        (("-o", "m.html", "--model", "m.html", "--force"), 2, "is an input of this command"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    arguments: Sequence[str],
    status: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.exit_code == status
    assert words in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_the_page_goes_into_a_pipe(default_path: Path, tmp_path: Path) -> None:
    done = command("--model", default_path)
    command("-o", tmp_path / "page.html", "--model", default_path)
    assert done.exit_code == 0
    assert done.stdout_bytes == (tmp_path / "page.html").read_bytes()
    assert done.stderr == f"Note: {SYNTHETIC_NOTICE}.\n"


def test_a_terminal_gets_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from discresorb.calculator_command import calculator

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(InputError, match=r"-o calculator\.html"):
        calculator()


def test_a_threshold_from_costs_is_carried_over_with_its_note(
    default_path: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    done = command(
        *("-o", page, "--model", default_path, "--scan-cost", 250, "--operation-cost", 1000)
    )
    html = page.read_text(encoding="utf-8")
    assert embedded(html)["model"]["threshold"] == 0.25
    assert UPPER_BOUND_NOTE in html
    assert done.stderr.endswith(f"Note: {UPPER_BOUND_NOTE}\n")


def test_the_same_model_gives_the_same_bytes(predictor: Predictor) -> None:
    assert calculator_page(predictor) == calculator_page(predictor)
    assert calculator_page(predictor) != calculator_page(predictor, threshold=0.3)


def test_a_threshold_is_a_probability(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="threshold"):
        calculator_page(predictor, threshold=0.0)


def test_pages_are_small(predictor: Predictor) -> None:
    for each in (predictor, composed(CURVED, optional=OPTIONAL, by=None), composed(MANY)):
        assert len(calculator_page(each, sha256="0" * 64).encode()) < MOST_BYTES
