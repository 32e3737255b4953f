"""What scoring a file is measured against, each in a program that benchmarks/score.py runs.

Each prints its figures as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def keep_outputs(scored: str, kept: str) -> None:
    """Keep the columns that `score` added, as they will lie in memory."""
    import polars as pl

    from discresorb.scoring import output_schema

    kinds = output_schema()
    pl.read_csv(scored, columns=list(kinds), schema_overrides=kinds).write_parquet(kept)


def floor(source: str, kept: str, target: str) -> None:
    """Read a list with its dates parsed and write it with the columns that `score` added.

    Those columns are loaded beforehand, so that making them counts for nothing.
    """
    import polars as pl

    loading = time.perf_counter()
    added = pl.read_parquet(kept)
    start, cpu = time.perf_counter(), time.process_time()
    frame = pl.read_csv(source, try_parse_dates=True)
    read = time.perf_counter()
    with Path(target).open("wb") as stream:
        frame.hstack(added).write_csv(stream)
        written, cpu = time.perf_counter(), time.process_time() - cpu
        os.fsync(stream.fileno())
    found = {
        "load": start - loading,
        "read": read - start,
        "write": written - read,
        "sync": time.perf_counter() - written,
    }
    print(json.dumps({**found, "cpu": cpu}))


def inside(source: str, target: str) -> None:
    """Score within a program that has started, up to where the floor ends: not yet on the disk."""
    for library in ("narwhals", "polars"):  # imported here, so that it does not count
        import_module(library)
    from discresorb import load
    from discresorb.in_order import thread_count
    from discresorb.score_file import score_file
    from discresorb.scoring import Scorer
    from discresorb.writing import CsvWriter

    scorer = Scorer(load())
    with Path(target).open("wb") as stream:
        start = time.perf_counter()
        score_file(scorer, source, CsvWriter(stream), threads=thread_count(-1))
        stream.flush()
        print(json.dumps({"seconds": time.perf_counter() - start}))


def formula(source: str, target: str) -> None:
    """Score as a notebook would: pandas, numpy, the probability alone, nothing checked."""
    import numpy as np
    import pandas as pd

    from discresorb import load

    model = load().artifact
    if model["distribution"] != "loglogistic":
        raise ValueError("the formula is that of the log-logistic model")
    start = time.perf_counter()
    dates = ["onset_date", "imaging_date", "surgery_date"]
    frame = pd.read_csv(source, parse_dates=dates)
    days = (frame["imaging_date"] - frame["onset_date"]).dt.days
    entry = (days / 30.4375).fillna(frame["months_since_onset"]).to_numpy()
    days = (frame["surgery_date"] - frame["imaging_date"]).dt.days
    horizon = entry + (days / 30.4375).fillna(frame["months_to_surgery"]).to_numpy()
    size = frame["size_mm"].to_numpy()
    sequestrated = (frame["sequestrated"] == "yes").to_numpy(float)
    a, b, c = model["location"]
    location, scale = a + b * size + c * sequestrated, np.exp(model["log_scale"])
    a, b, c = model["cure_coefficients"]
    ever = 1.0 / (1.0 + np.exp(-(a + b * size + c * sequestrated)))

    def share(months: np.ndarray) -> np.ndarray:
        odds: np.ndarray = np.exp((np.log(months) - location) / scale)
        return odds / (1.0 + odds)

    frame["p_resorbed"] = ever * (share(horizon) - share(entry)) / (1.0 - ever * share(entry))
    frame.to_csv(target, index=False)
    print(json.dumps({"seconds": time.perf_counter() - start}))


def lifelines(scored: str, rows: str) -> None:
    """Predict each row at its own horizon, given its entry, with lifelines' own API.

    It predicts every row at every horizon that is asked for; each row's own is kept of them.
    """
    import numpy as np
    import pandas as pd
    from predict import fitted_lifelines

    fitter = fitted_lifelines()
    names = ["size_mm", "sequestrated", "months_at_imaging", "months_at_surgery"]
    frame = pd.read_csv(scored, usecols=names, nrows=int(rows))
    entry = frame["months_at_imaging"].to_numpy()
    wait = frame["months_at_surgery"].to_numpy() - entry
    covariates = frame[["size_mm"]].assign(sequestrated=(frame["sequestrated"] == "yes") * 1.0)
    start = time.perf_counter()
    every = fitter.predict_survival_function(covariates, times=wait, conditional_after=entry)
    own = 1.0 - np.diagonal(every.to_numpy())
    found = {"seconds": time.perf_counter() - start, "mean": float(own.mean())}
    print(json.dumps(found))


def convert(source: str, folder: str, only: str = "") -> None:
    """Give a list other forms: Parquet, typed and in one row group or many; .gz and .zst."""
    import gzip
    import shutil

    import polars as pl

    from discresorb.sources import zstd

    place = Path(folder)
    frame = pl.scan_csv(source, try_parse_dates=True)
    frame.sink_parquet(place / "list.parquet", row_group_size=122_880, maintain_order=True)
    frame.collect().rechunk().write_parquet(place / "one.parquet", row_group_size=1 << 30)
    if only == "parquet":
        return
    with Path(source).open("rb") as stream:
        with gzip.open(place / "list.csv.gz", "wb", compresslevel=6) as out:
            shutil.copyfileobj(stream, out)
        stream.seek(0)
        with zstd().open(place / "list.csv.zst", "wb") as out:
            shutil.copyfileobj(stream, out)


RIVALS: dict[str, Callable[..., None]] = {
    "keep": keep_outputs,
    "floor": floor,
    "inside": inside,
    "formula": formula,
    "lifelines": lifelines,
    "convert": convert,
}

if __name__ == "__main__":
    RIVALS[sys.argv[1]](*sys.argv[2:])
