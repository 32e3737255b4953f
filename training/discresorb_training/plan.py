"""Which covariates a model is to have, and in what form: named by the user, never searched for."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from discresorb.cells import FORMULA_STARTS, show
from discresorb.columns import (
    OUTPUT_COLUMNS,
    SCORING_COLUMNS,
    SEQUESTRATED,
    SIZE_MM,
    TRAINING_COLUMNS,
    UNLIMITED,
    VISIT_COLUMNS,
    Column,
)
from discresorb.design import Covariate
from discresorb.errors import InputError
from discresorb.predictor import Predictor

__all__ = ["STANDARD", "Planned", "columns_of", "plan_of", "planned", "read_dictionary"]

_KNOWN: Final = {column.name: column for column in (SIZE_MM, SEQUESTRATED)}
_RESERVED: Final = {
    column.name
    for columns in (SCORING_COLUMNS, TRAINING_COLUMNS, VISIT_COLUMNS, OUTPUT_COLUMNS)
    for column in columns
} - {*_KNOWN, "leg_pain"}
# of formulas, of other coefficients, of keywords of `Predictor.predict` and `Predictor.curve`
_MEANINGS: Final = {
    *("S", "p", "pi", "t", "z", "entry", "horizon", "exp", "ln", "max", "min", "Phi"),
    *("intercept", "log_scale", "threshold", "months", "self"),
}
_FORMS: Final = ("linear", "spline", "flag", "category")
_FEWEST_KNOTS, _MOST_KNOTS = 3, 7
_KNOTS: Final = 4
_MOST_DIGITS: Final = 9  # of thousands Python makes no number
_FACTS: Final = ("label", "unit", "low", "high")


@dataclass(frozen=True)
class Planned:
    """One covariate as it is to enter a model.

    Parameters
    ----------
    column : Column
        How it is entered. A category's levels are those that it has; none yet means those that the
        training patients show.
    knots : int
        Of a natural spline; 0 if the effect is linear.
    optional : bool
        Whether it may be missing, and is then filled in by regression on the others.
    """

    column: Column
    knots: int = 0
    optional: bool = False


STANDARD: Final = (Planned(SIZE_MM), Planned(SEQUESTRATED))


def planned(
    texts: Sequence[str],
    *,
    optional: Sequence[str] = (),
    dictionary: Mapping[str, Any] | None = None,
) -> tuple[Planned, ...]:
    """Read covariates as a user names them.

    Parameters
    ----------
    texts : sequence of str
        ``NAME`` or ``NAME:FORM``, with FORM one of linear, spline (four knots), spline3 to
        spline7, flag, category. size_mm and sequestrated are known; another name without a form is
        a number with a linear effect.
    optional : sequence of str
        Names of those that may be missing.
    dictionary : mapping, optional
        By name, what is known of a covariate: ``label``, ``unit``, ``low`` and ``high``.

    Raises
    ------
    InputError
        With all problems.
    """
    for what, given in (("covariates", texts), ("those that may be missing", optional)):
        if isinstance(given, str) or not all(isinstance(each, str) for each in given):
            raise InputError(f"{what} entered as {given!r}, but must be a list of names")
    problems: list[str] = []
    facts = _facts({} if dictionary is None else dictionary, problems)
    plan = [_one(text.strip(), facts, problems) for text in texts if text.strip()]
    names = [each.column.name for each in plan]
    if not names:
        problems.append("no covariate is named; a model needs at least one")
    problems += [f"covariate {name} is named twice" for name in dict.fromkeys(names)
                 if names.count(name) > 1]  # fmt: skip
    problems += _ambiguous(plan)
    problems += _beyond_label(plan, facts)
    problems += _unknown("may be missing", optional, names)
    problems += _unknown("is described in the dictionary", sorted(facts), names)
    if names and set(names) <= set(optional):
        problems.append(
            "every covariate may be missing; at least one must not, for others to be filled in "
            "from it"
        )
    if problems:
        raise InputError(problems)
    return tuple(Planned(each.column, each.knots, each.column.name in optional) for each in plan)


def columns_of(plan: Sequence[Planned]) -> int:
    """Count the columns of a design; categories must have their levels."""
    return sum(max(1, each.knots - 1, len(each.column.levels) - 1) for each in plan)


def read_dictionary(path: Path) -> Any:
    """Read a JSON file that describes covariates, as `planned` takes it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"the dictionary {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"the dictionary {path} is no JSON: {error}") from None


def plan_of(predictor: Predictor) -> tuple[Planned, ...]:
    """Give the covariates of a model that is there already."""
    return tuple(
        Planned(each.column, len(each.knots), each.column.name in predictor.design.optional)
        for each in predictor.design.covariates
    )


