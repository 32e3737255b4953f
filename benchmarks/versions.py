"""The oldest and the newest versions of what discresorb stands on: tests, and models across both.

Two fresh environments are made: one with the oldest release that pyproject.toml allows of every
dependency, the cluster's and the test tools included (and the newest of what those need in turn),
one with the newest of everything. In each the wheel is installed. Each environment trains a model,
and each predicts with both, with the shipped one and with one of format 1: the numbers and the
scored file are compared. Then each runs the commands by which people use it, and the tests that
meet the dependencies; with ``--whole`` the whole suite but for what opens pages in a browser.

Prints the versions, the largest differences, the commands, and what the tests said. Needs a package
registry.

Run: python benchmarks/versions.py > benchmarks/results/versions.txt
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
from floors import pins, requirements
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
# what reads, types or packages the code, or drives a browser, runs in neither set
NOT_RUN = {"axe-playwright-python", "build", "mypy", "pandas-stubs", "playwright", "ruff"}
MEETING_DEPENDENCIES = (
    "test_artifact.py",
    "test_conversion.py",
    "test_covariates.py",
    "test_estimator.py",
    "test_fhir.py",
    "test_frames.py",
    "test_imports.py",
    "test_likelihood.py",
    "test_model_data.py",
    "test_plot.py",
    "test_predictor.py",
    "test_reading.py",
    "test_records.py",
    "test_scoring.py",
    "test_streaming.py",
    "test_writing.py",
)
FEWER = f"Tests that meet the dependencies, {len(MEETING_DEPENDENCIES)} files"
IN_A_BROWSER = (
    "test_calculator.py",
    "test_calculator_access.py",
    "test_calculator_page.py",
    "test_pages.py",
    "test_waiting_list_models.py",
    "test_waiting_list_page.py",
)
# Run in each environment: what it trains, and what it makes of every model in a folder.
TRAIN = """
import sys
from discresorb_training import Settings, simulate_cohort, train

cohort, _ = simulate_cohort(400, seed=5, settings=Settings(sites=4))
said = {"endpoint": "gone on MRI", "data_origin": "synthetic", "between_study_sd": 0.5}
result = train(cohort, **said, seed=1)
result.save(sys.argv[1])
"""
# Commands that must succeed, one after the other, in a folder that holds the waiting list.
COMMANDS = (
    "--help",
    "predict --size-mm 11 --sequestrated yes --months-since-onset 0.5 --months-to-surgery 6",
    "score waiting_list.csv -o scored.parquet --html list.html --fhir list.ndjson",
    "score list.parquet -o again.json",
    "show --json",
    "calculator -o calculator.html",
    "nomogram -o nomogram.svg",
    "simulate -n 300 --seed 1 -o cohort.csv",
    "train cohort.csv -o own.joblib",
    "simulate -n 300 --seed 2 -o others.csv",
    "validate others.csv --model own.joblib --repeats 20 --report validation.html",
    "update others.csv --model own.joblib -o updated.joblib --level 1",
    "sample-size others.csv",
)
PREDICT = """
import json, sys
from pathlib import Path
import numpy as np
from discresorb import load

found = {}
for path in sorted(Path(sys.argv[1]).glob("*/*.joblib")):
    predictor = load(path)
    points = [
        predictor.curve(
            size_mm=size, sequestrated=free, months_since_onset=entry, months=np.linspace(0, 48, 97)
        )
        for size in (0.5, 3.0, 8.0, 14.0, 40.0)
        for free in (False, True)
        for entry in (0.0, 0.5, 3.0, 12.0, 60.0)
    ]
    numbers = [[each.probability, each.low, each.high] for each in points]
    found[path.parent.name] = np.ravel(numbers).tolist()
