"""simulate and train on the command line."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SYNTHETIC, Run

from discresorb import load
from discresorb_training import Settings, simulate_cohort
from discresorb_training.cards import read_card
from discresorb_training.cohort_files import CohortFiles
from discresorb_training.simulate import Simulation

COHORT = SYNTHETIC / "cohort.csv"
DATA = ROOT / "training" / "discresorb_training" / "data"


@pytest.mark.parametrize("name", ["cohort", "new_centre"])
def test_the_shipped_cohorts_are_what_their_cards_say(name: str, run: Run, tmp_path: Path) -> None:
    card = json.loads((SYNTHETIC / f"{name}.card.json").read_text(encoding="utf-8"))
    done = run(*shlex.split(card["made_by"])[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in SYNTHETIC.glob(f"{name}*")}
    for each in made:
        assert (tmp_path / each).read_bytes() == (SYNTHETIC / each).read_bytes(), each


def test_the_new_centre_is_a_waiting_list_that_resorbs_less() -> None:
    """18.7 % is the share detected among patients listed for surgery, not the share resorbed."""
    card = json.loads((SYNTHETIC / "new_centre.card.json").read_text(encoding="utf-8"))
    cohort = pd.read_csv(SYNTHETIC / "new_centre.csv")
    assert len(cohort) == 180
    seen = cohort["first_resorbed_months"].notna().mean()
    assert abs(seen - 0.187) < 1.96 * np.sqrt(0.187 * 0.813 / 180)
    assert card["share_seen_resorbed"] == pytest.approx(seen, abs=1e-4)
    settings = Settings(**{k: as_setting(v) for k, v in card["settings"].items()})
    many, truth = simulate_cohort(20_000, seed=1, settings=settings)
    share = many["first_resorbed_months"].notna().mean()
    assert abs(share - 0.187) < 4.0 * np.sqrt(0.187 * 0.813 / 20_000)
    assert truth["p_true_6"].mean() > 0.3 > share
    _, typical = simulate_cohort(20_000, seed=1, settings=replace(settings, shift=0.0))
    assert truth["p_true_6"].mean() < typical["p_true_6"].mean() - 0.1


def as_setting(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def test_every_setting_is_an_option(run: Run, tmp_path: Path) -> None:
    shown = run("simulate", "--help").stdout
    for name in Settings().to_dict():
        assert f"--{name.replace('_', '-')} " in shown
    assert "from the calibration" in shown
    done = run(
        "simulate", "-n", 30, "-o", "c.csv", "--sites", 4, "--sites-balanced", "--visit-months",
        "2, 4", "--follow-up", 9, "--visits", "symptoms", "--visits-file", "v.csv",
        "--first-imaging-date", "2020-02-29", "--about", "it's ours", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "c.card.json").read_text(encoding="utf-8"))
    expected = {"sites": 4, "sites_balanced": True, "visit_months": [2.0, 4.0], "follow_up": 9.0}
    assert {key: card["settings"][key] for key in expected} == expected
    assert card["about"] == "it's ours"
    visits = json.loads((tmp_path / "v.card.json").read_text(encoding="utf-8"))
    assert visits["what"].startswith("the same simulated patients as c.csv, one row an MRI")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = run(*shlex.split(card["made_by"])[1:], "--force", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_spread_between_studies_reaches_the_model(run: Run, tmp_path: Path) -> None:
    assert run("simulate", "-n", 300, "--seed", 3, "-o", "c.csv", cwd=tmp_path).returncode == 0
    about = json.loads((tmp_path / "c.card.json").read_text(encoding="utf-8"))
    assert run("train", "c.csv", "-o", "m.joblib", cwd=tmp_path).returncode == 0
    artifact = load(tmp_path / "m.joblib").artifact
    assert artifact["between_study_sd"] == about["between_study_sd"] == Settings().site_sd
    given = ("train", "c.csv", "-o", "m.joblib", "--force", "--between-study-sd")
    assert run(*given, 0.2, cwd=tmp_path).returncode == 0
    assert load(tmp_path / "m.joblib").artifact["between_study_sd"] == 0.2
    refused = run(*given, -1, cwd=tmp_path)
    assert (refused.returncode, "between_study_sd entered as -1" in refused.stderr) == (2, True)
    (tmp_path / "c.card.json").write_text(json.dumps({**about, "between_study_sd": "wide"}))
    refused = run("train", "c.csv", "-o", "m.joblib", "--force", cwd=tmp_path)
    assert (refused.returncode, "has 'wide' as between_study_sd" in refused.stderr) == (3, True)
    (tmp_path / "c.card.json").write_text(json.dumps({**about, "between_study_sd": 10**400}))
    refused = run("train", "c.csv", "-o", "m.joblib", "--force", cwd=tmp_path)
    assert (refused.returncode, "a number from 0 to 10" in refused.stderr) == (3, True)


@pytest.mark.parametrize("name", ["waiting_list", "waiting_list_problems"])
def test_the_waiting_lists_are_what_their_cards_say(name: str) -> None:
    from discresorb_training.cards import card_path

    path = SYNTHETIC / f"{name}.csv"
    card = json.loads(card_path(path).read_text(encoding="utf-8"))
    script = SYNTHETIC / card["made_by"].rpartition("/")[2]
    made = runpy.run_path(str(script))["waiting_list" if name == "waiting_list" else "problems"]()
    assert made == path.read_text(encoding="utf-8")


def test_simulate_then_train_by_the_card(run: Run, tmp_path: Path) -> None:
    assert run("simulate", "-n", 400, "--seed", 3, "-o", "c.csv", cwd=tmp_path).returncode == 0
    done = run("train", "c.csv", "-o", "m.joblib", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "second opinion (lifelines)" in done.stdout
    again = run("train", "c.csv", "-o", "m.joblib", "--force", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["metrics"]["patients"] == 400
    artifact = load(tmp_path / "m.joblib").artifact
    assert artifact["data_origin"] == "synthetic"
    assert artifact["endpoint"] == "definite regression of the herniation on MRI"
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"c.csv", "c.truth.csv", "c.card.json", "m.joblib", "m.json", "m.sha256"}


def test_without_a_card_the_endpoint_is_asked_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(COHORT.read_bytes())
    done = run("train", "c.csv", "-o", "m.joblib", "--data-origin", "synthetic", cwd=tmp_path)
    assert done.returncode == 2
    assert "so --endpoint must be given" in done.stderr
    both = run("train", "-", "-o", "m.joblib", cwd=tmp_path, input=COHORT.read_text())
    assert both.returncode == 2
    assert "--endpoint and --data-origin must be given" in both.stderr


def test_an_option_cannot_take_the_demonstration_away(run: Run, tmp_path: Path) -> None:
    assert run("simulate", "-n", 50, "-o", "c.csv", cwd=tmp_path).returncode == 0
    about = ("--endpoint", "regression", "--data-origin", "observed")
    done = run("train", "c.csv", "-o", "m.joblib", *about, cwd=tmp_path)
    assert done.returncode == 2
    assert "c.card.json says synthetic; leave the option out" in done.stderr
    assert not (tmp_path / "m.joblib").exists()
    alone = run("simulate", "-n", 5, "-o", "-", cwd=tmp_path)
    assert (alone.returncode, "name one with -o FILE" in alone.stderr) == (2, True)


def test_a_stale_card_still_says_where_the_patients_come_from(run: Run, tmp_path: Path) -> None:
    assert run("simulate", "-n", 50, "-o", "c.csv", cwd=tmp_path).returncode == 0
    (tmp_path / "c.csv").write_text((tmp_path / "c.csv").read_text() + "\n")
    about = ("--endpoint", "regression", "--data-origin", "observed")
    done = run("train", "c.csv", "-o", "m.joblib", *about, cwd=tmp_path)
    assert done.returncode == 2
    assert "c.card.json says synthetic; leave the option out" in done.stderr


def test_a_set_is_written_whole_or_not_at_all(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = CohortFiles(tmp_path / "c.csv", tmp_path / "v.csv")
    files.write(Simulation(20, seed=1), {"made_by": "first"})
    before = {path.name: path.read_bytes() for path in files.targets()}
    assert len(before) == 5

    def full(self: Simulation) -> pd.DataFrame:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Simulation, "visits", full)
    with pytest.raises(OSError, match="No space"):
        files.write(Simulation(20, seed=2), {"made_by": "second"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_killed_run_leaves_no_card_of_another_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each rename in turn: a card that is there describes its table."""
    files = CohortFiles(tmp_path / "c.csv", tmp_path / "v.csv")
    rename = Path.replace
    for stop in range(5):
        files.write(Simulation(20, seed=1, settings=Settings(site_sd=0.1)), {"made_by": "first"})
        renames = iter(range(5))

        def killed(self: Path, target: Path, stop: int = stop, left: Any = renames) -> Path:
            if next(left) == stop:
                raise KeyboardInterrupt
            return rename(self, target)

        monkeypatch.setattr(Path, "replace", killed)
        # the same patients, another card
        with pytest.raises(KeyboardInterrupt):
            files.write(Simulation(20, seed=1, settings=Settings(site_sd=0.2)), {"made_by": "new"})
        monkeypatch.setattr(Path, "replace", rename)
        card = read_card(tmp_path / "c.csv")
        assert card is None or card["made_by"] == "new"
        assert not list(tmp_path.glob("*.partial"))


