"""Figures of the report: sound SVG that can share a page, and what each one says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

import numpy as np
import pytest

from discresorb import InputError
from discresorb_training.figures import calibration, decision, instability, sites
from discresorb_training.figures_of_patients import gaps, typical_curves

HOSTILE = '<script>alert(1)</script>&" id="x" $\\alpha$ url(#a) ]]> --> \x00 漢'
P = np.linspace(0.02, 0.95, 40)
MONTHS = np.linspace(0.0, 24.0, 25)
STEPS = {"times": [0, 3, 6], "low": [0.0, 0.2, 0.4], "high": [0.1, 0.2, 0.5], "n": 57}
PANEL: dict[str, Any] = {
    "title": "Extrusion, 8 mm",
    "months": MONTHS,
    "p": MONTHS / 40,
    "low": MONTHS / 60,
    "high": MONTHS / 25,
}
GROUP: dict[str, Any] = {"n": 20, "predicted": 0.3, "observed": 0.35}
RANGED = GROUP | {"low": 0.2, "high": 0.5, "bound_low": 0.1, "bound_high": 0.6, "predicted": 0.4}
SITE: dict[str, Any] = {"site": "North", "n": 80, "oe": 0.9, "auc": 0.75}
WHOLE = SITE | {"oe_low": 0.7, "oe_high": 1.2, "auc_low": 0.6, "auc_high": 0.9}
CURVE = {"predicted": P, "observed": np.sqrt(P)}

FIGURES: dict[str, Callable[[], str]] = {
    "typical": lambda: typical_curves([PANEL, PANEL | {"nonparametric": STEPS}, PANEL]),
    "calibration": lambda: calibration([GROUP, RANGED], CURVE, P),
    "decision": lambda: decision(P, 0.4 - P / 4, 0.4 - P, 0.3 - P / 4, 0.5 - P / 4),
    "instability": lambda: instability(P, P - 0.01, P + 0.03),
    "sites": lambda: sites([WHOLE, {"site": "South", "n": "<10", "suppressed": "too few"}]),
    "gaps": lambda: gaps([1.5, 2.0, 3.2, 11.0]),
}
EDGES: dict[str, Callable[[], str]] = {
    "one patient": lambda: typical_curves([PANEL]),
    "four patients": lambda: typical_curves([PANEL] * 4),
    "no patient": lambda: typical_curves([]),
    "one group, nothing else": lambda: calibration([GROUP]),
    "no group": lambda: calibration([], CURVE),
    "all predictions equal": lambda: calibration([GROUP], None, np.full(50, 0.3)),
    "one threshold, no band": lambda: decision([0.2], [0.1], [0.05]),
    "imaging all far below": lambda: decision(P, 0 * P, -5 * P),
    "all equal": lambda: instability(np.full(9, 0.3), np.full(9, 0.3), np.full(9, 0.3)),
    "nobody": lambda: instability([], [], []),
    "one centre": lambda: sites([SITE]),
    "no centre": lambda: sites([]),
    "no numbers": lambda: sites([SITE | {"oe": None, "auc": None}]),
    "numbers that are none": lambda: sites([SITE | {"oe": np.nan, "auc": np.inf}, WHOLE]),
    "a ratio of nothing": lambda: sites([WHOLE | {"oe": 0.0, "oe_low": 0.0}]),
    "ratios far out": lambda: sites([SITE | {"oe": 40.0, "oe_low": 0.001, "oe_high": 900.0}]),
    "nobody resorbed": lambda: gaps([]),
    "one gap": lambda: gaps([0.0]),
    "a gap of years": lambda: gaps([1.0, 400.0]),
    "hostile title of a patient": lambda: typical_curves([PANEL | {"title": HOSTILE}]),
    "hostile centre": lambda: sites([SITE | {"site": HOSTILE}]),
    "hostile reason": lambda: sites([{"site": "A", "n": 1, "suppressed": HOSTILE}]),
    "hostile title": lambda: gaps([1.0], title=HOSTILE),
}


def read(page: str) -> tuple[list[str], list[dict[str, str]], str]:
    """Names and attributes of all elements, and all text; raises if it is not well-formed."""
    names: list[str] = []
    attributes: list[dict[str, str]] = []
    text: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, found: dict[str, str]) -> None:
        names.append(name)
        attributes.append(found)

    parser.StartElementHandler = start
    parser.CharacterDataHandler = text.append
    parser.Parse(page, True)
    return names, attributes, "".join(text)


@pytest.mark.parametrize("name", FIGURES | EDGES)
def test_sound_svg_for_screen_and_reader(name: str) -> None:
    svg = (FIGURES | EDGES)[name]()
    names, attributes, _ = read(svg)
    assert names[:3] == ["svg", "title", "desc"]
    root = attributes[0]
    assert root["role"] == "img"
    assert root["aria-labelledby"].split() == [each["id"] for each in attributes[1:3]]
    assert root["width"] == "100%"
    assert "height" not in root
    assert root["viewBox"].startswith("0 0 510 ")
    assert not {"script", "metadata", "image"} & set(names)
    assert svg.startswith("<svg")
    assert not re.search(r"<\?xml|<!DOCTYPE|<!--", svg)
    assert not re.search(r"\b(nan|inf)\b", svg)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_bytes_every_time(name: str) -> None:
    assert FIGURES[name]() == FIGURES[name]()


def test_on_one_page_ids_are_unique_and_references_find_them() -> None:
    figures = [make() for make in FIGURES.values()]
    figures.append(calibration([GROUP, RANGED], CURVE, P, name="calibration-12"))
    _, attributes, text = read(f"<page>{''.join(figures)}</page>")
    ids = [each["id"] for each in attributes if "id" in each]
    assert len(ids) == len(set(ids))
    values = [value for each in attributes for value in each.values()]
    used = [each for value in values for each in re.findall(r"url\(#([^)]+)\)", value)]
    used += [each["href"].removeprefix("#") for each in attributes if "href" in each]
    assert len(used) > 50
    assert set(used) <= set(ids)
    # a style sheet inside a page would hold for all of it
    assert len(re.findall(r"#[\w-]+ \*\{", text)) == len(figures)
    assert not re.search(r"(?<! )\*\{", text)


@pytest.mark.parametrize("name", ["", "1st", "a b", 'a"b', "<a>"])
def test_a_name_must_be_able_to_begin_ids(name: str) -> None:
    with pytest.raises(ValueError, match="cannot begin ids"):
        gaps([1.0], name=name)


def test_hostile_words_are_text() -> None:
    shown = HOSTILE.replace("\x00", "")
    for name in ("hostile title of a patient", "hostile title", "hostile reason"):
        svg = EDGES[name]()
        assert shown in read(svg)[2], name
        assert "<script" not in svg
        assert "\x00" not in svg


LABELS: dict[str, tuple[str, ...]] = {
    "typical": ("Extrusion, 8 mm", "resorbed (of 100)", "months after the index MRI", "model",
                "its 95 % interval", "seen, without a model", "seen: n = 57",
                "6 months 15 of 100 (10 to 24)"),
    "calibration": ("observed, resorbed (of 100)", "predicted probability (of 100)",
                    "what was seen allows", "95 % interval", "smooth curve",
                    "predicted 30, observed 35 of 100 (20 patients)"),
    "decision": ("threshold probability (of 100)", "net benefit (per 100 patients)",
                 "by the model", "imaging all", "imaging none"),
    "instability": ("predicted by refits (of 100)", "40 patients", "median 4.0"),
    "sites": ("North", "South", "too few", "observed : expected", "AUC", "80",
              "observed to expected 0.90, AUC 0.75"),
    "gaps": ("median 2.6", "4 patients", "longest 11.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_what_a_figure_says(name: str) -> None:
    said = read(FIGURES[name]())[2]
    for words in LABELS[name]:
        assert words in said, words


def test_marks_stand_where_the_numbers_are() -> None:
    """The last marker is the legend's."""
    svg = calibration([GROUP | {"predicted": 0.0, "observed": 0.0}, GROUP | {"predicted": 1.0,
                      "observed": 1.0}])  # fmt: skip
    _, attributes, _ = read(svg)
    height = float(attributes[0]["viewBox"].split()[-1])
    uses = [(float(a["x"]), float(a["y"])) for a in attributes if "href" in a][-3:-1]
    left, right = 0.085 * 510, 0.64 * 510
    bottom, top = 3.7 * 72, 0.1 * 72
    np.testing.assert_allclose(uses, [(left, bottom), (right, top)], atol=0.01)
    assert height == pytest.approx(4.15 * 72, abs=0.01)


