"""A data card beside a cohort: what it is, how it was made, and what it is not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from discresorb.errors import InputFileError
from discresorb.files import write_whole

__all__ = ["card_path", "from_card", "read_card", "write_card"]


def card_path(cohort: Path) -> Path:
    """Where the card of a cohort stands: NAME.card.json."""
    return cohort.with_name(f"{cohort.stem}.card.json")


def write_card(cohort: Path, about: dict[str, Any]) -> None:
    """Write the card, with the cohort's hash, so that it speaks of this very file."""
    card = {**about, "file": cohort.name, "sha256": _hash(cohort)}
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    write_whole(card_path(cohort), text.encode())


def read_card(cohort: Path) -> dict[str, Any] | None:
    """Read the card beside a cohort; None if there is none.

    Raises
    ------
    InputFileError
        If it cannot be read, or belongs to another state of the file.
    """
    path = card_path(cohort)
    if not path.exists():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputFileError(f"{path} cannot be read: {error}") from None
    if not isinstance(card, dict) or card.get("sha256") != _hash(cohort):
        raise InputFileError(
            f"{path} does not describe this state of {cohort.name} (its hash differs); remove the "
            "card and give --endpoint and --data-origin"
        )
    return card


def from_card(cohort: Path, card: dict[str, Any], key: str) -> str:
    """Give a text of the card, or raise InputFileError if it has none."""
    text = card.get(key)
    if not isinstance(text, str) or not text.strip():
        option = f"--{key.replace('_', '-')}"
        raise InputFileError(f"{card_path(cohort)} does not say its {key}; give {option}")
    return text


def _hash(cohort: Path) -> str:
    return hashlib.sha256(cohort.read_bytes()).hexdigest()