json.dump(found, sys.stdout)
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with discresorb in it.

    Parameters
    ----------
    name : str
        Of the set of versions.
    place : Path
        Of the environment.
    """

    name: str
    place: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.place / "bin" / "python")

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run its interpreter and give what it prints; what went wrong is shown whole."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=cwd,
            env=self.surroundings,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            sys.exit(f"{self.name}: {arguments[:3]}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    @cached_property
    def surroundings(self) -> Mapping[str, str]:
        """Environment variables of ours, with none of its own modules, and commands found here."""
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        path = os.pathsep.join([str(self.place / "bin"), os.environ.get("PATH", "")])
        return {**kept, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def install(self, *arguments: str) -> None:
        """Install packages by pip, as a user would."""
        self.run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)

    def versions(self) -> dict[str, str]:
        """Name what is installed."""
        listed = json.loads(
            self.run("-m", "pip", "list", "--format=json", "--disable-pip-version-check")
        )
        return {canonical(each["name"]): each["version"] for each in listed}


def canonical(name: str) -> str:
    """Spell a package's name as every tool understands it."""
    return name.lower().replace("_", "-")


def tools() -> list[Requirement]:
    """List what the tests need beside discresorb."""
    return [each for each in requirements("dev") if each.name not in NOT_RUN]


def built(folder: Path) -> tuple[Path, Path]:
    """Build a wheel from the source distribution; give it and the unpacked sources."""
    build = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run([*build, "--sdist"], check=True, stdout=sys.stderr)
    (archive,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder / "sources", filter="data")
    (sources,) = (folder / "sources").iterdir()
    build = [sys.executable, "-m", "build", "--outdir", str(folder), str(sources)]
    subprocess.run([*build, "--wheel"], check=True, stdout=sys.stderr)
    (wheel,) = folder.glob("*.whl")
    return wheel, sources


def environments(folder: Path, wheel: Path) -> tuple[Environment, Environment]:
    """Make both, and install the wheel in each."""
    both = Environment("oldest", folder / "oldest"), Environment("newest", folder / "newest")
    for each in both:
        subprocess.run([sys.executable, "-m", "venv", str(each.place)], check=True)
    oldest, newest = both
    asked = [*requirements(), *requirements("cluster"), *tools()]
    oldest.install(str(wheel), *pins(asked))
    newest.install(
        "--upgrade",
        "--upgrade-strategy",
        "eager",
        f"{wheel}[cluster]",
        *(each.name for each in tools()),
    )
    return both


def chosen() -> list[str]:
    """Say to pytest which tests to run."""
    if "--whole" in sys.argv:
        return [f"--ignore=tests/{name}" for name in IN_A_BROWSER]
    return [f"tests/{name}" for name in MEETING_DEPENDENCIES]


