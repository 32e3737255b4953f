"""Drift as a person reads it: a line each for case mix, baseline and effects, then the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from discresorb_training.case_mix_drift import NOT_HELD

__all__ = [
    "EVENTS_NOTE",
    "SPREAD_NOTE",
    "Row",
    "case_mix_rows",
    "drift_lines",
    "drift_page",
    "drift_verdicts",
    "event_rows",
    "not_held",
    "spread_rows",
    "tested_lines",
]

_LABEL = 44
_COLUMN = 22
_NO_EFFECTS = ("intercept", "log_scale", "cure_intercept")
_STRENGTH = {"slope": "all effects on {of}", "log_scale": "the spread of times"}
_FROM = (
    "nothing changed",
    "no more than the baseline changed",
    "no more than baseline, strength and spread changed",
)
SPREAD_NOTE = (
    "Patients who are more alike than those of the training are harder to tell apart, and AUC and "
    "IPA are lower, without the model being wrong; and the other way round."
)
EVENTS_NOTE = (
    "What was seen follows from when patients were imaged and why they left as much as from how "
    "they resorb, and is by itself no drift of the model."
)


class Row(NamedTuple):
    """One figure here and in the training."""

    label: str
    here: str
    training: str
    p: str = ""


def drift_lines(drift: Mapping[str, Any], title: str = "Has it drifted?") -> list[str]:
    """Word the drift of one model.

    Parameters
    ----------
    drift : mapping
        From `drift_facts`.
    title : str
        Heads the section.
    """
    unknown = not_held(drift)
    sizes = f"{drift['patients']} patients here, {drift['training_patients']} in training"
    return [
        f"{title} {sizes}",
        *(f"  {part + ':':11}{words}" for part, words in drift_verdicts(drift)),
        *(f"  {'':11}{words}" for words in tested_lines(drift)),
        "",
        _line(Row("", "here", "in training", "p (Holm)")),
        *map(_line, case_mix_rows(drift)),
        *map(_line, spread_rows(drift)),
        *map(_line, event_rows(drift)),
        *([f"  Not compared, {unknown}."] if unknown else []),
        f"  {SPREAD_NOTE}",
        f"  {EVENTS_NOTE}",
    ]


def drift_page(drift: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the section of a report is filled from; parameters as in `drift_lines`."""
    return {
        "verdicts": drift_verdicts(drift),
        "tested": tested_lines(drift),
        "tables": [
            ("Case mix: medians of numbers, shares of levels", True, case_mix_rows(drift), ""),
            ("Spread of the model's linear predictors", False, spread_rows(drift), SPREAD_NOTE),
            ("What was seen of the patients", False, event_rows(drift), EVENTS_NOTE),
        ],
        "not_held": not_held(drift),
    }


def not_held(drift: Mapping[str, Any]) -> str:
    """Say of what there is no comparison, and why; empty text if of nothing."""
    reasons: dict[str, list[str]] = {}
    for each in drift["case_mix"]["covariates"]:
        if each["why"]:
            reasons.setdefault(each["why"], []).append(each["name"])
    if not drift["case_mix"]["linear_predictors"]:
        reasons.setdefault(NOT_HELD, []).append("the spread of the linear predictors")
    if drift["events"]["then"] is None:
        reasons.setdefault(NOT_HELD, []).append("what was seen of the patients")
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())


