"""Results as a person reads them on a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from discresorb.advice import CASE_REPORT_NOTE, is_case_reports, reason_names, short_reasons
from discresorb.artifact import equation
from discresorb.cells import show
from discresorb.columns import PATIENT_ID, SCORING_COLUMNS, Column
from discresorb.reading import Table
from discresorb.scoring import Scored
from discresorb.wording import (
    ESTIMAND,
    LIMITS,
    SYNTHETIC,
    SYNTHETIC_NOTICE,
    interval_label,
    percent,
)

if TYPE_CHECKING:
    from discresorb.prediction import Prediction
    from discresorb.predictor import Predictor

__all__ = ["prediction_text", "print_scored", "score_summary", "show_text"]


def prediction_text(
    predictor: Predictor, prediction: Prediction, cells: Mapping[str, object]
) -> str:
    """Word one prediction: notice, sentence, inputs, advice, endpoint, limits."""
    return "\n".join(
        [
            *_notice(predictor),
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
            *_about(predictor),
        ]
    )


def print_scored(
    stream: TextIO, predictor: Predictor, table: Table, scored: Scored, threshold: float
) -> None:
    """Print every scored row as a table for a person."""
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=False)
    console.width = max(console.width, _NARROWEST)
    for line in _notice(predictor):
        console.print(Text(line))
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("row", justify="right")
    has_id = PATIENT_ID.name in table.header
    if has_id:
        grid.add_column("patient")
    grid.add_column("resorbed\nof 100", justify="right")
    grid.add_column("95 %\ninterval", no_wrap=True)
    grid.add_column("image\nagain?", no_wrap=True)
    grid.add_column("reasons, warnings, problems", ratio=1)
    ids = table.column(PATIENT_ID.name) if has_id else [""] * len(scored)
    names = ["; ".join(each) for each in short_reasons(threshold)]
    rows = zip(ids, scored.rows(), scored.bits.tolist(), strict=True)
    for number, (who, row, bits) in enumerate(islice(rows, _MOST_SHOWN), start=1):
        cells = [str(number), *([show(who)] if has_id else [])]
        cells += _row_cells(predictor, row, names[bits])
        grid.add_row(*(Text(cell) for cell in cells))
    console.print(grid)
    if len(scored) > _MOST_SHOWN:
        console.print(
            Text(f"… and {len(scored) - _MOST_SHOWN} more rows; -o FILE writes them all.")
        )
    console.print()
    for line in (CASE_REPORT_NOTE, *_about(predictor)):
        console.print(Text(line))


def score_summary(
    scored: Scored, threshold: float, upper_bound_note: str = "", *, listing: bool = True
) -> list[str]:
    """Count what was scored, what was not and why, and the share that each reason flags."""
    done = int(scored.usable.sum())
    lines = [f"{_count(done, 'row')} scored, {len(scored) - done} could not be scored."]
    bad = [number for number, problem in enumerate(scored.problems, start=1) if problem and listing]
    for number in bad[:_MOST_LISTED]:
        lines.append(f"  row {number}: {scored.problems[number - 1]}")
    if len(bad) > _MOST_LISTED:
        lines.append(f"  … and {len(bad) - _MOST_LISTED} more, each in its row's problems column")
    if done:
        flagged, each = scored.flagged()
        lines.append(
            f"Imaging again is advised for {_share(flagged, done)}, against {done} of {done} if "
            "everyone were imaged."
        )
        reasons = zip(reason_names(threshold), each, strict=True)
        lines.append("By reason: " + ", ".join(f"{r} {_share(n, done)}" for r, n in reasons) + ".")
    if upper_bound_note:
        lines.append(upper_bound_note)
    return lines


def show_text(artifact: Mapping[str, Any], path: str) -> str:
    """Describe a model: what it is, what it was trained on, its coefficients and equation."""
    cure = "with" if artifact["cure"] else "without"
    lines = [
        *([_sentence(SYNTHETIC_NOTICE), ""] if artifact["data_origin"] == SYNTHETIC else []),
        f"model        {artifact['model_id']} (format {artifact['format']})",
        f"file         {path}",
        f"parent       {artifact['parent_model'] or 'none'}",
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


_MOST_LISTED = 10
_MOST_SHOWN = 2_000
_NARROWEST = 60


def _notice(predictor: Predictor) -> list[str]:
    return [*(_sentence(notice) for notice in predictor.notices), *([""] * bool(predictor.notices))]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _about(predictor: Predictor) -> list[str]:
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


def _row_cells(predictor: Predictor, row: Mapping[str, Any], reasons: str) -> list[str]:
    if row["problems"]:
        return ["", "", "", f"not scored: {row['problems']}"]
    own = [w for w in row["warnings"].split("; ") if w and w not in predictor.notices]
    return [
        f"{100 * row['p_resorbed']:.1f}",
        f"{percent(row['p_low'])} to {percent(row['p_high'])}",
        "consider" if row["reimage"] else "no reason",
        "; ".join(filter(None, [reasons, *(f"warning: {each}" for each in own)])),
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


def _coefficient_lines(artifact: Mapping[str, Any]) -> list[str]:
    cure = artifact["cure_coefficients"]
    values = [*artifact["location"], artifact["log_scale"], *([] if cure is None else cure)]
    errors = [math.sqrt(max(v, 0.0)) for v in artifact["covariance"].diagonal()]
    return [
        f"{name:24}{value:10.4f}  ({error:.4f})"
        for name, value, error in zip(artifact["parameter_names"], values, errors, strict=True)
    ]


def _share(n: int, of: int) -> str:
    return f"{n} of {of} ({100 * n / of:.0f} %)"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
