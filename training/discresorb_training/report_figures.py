"""From facts to the figures of a report; a figure that the facts do not hold is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from discresorb.distributions import Array
from discresorb_training import figures, figures_of_patients

__all__ = ["report_figures"]


def report_figures(facts: Mapping[str, Any]) -> dict[str, str]:
    """Draw every figure as inline SVG; empty text for one that there is nothing for."""
    performance = facts["performance"]
    centres = performance.get("centres", [])
    return {
        "gaps": _gaps(facts["cohort"]["gaps"]),
        "curves": figures_of_patients.typical_curves(facts["curves"]),
        "calibration": _calibration(performance["calibration"]),
        "decision": _decision(performance["decision"]),
        "instability": _instability(performance.get("instability")),
        "centres": figures.sites([_site(each) for each in centres]) if centres else "",
    }


def _gaps(gaps: list[float]) -> str:
    return figures_of_patients.gaps(gaps) if gaps else ""


def _calibration(calibration: Mapping[str, Any]) -> str:
    groups = [
        {
            "n": group["patients"],
            "predicted": group["p"],
            **_known(observed=group["estimate"], low=group["low"], high=group["high"]),
        }
        for group in calibration["groups"]
        if group["p"] is not None and group["estimate"] is not None
    ]
    smooth = [each for each in calibration["smooth"] if each["estimate"] is not None]
    curve = {
        "predicted": [each["p"] for each in smooth],
        "observed": [_share(each["estimate"]) for each in smooth],
    }
    counts = np.array(calibration["histogram"])
    middles = (np.arange(len(counts)) + 0.5) / len(counts)
    predictions: Array = np.repeat(middles, counts)
    return figures.calibration(
        groups, curve if smooth else None, predictions, name="drawn-calibration"
    )


def _decision(decision: Mapping[str, Any]) -> str:
    whole = all(None not in decision[key] for key in ("model", "everybody"))
    if not whole:
        return ""
    band = [decision[key] if None not in decision[key] else None for key in ("low", "high")]
    return figures.decision(
        decision["thresholds"],
        decision["model"],
        decision["everybody"],
        band[0],
        band[1],
        name="drawn-decision",
    )


def _instability(instability: Mapping[str, Any] | None) -> str:
    if instability is None:
        return ""
    return figures.instability(
        instability["p"], instability["low"], instability["high"], name="drawn-instability"
    )


def _site(centre: Mapping[str, Any]) -> dict[str, Any]:
    values = centre["values"]
    who = {"site": centre["name"], "n": centre["patients"]}
    if not values:
        return {**who, "suppressed": centre["why"]}
    return {**who, "oe": values["observed_expected"], "auc": values["auc"]}


def _known(**shares: float | None) -> dict[str, float]:
    return {name: _share(share) for name, share in shares.items() if share is not None}


def _share(value: float) -> float:
    """Keep a share that lost its optimism within what a share can be."""
    return min(max(value, 0.0), 1.0)
