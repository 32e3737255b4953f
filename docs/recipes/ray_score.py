"""Score a table of any size with Ray: python ray_score.py waiting_lists/ scored/."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pyarrow as pa
import ray

from discresorb import Predictor, load
from discresorb.columns import OUTPUT_COLUMNS

KINDS = {"number": pa.float64(), "count": pa.int64(), "flag": pa.bool_(), "text": pa.string()}
ADDED = [pa.field(column.name, KINDS[column.kind]) for column in OUTPUT_COLUMNS]
BATCH = 50_000


def scoring(predictor: Predictor) -> Callable[[pa.Table], pa.Table]:
    """Give what scores a batch; every batch gets the same types, though a column be empty in it."""

    def score(rows: pa.Table) -> pa.Table:
        schema = pa.schema([*rows.schema.remove_metadata(), *ADDED])
        found = predictor.score(rows.to_pandas(integer_object_nulls=True))  # long ids stay
        return pa.Table.from_pandas(found, schema=schema, preserve_index=False)

    return score


def scored(rows: ray.data.Dataset, predictor: Predictor) -> ray.data.Dataset:
    """Add the output columns to a table of patients."""
    return rows.map_batches(scoring(predictor), batch_format="pyarrow", batch_size=BATCH)


def main() -> None:
    """Score a Parquet file or a folder of them into a folder."""
    source, target = sys.argv[1:]
    scored(ray.data.read_parquet(source), load()).write_parquet(target)


if __name__ == "__main__":
    main()