def tested(environment: Environment, sources: Path, folder: Path) -> str:
    """Run the tests of the sources and sum up what they said."""
    report = folder / f"{environment.name}.xml"
    # an older library warns of what a newer one has mended: warnings fail the suite elsewhere
    options = ["-n2", "-q", "-o", "filterwarnings=", "-W", "ignore"]
    options += [f"--basetemp={folder / environment.name}-tests"]  # other runs of pytest tidy theirs
    subprocess.run(
        [environment.python, "-m", "pytest", *options, *chosen(), f"--junitxml={report}"],
        cwd=sources,
        env=environment.surroundings,
        stdout=sys.stderr,
        check=False,
    )
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314  # our own
    count = {
        key: sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    }
    failed = [
        f"    {case.get('classname')}.{case.get('name')}"
        for suite in suites
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    passed = count["tests"] - count["failures"] - count["errors"] - count["skipped"]
    line = f"{environment.name}: {passed} passed, {len(failed)} failed, {count['skipped']} skipped"
    return "\n".join([line, *failed])


def commanded(environment: Environment, folder: Path) -> str:
    """Run the commands by which people use it; one that fails ends the benchmark."""
    place = folder / f"{environment.name} at work"
    place.mkdir()
    listed = pl.read_csv(ROOT / "data" / "synthetic" / "waiting_list.csv", infer_schema=False)
    listed.write_csv(place / "waiting_list.csv")
    listed.write_parquet(place / "list.parquet")
    for command in COMMANDS:
        environment.run("-m", "discresorb", *shlex.split(command), cwd=place)
    written = sorted(each.suffix for each in place.iterdir())
    return f"{environment.name}: {len(COMMANDS)} commands, all done; {len(written)} files there"


def models(folder: Path, both: tuple[Environment, Environment]) -> Path:
    """Put the models side by side: each environment's, the shipped one, one of format 1."""
    place = folder / "models"
    shutil.copytree(ROOT / "tests" / "data" / "format_1", place / "format 1")
    shutil.copytree(
        ROOT / "artifacts", place / "shipped", ignore=shutil.ignore_patterns("*.md", "*.html")
    )
    for each in both:
        own = place / f"trained, {each.name}"
        own.mkdir()
        each.run("-c", TRAIN, str(own / "model.joblib"), cwd=folder)
    return place


def scored(environment: Environment, model: Path, folder: Path) -> bytes:
    """Score the waiting list by the command and give the file's bytes."""
    out = folder / f"{environment.name} {model.parent.name}.csv"
    listed = ROOT / "data" / "synthetic" / "waiting_list.csv"
    command = ["-m", "discresorb", "score", str(listed), "--model", str(model), "-o", str(out)]
    environment.run(*command, cwd=folder)
    return out.read_bytes()


def largest(a: list[float], b: list[float]) -> float:
    """Give the largest absolute difference of two lists of the same length."""
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def alike(a: bytes, b: bytes) -> str:
    """Compare two scored files cell by cell: the same text, or numbers that hardly differ."""
    if a == b:
        return "the same bytes"
    cells = [
        [cell for row in csv.reader(io.StringIO(each.decode())) for cell in row] for each in (a, b)
    ]
    apart = [pair for pair in zip(*cells, strict=True) if pair[0] != pair[1]]
    words = [pair for pair in apart if not all(map(is_number, pair))]
    if words:
        return f"DIFFERENT WORDS: {words[:3]}"
    difference = max(abs(float(x) - float(y)) for x, y in apart)
    return f"{len(apart)} of {len(cells[0])} cells differ, by {difference:.1e} at most"


def is_number(cell: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def trained_alike(place: Path) -> str:
    """Compare what the two environments learned from the same patients."""
    texts = [each.read_text(encoding="utf-8") for each in sorted(place.glob("trained*/*.json"))]
    a, b = (json.loads(text) for text in texts)
    keys = ("location", "cure_coefficients")
    difference = max(largest(a[key], b[key]) for key in keys)
    return (
        f"the two trainings, of 400 patients: {a['distribution']} and {b['distribution']}; largest "
        f"difference of a coefficient {difference:.1e}"
    )


def compared(folder: Path, both: tuple[Environment, Environment]) -> list[str]:
    """Predict with every model in both environments, and say how far they are apart."""
    place = models(folder, both)
    found: list[dict[str, Any]] = [
        json.loads(each.run("-c", PREDICT, str(place), cwd=folder)) for each in both
    ]
    lines = [f"{'model':<20}{'predictions':>12}{'largest difference':>20}  the scored list"]
    for (a, b), name in ((pair, name) for pair in combinations(found, 2) for name in found[0]):
        (model,) = (place / name).glob("*.joblib")
        said = alike(*(scored(each, model, folder) for each in both))
        lines.append(f"{name:<20}{len(a[name]):>12,}{largest(a[name], b[name]):>20.1e}  {said}")
    return [*lines, trained_alike(place)]


def main() -> None:
    """Print all of it."""
    print("Oldest and newest versions of what discresorb stands on")
    print(f"Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel, sources = built(folder)
        both = environments(folder, wheel)
        oldest, newest = (each.versions() for each in both)
        asked = [*requirements(), *requirements("cluster"), *tools()]
        print(f"{'package':<20}{'oldest':>12}{'newest':>12}")
        for package in sorted(canonical(each.name) for each in asked):
            print(f"{package:<20}{oldest[package]:>12}{newest[package]:>12}")
        print("\nEach environment predicts with the models of both:", flush=True)
        print("\n".join(compared(folder, both)), flush=True)
        print("\nCommands:")
        for each in both:
            print(commanded(each, folder), flush=True)
        what = "The whole suite, but for browsers" if "--whole" in sys.argv else FEWER
        print(f"\n{what}:")
        for each in both:
            print(tested(each, sources, folder), flush=True)


if __name__ == "__main__":
    main()