def drift_verdicts(drift: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say of case mix, baseline and effects whether each has changed, and how."""
    return [
        ("Case mix", _case_mix(drift)),
        ("Baseline", _baseline(drift["model"])),
        ("Effects", _effects(drift["model"])),
    ]


def _case_mix(drift: Mapping[str, Any]) -> str:
    facts = drift["case_mix"]
    if facts["changed"] is None:
        return "cannot be said; " + "; ".join(
            dict.fromkeys(each["why"] for each in facts["covariates"])
        )
    unsaid = [each["name"] for each in facts["covariates"] if each["changed"] is None]
    but = f"; of {', '.join(unsaid)} nothing is said" if unsaid else ""
    if not facts["changed"]:
        return f"not seen to have changed{but}"
    changed = [each for each in facts["covariates"] if each["changed"]]
    return "changed: " + "; ".join(map(_differs, changed)) + but


def _differs(covariate: Mapping[str, Any]) -> str:
    rows = [
        f"{row.label} {row.here} here, {row.training} in training"
        for row in _of_covariate(covariate)
    ]
    return f"{', '.join(rows)} (p {_small(_p(covariate['p_holm']))})"


def _baseline(facts: Mapping[str, Any]) -> str:
    if facts["level"] is None:
        return _unsaid(facts)
    if not facts["baseline"]["changed"]:
        if facts["level"] == 0:
            return "not seen to have changed" + _would_show(facts)
        return "not seen to have changed beyond what effects do"
    found = facts["baseline"]
    here, model = (100.0 * found["resorbed"][who] for who in ("here", "model"))
    said = ", and ".join(_location(each) for each in found["shifts"])
    return (
        f"changed: of 100 such patients {here:.0f} resorb within {found['months']:g} months of the "
        f"index MRI, where the model says {model:.0f} (p {_small(_p(found['p']))}); {said}"
    )


def _location(shift: Mapping[str, Any]) -> str:
    value = shift["value"]
    if shift["of"] == "log time":
        when = "later" if value > 1.0 else "earlier"
        return f"those who ever resorb do so {when}, at {value:.2f} times the model's time"
    how = "more" if value > 1.0 else "fewer"
    return f"{how} ever resorb, at {value:.2f} times the model's odds"


def _would_show(facts: Mapping[str, Any]) -> str:
    factors = {each["of"]: each["factor"] for each in facts["would_show"]}
    time, odds = factors.get("log time"), factors.get("logit π")
    if time is None:
        return ""
    words = f"; {time:.2f} times the time to resorption"
    if odds is not None:
        words += f", or {odds:.2f} times the odds of ever resorbing,"
    return f"{words} would have shown four times in five in so many patients"


def _effects(facts: Mapping[str, Any]) -> str:
    if facts["level"] is None:
        return _unsaid(facts)
    if facts["effects"]["changed"] is None:
        return "cannot be said of so few patients"
    if not facts["effects"]["changed"]:
        return "not seen to have changed"
    if facts["level"] == 2:
        said = [
            f"{_STRENGTH[each['kind']].format(**each)} {each['value']:.2f} times the model's"
            for each in facts["effects"]["shifts"]
            if each["kind"] in _STRENGTH
        ]
        return f"changed in strength or spread: {', '.join(said)}"
    moved = [
        f"{each['name']} {each['model']:.3g} in the model, {each['here']:.3g} here"
        for each in facts["effects"]["coefficients"]
        if each["name"] not in _NO_EFFECTS
    ]
    return "changed, of single covariates: " + "; ".join(moved)


def _unsaid(facts: Mapping[str, Any]) -> str:
    return f"too few patients to say: {facts['why']}" if facts["barred"] else facts["why"]


def tested_lines(drift: Mapping[str, Any]) -> list[str]:
    """Say what was tested against what, and what these patients could not have shown."""
    facts = drift["model"]
    lines = [
        f"{_FROM[each['level']]}: p {_small(_p(each['p']))}, "
        f"{'rejected' if each['rejected'] else 'not rejected'}"
        for each in facts["tests"]
    ]
    if facts["level"] is None:
        return lines
    return lines + [
        f"not asked, {_LEVELS[each['level']]}: {each['why']}" for each in facts["barred"]
    ]


_LEVELS = ("", "the baseline", "strength of effects and spread", "effects of single covariates")


def case_mix_rows(drift: Mapping[str, Any]) -> list[Row]:
    """Give every covariate and months since onset here and in the training."""
    rows = []
    for covariate in drift["case_mix"]["covariates"]:
        first, *others = _of_covariate(covariate)
        p = _p(covariate["p_holm"]) if covariate["p_holm"] is not None else ""
        rows += [first._replace(p=p), *others]
    return rows


def _of_covariate(covariate: Mapping[str, Any]) -> Iterator[Row]:
    """Give a number's median, or each level's share; and how many are missing, if any are."""
    name, now, then = covariate["name"], covariate["now"], covariate["then"]
    if covariate["kind"] == "number":
        unit = f" {covariate['unit']}" if covariate["unit"] else ""
        here, training = ("–" if each is None else f"{each:.3g}{unit}" for each in (now, then))
        yield Row(f"{name}, median", here, training)
    else:
        for level in now:
            if level != "no":  # follows from yes
                yield Row(f"{name} {level}", _share(now[level]), _share((then or {}).get(level)))
    if any(covariate["missing"]):
        yield Row(f"{name}, missing", *map(_share, covariate["missing"]))


def spread_rows(drift: Mapping[str, Any]) -> list[Row]:
    """Give the spread of the model's linear predictors here and in the training."""
    names = {"log_time": "predictor of log time", "logit_ever": "predictor of logit π"}
    return [
        Row(f"{names[each['name']]}, 10 to 90 %", _span(each["now"]), _span(each["then"]))
        for each in drift["case_mix"]["linear_predictors"]
    ]


def event_rows(drift: Mapping[str, Any]) -> list[Row]:
    """Give what was seen of patients here and in the training."""
    now, then = drift["events"]["now"], drift["events"]["then"]
    if then is None:
        return [Row(label, here, "–") for label, here in _events(now)]
    pairs = zip(_events(now), _events(then), strict=True)
    return [Row(label, here, training) for (label, here), (_, training) in pairs]


def _events(events: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "seen resorbed", _share(events["seen_resorbed"])
    yield "not imaged after the index MRI", _share(events["never_imaged_again"])
    for key, label in (
        ("followed", "follow-up of the others, median"),
        ("gap", "last herniated to first resorbed, median"),
    ):
        yield label, f"{events[key]['0.5']:.1f} months" if events[key] else "–"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100.0 * share:.0f} of 100"


def _span(middle: Sequence[float]) -> str:
    return f"{middle[0]:.2f} to {middle[2]:.2f}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _small(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"


def _line(row: Row) -> str:
    return f"  {row.label:{_LABEL}}{row.here:{_COLUMN}}{row.training:{_COLUMN}}{row.p}".rstrip()