def test_cards_hold_the_hashes_of_the_whole_set(tmp_path: Path) -> None:
    files = CohortFiles(tmp_path / "c.csv", tmp_path / "v.csv")
    files.write(Simulation(20, seed=1), {"made_by": "a\udcff"})
    for path in (files.cohort, tmp_path / "v.csv"):
        card = read_card(path)
        assert card is not None
        assert card["made_by"] == "a\udcff"  # a stray byte of a command line
        assert card["files_of_this_run"] == {
            name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
            for name in ("c.csv", "c.truth.csv", "v.csv")
        }


def test_what_made_a_set_makes_it_again_from_other_folders(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b", "my law"):
        (tmp_path / name).mkdir()
    law = DATA / "parameters.json"
    (tmp_path / "my law" / "p.json").write_bytes(law.read_bytes())
    done = run(
        "simulate", "-n", 9, "-o", "a/c.csv", "--visits-file", "b/c.csv",
        "--parameters", "my law/p.json", "--about", "it's $HOME", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "a" / "c.card.json").read_text(encoding="utf-8"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = run(*shlex.split(card["made_by"])[1:], "--force", cwd=tmp_path / "a")
    assert again.returncode == 0, again.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_card_says_whose_law_it_is(run: Run, tmp_path: Path) -> None:
    def said(*options: object) -> str:
        done = run("simulate", "-n", 9, "-o", "c.csv", "--force", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        card = json.loads((tmp_path / "c.card.json").read_text(encoding="utf-8"))
        return str(card["what_it_is_not"])

    assert "fitted to published proportions" in said()
    assert "not the calibrated one, but has its own ever, shift" in said(
        "--ever", "1,0,0", "--shift", -1
    )


def test_a_card_of_another_state_or_without_words(run: Run, tmp_path: Path) -> None:
    assert run("simulate", "-n", 50, "-o", "c.csv", cwd=tmp_path).returncode == 0
    card_file = tmp_path / "c.card.json"
    card = json.loads(card_file.read_text(encoding="utf-8"))
    card_file.write_text(json.dumps({**card, "endpoint": None}))
    done = run("train", "c.csv", "-o", "m.joblib", cwd=tmp_path)
    assert (done.returncode, "does not say its endpoint" in done.stderr) == (3, True)
    (tmp_path / "c.csv").write_text((tmp_path / "c.csv").read_text() + "\n")
    done = run("train", "c.csv", "-o", "m.joblib", cwd=tmp_path)
    assert (done.returncode, "does not describe this state" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("simulate", "-n", 0, "-o", "c.csv"), 2, "n is 0"),
        (("simulate", "-n", 5, "--seed", -1, "-o", "c.csv"), 2, "seed is -1"),
        (("simulate", "-o", "c.csv", "--visit-missed", 1.5), 2, "visit_missed is 1.5, but must"),
        (("simulate", "-o", "c.csv", "--site-sd", -1), 2, "site_sd is -1.0, but must"),
        (("simulate", "-o", "c.csv", "--ever", "1;2"), 2, "ever entered as 1;2, but must be num"),
        (("simulate", "-o", "c.csv", "--visit-months", "-1,6"), 2, "precede the index MRI"),
        (("simulate", "-o", "c.csv", "--visits-file", "c.csv"), 2, "are the same file"),
        (("simulate", "-o", "c.csv", "--visits-file", "c.truth.csv"), 2, "are the same file"),
        (("simulate", "-o", "c.csv", "--visits-file", "c.card.json"), 2, "are the same file"),
        (("simulate", "-o", "c.csv", "--parameters", "c.csv"), 2, "are the same file"),
        (("simulate", "-o", ""), 2, "must name a file"),
        (("simulate", "-o", "."), 2, "must name a file"),
        (("simulate", "-o", "c.csv", "--visits-file", "."), 2, "must name a file"),
        (("simulate", "-o", "c.csv", "--sites", "1" + "0" * 400), 2, "sites is 1000"),
        (("simulate", "-o", "c.csv", "--first-imaging-date", "2022-W01-1"), 2, "YYYY-MM-DD"),
        (("simulate", "-o", "c.csv", "--first-imaging-date", "20220103"), 2, "YYYY-MM-DD"),
        (("simulate", "-o", "c.csv", "--surgery-by-year", "0.99999"), 2, "at most 0.999"),
        (("calibrate", "-o", "-"), 2, "prints to standard output by itself"),
        (("train", COHORT, "-o", "m.joblib", "--between-study-sd", 50), 2, "from 0 to 10"),
        (("simulate", "-o", "c.csv", "--parameters", "p.json"), 3, "p.json cannot be read"),
        (("calibrate", "-o", "nowhere/p.json"), 2, "folder nowhere does not exist"),
        (("train", "nowhere.csv", "-o", "m.joblib"), 3, "there is no file nowhere.csv"),
        (("train", COHORT, "-o", "m.pkl"), 2, "must end in .joblib"),
        (("train", COHORT, "-o", "m.joblib", "--cure", "perhaps"), 2, "auto, yes or no"),
        (("train", COHORT, "-o", "m.joblib", "--distribution", "gamma"), 2, "must be auto or one"),
        (("train", COHORT, "-o", "m.joblib", "--seed", -1), 2, "seed entered as -1"),
        (("train", SYNTHETIC / "waiting_list.csv", "-o", "m.joblib"), 3, "missing columns"),
    ],
)
def test_refusals(
    run: Run, tmp_path: Path, arguments: tuple[object, ...], status: int, words: str
) -> None:
    about = ("--endpoint", "x", "--data-origin", "synthetic") if arguments[0] == "train" else ()
    done = run(*arguments, *about, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_bad_rows_and_untrainable_data(run: Run, tmp_path: Path) -> None:
    lines = COHORT.read_text().splitlines()
    about = ("-o", "m.joblib", "--endpoint", "x", "--data-origin", "synthetic")
    (tmp_path / "bad.csv").write_text(
        "\n".join([*lines[:40], lines[40].replace(",0,", ",perhaps,")])
    )
    bad = run("train", "bad.csv", "--show-values", *about, cwd=tmp_path)
    assert bad.returncode == 3
    assert "bad.csv, row 40: sequestrated entered as perhaps" in bad.stderr
    (tmp_path / "few.csv").write_text("\n".join(lines[:12]))
    few = run("train", "few.csv", *about, cwd=tmp_path)
    assert few.returncode == 6
    assert "patients, but at least 10 are needed" in few.stderr
    assert not (tmp_path / "m.joblib").exists()


def test_no_file_is_overwritten_without_force(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("precious")
    done = run("train", COHORT, "-o", tmp_path / "m.joblib")
    assert done.returncode == 2
    assert "m.json exists already" in done.stderr
    assert (tmp_path / "m.json").read_text() == "precious"
    assert run("simulate", "-n", 5, "-o", tmp_path / "c.csv").returncode == 0
    assert run("simulate", "-n", 5, "-o", tmp_path / "c.csv").returncode == 2


def test_kill_9_during_train_leaves_a_whole_model(run: Run, tmp_path: Path) -> None:
    """At random moments of the whole command; test_artifact kills during the save itself."""
    assert run("simulate", "-n", 200, "-o", "c.csv", cwd=tmp_path).returncode == 0
    assert run("train", "c.csv", "-o", "m.joblib", cwd=tmp_path).returncode == 0
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "model"), str(ROOT / "training")]),
    }
    rng = np.random.default_rng(2)
    for seed in range(6):
        process = subprocess.Popen(
            [sys.executable, "-m", "discresorb", "train", "c.csv", "-o", "m.joblib", "--force",
             "--seed", str(seed)],
            cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(rng.uniform(0.2, 3.0))
        process.kill()
        process.wait()
        assert load(tmp_path / "m.joblib").model_id
