"""What an artifact must say of the patients that it was trained on, where it says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from discresorb.cells import is_number
from discresorb.schema_design import lacking, wrong_range

__all__ = ["wrong_fingerprint", "wrong_support"]

_GROUP: Final = {"level": float, "n": int, "ranges": dict}
_EVENTS: Final = ("seen_resorbed", "never_imaged_again")
_FOLLOW_UP: Final = ("followed", "gap")


def wrong_support(artifact: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with the ranges that patients of each type had."""
    levels = {each["name"]: max(2, len(each["levels"])) for each in artifact["covariates"]}
    support = artifact["support"]
    wrong = lacking(support, {"groups": list, "central": float}, "support ")
    if wrong:
        return wrong
    by = support.get("by")
    if by is not None and not (type(by) is str and by in levels):
        wrong.append("support is by no covariate of the model")
        by = None
    for group in support["groups"]:
        missing = lacking(group, _GROUP, "support group ")
        wrong += missing or _wrong_group(group, levels, by)
    return wrong


def _wrong_group(group: Mapping[str, Any], levels: Mapping[str, int], by: str | None) -> list[str]:
    wrong = [] if type(group["n"]) is int and group["n"] > 0 else ["support group is of nobody"]
    if by is not None and group["level"] not in range(levels[by]):
        wrong.append(f"support group is of no level of {by}")
    if not set(group["ranges"]) <= {*levels, "months_since_onset"}:
        wrong.append("support has a range of no covariate of the model")
    if "months_since_onset" not in group["ranges"]:
        wrong.append("support has no range of months_since_onset")
    for name, each in group["ranges"].items():
        wrong += wrong_range(each, f"support range of {name}")
    return wrong


def wrong_fingerprint(artifact: Mapping[str, Any]) -> list[str]:
    """Tell what is wrong with counts, quantiles and shares; each of them may be absent."""
    fingerprint = artifact["fingerprint"]
    parts = {key: fingerprint.get(key, {}) for key in ("quantiles", "shares", "linear_predictors")}
    events = fingerprint.get("events", {})
    wrong = lacking({**parts, "events": events}, dict.fromkeys([*parts, "events"], dict), "")
    if "rows" in fingerprint:
        wrong += lacking(fingerprint, {"rows": int, "sha256": str}, "fingerprint ")
    if wrong:
        return wrong
    for key in ("quantiles", "linear_predictors"):
        for name, each in parts[key].items():
            wrong += _unless(_are_quantiles(each), f"{key} of {name} are not numbers by share")
    kinds = {each["name"]: each for each in artifact["covariates"]}
    for name, each in parts["shares"].items():
        fits = isinstance(each, dict) and _are_shares(each, kinds.get(name))
        wrong += _unless(fits, f"shares of {name} do not go with it")
        number = "edges" in each and name not in parts["quantiles"] if fits else False
        wrong += _unless(not number, f"quantiles of {name} are missing")
    wrong += _unless(not events or _are_events(events), "events are not counts of patients")
    return wrong


def _unless(fits: bool, words: str) -> list[str]:
    return [] if fits else [words]


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0.0 <= value <= 1.0  # type: ignore[operator]  # numbers


def _are_quantiles(values: object) -> bool:
    """Numbers that rise with the shares at which they stand, or none at all."""
    if not isinstance(values, dict) or not all(map(is_number, values)):
        return False
    shares, numbers = [*map(float, values)], [*values.values()]
    if not all(type(number) in (int, float) for number in numbers):
        return False
    inside = all(0.0 <= share <= 1.0 for share in shares)
    return inside and _rise(shares) and _rise(numbers) and (not shares or "0.5" in values)


def _rise(numbers: list[float]) -> bool:
    return all(low <= high for low, high in pairwise(numbers))


def _are_shares(values: Mapping[str, Any], covariate: Mapping[str, Any] | None) -> bool:
    shares, edges = values.get("shares"), values.get("edges")
    if not (isinstance(shares, list) and all(map(_is_share, [*shares, values.get("missing")]))):
        return False
    if edges is not None:
        is_list = isinstance(edges, list) and all(type(edge) is float for edge in edges)
        return is_list and len(shares) == len(edges) + 1 and _rise(edges)
    is_number_here = covariate is None or covariate["kind"] == "number"
    return not is_number_here and len(shares) == max(
        2, len(covariate["levels"] if covariate else [])
    )


def _are_events(events: Mapping[str, Any]) -> bool:
    tests: dict[str, Callable[[Any], bool]] = dict.fromkeys(_EVENTS, _is_share)
    tests |= dict.fromkeys(_FOLLOW_UP, _are_quantiles)
    return all(test(events.get(key)) for key, test in tests.items())
