"""The TRIPOD+AI items, each with where the report has it, or "not reported".

Source of the items: Collins et al., BMJ 2024;385:e078378; the topics are in our own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discresorb.files import write_whole
from discresorb_training.report import SECTIONS

__all__ = ["ITEMS", "Item", "tripod_table", "write_tripod"]


@dataclass(frozen=True)
class Item:
    """One item.

    Parameters
    ----------
    number : str
        In the checklist.
    topic : str
        What is to be reported.
    section : str
        Of our report that has it; empty where it never does.
    note : str
        What the report has of it, where that is less than all.
    only : str
        "training" or "validation", if only such a report has it.
    """

    number: str
    topic: str
    section: str = ""
    note: str = ""
    only: str = ""


ITEMS = (
    Item("1", "title: development or evaluation, outcome", "glance", "not the outcome"),
    Item("2", "abstract"),
    Item("3a", "background and reasons for the model"),
    Item("3b", "target population and intended use", "question"),
    Item("3c", "known inequalities of health between groups"),
    Item("4", "objectives", "question", "the question that the model answers"),
    Item("5a", "source of the data", "question", "in general; details are the user's to add"),
    Item("5b", "dates of the data"),
    Item("6a", "setting and number of centres", "patients", "number of centres only"),
    Item("6b", "who was eligible", "patients", "herniated at the index MRI; no more is known"),
    Item("6c", "treatments received"),
    Item("7", "preparation and quality checks of the data"),
    Item("8a", "outcome and horizon", "question"),
    Item("8b", "who judged the outcome"),
    Item("8c", "blinding of those who did"),
    Item("9a", "how predictors were chosen", "model"),
    Item("9b", "definition of predictors", "question"),
    Item("9c", "who measured them"),
    Item("10", "sample size and its reasons", "model", "criteria of Riley 2019", "training"),
    Item(
        "11",
        "missing data",
        "patients",
        "refused, or filled in by regression where that is asked for",
    ),
    Item("12a", "which data for development and which for evaluation", "performance"),
    Item("12b", "form of predictors", "equation"),
    Item("12c", "kind of model, how it was built, internal validation", "model", "", "training"),
    Item("12d", "differences between centres", "subgroups", "each centre held out", "training"),
    Item("12e", "measures of performance", "performance"),
    Item("12f", "updating of the model after evaluation"),
    Item("12g", "how predictions were computed", "equation"),
    Item("13", "handling of class imbalance"),
    Item("14", "fairness", "subgroups", "by what the data record"),
    Item("15", "output of the model and thresholds", "decision"),
    Item("16", "development against evaluation data: differences"),
    Item("17", "ethical approval"),
    Item("18a", "funding"),
    Item("18b", "conflicts of interest"),
    Item("18c", "protocol"),
    Item("18d", "registration"),
    Item("18e", "availability of data"),
    Item("18f", "availability of code", "reproduce", "versions and command"),
    Item("19", "involvement of patients and the public"),
    Item("20a", "flow of participants", "patients"),
    Item("20b", "characteristics of participants", "patients"),
    Item("20c", "development and evaluation data compared"),
    Item("21", "participants and events in each analysis", "performance"),
    Item("22", "the full model", "equation"),
    Item("23a", "performance with intervals", "performance"),
    Item("23b", "performance by centre", "subgroups", "", "training"),
    Item("24", "results of updating"),
    Item("25", "interpretation"),
    Item("26", "limits", "limits"),
    Item(
        "27a",
        "handling of poor or missing input at use",
        "patients",
        "refused by row, or filled in",
    ),
    Item("27b", "what users must do and know", "question", "in part"),
    Item("27c", "next steps of research"),
)


def tripod_table(facts: Mapping[str, Any], report: str) -> str:
    """Render the table as Markdown, with links into the report.

    Parameters
    ----------
    facts : mapping
        From `report_facts`.
    report : str
        Where the report stands, as seen from the table.
    """
    lines = [
        f"# TRIPOD+AI: {facts['model']['model_id']}",
        "",
        "Items of Collins et al., BMJ 2024;385:e078378, in short; what is not reported is for the "
        "authors of a study to add.",
        "",
        "| item | topic | reported |",
        "|---|---|---|",
    ]
    lines += [f"| {item.number} | {item.topic} | {_where(item, facts, report)} |" for item in ITEMS]
    return "\n".join(lines) + "\n"


def write_tripod(path: Path, facts: Mapping[str, Any], report: str) -> None:
    """Write the table, whole or not at all."""
    write_whole(path, tripod_table(facts, report).encode())


def _where(item: Item, facts: Mapping[str, Any], report: str) -> str:
    if not item.section or not _shown(item, facts):
        return "not reported"
    note = f": {item.note}" if item.note else ""
    return f"[{SECTIONS[item.section]}]({report}#{item.section}){note}"


def _shown(item: Item, facts: Mapping[str, Any]) -> bool:
    """Tell whether this report has it: some only if it trains, or if there are centres."""
    if item.only and item.only != facts["kind"]:
        return False
    if item.number in ("12d", "23b"):
        return bool(facts["performance"].get("centres"))
    if item.number == "6a":
        return bool(facts["cohort"]["centres"])
    return True
