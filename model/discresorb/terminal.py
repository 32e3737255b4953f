"""A prediction or a model as a person reads it on a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from discresorb.advice import CASE_REPORT_NOTE, is_case_reports
from discresorb.cells import show
from discresorb.columns import SCORING_COLUMNS, Column
from discresorb.equation import equation
from discresorb.wording import (
    ESTIMAND,
    LIMITS,
    SYNTHETIC,
    SYNTHETIC_NOTICE,
    as_sentence,
    interval_label,
)

if TYPE_CHECKING:
    from discresorb.prediction import Prediction
    from discresorb.predictor import Predictor

__all__ = ["about", "notice", "prediction_text", "show_text"]


def prediction_text(
    predictor: Predictor, prediction: Prediction, cells: Mapping[str, object]
) -> str:
    """Word one prediction: notice, sentence, inputs, advice, endpoint, limits."""
    return "\n".join(
        [
            *notice(predictor),
            prediction.sentence,
            "",
            "Inputs",
            *_inputs(predictor, prediction, cells),
            "",
            "Advice",
            *_advice(prediction),
            "",
            *([CASE_REPORT_NOTE] if any(map(is_case_reports, prediction.reasons)) else []),
            *[f"Warning: {w}." for w in prediction.warnings if w not in predictor.notices],
            *about(predictor),
        ]
    )


def show_text(artifact: Mapping[str, Any], path: str) -> str:
    """Describe a model: what it is, what it was trained on, its coefficients and equation."""
    cure = "with" if artifact["cure"] else "without"
    lines = [
        *([as_sentence(SYNTHETIC_NOTICE), ""] if artifact["data_origin"] == SYNTHETIC else []),
        f"model        {artifact['model_id']} (format {artifact['format']})",
        f"file         {path}",
        f"parent       {artifact['parent_model'] or 'none'}",
        *_lineage_lines(artifact),
        f"estimand     {ESTIMAND}",
        f"endpoint     {artifact['endpoint']}",
        f"data origin  {artifact['data_origin']}",
        f"family       {artifact['distribution']}, {cure} a fraction that never resorbs",
        f"penalty      {artifact['penalty']:g} on the standardised slopes of the probability of "
        "ever resorbing",
        f"interval     {_interval(artifact['between_study_sd'])}",
        f"follow-up    up to {artifact['longest_follow_up']:.1f} months since onset",
        "",
        "Training patients, and warnings outside the central "
        f"{100 * artifact['support']['central']:g} % of their type",
        *(f"  {line}" for line in _support_lines(artifact["support"])),
        "",
        "Coefficients (standard error)",
        *(f"  {line}" for line in _coefficient_lines(artifact)),
        "",
        "Equation (entry and horizon in months since onset, flags as 0 or 1)",
        *(f"  {line}" for line in equation(artifact)),
        "",
        "Training",
        *(f"  {name}: {value}" for name, value in artifact["metrics"].items()),
        "",
        LIMITS,
    ]
    return "\n".join(lines)


def notice(predictor: Predictor) -> list[str]:
    """Say first what every output says first."""
    return [
        *(as_sentence(notice) for notice in predictor.notices),
        *([""] * bool(predictor.notices)),
    ]


def about(predictor: Predictor) -> list[str]:
    """Say last what the estimate is, what resorbed means, and what lies outside the model."""
    return [
        f"Estimate: {ESTIMAND}.",
        f"Resorbed means: {predictor.endpoint}. {predictor.interval_label}.",
        f"Model {predictor.model_id}. {LIMITS}",
    ]


def _inputs(predictor: Predictor, prediction: Prediction, cells: Mapping[str, object]) -> list[str]:
    columns: dict[str, Column] = {c.name: c for c in (*predictor.columns, *SCORING_COLUMNS)}
    lines = [
        f"  {name:20}{_with_unit(columns[name], value)}"
        for name, value in cells.items()
        if value is not None
    ]
    wait = prediction.months_at_surgery - prediction.months_at_imaging
    lines.append(
        f"  clock: index MRI {prediction.months_at_imaging:.1f} months after onset, "
        f"surgery {wait:.1f} months after the MRI"
    )
    return lines


def _with_unit(column: Column, value: object) -> str:
    return f"{show(value)} {column.unit}".rstrip()


def _advice(prediction: Prediction) -> list[str]:
    if not prediction.reasons:
        return [f"  {prediction.advice}"]
    return [
        "  Consider imaging again before surgery, because:",
        *(f"  - {reason}" for reason in prediction.reasons),
    ]


def _interval(between_study_sd: float | None) -> str:
    spread = "" if between_study_sd is None else f" (SD {between_study_sd:g} on the logit scale)"
    return interval_label(between_study_sd) + spread


def _support_lines(support: Mapping[str, Any]) -> list[str]:
    return [
        (f"{support['by']} {'yes' if group['level'] else 'no'}: " if support["by"] else "")
        + f"{group['n']} patients; "
        + ", ".join(
            f"{name} {low:.3g} to {high:.3g}" for name, (low, high) in group["ranges"].items()
        )
        for group in support["groups"]
    ]


def _lineage_lines(artifact: Mapping[str, Any]) -> list[str]:
    """Say of a model that was updated which models were before it, oldest first."""
    lines: list[str] = []
    for each in artifact.get("lineage", ()):
        head = "lineage      " if not lines else " " * 13
        patients = f"{each['patients']} patients ({each['data_origin']})"
        if each["level"] is None:
            lines.append(f"{head}{each['model_id']}, trained on {patients}")
            continue
        lines.append(
            f"{head}{each['model_id']}, updated at level {each['level']} with {patients}, "
            f"{each['seen_resorbed']} seen resorbed; interval log score "
            f"{each['log_score_before']:.4f} before, {each['log_score_after']:.4f} after"
        )
    return lines


def _coefficient_lines(artifact: Mapping[str, Any]) -> list[str]:
    cure = artifact["cure_coefficients"]
    values = [*artifact["location"], artifact["log_scale"], *([] if cure is None else cure)]
    errors = [math.sqrt(max(v, 0.0)) for v in artifact["covariance"].diagonal()]
    return [
        f"{name:24}{value:10.4f}  ({error:.4f})"
        for name, value, error in zip(artifact["parameter_names"], values, errors, strict=True)
    ]
