"""A comparison of models as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from discresorb_training.drift_text import drift_lines
from discresorb_training.performance_text import (
    ASSUMPTION,
    count_of,
    failure_lines,
    join_months,
    value_text,
    working_lines,
)

__all__ = ["comparison_lines"]

_LABEL = 32
_COLUMN = 26
_LONGEST_NAME = 24
_MANY_TIMES = 100
_WORDS = {"log_score": "interval log score", "brier": "Brier score", "auc": "AUC"}


def comparison_lines(facts: Mapping[str, Any]) -> list[str]:
    """Word the facts of a comparison: verdicts, then models side by side, then differences.

    Parameters
    ----------
    facts : mapping
        From `compare`.
    """
    names = [_short(each["name"]) for each in facts["models"]]
    lines = [
        f"{facts['patients']} patients, the same for all models, {join_months(facts['months'])} "
        "months after the index MRI; 95 % interval in brackets; "
        f"{facts['repeats']} resamples, each judging all models.",
        *(f"Not answered: {reason}." for reason in facts["not_answered"]),
        *(f"Note, {each['name']}: {note}." for each in facts["models"] for note in each["notes"]),
        *failure_lines(facts),
        "",
        *(line for each in facts["differences"] for line in _verdict_lines(facts, each)),
        "",
        _row("Over all time", names),
        *_side_by_side([each["overall"] for each in facts["models"]]),
    ]
    for k, (months, known) in enumerate(zip(facts["months"], facts["known"], strict=True)):
        seen = f"{known['resorbed']} known resorbed, {known['herniated']} known herniated"
        lines += ["", f"{months:g} months: {seen}", _row("", names)]
        lines += _side_by_side([each["at"][k]["metrics"] for each in facts["models"]])
    for each in facts["differences"]:
        if not each["same_model"]:
            lines += ["", *_difference_lines(facts, each)]
    lines += [*working_lines(facts), _COMMON, ASSUMPTION]
    for each in facts["models"]:
        lines += ["", *drift_lines(each["drift"], f"Has {each['name']} drifted?")]
    return lines


_COMMON = (
    "The working model is one for all models, on the linear predictors of all, so that none is "
    "judged by its own; alone, a model has its own, and these figures may differ a little."
)


def _verdict_lines(facts: Mapping[str, Any], difference: Mapping[str, Any]) -> Iterator[str]:
    model, first = difference["model"], difference["first"]
    if difference["same_model"]:
        yield f"{model} and {first} are the same model."
        return
    if difference["same_predictions"]:
        yield f"{model} and {first} predict the same for all of these patients."
        return
    hopeless = {
        each["name"]: each["without_a_chance"]
        for each in facts["models"]
        if each["without_a_chance"] and each["name"] in (model, first)
    }
    for name, count in hopeless.items():
        yield (
            f"{name} gave no chance at all to what was seen of {count_of(count, 'patient')}: its "
            "interval log score is minus infinity, the worst that there is."
        )
    for k, verdict in enumerate(difference["verdicts"]):
        if verdict["difference"] is not None:
            words = _told if verdict["better"] else _untold
            yield ("" if k == 0 else "  ") + words(facts, model, first, verdict)


def _told(facts: Mapping[str, Any], model: str, first: str, verdict: Mapping[str, Any]) -> str:
    better, worse = (model, first) if verdict["better"] == "model" else (first, model)
    if verdict["key"] == "log_score":
        return f"{better} predicts these patients better than {worse}: {_figure(verdict)}."
    return f"By {_name(verdict)}, {better} does better than {worse}: {_figure(verdict)}."


def _untold(facts: Mapping[str, Any], model: str, first: str, verdict: Mapping[str, Any]) -> str:
    cannot = f"these data cannot tell {first} and {model} apart"
    if verdict["key"] != "log_score":
        return f"By {_name(verdict)}, {cannot}: {_figure(verdict)}."
    least = verdict["least_difference_that_shows"]
    return (
        f"{cannot[0].upper()}{cannot[1:]}: {_figure(verdict)}. With so many patients, four times "
        f"in five a true difference shows if it is {least:.2g} or more; "
        f"{_needed(facts['patients'], verdict['patients_needed'])}."
    )


def _needed(patients: int, needed: int | None) -> str:
    if needed is None:
        return "here there is none"
    if needed > _MANY_TIMES * patients:
        return (
            f"one as small as that seen would need more than {_MANY_TIMES} times as many patients"
        )
    return f"one as large as that seen would need about {float(f'{needed:.2g}'):.0f} patients"


def _name(verdict: Mapping[str, Any]) -> str:
    at = "" if verdict["months"] is None else f" at {verdict['months']:g} months"
    return f"{_WORDS[verdict['key']]}{at}"


def _figure(verdict: Mapping[str, Any]) -> str:
    by = _difference_text({**verdict, "estimate": verdict["difference"]})
    return f"difference of {_name(verdict)} {by}" if verdict["key"] == "log_score" else by


def _signed(value: float) -> str:
    return f"{value + 0.0:+.3f}" if round(value, 3) else "0.000"


def _side_by_side(columns: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    return [
        _row(f"  {metrics[0]['label']}", [value_text(each) for each in metrics])
        for metrics in zip(*columns, strict=True)
    ]


def _difference_lines(facts: Mapping[str, Any], difference: Mapping[str, Any]) -> list[str]:
    months = [f"{each:g} months" for each in facts["months"]]
    title = f"{difference['model']} less {difference['first']}"
    rows = zip(*(each["metrics"] for each in difference["at"]), strict=True)
    return [
        title,
        _row("", months),
        *(_row(f"  {each[0]['label']}", [_difference_text(m) for m in each]) for each in rows),
        "  over all time",
        *(_row(f"  {m['label']}", [_difference_text(m)]) for m in difference["overall"]),
    ]


def _difference_text(entry: Mapping[str, Any]) -> str:
    if entry["estimate"] is None:
        return "not determined"
    text = _signed(entry["estimate"])
    if entry["low"] is None:
        return text
    return f"{text} ({_signed(entry['low'])} to {_signed(entry['high'])})"


def _short(name: str) -> str:
    """Keep a name within its column; its end tells names apart that begin alike."""
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"


def _row(label: str, cells: Sequence[str]) -> str:
    return (f"{label:{_LABEL}}" + "".join(f"{cell:{_COLUMN}}" for cell in cells)).rstrip()
