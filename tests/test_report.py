"""Report, model card and TRIPOD+AI table: from the same facts, complete, and true to them."""

from __future__ import annotations

import copy
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, Run

from discresorb import Predictor, load
from discresorb.distributions import DISTRIBUTIONS
from discresorb_training import simulate_cohort
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.cohort_facts import cohort_facts, typical_curves
from discresorb_training.drift import drift_facts
from discresorb_training.drift_text import drift_page
from discresorb_training.model_card import model_card
from discresorb_training.model_facts import model_facts
from discresorb_training.report import (
    SECTIONS,
    centres_in_words,
    embedded_facts,
    report_html,
)
from discresorb_training.training import TrainResult, train
from discresorb_training.tripod import ITEMS, tripod_table

Facts = dict[str, Any]


class Page(HTMLParser):
    """What a reader of the page meets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.headings: list[str] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids[str(values["id"])] += 1
        self.links += [str(values[key]) for key in ("href", "src", "xlink:href") if values.get(key)]
        self._inside.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside):
            self.text.append(data)


@pytest.fixture(scope="module")
def html(small_facts: Facts) -> str:
    return report_html(small_facts)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_it_stands_alone(page: Page, html: str) -> None:
    """Nothing is loaded from anywhere: every link points into the page."""
    assert all(link.startswith("#") for link in page.links)
    assert "@import" not in html
    assert re.search(r"url\((?!#|&quot;#)", html) is None
    for link in page.links:
        assert page.ids[link[1:]] == 1, link


def test_it_reads_aloud(page: Page, html: str) -> None:
    assert max(page.ids.values()) == 1
    assert page.headings == ["h1"] + ["h2"] * len(set(SECTIONS) - {"drift"})
    assert '<html lang="en">' in html
    assert html.count("<table") == html.count("<caption")
    assert html.count("<svg") == html.count('role="img"') == 6
    assert "scope=" in html
    for each in re.findall(r"<th(?![a-z])[^>]*>", html):
        assert "scope=" in each


def test_metrics_of_subgroups_stand_under_their_names(small_facts: Facts) -> None:
    """Whichever `SUBGROUP_METRICS` names; head and rows do not list them a second time."""
    facts = copy.deepcopy(small_facts)
    groups = facts["performance"]["subgroups"]["shown"]
    for group in groups:
        group["metrics"] = {"ipa": group["metrics"]["auc"], **group["metrics"]}
    section = report_html(facts).split('id="subgroups"', 1)[1].split("</table>", 1)[0]
    head = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', section)
    assert head[2:4] == ["Index of prediction accuracy", "AUC"]
    rows = re.findall(r'<tr><th scope="row">.*', section)
    assert len(rows) == len(groups) > 0
    assert {1 + row.count("<td") for row in rows} == {len(head)}


def test_a_validation_says_whether_the_model_has_drifted(
    small_facts: Facts, small_training: TrainResult
) -> None:
    table = simulate_cohort(200, seed=41)[0]
    cohort = cohort_from_frame(table)
    design = np.column_stack([np.ones(200), cohort.X])
    drift = drift_facts(small_training.predictor, cohort, design, 6.0)
    performance = {**small_facts["performance"], "kind": "external", "drift": drift}
    html = report_html({**small_facts, "kind": "validation", "performance": performance})
    page = Page(html)
    assert page.headings == ["h1"] + ["h2"] * len(set(SECTIONS) - {"instability"})
    assert page.ids["drift"] == 1
    assert html.count("<table") == html.count("<caption")
    filled = drift_page(drift)
    for part, words in filled["verdicts"]:
        assert f'<th scope="row">{part}</th><td>{words[0].upper()}{words[1:]}.</td>' in html
    for _, _, rows, _ in filled["tables"]:
        assert rows
        assert all(f'<td class="n">{row.here}</td>' in html for row in rows)


def test_it_says_what_it_must(page: Page, small_facts: Facts) -> None:
    text = " ".join(" ".join(page.text).split())
    for words in (
        "Demonstration model trained on synthetic data, not for patient care.",
        "if surgery does not happen before that date",
        "gone on MRI",
        "Target population",
        "Readers and measurement",
        "growth of a herniation, a new herniation after resorption",
        "never imaged after the index MRI (adds no information)",
        "not a medical device",
        small_facts["model"]["model_id"],
        small_facts["model"]["fingerprint"]["sha256"],
        "discresorb train small.csv",
        "second opinion (lifelines)",
        "Wang 2020",
    ):
        assert words in text, words
    for at in small_facts["performance"]["at"]:
        for each in at["metrics"]:
            assert f"{round(each['estimate'], 3) + 0.0:.3f}" in text, each


def test_centres_are_summed_up(small_performance: dict[str, Any]) -> None:
    values = [each["values"]["auc"] for each in small_performance["centres"] if each["values"]]
    said = centres_in_words(small_performance)
    assert said.startswith(f"Over {len(values)} of them: observed : expected ")
    assert f"AUC {np.median(values):.2f} in the median ({min(values):.2f} to " in said
    assert centres_in_words({}) == ""


def test_the_facts_can_be_read_again_and_give_the_same_report(
    html: str, small_facts: Facts
) -> None:
    again = embedded_facts(html)
    assert again == small_facts
    assert report_html(again) == html


def test_the_printed_equation_reproduces_predict(page: Page, html: str, default: Predictor) -> None:
    """By hand: nothing is used but what the page prints."""
    printed = re.search(r'<pre id="printed-equation">(.*?)</pre>', html, re.DOTALL)
    assert printed
    lines = printed[1].splitlines()
    table = re.search(r'<table id="worked-example".*?</table>', html, re.DOTALL)
    assert table
    rows = re.findall(r'<th scope="row">(.+?)</th><td class="n">(.+?)</td>', table[0])
    shown = dict(rows)
    values = {
        name: float(number)
        for name, number in rows
        if not name.startswith(("z(", "S(")) and name not in ("pi", "p")
    }
    z_of, s_of, pi_of, p_of = (line.split(" = ", 1)[1] for line in lines)
    scope: dict[str, Any] = {"ln": math.log, "exp": math.exp, **values}

    def compute(expression: str, **more: Any) -> float:
        return float(eval(expression, {"__builtins__": {}}, {**scope, **more}))  # noqa: S307 - the page's own formula

    def z(t: float) -> float:
        return compute(z_of, t=t)

    def s(at: float) -> float:
        return compute(s_of, z=at, Phi=lambda x: 0.5 * math.erfc(-x / math.sqrt(2.0)))

    pi = compute(pi_of)
    p = compute(p_of, pi=pi, S=s, z=z)
    steps = {
        "z(entry)": z(values["entry"]),
        "z(horizon)": z(values["horizon"]),
        "S(z(entry))": s(z(values["entry"])),
        "S(z(horizon))": s(z(values["horizon"])),
        "pi": pi,
        "p": p,
    }
    for name, value in steps.items():
        assert f"{value:.6f}" == shown[name], name
    said = re.search(r"<code>discresorb predict</code> gives ([\d.]+)", html)
    assert said
    assert f"{p:.6f}" == said[1]


@pytest.fixture(scope="module")
def default(small_training: TrainResult) -> Predictor:
    return small_training.predictor


def test_the_example_is_what_the_predictor_gives(small_facts: Facts, default: Predictor) -> None:
    example = small_facts["model"]["example"]
    inputs = dict(example["inputs"])
    entry, horizon = inputs.pop("entry"), inputs.pop("horizon")
    found = default.predict(**inputs, months_to_surgery=horizon - entry)
    assert found.probability == pytest.approx(dict(example["steps"])["p"], rel=1e-9)
    assert found.low == example["predicted"]["low"]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_kind_of_model_has_its_worked_example(
    name: str, shipped_cohort: pd.DataFrame
) -> None:
    for cure in (True, False):
        found = train(
            shipped_cohort, endpoint="x", data_origin="observed", distribution=name,
            cure=cure, second_opinion=False,
        )  # fmt: skip
        facts = model_facts(found.predictor)
        steps = dict(facts["example"]["steps"])
        assert steps["p"] == pytest.approx(facts["example"]["predicted"]["p"], rel=1e-9)
        assert facts["notices"] == []
        assert len(facts["coefficients"]) == (7 if cure else 4)


def test_coefficients_are_worded_as_ratios(small_facts: Facts, default: Predictor) -> None:
    by_name = {each["name"]: each for each in small_facts["model"]["coefficients"]}
    size = by_name["cure_size_mm"]
    assert size["words"].startswith("size_mm, each mm more: odds of ever resorbing × ")
    ratio = float(size["words"].split("× ")[1].split()[0])
    assert ratio == pytest.approx(math.exp(size["value"]), rel=5e-3)
    assert size["low"] < size["value"] < size["high"]
    artifact = default.artifact
    error = math.sqrt(
        artifact["covariance"].diagonal()[artifact["parameter_names"].index("size_mm")]
    )
    half = by_name["size_mm"]["high"] - by_name["size_mm"]["value"]
    assert half == pytest.approx(1.959964 * error, rel=1e-6)


def test_flow_and_gaps_are_the_cohorts(small_cohort: Cohort) -> None:
    facts = cohort_facts(small_cohort)
    flow = dict(facts["flow"])
    assert flow.pop("patients") == 400 == sum(flow.values())
    seen = np.isfinite(small_cohort.y["upper"])
    assert len(facts["gaps"]) == seen.sum()
    assert facts["centres"] == 4
    size = facts["covariates"][0]["groups"]
    assert size["all"][1] == np.median(small_cohort.X[:, 0])
    assert size["seen resorbed"][1] == np.median(small_cohort.X[seen, 0])
    assert size["not seen resorbed"][1] == np.median(small_cohort.X[~seen, 0])
    followed = small_cohort.last_seen - small_cohort.y["entry"]
    assert facts["longest_follow_up"] == followed.max()
    assert facts["followed"][1] == np.median(followed[followed > 0.0])
    assert facts["gaps"] == sorted(facts["gaps"])
    assert facts["covariates"][1]["groups"]["all"] == [int(small_cohort.X[:, 1].sum()), 400]


def test_typical_curves_are_the_predictors(default: Predictor, small_cohort: Cohort) -> None:
    panels = typical_curves(default, small_cohort)
    assert [each["patient"]["sequestrated"] for each in panels] == [0.0, 0.0, 1.0, 1.0]
    for panel in panels:
        curve = default.curve(months=panel["months"], **panel["patient"])
        np.testing.assert_allclose(panel["p"], curve.probability, atol=1e-5)
        seen = panel["nonparametric"]
        if seen is not None:
            assert (np.array(seen["low"]) <= np.array(seen["high"]) + 1e-9).all()
    seen = panels[0]["nonparametric"]
    assert seen is not None
    assert seen["times"][0] == 0.0  # months after the index MRI, not since onset
    assert seen["n"] >= 50


def test_no_item_is_claimed_that_the_report_does_not_show(page: Page, small_facts: Facts) -> None:
    table = tripod_table(small_facts, "report.html")
    claimed = re.findall(r"\(report\.html#([a-z]+)\)", table)
    assert len(claimed) >= 15
    assert all(page.ids[each] == 1 for each in claimed)
    assert table.count("not reported") >= 10
    assert len(re.findall(r"^\| \d+[a-g]? \|", table, re.MULTILINE)) == len(ITEMS) == 52


def test_what_only_a_training_shows_is_not_claimed_of_a_validation(small_facts: Facts) -> None:
    without = {**small_facts, "kind": "validation"}
    table = tripod_table(without, "report.html")
    assert "| 12d | differences between centres | not reported |" in table
    alone = {**small_facts, "performance": {**small_facts["performance"], "centres": []}}
    assert "| 23b | performance by centre | not reported |" in tripod_table(alone, "r.html")


def test_the_model_card_has_the_reports_figures(small_facts: Facts) -> None:
    card = model_card(small_facts, "report.html")
    assert "[the report](report.html)" in card
    assert "not for patient care" in card
    auc = next(m for m in small_facts["performance"]["at"][0]["metrics"] if m["key"] == "auc")
    assert f"{auc['estimate']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in card
    for line in small_facts["model"]["equation"]:
        assert line in card
    assert "\n\n\n" not in card


def test_text_from_outside_is_text_on_the_page(small_facts: Facts) -> None:
    hostile = '<script>alert("x")</script>&'
    facts = {
        **small_facts,
        "file": hostile,
        "command": hostile,
        "model": {**small_facts["model"], "endpoint": hostile},
    }
    html = report_html(facts)
    assert "<script>alert" not in html
    assert embedded_facts(html) == facts
    assert "&lt;script&gt;alert(" in html


def test_train_writes_all_three_or_says_why_not(
    run: Run, tmp_path: Path, small_cohort: Cohort
) -> None:
    from discresorb_training import simulate_cohort

    simulate_cohort(200, seed=4)[0].to_csv(tmp_path / "ours.csv", index=False)
    told = ("--endpoint", "gone", "--data-origin", "observed", "--repeats", 20, "-o", "m.joblib")
    card = run("train", "ours.csv", *told, "--model-card", "c.md", cwd=tmp_path)
    assert card.returncode == 2
    assert "give --report as well" in card.stderr
    (tmp_path / "docs").mkdir()
    wanted = ("--report", "docs/r.html", "--model-card", "c.md", "--tripod", "t.md")
    done = run("train", "ours.csv", *told, *wanted, "--n-jobs", 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "corrected for optimism (apparent)" in done.stdout
    html = (tmp_path / "docs" / "r.html").read_text(encoding="utf-8")
    facts = embedded_facts(html)
    assert facts["model"]["model_id"] == load(tmp_path / "m.joblib").model_id
    assert (tmp_path / "c.md").read_text(encoding="utf-8") == model_card(facts, "docs/r.html")
    assert (tmp_path / "t.md").read_text(encoding="utf-8") == tripod_table(facts, "docs/r.html")
    assert facts["model"]["notices"] == []
    assert "patients of the centres that recorded them" in html


def without_drawings(html: str) -> str:
    """Bytes of a drawing differ between versions of the plotting library."""
    return re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)


def test_the_shipped_documents_are_of_the_shipped_model(predictor: Predictor) -> None:
    folder = ROOT / "artifacts"
    html = (folder / "report.html").read_text(encoding="utf-8")
    facts = embedded_facts(html)
    assert facts["performance"]["repeats"] == 200
    assert facts["model"]["model_id"] == predictor.model_id
    now = model_facts(predictor)
    for key in ("coefficients", "equation", "endpoint", "training", "support"):
        assert facts["model"][key] == now[key], key
    assert without_drawings(report_html(facts)) == without_drawings(html)
    for name, text in (
        ("MODEL_CARD.md", model_card(facts, "report.html")),
        ("TRIPOD.md", tripod_table(facts, "report.html")),
    ):
        assert (folder / name).read_text(encoding="utf-8") == text


def test_the_shipped_reports_apparent_figures_are_computed_again(predictor: Predictor) -> None:
    from discresorb.reading import read_table
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.performance import Evaluation

    facts = embedded_facts((ROOT / "artifacts" / "report.html").read_text(encoding="utf-8"))
    cohort = cohort_from_table(read_table(ROOT / "data" / "synthetic" / "cohort.csv"))
    evaluation = Evaluation(predictor._curve, cohort.X, cohort.y)
    for at in facts["performance"]["at"]:
        found = evaluation.at(at["months"])
        for each in at["metrics"]:
            assert each["apparent"] == pytest.approx(found[each["key"]], abs=1e-8)
    assert facts["cohort"] == cohort_facts(cohort)


def test_a_report_says_which_inputs_were_filled_in(small_facts: Facts) -> None:
    plain = report_html(small_facts)
    assert "no input was filled in" in plain
    facts = copy.deepcopy(small_facts)
    facts["model"]["covariates"][0]["optional"] = True
    found = report_html(facts)
    assert "no input was filled in" not in found
    assert "What is missing of size_mm was filled in by regression" in found
    words = "intervals take what it gives as known, and so cover less than they say"
    assert words in found
    assert words in model_card(facts, "report.html")
    assert ", axial T2, mm, may be missing)" in model_card(facts, "report.html")


def test_numbers_below_one_are_not_shown_as_nought(small_facts: Facts) -> None:
    facts = copy.deepcopy(small_facts)
    for groups in facts["cohort"]["covariates"][0]["groups"]:
        facts["cohort"]["covariates"][0]["groups"][groups] = [0.0123, 0.0234, 0.0456]
    facts["model"]["support"]["groups"][0]["ranges"]["size_mm"] = [0.0111, 0.0499]
    found = report_html(facts)
    assert "0.0234 (0.0123 to 0.0456)" in found
    assert "size_mm 0.0111 to 0.0499" in found


def test_levels_are_no_markup_in_a_model_card(small_facts: Facts) -> None:
    facts = copy.deepcopy(small_facts)
    facts["model"]["endpoint"] = "<script>gone"
    facts["model"]["coefficients"][1] |= {"name": "a[b|c]", "words": "a b|c, against <b>x: × 2"}
    facts["model"]["covariates"][1] |= {"levels": ["<b>x", "b|c"]}
    found = model_card(facts, "report.html")
    assert "<script>" not in found
    assert "<b>x" not in found
    assert "one of &lt;b>x, b\\|c" in found
    (row,) = [line for line in found.splitlines() if line.startswith("| `a[b")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_backticks_and_images_are_text_in_a_model_card(small_facts: Facts) -> None:
    facts = copy.deepcopy(small_facts)
    facts["model"]["endpoint"] = "![gone](//x.example)"
    facts["model"]["coefficients"][1] |= {"name": "a[`<b>x]", "words": "a `<b>x, against y: × 2"}
    facts["command"] = "discresorb train --endpoint '``<b>'"
    found = model_card(facts, "report.html")
    assert "![" not in found
    assert "| `` a[`<b>x] `` |" in found
    assert "a &#96;&lt;b>x, against y" in found
    assert "``` discresorb train --endpoint '``<b>' ```" in found


def test_typical_patients_of_other_models_are_described_as_they_are(small_facts: Facts) -> None:
    assert "at the quartiles of size of each type" in report_html(small_facts)
    facts = copy.deepcopy(small_facts)
    facts["model"]["covariates"][0] |= {"name": "canal"}
    found = report_html(facts)
    assert "at the quartiles of canal of each type" in found
    assert "inputs are taken as read once" in found
    assert "size and sequestration are taken" not in found
