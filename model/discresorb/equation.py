"""A model printed as formulas, from which its every number can be reproduced by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from discresorb.columns import MONTHS_SINCE_ONSET
from discresorb.design import Covariate, Design
from discresorb.distributions import DISTRIBUTIONS

__all__ = ["equation"]


def equation(artifact: Mapping[str, Any]) -> list[str]:
    """Print the model as formulas, each line resting on those before it.

    Entry and horizon are in months since onset, flags 0 or 1, ``max`` and ``min`` those of two
    numbers. Where a covariate may be missing, the first lines say what then stands in for it.

    Parameters
    ----------
    artifact : mapping
        The model.
    """
    design = Design.from_artifact(artifact)
    names = design.names
    location = _linear(artifact["location"], names)
    lines = [
        *(line for covariate in design.covariates for line in _levels(covariate)),
        *_imputed(design),
        *(line for covariate in design.covariates for line in _spline(covariate)),
        f"z(t) = (ln(t) - ({location})) / {math.exp(artifact['log_scale'])!r}",
        DISTRIBUTIONS[artifact["distribution"]].formula,
    ]
    if artifact["cure"]:
        columns = artifact["cure_columns"] or range(len(names) + 1)
        kept = [names[column - 1] for column in columns if column]
        lines.append(f"pi = 1 / (1 + exp(-({_linear(artifact['cure_coefficients'], kept)})))")
    else:
        lines.append("pi = 1")
    lines.append("p = pi * (S(z(entry)) - S(z(horizon))) / (1 - pi + pi * S(z(entry)))")
    return lines


def _levels(covariate: Covariate) -> Iterable[str]:
    column = covariate.column
    for name, level in zip(covariate.basic_names, column.levels[1:], strict=False):
        yield f"{name} = 1 if {column.name} is {json.dumps(level, ensure_ascii=False)}, else 0"


def _imputed(design: Design) -> Iterable[str]:
    if design.imputations:
        yield f"{MONTHS_SINCE_ONSET.name} = entry"
    for each in design.imputations:
        covariate = each.column.partition("[")[0]
        regression = _linear(each.coefficients, design.predictor_names)
        yield (
            f"if {covariate} is missing: {each.column} = "
            f"min(max({regression}, {each.low!r}), {each.high!r})"
        )


def _spline(covariate: Covariate) -> Iterable[str]:
    """Print the nonlinear columns, as `discresorb.design.natural_spline` computes them."""
    if not covariate.knots:
        return
    name, knots = covariate.column.name, [float(knot) for knot in covariate.knots]
    last, before = knots[-1], knots[-2]
    for column, knot in zip(covariate.names[1:], knots[:-2], strict=True):
        yield (
            f"{column} = ({_cubed(name, knot)}"
            f" - {_cubed(name, before)} * {(last - knot) / (last - before)!r}"
            f" + {_cubed(name, last)} * {(before - knot) / (last - before)!r})"
            f" / {(last - knots[0]) ** 2!r}"
        )


def _cubed(name: str, knot: float) -> str:
    return f"max({name} {_signed(-knot)}, 0)^3"


def _linear(coefficients: Any, names: Sequence[str]) -> str:
    pairs = zip(coefficients.tolist()[1:], names, strict=True)
    terms = (f"{_signed(value)} * {name}" for value, name in pairs)
    return " ".join([repr(float(coefficients[0])), *terms])


def _signed(value: float) -> str:
    return f"{'-' if math.copysign(1.0, value) < 0.0 else '+'} {abs(value)!r}"