def test_many_patients_stay_a_small_figure_that_says_what_it_left_out() -> None:
    p = np.random.default_rng(1).uniform(size=2_000)
    svg = instability(p, 0.9 * p, np.minimum(1.1 * p, 1.0))
    assert len(svg) < 150_000
    assert "500 of 2000 patients" in read(svg)[2]


def test_no_text_leaves_the_figure_to_the_left_or_below() -> None:
    for make in FIGURES.values():
        _, attributes, _ = read(make())
        width, height = map(float, attributes[0]["viewBox"].split()[2:])
        for each in attributes:
            if "font" in each.get("style", "") and "x" in each:
                assert 0.0 <= float(each["x"]) <= width
                assert 0.0 <= float(each["y"]) <= height - 2.0
                size = re.search(r"font: .*?([0-9.]+)px", each["style"])
                assert size is None or float(size[1]) >= 9.0


def test_probabilities_must_be_some() -> None:
    bad: list[Callable[[], str]] = [
        lambda: calibration([GROUP | {"observed": 30.0}]),
        lambda: calibration([GROUP], None, [0.5, np.nan]),
        lambda: instability([0.5], [-0.1], [0.6]),
        lambda: typical_curves([PANEL | {"high": MONTHS}]),
    ]
    for make in bad:
        with pytest.raises(InputError, match="from 0 to 1"):
            make()


def test_a_ratio_beyond_the_axis_is_marked_at_its_edge() -> None:
    _, attributes, _ = read(sites([SITE | {"oe": 40.0}]))
    at = [float(a["x"]) for a in attributes if "href" in a]
    assert min(abs(x - 0.67 * 510) for x in at) < 0.01
    at_one = [a["y"] for a in attributes if "href" in a][-1]
    assert [a["y"] for a in attributes if "href" in a].count(at_one) == 2


def test_the_style_is_set_back() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    gaps([1.0, 2.0])
    assert dict(matplotlib.rcParams) == before
