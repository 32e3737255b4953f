"""A model together with the hash of the file that it was loaded from, for what must name both."""

from __future__ import annotations

from pathlib import Path

from discresorb.artifact import file_hash
from discresorb.errors import ArtifactError
from discresorb.predictor import Predictor, load

__all__ = ["load_with_hash"]


def load_with_hash(path: Path) -> tuple[Predictor, str]:
    """Load a model, and give the SHA-256 of the very bytes that were loaded.

    Parameters
    ----------
    path : Path
        Of ``NAME.joblib``.

    Raises
    ------
    ArtifactError
        If the model cannot be used, or its file was replaced meanwhile.
    """
    sha256 = file_hash(path)
    predictor = load(path)
    if file_hash(path) != sha256:
        raise ArtifactError(f"{path} was replaced while it was read; try again")
    return predictor, sha256
