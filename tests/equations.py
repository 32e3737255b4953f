"""A model's printed equation, solved line by line as a reader with a calculator would."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["solved"]

_FUNCTIONS = {
    "exp": math.exp,
    "ln": math.log,
    "Phi": lambda z: 0.5 * math.erfc(-z / math.sqrt(2)),
    "min": min,
    "max": max,
}
_BRACKET = re.compile(r"\[([^]]+)\]")
_LEVEL = re.compile(r"(\w+) = 1 if (\w+) is \"(.*)\", else 0")
_MISSING = re.compile(r"if (\w+) is missing: (.+)")
_FORMULA = re.compile(r"(\w+)(?:\((\w)\))? = (.+)")


def solved(lines: Sequence[str], inputs: Mapping[str, Any]) -> float:
    """Give p; an input that is None is missing."""
    known: dict[str, Any] = {**_FUNCTIONS, **inputs, "months_since_onset": inputs["entry"]}
    for line in lines:
        line = _BRACKET.sub(lambda found: "__" + re.sub(r"\W", "_", found[1]), line)
        line = line.replace("^", "**")
        if found := _LEVEL.fullmatch(line):
            known[found[1]] = float(known[found[2]] == found[3])
            continue
        if found := _MISSING.fullmatch(line):
            if known[found[1]] is not None:
                continue
            line = found[2]
        found = _FORMULA.fullmatch(line)
        assert found, line
        name, argument, formula = found.groups()
        code = f"lambda {argument}: {formula}" if argument else formula
        # that the printed formula itself computes is what is tested; it is of our own models only
        known[name] = eval(code, known)  # noqa: S307  # for the reason above
    return float(known["p"])
