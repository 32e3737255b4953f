"""The model card, from the same facts as the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discresorb.files import write_whole
from discresorb_training.report import limits, source_of, template

__all__ = ["model_card", "write_model_card"]


def model_card(facts: Mapping[str, Any], report: str) -> str:
    """Render a model card as Markdown.

    Parameters
    ----------
    facts : mapping
        From `report_facts`.
    report : str
        Where the report stands, as seen from the card.
    """
    rendered: str = template("model_card.md").render(
        facts=facts, report=report, source=source_of(facts), limits=limits(facts)
    )
    return rendered


def write_model_card(path: Path, facts: Mapping[str, Any], report: str) -> None:
    """Write a model card, whole or not at all."""
    write_whole(path, model_card(facts, report).encode())
