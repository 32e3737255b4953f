"""Hold a recipe against `discresorb score`: python docs/recipes/check.py spark, or ray.

Run in an environment that has discresorb, pyarrow and pyspark (with Java) or ray; for Spark with
PYSPARK_PYTHON naming that environment's Python. The printouts stand beside this file.
"""

from __future__ import annotations

import pickle
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from discresorb import Predictor, load
from discresorb.scoring import NUMBER_OUTPUTS, OUTPUT_NAMES

ROOT = Path(__file__).parents[2]
ROWS = 300_000
CLOSE = 1e-12
sys.path += [str(ROOT / "benchmarks"), str(Path(__file__).parent)]


def lists(folder: Path) -> dict[str, Path]:
    """Make long lists, as text and typed; in each, one row of a hundred has a problem."""
    from long_lists import write_list

    text, typed = folder / "text.csv", folder / "typed.parquet"
    write_list(ROWS, text, problems=0.01)
    flags = pl.col("sequestrated", "symptoms_changed")
    rows = pl.read_csv(text, schema_overrides={"size_mm": pl.String}, try_parse_dates=True)
    rows = rows.with_columns(
        pl.col("size_mm").cast(pl.Float64, strict=False),
        flags.replace_strict({"yes": True, "no": False}, default=None, return_dtype=pl.Boolean),
        pl.when(pl.col("onset_date").is_null()).then(pl.lit(7)).alias("ward"),
    )
    rows.write_parquet(typed, row_group_size=ROWS // 4)
    shipped = ROOT / "data" / "synthetic" / "waiting_list.csv"
    return {"the shipped list, text": shipped, "text": text, "typed": typed}


def command(source: Path, folder: Path) -> pl.DataFrame:
    """Score a file with the command."""
    target = folder / "expected.parquet"
    arguments = [sys.executable, "-m", "discresorb", "score", source, "-o", target, "--force"]
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        raise SystemExit(done.stderr)
    return pl.read_parquet(target)


def with_spark(predictor: Predictor, source: Path, target: Path, spark: Any) -> None:
    """Score a file with the Spark recipe."""
    import spark_score

    rows = spark_score.read(spark, str(source))
    spark_score.scored(rows, predictor).write.parquet(str(target))


def with_ray(predictor: Predictor, source: Path, target: Path, _: Any) -> None:
    """Score a file with the Ray recipe, which reads Parquet."""
    import ray
    import ray_score

    if source.suffix == ".csv":
        as_parquet = target.with_suffix(".parquet")
        pl.read_csv(source, infer_schema=False).write_parquet(as_parquet)
        source = as_parquet
    ray_score.scored(ray.data.read_parquet(str(source)), predictor).write_parquet(str(target))


def started(kind: str) -> Any:
    """Start a cluster of two workers on this machine, and say which."""
    packages = ["discresorb", "polars", "pandas", "pyarrow", "pyspark" if kind == "spark" else kind]
    said = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {said}", end="")
    if kind == "ray":
        import ray

        ray.init(num_cpus=2, logging_level="ERROR", log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        print("; two workers\n")
        return None
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "50000")
    print(f", Java {spark._jvm.System.getProperty('java.version')}; local[2]\n")
    return spark


def difference(found: pl.DataFrame, expected: pl.DataFrame) -> float:
    """Give the largest difference of numbers; everything else must be the same."""
    found, expected = (each.sort("patient_id") for each in (found, expected))
    if found.columns != expected.columns:
        raise SystemExit(f"columns are {found.columns}, not {expected.columns}")
    largest = 0.0
    for name in expected.columns:
        a, b = found[name], expected[name]
        if name in NUMBER_OUTPUTS:
            if not a.is_null().equals(b.is_null()):
                raise SystemExit(f"{name} is missing in other rows")
            gaps = (a - b).abs().drop_nulls().to_numpy()
            largest = max(largest, float(gaps.max(initial=0.0)))
        elif not a.cast(pl.String).fill_null("").equals(b.cast(pl.String).fill_null("")):
            raise SystemExit(f"{name} differs")
    return largest


def main() -> None:
    """Print how the recipe's results differ from the command's."""
    kind, predictor = sys.argv[1], load()
    session = started(kind)
    recipe = with_spark if kind == "spark" else with_ray
    print(f"the predictor travels as {len(pickle.dumps(predictor)):,} bytes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (what, source) in enumerate(lists(folder).items()):
            target = folder / f"scored{number}"
            start = time.perf_counter()
            recipe(predictor, source, target, session)
            took = time.perf_counter() - start
            found = pl.read_parquet(target / "*.parquet")
            largest = difference(found, command(source, folder))
            scored, verdict = found["p_resorbed"].count(), "yes" if largest <= CLOSE else "NO"
            print(f"{what}: {len(found):,} rows, {scored:,} of them scored, in {took:.1f} s\n"
                  f"  input and {len(OUTPUT_NAMES)} output columns equal the command's, numbers "
                  f"within {largest:.0e} ({CLOSE:.0e} allowed): {verdict}")  # fmt: skip


if __name__ == "__main__":
    main()
