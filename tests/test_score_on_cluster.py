"""Scoring on a cluster of two worker processes: the rows of one process, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from clusters import kill_workers, local_cluster
from conftest import ROOT, SYNTHETIC
from distributed import Client, LocalCluster
from waiting_lists import waiting_list

from discresorb import Predictor
from discresorb.cluster import connected
from discresorb.columns import OUTPUT_COLUMNS
from discresorb.errors import InputError, InputFileError
from discresorb.jobs import Form, Job
from discresorb.score_files import run_jobs
from discresorb.score_on_cluster import run_on_cluster
from discresorb.scoring import Scorer

ROWS = 20_000
FORM = Form(batch_bytes=1 << 17)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with local_cluster() as two_workers:
        yield two_workers


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with connected(cluster.scheduler_address) as found:
        found.wait_for_workers(2)  # another test may have killed one
        yield found


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same list as CSV and as Parquet; every 700th row has problems."""
    folder = tmp_path_factory.mktemp("lists")
    rows = waiting_list(ROWS, bad=700)
    rows.write_csv(folder / "list.csv")
    rows.write_parquet(folder / "list.parquet", row_group_size=3_000)
    return folder


@pytest.fixture(scope="module")
def scorer(predictor: Predictor) -> Scorer:
    return Scorer(predictor)


def time_computed(cluster: LocalCluster) -> float:
    """Tell how long the workers have scored in all."""
    assert cluster.scheduler is not None
    prefix = cluster.scheduler.task_prefixes.get("score_piece")
    return 0.0 if prefix is None else float(prefix.all_durations["compute"])


def left_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("target", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz"])
@pytest.mark.parametrize("source", ["list.csv", "list.parquet"])
def test_the_same_bytes_as_in_one_process(
    client: Client, cluster: LocalCluster, scorer: Scorer, lists: Path, tmp_path: Path,
    source: str, target: str,
) -> None:  # fmt: skip
    before = time_computed(cluster)
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    job = Job(str(lists / source), here / target)
    expected = run_jobs(scorer, [job], FORM)
    found = run_on_cluster(
        client, scorer, [replace(job, target=there / target)], FORM, piece_rows=1_700
    )
    assert found.tally == expected.tally
    assert found.tally.rows == ROWS
    assert found.tally.unscored == ROWS // 700
    assert (there / target).read_bytes() == (here / target).read_bytes()
    assert left_in(there) == [target]
    assert time_computed(cluster) > before  # it was they


def test_a_worker_killed_in_the_middle_loses_and_doubles_no_row(
    client: Client, scorer: Scorer, lists: Path, tmp_path: Path
) -> None:
    killed: list[float] = []

    def kill_one(done: float | None, rows: int) -> None:
        if not killed and done is not None and done > 0.3:
            killed.append(done)
            kill_workers(client, 1)

    job = Job(str(lists / "list.parquet"), tmp_path / "out.parquet")
    listing = tmp_path / "problems.csv"
    found = run_on_cluster(
        client, scorer, [job], FORM, piece_rows=500, progress=kill_one, problems=listing
    )
    assert killed
    assert killed[0] < 0.9
    assert found.tally.rows == ROWS
    scored = pl.read_parquet(tmp_path / "out.parquet")
    given = pl.read_parquet(lists / "list.parquet")
    assert scored.select(given.columns).equals(given)
    alone = tmp_path / "alone.parquet"
    run_jobs(scorer, [replace(job, target=alone)], FORM, problems=tmp_path / "alone.csv")
    assert alone.read_bytes() == (tmp_path / "out.parquet").read_bytes()
    assert listing.read_text() == (tmp_path / "alone.csv").read_text()
    assert pl.read_csv(listing)["row"].to_list() == list(range(700, ROWS, 700))
    assert left_in(tmp_path) == ["alone.csv", "alone.parquet", "out.parquet", "problems.csv"]


def test_several_files_one_of_them_unfit(
    client: Client, scorer: Scorer, lists: Path, tmp_path: Path
) -> None:
    unfit = tmp_path / "unfit.csv"
    unfit.write_text("a,b\n1,2\n")
    out = tmp_path / "out"
    out.mkdir()
    sources = [unfit, lists / "list.csv", lists / "list.parquet"]
    jobs = [Job(str(each), out / each.name) for each in sources]
    found = run_on_cluster(client, scorer, jobs, FORM)
    assert left_in(out) == ["list.csv", "list.parquet"]
    assert found.tally.rows == 2 * ROWS
    assert any("unfit.csv: missing columns" in words for words in found.refused)
    with pytest.raises(InputFileError, match="missing columns"):
        run_on_cluster(client, scorer, jobs[:1], FORM)


def test_strict_gives_nothing_its_name_unless_all_rows_are_scored(
    client: Client, scorer: Scorer, lists: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    whole = tmp_path / "whole.csv"
    waiting_list(100).write_csv(whole)
    jobs = [Job(str(each), tmp_path / "out" / each.name) for each in (whole, lists / "list.csv")]
    found = run_on_cluster(client, scorer, jobs, FORM, strict=True)
    assert found.tally.unscored == ROWS // 700
    assert left_in(tmp_path / "out") == []
    run_on_cluster(client, scorer, jobs[:1], FORM, strict=True)
    assert left_in(tmp_path / "out") == ["whole.csv"]


def test_standard_streams_do_not_go_with_a_cluster(client: Client, scorer: Scorer) -> None:
    with pytest.raises(InputError, match="reads files and writes files"):
        run_on_cluster(client, scorer, [Job("-", Path("x.csv"))], FORM)


def test_the_command_on_a_cluster(cluster: LocalCluster, lists: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "model",)))}

    def score(*arguments: object) -> Any:
        command = [sys.executable, "-m", "discresorb", "score", *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    where = ("--scheduler", cluster.scheduler_address)
    done = score(f"{lists}/list.*", "-o", "out/", *where)
    assert done.returncode == 4, done.stderr
    assert f"{2 * ROWS - 2 * (ROWS // 700)} rows of 2 files scored" in done.stderr
    assert left_in(tmp_path / "out") == ["list.csv", "list.parquet"]
    waiting = SYNTHETIC / "waiting_list.csv"
    assert score(waiting, "-o", "there.csv", *where).returncode == 0
    assert score(waiting, "-o", "here.csv").returncode == 0
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert score(waiting, *where).returncode == 2
    outputs = {column.name for column in OUTPUT_COLUMNS}
    assert outputs <= set(pl.read_parquet(tmp_path / "out" / "list.parquet").columns)