def _one(text: str, facts: Mapping[str, Mapping[str, Any]], problems: list[str]) -> Planned:
    name, _, form = (part.strip() for part in text.partition(":"))
    if name in _RESERVED:
        why = "is the clock, on which every model rests" if "months" in name else "is no covariate"
        problems.append(f"{name} {why}; name what was known at the index MRI")
    elif name in _MEANINGS or name.startswith("cure_"):
        problems.append(
            f"{name} means something else in a model's equation, its coefficients or predict; "
            "give the column another name"
        )
    odd = not name.isprintable() or name.startswith(FORMULA_STARTS)
    if odd or not name or set(name) & set("[],;:=\"'"):
        problems.append(f"covariate entered as {show(text)}, but its name must be plain text")
    known = _KNOWN.get(name)
    default = "flag" if known is not None and known.kind == "flag" else "linear"
    form = form or default
    kind, digits = form.rstrip("0123456789"), form[len(form.rstrip("0123456789")) :]
    endless = len(digits) > _MOST_DIGITS
    knots = int(digits or _KNOTS) if kind == "spline" and not endless else 0
    if kind not in _FORMS or (digits and kind != "spline") or endless:
        problems.append(
            f"form of {name} entered as {show(form)}, but must be one of linear, spline, "
            f"spline{_FEWEST_KNOTS} to spline{_MOST_KNOTS}, flag, category"
        )
    elif kind == "spline" and not _FEWEST_KNOTS <= knots <= _MOST_KNOTS:
        problems.append(
            f"{name} is to have {knots} knots, but a natural spline has {_FEWEST_KNOTS} to "
            f"{_MOST_KNOTS}; fewer is linear"
        )
    if known is not None and (known.kind == "flag") != (kind == "flag"):
        problems.append(f"{name} is a {known.kind}; it cannot be entered as {form}")
    column = known or _column(name, kind, facts.get(name, {}))
    return Planned(column, knots)


def _ambiguous(plan: Sequence[Planned]) -> list[str]:
    """Tell which names are also those of a spline's columns."""
    names = {each.column.name for each in plan}
    return [
        f"{name} is also the name of a part of the spline of {each.column.name}; give the column "
        "another name"
        for each in plan
        for name in Covariate(each.column, (0.0,) * each.knots).names[1:]
        if each.knots and name in names
    ]


def _beyond_label(plan: Sequence[Planned], facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Tell what a dictionary says of flags and categories that only numbers have."""
    return [
        f"the dictionary gives {key} of {each.column.name}, but a {each.column.kind} has a label "
        "only"
        for each in plan
        if each.column.kind != "number"
        for key in facts.get(each.column.name, {})
        if key != "label"
    ]


def _column(name: str, form: str, facts: Mapping[str, Any]) -> Column:
    label, unit = facts.get("label", name), facts.get("unit", "")
    if form in ("flag", "category"):
        return Column(name, "flag" if form == "flag" else "category", label)
    low, high = (float(facts.get(*each)) for each in (("low", -UNLIMITED), ("high", UNLIMITED)))
    return Column(name, "number", label, unit, low, high)


def _facts(dictionary: Mapping[str, Any], problems: list[str]) -> dict[str, dict[str, Any]]:
    """Check what a dictionary says of covariates."""
    if not isinstance(dictionary, Mapping):
        problems.append("the dictionary of covariates must give facts by name")
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, given in dictionary.items():
        if name in _KNOWN:
            problems.append(f"{name} is described by discresorb itself; leave it out")
        if not isinstance(given, Mapping):
            problems.append(f"the dictionary gives no facts of {name}, but {show(repr(given))}")
            continue
        wrong = [problem for fact in given.items() if (problem := _wrong_fact(name, *fact))]
        problems += wrong
        facts = {} if wrong else dict(given)
        if facts.get("low", -UNLIMITED) >= facts.get("high", UNLIMITED):
            problems.append(f"low of {name} must be below its high")
        found[name] = facts
    return found


def _wrong_fact(name: str, key: str, value: Any) -> str:
    if key not in _FACTS:
        return f"the dictionary gives {key} of {name}; known are {', '.join(_FACTS)}"
    if key in ("label", "unit"):
        if isinstance(value, str) and value.isprintable():
            return ""
        return f"{key} of {name} entered as {show(repr(value))}, but must be text"
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < UNLIMITED:
        return f"{key} of {name} entered as {show(repr(value))}, but must be a number"
    return ""


def _unknown(what: str, given: Iterable[str], names: Sequence[str]) -> list[str]:
    found = []
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"those are {', '.join(names)}"
            found.append(f"{name} {what}, but is none of the covariates named; {hint}")
    return found
