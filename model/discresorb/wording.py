"""The sentences that every output shares, each said in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from discresorb.clock import day_name

__all__ = [
    "ESTIMAND",
    "LIMITS",
    "SYNTHETIC",
    "SYNTHETIC_NOTICE",
    "TOO_FAR",
    "VALUES_HIDDEN",
    "as_sentence",
    "filled_in",
    "frequency_sentence",
    "guarded_cells",
    "interval_label",
    "percent",
    "visible",
]

SYNTHETIC: Final = "synthetic"
SYNTHETIC_NOTICE: Final = "demonstration model trained on synthetic data, not for patient care"
ESTIMAND: Final = (
    "probability that the herniation has resorbed on MRI by the surgery date, given that it was "
    "still there at the index MRI, if surgery does not happen before that date"
)
LIMITS: Final = (
    "Research software, not a medical device. Resorption on MRI is not symptom relief. Red flags "
    "(cauda equina syndrome, progressive neurological deficit) lie outside this model and need "
    "urgent assessment whatever it says."
)
TOO_FAR: Final = "no probability can be computed so far from the training patients"
VALUES_HIDDEN: Final = "Note: what was entered is not shown here; --show-values shows it."


def as_sentence(words: str) -> str:
    """Give words a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def guarded_cells(count: int) -> str:
    """Say how many cells a spreadsheet would have run as a formula."""
    return (
        f"A leading ' keeps a spreadsheet from running as a formula: {count} "
        f"{'cell' if count == 1 else 'cells'} got one; --raw-text leaves them alone."
    )


def interval_label(between_study_sd: float | None) -> str:
    """Say what the 95 % interval covers."""
    if between_study_sd is None:
        return "95 % interval: uncertainty of the estimate, not the spread between centres"
    return "95 % interval: uncertainty of the estimate and spread between studies"


def filled_in(names: Iterable[str]) -> str:
    """Say which inputs were missing and what was done about it."""
    return (
        "missing, filled in by regression on the other inputs, which the interval takes as known: "
        + ", ".join(names)
    )


def percent(probability: float) -> str:
    """Write a probability as a count out of 100, never rounding to a certainty.

    A probability of 0 is one: there is no wait. No model is sure of resorption, so that 1 is what
    rounding left of less.
    """
    if 0.0 < probability <= 0.005:
        return "fewer than 1"
    if probability >= 0.995:
        return "more than 99"
    return f"{100.0 * probability:.0f}"


def frequency_sentence(
    probability: float, low: float, high: float, wait: float, surgery_day: float | None
) -> str:
    """Say a probability in natural frequencies, with the condition that it stands under.

    Parameters
    ----------
    probability, low, high : float
        The estimate and its interval.
    wait : float
        Months from the index MRI to surgery.
    surgery_day : float or None
        Day number of the surgery date; without one the months are named.
    """
    until = (
        f"before {day_name(surgery_day)}"
        if surgery_day is not None
        else f"within {wait:.1f} months of the index MRI"
    )
    share = percent(probability)
    about = "about " if share.isdigit() else ""
    return (
        f"If surgery does not happen {until}, {about}{share} of 100 patients like "
        f"this would show resorption on MRI by then; 95 % interval {percent(low)} to "
        f"{percent(high)}."
    )


def visible(line: str) -> str:
    """Spell out characters that a terminal would act on, or that turn the order of others."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else _spelt(each) for each in line)


def _spelt(character: str) -> str:
    return character.encode("unicode_escape", errors="surrogatepass").decode("ascii")
