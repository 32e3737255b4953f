"""What an attacker does who can write a model and its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path


def rehash(path: Path) -> None:
    """Write the hash that goes with a model file's bytes."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n")
