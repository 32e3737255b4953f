"""Which models a model comes from, one entry each, and which of them some patients made.

Oldest first. No date is in an entry, so that the same input gives the same bytes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from discresorb.predictor import Predictor
from discresorb_training.cohort import Cohort
from discresorb_training.fingerprint import known_hashes

__all__ = ["lineage_entry", "lineage_of", "made_from"]


def lineage_of(artifact: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a model's lineage, oldest first; one never updated is its own first entry."""
    if artifact.get("lineage"):
        return copy.deepcopy(list(artifact["lineage"]))
    model_id, origin = artifact["model_id"], artifact["data_origin"]
    return [lineage_entry(artifact["fingerprint"], model_id, None, origin)]


def lineage_entry(
    fingerprint: Mapping[str, Any], model_id: str, level: int | None, data_origin: str
) -> dict[str, Any]:
    """Describe one model of a lineage.

    The scores are none until the update that made the model fills them.

    Parameters
    ----------
    fingerprint : mapping
        Of the patients that it was made from.
    model_id : str
        Its id.
    level : int or None
        The update's; none for the model that the lineage began with.
    data_origin : str
        Whether the patients were simulated.
    """
    return {
        "model_id": model_id,
        "level": level,
        "patients": int(fingerprint["rows"]),
        "seen_resorbed": None,
        "sha256": fingerprint["sha256"],
        "data_origin": data_origin,
        "log_score_before": None,
        "log_score_after": None,
    }


def made_from(predictor: Predictor, cohort: Cohort) -> str | None:
    """Give the model of a lineage that was made from these very patients; None if none was.

    Parameters
    ----------
    predictor : Predictor
        The youngest of the lineage.
    cohort : Cohort
        The patients.
    """
    known = {each["sha256"]: each["model_id"] for each in lineage_of(predictor.artifact)}
    return next((known[each] for each in known_hashes(cohort) if each in known), None)
