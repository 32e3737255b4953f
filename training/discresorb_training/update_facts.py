"""What an update found, as plain data, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from discresorb.predictor import Predictor
from discresorb_training.cohort import Cohort
from discresorb_training.levels import LEVEL_NAMES, SPREAD
from discresorb_training.update_procedure import Assessment, Chosen, Paired

__all__ = ["update_facts", "update_lines", "update_metrics"]

_FREES = (
    "nothing",
    "the locations: when, and what share ever resorbs",
    "locations, slopes of the linear predictors, and the spread of resorption times",
    "every coefficient",
)
_PENALTY = (
    "estimates are held toward the model that is updated by a normal spread between centres with "
    "SD {location:g} of the locations (log time in units of its own spread, logit of ever "
    "resorbing), {slope:g} of the slopes, {log_scale:g} of the log of the spread, {effect:g} an SD "
    "of a covariate of single effects"
)
_SMALL_P = 1e-4


def update_facts(
    predictor: Predictor,
    cohort: Cohort,
    chosen: Chosen,
    wanted: int | None,
    assessment: Assessment | None,
    no_months: str,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Gather everything as plain data.

    Parameters
    ----------
    predictor : Predictor
        The model that was updated.
    cohort : Cohort
        The new patients.
    chosen : Chosen
        Level and test.
    wanted : int or None
        The level that was asked for.
    assessment : Assessment or None
        By cross-validation; None where nothing could be changed, or was to be.
    no_months : str
        Why there is no horizon for observed : expected.
    notes : sequence of str
        What a reader must know of these patients.
    """
    return {
        "model_id": predictor.model_id,
        "notices": list(predictor.notices),
        "patients": len(cohort.y),
        "seen_resorbed": int(np.isfinite(cohort.y["upper"]).sum()),
        "flow": cohort.flow(),
        "levels": [
            {
                "level": number,
                "name": name,
                "frees": _FREES[number],
                "parameters": len(chosen.levels[number].free),
                "barred": chosen.carried.barred.get(number),
            }
            for number, name in enumerate(LEVEL_NAMES)
        ],
        "tests": [asdict(each) for each in chosen.comparisons],
        "asked_for": wanted,
        "chosen": chosen.level,
        "why": _why(chosen, wanted),
        "spread": asdict(SPREAD),
        "cross_validation": None if assessment is None else asdict(assessment),
        "no_observed_expected": no_months or None,
        "notes": list(notes),
        "new_model_id": None,
    }


def _why(chosen: Chosen, wanted: int | None) -> str:
    if wanted is not None:
        return "it was asked for"
    if not chosen.carried.highest:
        return f"too few patients to change anything: {chosen.carried.barred[1]}"
    if not chosen.level:
        return "these patients give no evidence against the model as it is"
    if chosen.level < chosen.carried.highest:
        return "it is the smallest level that was not rejected"
    more = "" if chosen.level == 3 else ", and more is not open to these patients"
    return f"every smaller level was rejected{more}"


def update_lines(facts: Mapping[str, Any]) -> list[str]:
    """Word the facts, a line each."""
    lines = [f"Note: {notice}." for notice in facts["notices"]]
    lines += [
        f"Model {facts['model_id']}: {facts['patients']} new patients, "
        f"{facts['seen_resorbed']} seen resorbed.",
        "Levels of updating",
    ]
    for each in facts["levels"]:
        barred = f"; barred: {each['barred']}" if each["barred"] else ""
        lines.append(f"  {each['level']} {each['name']} frees {each['frees']}{barred}")
    if facts["tests"]:
        lines.append("Closed test")
        lines += [f"  {_test(each)}" for each in facts["tests"]]
    name = LEVEL_NAMES[facts["chosen"]]
    lines.append(f"Chosen: level {facts['chosen']}, {name}, because {facts['why']}.")
    if facts["chosen"]:
        lines.append(f"  {_PENALTY.format(**facts['spread'])}")
    lines += _before_and_after(facts)
    return lines + [f"Note: {note}." for note in facts["notes"]]


def _test(test: Mapping[str, Any]) -> str:
    p = f"p = {test['p']:.4f}" if test["p"] >= _SMALL_P else f"p below {_SMALL_P:.4f}"
    verdict = f"{'' if test['p'] < test['alpha'] else 'not '}rejected at {100 * test['alpha']:g} %"
    return (
        f"{test['level']} against {test['against']}: statistic {test['statistic']:.2f}, "
        f"{test['df']:.2f} expected if {test['level']} is enough, {p}: {verdict}"
    )


def _before_and_after(facts: Mapping[str, Any]) -> list[str]:
    found = facts["cross_validation"]
    if found is None:
        return []
    repeats = "once" if found["repeats"] == 1 else f"{found['repeats']} times"
    lines = [
        f"Before and after, on patients held out ({found['folds']}-fold cross-validation of the "
        f"whole procedure, {repeats}; of the refits "
        + ", ".join(
            f"{100 * share:.0f} % chose level {level}"
            for level, share in enumerate(found["chosen"])
            if share
        )
        + ")",
        f"  interval log score (higher is better): {_change(found['log_score'], 4)}",
    ]
    if found["observed_expected"] is None:
        return [*lines, f"  observed : expected cannot be judged: {facts['no_observed_expected']}"]
    return [
        *lines,
        f"  observed : expected {found['months']:g} months after the index MRI (1 is right): "
        + _change(found["observed_expected"], 3),
    ]


def _change(pair: Mapping[str, float] | Paired, digits: int) -> str:
    values = pair if isinstance(pair, Mapping) else vars(pair)
    difference = round(values["difference"], digits) + 0.0  # no -0.0000
    return (
        f"{values['before']:.{digits}f} before, {values['after']:.{digits}f} after; difference "
        f"{difference:+.{digits}f} (standard error {values['error']:.{digits}f})"
    )


def update_metrics(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the artifact keeps of an update, by what it is, in words."""
    found = facts["cross_validation"]
    kept = {
        **facts["flow"],
        "updated from": facts["model_id"],
        "level": f"{facts['chosen']} {LEVEL_NAMES[facts['chosen']]}, because {facts['why']}",
        "closed test": "; ".join(_test(each) for each in facts["tests"]),
        "held toward the parent": _PENALTY.format(**facts["spread"]),
        "cross-validated interval log score": _change(found["log_score"], 4),
    }
    if found["observed_expected"] is not None:
        kept[f"cross-validated observed : expected at {found['months']:g} months"] = _change(
            found["observed_expected"], 3
        )
    return kept
