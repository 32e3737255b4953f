"""Names and texts that others chose: in files written, on terminals, in paths, on pages."""

from __future__ import annotations

import csv
import json
import shutil
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from command_line import Done, Run
from conftest import SYNTHETIC

from discresorb import ArtifactError, InputError, load
from discresorb.artifact import find_shipped, load_artifact, save_artifact
from discresorb.cells import FORMULA_STARTS, is_number
from discresorb.pages.page import embedded
from discresorb.wording import visible
from discresorb_training.plan import planned

FORMULAS = ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", '=HYPERLINK("x")')
ODD = "\x1b[31mred\u202e\x07[bold]b"
SEEN = r"\x1b[31mred\u202e\x07[bold]b"
MARKUP = "</script><img src=x onerror=\"document.title='ran'\">"
SCORED = ("patient_id", "size_mm", "sequestrated", "months_since_onset", "months_to_surgery")
VISITS = ("patient_id", "onset_date", "mri_date", "finding", "size_mm", "sequestrated")


def write(path: Path, header: tuple[str, ...], *rows: tuple[str, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])


def cells_of(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as stream:
        return [cell for row in csv.reader(stream) for cell in row]


def would_run(cell: str) -> bool:
    return cell.startswith(FORMULA_STARTS) and not is_number(cell.strip())


def score_formulas(run: Run, folder: Path, *options: str) -> Done:
    rows = [(formula, "9", "yes", "1", "3", formula) for formula in FORMULAS]
    bad = [(formula, formula, formula, formula, formula, formula) for formula in FORMULAS]
    write(folder / "=in.csv", (*SCORED, "=note"), *rows, *bad)
    return run("score", "=in.csv", "-o", "out.csv", "--problems", "p.csv", *options, cwd=folder)


def test_no_scored_row_holds_a_formula(run: Run, tmp_path: Path) -> None:
    assert score_formulas(run, tmp_path).returncode == 4
    for name in ("out.csv", "p.csv"):
        cells = cells_of(tmp_path / name)
        assert not [cell for cell in cells if would_run(cell)]
        assert sum(cell.startswith("'") for cell in cells) >= len(FORMULAS)
    assert "'=note" in cells_of(tmp_path / "out.csv")
    assert score_formulas(run, tmp_path, "--raw-text", "--force").returncode == 4
    assert [cell for cell in cells_of(tmp_path / "out.csv") if would_run(cell)]


def test_what_passes_from_parquet_to_csv_holds_no_formula(run: Run, tmp_path: Path) -> None:
    frame = pl.DataFrame({name: ["9", "1"] for name in SCORED[1:]} | {"@x": ["=1+1", "ok"]})
    frame.with_columns(kind=pl.Series(["=2", "b"], dtype=pl.Categorical)).write_parquet(
        tmp_path / "in.parquet"
    )
    run("score", "in.parquet", "-o", "out.csv", cwd=tmp_path)
    assert not [cell for cell in cells_of(tmp_path / "out.csv") if would_run(cell)]


def test_no_cohort_holds_a_formula(run: Run, tmp_path: Path) -> None:
    times = ("2023-01-01", "2023-02-01", "herniated", "8", "no")
    good = [(f"{formula}{at}", *times, formula, formula) for at, formula in enumerate(FORMULAS)]
    bad = [(f"{formula}x", *times[:1], formula, *times[2:], "", "") for formula in FORMULAS]
    write(tmp_path / "v.csv", (*VISITS, "site_id", "=note"), *good, *bad)
    done = run("cohort", "v.csv", "-o", "c.csv", "--problems", "p.csv", "--leave-out-problems",
               cwd=tmp_path)  # fmt: skip
    assert done.returncode == 4, done.stderr
    for written in ("c.csv", "p.csv"):
        assert not [cell for cell in cells_of(tmp_path / written) if would_run(cell)]
        assert sum(cell.startswith("'") for cell in cells_of(tmp_path / written)) >= len(FORMULAS)


@pytest.mark.parametrize("formula", ["=1+1", "@SUM(A1)", "-size", "+size"])
def test_a_model_brings_no_formula(formula: str, default_path: Path, tmp_path: Path) -> None:
    artifact = load_artifact(default_path)
    save_artifact({**artifact, "model_id": formula}, tmp_path / "m.joblib")
    with pytest.raises(ArtifactError, match="model_id would run as a formula"):
        load(tmp_path / "m.joblib")
    first, *others = artifact["covariates"]
    renamed = {**artifact, "covariates": [{**first, "name": formula}, *others]}
    save_artifact(renamed, tmp_path / "m.joblib", force=True)
    with pytest.raises(ArtifactError, match="would run as a formula"):
        load(tmp_path / "m.joblib")
    with pytest.raises(InputError, match="its name must be plain text"):
        planned([formula])


def test_odd_characters_are_spelt_out() -> None:
    assert visible(ODD) == SEEN
    assert visible("plain é 漢") == "plain é 漢"
    assert visible("\udc80") == r"\udc80"


def test_a_terminal_sees_no_control_characters(run: Run, tmp_path: Path) -> None:
    """Of names of files and columns, of cells, and of options."""
    write(tmp_path / f"{ODD}.csv", (*SCORED, ODD), (ODD, ODD, "yes", "1", "3", ODD))
    write(tmp_path / "lacking.csv", ("size_mm", ODD), ("9", ODD))
    write(tmp_path / "doubled.csv", (*SCORED, ODD, ODD), ("a", "9", "yes", "1", "3", "", ""))
    write(tmp_path / "v.csv", VISITS, (ODD, ODD, ODD, ODD, ODD, ODD))
    calls = [
        ("score", f"{ODD}.csv", "--show-values", "-o", "o.csv"),
        ("score", "*.csv", "-o", "out/", "--show-values"),
        ("score", f"no{ODD}.csv"),
        ("score", "lacking.csv"),
        ("score", "doubled.csv"),
        ("score", "doubled.csv", "--model", f"{ODD}.joblib"),
        ("cohort", "v.csv", "--show-values"),
        ("cohort", "v.csv", "--rename", f"{ODD}=finding"),
        (
            "train",
            "lacking.csv",
            "-o",
            "m.joblib",
            "--endpoint",
            "red",
            "--data-origin",
            "observed",
        ),
        ("sample-size", "v.csv", "--covariates", ODD),
        ("predict", "--size-mm", ODD, "--set", f"{ODD}=1"),
    ]
    for call in calls:
        done = run(*call, cwd=tmp_path)
        assert done.returncode not in (0, 1), call
        assert all(line.isprintable() for line in done.stderr.split("\n")), (call, done.stderr)
        assert any(
            each in done.stderr for each in ("red", "size_mm", "--endpoint cannot be printed")
        )


def test_what_is_said_of_long_texts_is_short(run: Run, tmp_path: Path) -> None:
    long = "9" * 50_000 + "x"
    write(tmp_path / "in.csv", (*SCORED, long), (long, long, long, long, long, long))
    done = run("score", "in.csv", "--show-values", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 4
    assert len(done.stderr) < 2_000
    write(tmp_path / "v.csv", (*VISITS, long), (long,) * 7)
    assert len(run("cohort", "v.csv", "--show-values", cwd=tmp_path).stderr) < 2_000


@pytest.mark.parametrize("name", ["../in.csv", "a/../../in.csv", "a/in.csv", "..%2fin.csv"])
def test_an_output_stays_in_its_folder(name: str, run: Run, tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "a").mkdir(parents=True)
    (here / name).parent.mkdir(exist_ok=True, parents=True)
    write(here / name, SCORED, ("../../escaped", "9", "yes", "1", "3"))
    before = {path for path in tmp_path.rglob("*")}
    done = run("score", name, "-o", "out/", cwd=here)
    assert done.returncode == 0, done.stderr
    made = {path for path in tmp_path.rglob("*")} - before
    assert {path.relative_to(here) for path in made} == {
        Path("out"), Path("out") / Path(name).name
    }  # fmt: skip


def test_a_folder_is_no_input(run: Run, tmp_path: Path) -> None:
    for name in ("..", ".", "a/.."):
        (tmp_path / "a").mkdir(exist_ok=True)
        done = run("score", name, "-o", "out/", cwd=tmp_path)
        assert done.returncode in (2, 3), done.stderr
        assert not [*tmp_path.glob("*.csv")]


def test_a_link_where_an_output_goes_is_not_followed_unasked(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", SCORED, ("a", "9", "yes", "1", "3"))
    kept, nowhere = tmp_path / "kept.txt", tmp_path / "nowhere.txt"
    kept.write_text("kept")
    for place in (kept, nowhere):
        (tmp_path / "out.csv").symlink_to(place)
        done = run("score", "in.csv", "-o", "out.csv", cwd=tmp_path)
        assert (done.returncode, kept.read_text(), nowhere.exists()) == (2, "kept", False)
        (tmp_path / "out.csv").unlink()


def test_a_hash_file_reaches_no_other_folder(default_path: Path, tmp_path: Path) -> None:
    for suffix in (".joblib", ".sha256"):
        shutil.copy(default_path.with_suffix(suffix), tmp_path / f"default{suffix}")
    (tmp_path / "in").mkdir()
    shutil.copy(default_path, tmp_path / "in" / "default.joblib")
    hashes = (tmp_path / "default.sha256").read_text().replace("  ", "  in/")
    (tmp_path / "default.sha256").write_text(hashes)
    with pytest.raises(ArtifactError, match="lists no hash for"):
        load(tmp_path / "default.joblib")


def test_markup_is_text_on_every_page(default_path: Path, run: Run, tmp_path: Path) -> None:
    model = tmp_path / "m.joblib"
    save_artifact({**load_artifact(default_path), "endpoint": MARKUP}, model)
    rows = [(MARKUP, "9", "yes", "1", "3"), (MARKUP, MARKUP, MARKUP, "1", "3")]
    write(tmp_path / "in.csv", SCORED, *rows)
    done = run("score", "in.csv", "-o", "o.csv", "--html", "l.html", "--fhir", "l.ndjson",
               "--model", model, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert run("calculator", "-o", "c.html", "--model", model, cwd=tmp_path).returncode == 0
    for page in ("l.html", "c.html"):
        html = (tmp_path / page).read_text(encoding="utf-8")
        assert "default-src 'none'" in unescape(html)
        assert "<img" not in html
        assert html.count("</script>") == html.count("<script")
        assert "onerror" in json.dumps(embedded(html))
    assert run("nomogram", "-o", "n.svg", "--model", model, cwd=tmp_path).returncode == 0
    assert "<img" not in (tmp_path / "n.svg").read_text(encoding="utf-8")
    for line in (tmp_path / "l.ndjson").read_text(encoding="utf-8").splitlines():
        resource = json.loads(line)
        assert resource["resourceType"] == "RiskAssessment"
        assert "<img" not in json.dumps(resource.get("text", {}))


def test_success_is_told_without_control_characters(run: Run, tmp_path: Path) -> None:
    """Names of files are shown where all went well, too."""
    odd = "a\x07\u202eb"
    shutil.copy(SYNTHETIC / "waiting_list.csv", tmp_path / f"{odd}.csv")
    shutil.copy(SYNTHETIC / "new_centre_visits.csv", tmp_path / f"{odd}v.csv")
    for suffix in (".joblib", ".sha256"):
        shutil.copy(find_shipped().with_suffix(suffix), tmp_path / f"{odd}{suffix}")
    hashes = tmp_path / f"{odd}.sha256"
    hashes.write_text(hashes.read_text().replace("default", odd))
    calls = [
        ("score", f"{odd}.csv", "-o", f"{odd}o.csv", "--html", f"{odd}.html", "--fhir",
         f"{odd}.ndjson"),
        ("cohort", f"{odd}v.csv", "-o", f"{odd}c.csv"),
        ("calculator", "-o", f"{odd}c.html"),
        ("simulate", "-n", "20", "-o", f"{odd}s.csv"),
        ("show", f"{odd}.joblib"),
    ]  # fmt: skip
    for call in calls:
        done = run(*call, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        told = done.stderr + done.stdout
        assert all(line.isprintable() for line in told.split("\n")), (call, told)
        assert r"a\x07\u202eb" in told


def test_a_refused_column_s_type_names_no_categories(run: Run, tmp_path: Path) -> None:
    kind = pl.List(pl.Enum(["Smith", "Jones"]))
    notes = pl.Series("note", [["Smith"], ["Jones"]], dtype=kind)
    frame = pl.DataFrame({name: ["9", "1"] for name in SCORED[1:]}).with_columns(notes)
    frame.write_parquet(tmp_path / "in.parquet")
    done = run("score", "in.parquet", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 3
    assert "column note holds List(Enum), which a CSV cannot" in done.stderr


@pytest.mark.parametrize("folder", ["~", "file:"])
def test_parquet_is_read_from_the_file_that_is_named(
    folder: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not from the home folder, or from where a URL of that name leads."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    monkeypatch.setenv("HOME", str(elsewhere))
    typed = "~/in.parquet" if folder == "~" else f"file://{elsewhere}/in.parquet"
    for place, who in ((here / typed, "ours"), (elsewhere / "in.parquet", "theirs")):
        place.parent.mkdir(parents=True)
        rows = {name: ["1"] for name in SCORED[1:]} | {"patient_id": [who]}
        with place.open("wb") as stream:  # polars would write elsewhere as well
            pl.DataFrame(rows).write_parquet(stream)
    done = run("score", typed, "-o", "out.csv", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "ours" in cells_of(here / "out.csv")
