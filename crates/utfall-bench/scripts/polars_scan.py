"""Polars alone: scan absence extracts and write them as Parquet, with the casts of their data contract.

usage: polars_scan.py FOLDER FILE...   (needs the PyPI package polars)

Prints the seconds taken. It checks nothing: no rule, no duplicate, no identity number, no encoding; a cell that
does not parse becomes null and a ragged row is cut.
"""
import sys
import time

import polars as pl

folder, files = sys.argv[1], sys.argv[2:]
start = time.perf_counter()
for number, file in enumerate(files):
    frame = pl.scan_csv(
        file,
        separator=";",
        encoding="utf8-lossy",
        infer_schema=False,
        null_values=[".."],
        truncate_ragged_lines=True,
        new_columns=["person", "month", "offered", "valid", "invalid"],
    )
    hours = [
        (pl.col(name).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False) * 10).round().cast(pl.Int64).alias(name)
        for name in ("offered", "valid", "invalid")
    ]
    month = pl.col("month").str.to_date("%Y%m%d", strict=False)
    frame.with_columns([month, *hours]).sink_parquet(f"{folder}/polars-{number}.parquet")
print(time.perf_counter() - start)
