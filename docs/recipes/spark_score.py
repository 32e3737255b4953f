"""Score a table of any size with Spark: spark-submit spark_score.py waiting_lists/ scored/."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import BooleanType, DoubleType, LongType, StringType, StructField, StructType

from discresorb import Predictor, load
from discresorb.columns import OUTPUT_COLUMNS

KINDS = {"number": DoubleType(), "count": LongType(), "flag": BooleanType(), "text": StringType()}


def scored(rows: DataFrame, predictor: Predictor) -> DataFrame:
    """Add the output columns to a table of patients."""
    predictor.score(rows.limit(0).toPandas())  # wrong columns are told here, not by every worker
    added = [StructField(column.name, KINDS[column.kind]) for column in OUTPUT_COLUMNS]

    def score(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield predictor.score(frame)

    return rows.mapInPandas(score, StructType([*rows.schema.fields, *added]))


def read(spark: SparkSession, source: str) -> DataFrame:
    """Read CSV, all of it as text so that ids keep their zeros; or Parquet."""
    if source.endswith((".csv", ".csv.gz")):
        return spark.read.csv(source, header=True)
    return spark.read.parquet(source)


def main() -> None:
    """Score a file or a folder into a folder of Parquet files."""
    source, target = sys.argv[1:]
    spark = SparkSession.builder.appName("discresorb").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "50000")
    scored(read(spark, source), load()).write.parquet(target)


if __name__ == "__main__":
    main()
