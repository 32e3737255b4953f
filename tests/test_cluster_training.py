"""Training on a cluster of two worker processes: the same numbers, whatever happens to a worker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import simulated
from clusters import kill_workers, local_cluster, refuse, square, tasks_done
from conftest import ROOT, SYNTHETIC, Run
from distributed import Client, LocalCluster

from discresorb import cluster as connecting
from discresorb import load
from discresorb.cluster import connected
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.errors import ClusterError, InputError
from discresorb_training import ResorptionModel, TrainingError, lost_workers, on_cluster, train
from discresorb_training.computing import client_in_use, computing_on, computing_on_scheduler
from discresorb_training.dataset import Dataset
from discresorb_training.internal import bootstrap
from discresorb_training.likelihood import Evaluation
from discresorb_training.measure import Measure
from discresorb_training.performance import Evaluation as Performance
from discresorb_training.plan import STANDARD
from discresorb_training.procedure import Procedure
from discresorb_training.resampling import in_parallel
from discresorb_training.selection import compare

ROWS = 60_000
SUMS, RESAMPLES = "sum_runs", "alone"  # as the scheduler calls the tasks
THETA = np.array([0.1, 0.1, -0.1, -0.8, 1.0, 0.3, 0.3])


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with local_cluster() as two_workers:
        yield two_workers


@pytest.fixture
def client(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A connection under which even small data are fitted on the workers."""
    monkeypatch.setattr(on_cluster, "LEAST_ROWS", 0)
    with connected(cluster.scheduler_address) as found:
        yield found


@pytest.fixture
def doomed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A connection to a cluster of one test's own, which kills workers."""
    monkeypatch.setattr(on_cluster, "LEAST_ROWS", 0)
    monkeypatch.setattr(connecting, "_SECONDS", 60)  # in which workers are started again
    with local_cluster() as own, connected(own.scheduler_address) as found:
        found.wait_for_workers(2, timeout=60)
        yield found


@pytest.fixture(scope="module")
def data() -> tuple[Array, Array]:
    X, y = simulated(ROWS)
    return X.to_numpy(), y


def dataset(data: tuple[Array, Array]) -> Dataset:
    return Dataset.build(*data, ["size_mm", "sequestrated"])


def assert_alike(found: ResorptionModel, expected: ResorptionModel) -> None:
    for name in ("coef_", "intercept_", "scale_", "cure_coef_", "cure_intercept_", "covariance_",
                 "log_likelihood_"):  # fmt: skip
        here, there = getattr(expected, name), getattr(found, name)
        if here is not None:
            np.testing.assert_allclose(there, here, rtol=1e-8, err_msg=name)


@pytest.mark.parametrize("cure", [False, True])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fit_is_the_local_one(
    distribution: str,
    cure: bool,
    weighted: bool,
    cluster: LocalCluster,
    client: Client,
    data: tuple[Array, Array],
) -> None:
    weights = np.random.default_rng(1).gamma(2.0, size=ROWS) if weighted else None
    model = ResorptionModel(distribution, cure=cure)
    here = ResorptionModel(distribution, cure=cure).fit(*data, weights)
    before = tasks_done(cluster, SUMS)
    with computing_on(client):
        assert_alike(model.fit(*data, weights), here)
    assert tasks_done(cluster, SUMS) > before
    assert model.get_params() == here.get_params()


def test_a_robust_covariance_is_the_local_one(client: Client, data: tuple[Array, Array]) -> None:
    patient = np.arange(ROWS) // 2
    here = ResorptionModel().fit(*data, cluster=patient)
    with computing_on(client):
        assert_alike(ResorptionModel().fit(*data, cluster=patient), here)


