"""Facts rendered as one self-contained HTML file: no network, prints on A4, reads aloud."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any, Final

from discresorb.files import write_whole
from discresorb.templates import embedded_json, environment
from discresorb.wording import SYNTHETIC
from discresorb_training.cohort_facts import LEAST_FOR_CURVE
from discresorb_training.drift_text import drift_page
from discresorb_training.performance import METRICS
from discresorb_training.report_figures import report_figures

__all__ = [
    "SECTIONS",
    "centres_in_words",
    "embedded_facts",
    "limits",
    "report_html",
    "source_of",
    "template",
    "write_report",
]

SECTIONS: Mapping[str, str] = {
    "glance": "At a glance",
    "question": "What the model answers, and for whom",
    "patients": "Patients",
    "model": "The model",
    "curves": "Curves for typical patients",
    "performance": "Performance",
    "decision": "Decision curve",
    "subgroups": "Subgroups and centres",
    "drift": "Has it drifted?",
    "instability": "Instability",
    "evidence": "Published evidence",
    "limits": "Limits",
    "equation": "The full equation",
    "reproduce": "How this was made",
}
_ONLY = {"instability": "training", "drift": "validation"}


# an image would be fetched as soon as a card is looked at
_MARKUP: Final = {"&": "&amp;", "<": "&lt;", "|": "\\|", "[": "&#91;", "`": "&#96;"}


def report_html(facts: Mapping[str, Any]) -> str:
    """Render a report.

    Parameters
    ----------
    facts : mapping
        From `report_facts`; they are embedded, and `embedded_facts` reads them again.
    """
    kind = facts["kind"]
    shown = [(key, words) for key, words in SECTIONS.items() if _ONLY.get(key, kind) == kind]
    rendered: str = template("report.html").render(
        facts=facts,
        title=title(facts),
        style=_text("report.css"),
        sections=shown,
        glance=glance(facts),
        metric_labels={each.key: each.label for each in METRICS},
        source=source_of(facts),
        limits=limits(facts),
        centres=centres_in_words(facts["performance"]),
        curve_entries=_entries(facts["curves"]),
        curve_by=_first_number(facts["model"]["covariates"]),
        measured=_measured(facts["model"]["covariates"]),
        drift=drift_page(facts["performance"]["drift"]) if kind == "validation" else None,
        least_for_curve=LEAST_FOR_CURVE,
        figures=report_figures(facts),
        embedded=json.dumps(facts, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )  # fmt: skip
    return rendered


def write_report(path: Path, facts: Mapping[str, Any]) -> None:
    """Write a report, whole or not at all."""
    write_whole(path, report_html(facts).encode())


def embedded_facts(html: str) -> dict[str, Any]:
    """Read the facts that a report was rendered from."""
    return embedded_json(html, "facts")


def template(name: str) -> Any:
    """Give a template of this package, with the filters that they use."""
    filters: dict[str, Callable[..., str]] = {
        "number": lambda value, digits: f"{round(value, digits) + 0.0:.{digits}f}",  # no -0.000
        "shown": _shown,
        "plain": lambda value: value if isinstance(value, str) else f"{value:.10g}",
        "cell": _markdown_cell,
        "code": _markdown_code,
    }
    return environment(_source, **filters).get_template(name)


def _source(name: str) -> str:
    return files("discresorb_training").joinpath("templates", name).read_text(encoding="utf-8")


def title(facts: Mapping[str, Any]) -> str:
    """Name the report."""
    model = facts["model"]["model_id"]
    if facts["kind"] == "training":
        return f"Training and internal validation of {model}"
    return f"External validation of {model} on {facts['file']}"


def source_of(facts: Mapping[str, Any]) -> str:
    """Say what the patients are."""
    if facts["data_origin"] == SYNTHETIC:
        return "simulated patients. Nothing in this report shows how the model does in people."
    return (
        "patients of the centres that recorded them. Who was imaged again, and when, is taken not "
        "to depend on resorption given the inputs; and surgery, which ends follow-up, likewise."
    )


def glance(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Give the figures to read first: label, figure, note."""
    performance = facts["performance"]
    months = performance["reference_months"]
    at = next(each for each in performance["at"] if each["months"] == months)
    internal = performance["kind"] == "internal"
    how = "corrected for optimism" if internal else "on these patients"
    span = "resampled patients" if internal else "95 % interval"
    found = [("Patients", str(performance["patients"]), _seen(facts["cohort"]["flow"]))]
    metrics = {each["key"]: each for each in [*at["metrics"], *performance["overall"]]}
    for key in ("log_score", "auc", "brier", "ipa", "observed_expected", "slope"):
        metric = metrics[key]
        when = "" if key == "log_score" else f" at {months:g} months"
        value = metric["estimate"]
        note = how
        if metric["low"] is not None and metric["high"] is not None:
            note += f"; {span} {metric['low']:.2f} to {metric['high']:.2f}"
        figure = "not determined" if value is None else f"{value:.3f}"
        found.append((metric["label"] + when, figure, note))
    if internal:
        apart = 100.0 * performance["instability"]["mean_absolute_difference"]
        found.append(
            ("Instability", f"{apart:.1f} of 100", "mean change of p over refitted models")
        )
    return found


