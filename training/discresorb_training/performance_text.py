"""Performance as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discresorb_training.drift_text import drift_lines

__all__ = [
    "ASSUMPTION",
    "count_of",
    "failure_lines",
    "join_months",
    "performance_lines",
    "value_text",
    "working_lines",
]

_LABEL = 30
_GROUP = 52
_COLUMN = 26


def performance_lines(facts: Mapping[str, Any]) -> list[str]:
    """Word the facts of a validation: a table by horizon, what holds over all time, subgroups.

    Parameters
    ----------
    facts : mapping
        From `validate` or `validate_internally`.
    """
    internal = facts["kind"] == "internal"
    how = "corrected for optimism (apparent)" if internal else "95 % interval in brackets"
    lines = [
        f"{facts['patients']} patients, {join_months(facts['months'])} months after the index MRI; "
        f"{how}; {facts['repeats']} {'bootstrap samples' if internal else 'resamples'}.",
        *(f"Not answered: {reason}." for reason in facts["not_answered"]),
        *(f"Note: {note}." for note in facts.get("notes", [])),
        *failure_lines(facts),
        "",
        _row("", [f"{at['months']:g} months" for at in facts["at"]]),
        _row("known resorbed, herniated", [_known(at) for at in facts["at"]]),
    ]
    for k, metric in enumerate(facts["at"][0]["metrics"]):
        cells = [value_text(at["metrics"][k]) for at in facts["at"]]
        lines.append(_row(metric["label"], cells))
    apparent = ", apparent" if internal else ""
    lines += ["", f"Whatever the law of those not seen at the horizon{apparent}"]
    for k, metric in enumerate(facts["at"][0]["metrics"]):
        if metric["certain"] is not None:
            cells = [_span(at["metrics"][k]["certain"]) for at in facts["at"]]
            lines.append(_row(f"  {metric['label']}", cells))
    lines += ["", "Over all time"]
    lines += [
        f"  {metric['label']:{_LABEL - 2}}{value_text(metric)}; {metric['reading']}"
        for metric in facts["overall"]
    ]
    lines += [*_subgroup_lines(facts), *working_lines(facts), ASSUMPTION]
    return [*lines, "", *drift_lines(facts["drift"])] if "drift" in facts else lines


ASSUMPTION = (
    "Assumed: neither the times of MRIs nor leaving, surgery included, depend on resorption, given "
    "the model's predictors."
)


def value_text(entry: Mapping[str, Any]) -> str:
    """Give a value with its interval, or with what it was before correction."""
    if entry["estimate"] is None:
        return "not determined"
    text = f"{entry['estimate']:.3f}"
    if entry.get("apparent") is not None:
        return f"{text} ({entry['apparent']:.3f})"
    if entry["low"] is None:
        return text
    return f"{text} ({entry['low']:.3f} to {entry['high']:.3f})"


def join_months(months: Sequence[float]) -> str:
    """Join numbers for a sentence."""
    words = [f"{each:g}" for each in months]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def count_of(n: int, noun: str) -> str:
    """Give a number with its noun."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _row(label: str, cells: Sequence[str]) -> str:
    return (f"{label:{_LABEL}}" + "".join(f"{cell:{_COLUMN}}" for cell in cells)).rstrip()


def _known(at: Mapping[str, Any]) -> str:
    return f"{at['known_resorbed']}, {at['known_herniated']}"


def _span(bounds: Sequence[float | None]) -> str:
    low, high = bounds
    return "not bounded" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def failure_lines(facts: Mapping[str, Any]) -> list[str]:
    """Say how many resamples gave nothing, and why; [] if none."""
    count = sum(facts["failures"].values())
    if not count:
        return []
    kinds = dict.fromkeys(reason.partition(":")[0] for reason in facts["failures"])
    return [f"{count_of(count, 'sample')} gave no result: {'; '.join(kinds)}."]


def _subgroup_lines(facts: Mapping[str, Any]) -> list[str]:
    groups = facts["subgroups"]
    lines = ["", f"Subgroups at {facts['reference_months']:g} months"]
    if groups["shown"]:
        lines.append(f"  {'':{_GROUP}}{'AUC':{_COLUMN}}Observed : expected")
    for group in groups["shown"]:
        name = f"{group['name']} ({group['patients']})"
        metrics = group["metrics"]
        lines.append(
            f"  {name:{_GROUP}}{value_text(metrics['auc']):{_COLUMN}}"
            f"{value_text(metrics['observed_expected'])}"
        )
    if groups["suppressed"]:
        few = ", ".join(f"{count} by {name}" for name, count in groups["suppressed"].items())
        lines.append(
            f"  Not shown, with fewer than {groups['least']} patients known to have resorbed or to "
            f"be herniated then: {few}"
        )
    return lines


def working_lines(facts: Mapping[str, Any]) -> list[str]:
    """Name the working models by which patients not seen at a horizon count."""
    best, *others = [each["name"] for each in facts["working_models"] if each["plausible"]]
    also = f"; not ruled out by the data: {', '.join(others)}" if others else ""
    return ["", f"Patients not seen at a horizon count by a working model: {best}{also}."]