def test_the_sum_has_the_same_bits_however_the_data_are_dealt(
    client: Client, data: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(on_cluster, "_RUN", 1)
    for partitions in (1, 2, 5):
        monkeypatch.setattr(on_cluster, "threads_of", lambda _, n=partitions: {"worker": n})
        with computing_on(client):
            total = dataset(data).log_likelihood("weibull", cure=True)
            found.append(total(THETA))
    assert_same_bits(found[0], found[1])
    assert_same_bits(found[0], found[2])


def assert_same_bits(a: Evaluation, b: Evaluation) -> None:
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def test_both_workers_hold_about_half(client: Client, data: tuple[Array, Array]) -> None:
    with computing_on(client):
        whole = dataset(data)
    assert whole.on_cluster is not None
    futures = whole.on_cluster._runs.futures
    holders = client.who_has(futures)
    assert all(len(each) == 1 for each in holders.values())
    assert len({worker for each in holders.values() for worker in each}) == 2
    size = client.nbytes(summary=False)
    held = [0, 0]
    workers = sorted({each[0] for each in holders.values()})
    for future in futures:
        held[workers.index(holders[future.key][0])] += size[future.key]
    assert max(held) < 2 * min(held)


def test_small_data_stay_here(cluster: LocalCluster, data: tuple[Array, Array]) -> None:
    with computing_on_scheduler(cluster.scheduler_address):
        assert client_in_use() is not None
        assert dataset(data).on_cluster is None
    assert client_in_use() is None


@pytest.mark.parametrize("split", [False, True])
def test_selection_is_the_local_one_and_sends_data_once(
    split: bool,
    cluster: LocalCluster,
    client: Client,
    data: tuple[Array, Array],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    options: dict[str, Any] = {"distributions": ["loglogistic"], "seed": 3}
    if split:
        options |= {"weights": rng.gamma(5.0, 0.2, size=ROWS), "patient": np.arange(ROWS) // 2}
    here = compare(*data, **options)
    before = tasks_done(cluster, SUMS)
    sent: list[Sequence[int]] = []
    send = lost_workers.Held.send

    def send_and_count(self: lost_workers.Held, chosen: Sequence[int]) -> None:
        sent.append(chosen)
        send(self, chosen)

    monkeypatch.setattr(lost_workers.Held, "send", send_and_count)
    with computing_on(client):
        there = compare(*data, **options)
    assert tasks_done(cluster, SUMS) > before
    assert len(sent) == (2 if split else 1)  # blocks, and weights
    for a, b in zip(here, there, strict=True):
        assert (a.name, a.failure) == (b.name, b.failure)
        assert a.log_score == pytest.approx(b.log_score, rel=1e-8)


@pytest.mark.parametrize("during", [False, True])
def test_workers_killed_in_a_fit_change_nothing(
    during: bool,
    doomed: Client,
    data: tuple[Array, Array],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All between two steps, so that all data are missing, or one in the middle of a step."""
    weights = np.random.default_rng(1).gamma(2.0, size=ROWS)
    here = ResorptionModel().fit(*data, weights)
    steps: list[Evaluation] = []
    sum_of = on_cluster.RowsOnCluster._sum

    def sum_and_lose(self: Any, *arguments: Any) -> Evaluation:
        if len(steps) == 1 and during:
            threading.Timer(0.005, kill_workers, (doomed, 1)).start()
        elif len(steps) == 1:
            kill_workers(doomed, 2)
        steps.append(sum_of(self, *arguments))
        return steps[-1]

    monkeypatch.setattr(on_cluster.RowsOnCluster, "_sum", sum_and_lose)
    with computing_on(doomed):
        assert_alike(ResorptionModel().fit(*data, weights), here)
    assert len(steps) > 3


def test_after_a_loss_every_block_is_in_the_sum_once(
    doomed: Client, data: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    with computing_on(doomed):
        total = dataset(data).log_likelihood("loglogistic", cure=True)
    before = total(THETA)
    kill_workers(doomed, 1)
    assert_same_bits(total(THETA), before)
    assert_same_bits(total(THETA), before)
    monkeypatch.setattr(lost_workers.Held, "send", lambda *_: None)  # what is lost stays lost
    kill_workers(doomed, 2)
    with pytest.raises(ClusterError, match="lost 5 times in a row; look at their logs"):
        total(THETA)


PROCEDURE = Procedure(STANDARD, ("loglogistic",), (True,), 0.25, 5, 0)


def test_a_bootstrap_has_the_same_numbers(cluster: LocalCluster, client: Client) -> None:
    frame, y = simulated(150)
    X = frame.to_numpy()
    final = Performance(PROCEDURE.run(X, y).model.curve(), X, y)
    measure = Measure.of(final, (6.0,), 6.0)
    here = bootstrap(PROCEDURE, X, y, measure, final, repeats=3)
    before = tasks_done(cluster, RESAMPLES)
    with computing_on(client):
        there = bootstrap(PROCEDURE, X, y, measure, final, repeats=3)
    assert tasks_done(cluster, RESAMPLES) > before
    for name in ("apparent", "optimism", "low", "high", "p_low", "p_high"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    assert there.chosen == here.chosen


@pytest.mark.parametrize("lost", [1, 2])
def test_resamples_come_in_order_though_workers_are_lost(lost: int, doomed: Client) -> None:
    threading.Timer(0.3, kill_workers, (doomed, lost)).start()
    with computing_on(doomed):
        assert list(in_parallel(square, range(12), 1)) == [k * k for k in range(12)]


def test_refusals_on_workers_come_back_as_themselves(client: Client) -> None:
    with computing_on(client):
        with pytest.raises(TrainingError, match=r"^too few$"):
            list(in_parallel(refuse, ["training"], 1))
        with pytest.raises(InputError) as error:
            list(in_parallel(refuse, ["reading"], 1))
    assert error.value.problems == ("first problem", "second problem")


def command(first: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, after a line of Python."""
    sources = os.pathsep.join([str(ROOT / "model"), str(ROOT / "training")])
    return subprocess.run(
        [sys.executable, "-c", f"{first}\nfrom discresorb.cli import main\nmain()", *arguments],
        env={**os.environ, "PYTHONPATH": sources},
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def test_the_train_command_gives_the_same_model(
    cluster: LocalCluster, run: Run, tmp_path: Path
) -> None:
    assert run("simulate", "-n", 1000, "-o", "c.csv", cwd=tmp_path).returncode == 0
    frame = pd.read_csv(tmp_path / "c.csv")
    endpoint = "definite regression of the herniation on MRI"
    here = train(frame, endpoint=endpoint, data_origin="synthetic", distribution="loglogistic")
    before = tasks_done(cluster, SUMS)
    given = ["train", "c.csv", "--distribution", "loglogistic", "-o", "m.joblib"]
    given += ["--scheduler", cluster.scheduler_address]
    lowered = "from discresorb_training import on_cluster; on_cluster.LEAST_ROWS = 0"
    done = command(lowered, *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("1000 patients: ")
    assert done.stderr.endswith("\nSaved m.joblib with its .json and .sha256.\n")
    assert tasks_done(cluster, SUMS) > before
    there = load(tmp_path / "m.joblib").artifact
    assert there.keys() == here.artifact.keys()
    for name in ("location", "log_scale", "cure_coefficients", "covariance"):
        np.testing.assert_allclose(there[name], here.artifact[name], rtol=1e-8)
    assert there["metrics"] == here.artifact["metrics"]


def test_the_validate_command_gives_the_same_figures(cluster: LocalCluster, run: Run) -> None:
    how = ("--repeats", 20, "--months", 6, "--n-jobs", 1, "--json")
    given = ("validate", SYNTHETIC / "new_centre.csv", *how)
    before = tasks_done(cluster, RESAMPLES)
    here = run(*given)
    there = run(*given, "--scheduler", cluster.scheduler_address)
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert tasks_done(cluster, RESAMPLES) == before + 20
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert there.stderr == here.stderr


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "http://host:1", "tcp://a:1/x", ""])
def test_an_address_that_is_none(address: str) -> None:
    with (
        pytest.raises(InputError, match=f"scheduler entered as {address}, but must be an addr"),
        connected(address),
    ):
        pass


def test_a_scheduler_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connecting, "_SECONDS", 1)
    with (
        pytest.raises(
            ClusterError, match=r"no scheduler answered at tcp://127\.0\.0\.1:9 within 1 s"
        ),
        connected("tcp://127.0.0.1:9"),
    ):
        pass
    assert capfd.readouterr().err == ""


def test_what_listens_is_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no scheduler answered at"), connected(address):
            pass


def test_what_answers_speaks_another_language() -> None:
    def answer() -> None:
        there, _ = server.accept()
        with there:
            there.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9)  # lengths beyond any memory
            there.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(answer)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match="is no scheduler of Dask"), connected(address):
            pass


def test_a_scheduler_of_another_version(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "version", lambda _: "2024.1.0")
    words = "has distributed 20.*, but here is 2024.1.0; install the same"
    with pytest.raises(ClusterError, match=words), connected(cluster.scheduler_address):
        pass


def test_certificates_that_are_missing() -> None:
    words = "tls://127.0.0.1:9 needs certificates; name them in Dask's configuration"
    with pytest.raises(ClusterError, match=words), connected("tls://127.0.0.1:9"):
        pass


def test_a_cluster_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_SECONDS", 1)
    with (
        local_cluster(n_workers=0) as empty,
        pytest.raises(ClusterError, match="has no workers; start one or more with `dask worker"),
        connected(empty.scheduler_address),
    ):
        pass


def test_workers_with_another_version_or_none(
    cluster: LocalCluster, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sorted(client.nthreads())
    monkeypatch.setattr(connecting, "__version__", "99.0")
    words = f"2 of 2 workers of .* {first} has discresorb [0-9.]+; {second} has .* Install .* 99.0"
    with pytest.raises(ClusterError, match=words), connected(cluster.scheduler_address):
        pass
    monkeypatch.undo()
    client.run(exec, "import sys; sys.modules['discresorb'] = None", workers=[second])
    words = f"1 of 2 workers of .*: {second} has no discresorb"
    with pytest.raises(ClusterError, match=words), connected(cluster.scheduler_address):
        pass
    client.run(exec, "import sys; del sys.modules['discresorb']", workers=[second])


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = r'pip install "discresorb\[cluster\]"'
    with pytest.raises(ClusterError, match=words), connected("tcp://127.0.0.1:9"):
        pass


def test_exit_status(tmp_path: Path) -> None:
    given = ("train", str(SYNTHETIC / "cohort.csv"), "-o", "m.joblib", "--scheduler")
    soon = "from discresorb import cluster; cluster._SECONDS = 1"
    done = command(soon, *given, "nonsense", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    done = command(soon, *given, "tcp://127.0.0.1:9", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr.startswith("Error: no scheduler answered at tcp://127.0.0.1:9")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