def limits(facts: Mapping[str, Any]) -> list[str]:
    """Say what the report cannot show."""
    found = [
        "Resorption on MRI is not relief of symptoms, and the probability holds only if surgery "
        "does not happen before the horizon.",
        "Those operated on early leave follow-up. If surgery depends on what also changes "
        "resorption, beyond the inputs, every figure here is biased.",
        "MRIs asked for because symptoms changed come at times that depend on the event; the "
        "working weights and the likelihood take times of MRIs as given.",
        "Intervals of predictions take the chosen distribution as true; where p nears 1 they cover "
        "less than they say.",
        "Beyond the central range of the training patients, and beyond their follow-up, a "
        "prediction extrapolates; each such prediction carries a warning.",
    ]
    if any(each["optional"] for each in facts["model"]["covariates"]):
        found.append(
            "Where an input is missing, a regression on the others stands in for it; intervals "
            "take what it gives as known, and so cover less than they say."
        )
    if facts["model"]["data_origin"] == SYNTHETIC:
        found.insert(
            0,
            "The model is trained on simulated patients: a demonstration, not for patient care. "
            "Performance on simulated patients says how well the method recovers the simulator.",
        )
    if facts["kind"] == "training":
        found.append(
            "Internal validation speaks of the population that these patients come from. Another "
            "centre needs an external validation."
        )
    return found


def centres_in_words(performance: Mapping[str, Any]) -> str:
    """Say how far centres differ: median and range of those that are large enough."""
    judged = [each["values"] for each in performance.get("centres", []) if each["values"]]
    said = []
    for key, name in (("observed_expected", "observed : expected"), ("auc", "AUC")):
        values = [each[key] for each in judged if each[key] is not None]
        if values:
            middle = f"{name} {median(values):.2f} in the median"
            said.append(f"{middle} ({min(values):.2f} to {max(values):.2f})")
    return f"Over {len(judged)} of them: {'; '.join(said)}." if said else ""


def _seen(flow: Mapping[str, int]) -> str:
    seen = sum(count for name, count in flow.items() if name.startswith("resorbed"))
    return f"{seen} seen resorbed"


def _entries(curves: Sequence[Mapping[str, Any]]) -> str:
    """Join the months since onset of the typical patients, in the order of the panels."""
    return ", ".join(f"{each['patient']['months_since_onset']:g}" for each in curves)


def _shown(values: Sequence[float], position: int) -> str:
    """Write one of some numbers of a kind: to a tenth, of numbers below 1 three digits."""
    value = values[position]
    small = max(map(abs, values)) < 1.0
    return f"{value + 0.0:.3g}" if small else f"{round(value, 1) + 0.0:.1f}"  # no -0.0


def _markdown_cell(text: str) -> str:
    """Write text that is neither markup nor the end of a table's cell."""
    for special, written in _MARKUP.items():
        text = text.replace(special, written)
    return text


def _markdown_code(text: str) -> str:
    """Quote text that is shown letter by letter, in more backticks than it holds in a row."""
    quotes = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{quotes}{text}{quotes}" if quotes == "`" else f"{quotes} {text} {quotes}"


def _first_number(covariates: Sequence[Mapping[str, Any]]) -> str:
    """Say by what typical patients differ within their type."""
    names = [each["name"] for each in covariates if each["kind"] == "number"]
    return "size" if "size_mm" in names[:1] else (*names, "all inputs")[0]


def _measured(covariates: Sequence[Mapping[str, Any]]) -> str:
    standard = [each["name"] for each in covariates] == ["size_mm", "sequestrated"]
    return "size and sequestration" if standard else "inputs"


def _text(name: str) -> str:
    return (files("discresorb_training") / "templates" / name).read_text(encoding="utf-8")
