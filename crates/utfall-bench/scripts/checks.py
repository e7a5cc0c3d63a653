"""The checks of the bench `checks`, by another tool.

usage: checks.py duckdb|polars|frictionless FILE   (needs the PyPI package of that name)

Prints the seconds taken and the faults found. Every cell is read as text, as the file's own writer would have it read,
so that a cell of another type is a fault and not a failure. Frictionless reads the first rows alone, and its
time is scaled to the file's rows.
"""
import sys
import time

tool, path = sys.argv[1], sys.argv[2]
columns = open(path).readline().strip().split(",")
kinds = [("text", "integer", "decimal", "code" if i < 10 else "text", "date")[i % 5] for i in range(len(columns))]
FIRST_ROWS = 20_000


def sql_faults():
    """One SQL expression for each check: how many rows break it."""
    types = {"integer": "BIGINT", "decimal": "DECIMAL(18,2)", "date": "DATE"}
    for i, (name, kind) in enumerate(zip(columns, kinds)):
        if i < 8:
            yield f"count(*) FILTER (WHERE {name} IS NULL)"
        if kind in types:
            yield f"count(*) FILTER (WHERE {name} IS NOT NULL AND TRY_CAST({name} AS {types[kind]}) IS NULL)"
        if kind == "integer":
            yield f"count(*) FILTER (WHERE TRY_CAST({name} AS BIGINT) < 0)"
            yield f"count(*) FILTER (WHERE TRY_CAST({name} AS BIGINT) > 999)"
        if kind == "code":
            yield f"count(*) FILTER (WHERE {name} NOT IN ('A', 'B', 'C'))"
    if len(columns) >= 10:
        yield "count(*) FILTER (WHERE TRY_CAST(c9 AS DATE) < TRY_CAST(c4 AS DATE))"
    yield "count(*) - count(DISTINCT c0)"


def duckdb_faults():
    import duckdb

    checks = ", ".join(sql_faults())
    row = duckdb.sql(f"SELECT {checks} FROM read_csv('{path}', all_varchar = true, header = true)").fetchall()[0]
    return sum(row)


def polars_faults():
    import polars as pl

    frame = pl.scan_csv(path, infer_schema=False)
    checks = []
    for i, (name, kind) in enumerate(zip(columns, kinds)):
        cell = pl.col(name)
        typed = {
            "integer": cell.cast(pl.Int64, strict=False),
            "decimal": cell.cast(pl.Decimal(18, 2), strict=False),
            "date": cell.str.to_date("%Y-%m-%d", strict=False),
        }.get(kind)
        if i < 8:
            checks.append(cell.is_null())
        if typed is not None:
            checks.append(cell.is_not_null() & typed.is_null())
        if kind == "integer":
            checks += [typed < 0, typed > 999]
        if kind == "code":
            checks.append(~cell.is_in(["A", "B", "C"]))
    if len(columns) >= 10:
        day = lambda name: pl.col(name).str.to_date("%Y-%m-%d", strict=False)
        checks.append(day("c9") < day("c4"))
    counts = [check.sum().alias(f"check{i}") for i, check in enumerate(checks)]
    counts.append((pl.len() - pl.col("c0").n_unique()).cast(pl.Int64).alias("key"))
    return sum(frame.select(counts).collect(engine="streaming").row(0))


def frictionless_faults():
    """The faults of the first rows; the rule over two columns is left out, which Frictionless checks by an expression."""
    from itertools import islice
    from frictionless import Checklist, Resource, Schema, system

    names = {"integer": "integer", "decimal": "number", "date": "date", "code": "string", "text": "string"}
    fields = []
    for i, (name, kind) in enumerate(zip(columns, kinds)):
        constraints = {"required": True} if i < 8 else {}
        if kind == "integer":
            constraints |= {"minimum": 0, "maximum": 999}
        if kind == "code":
            constraints["enum"] = ["A", "B", "C"]
        fields.append({"name": name, "type": names[kind], "constraints": constraints})
    schema = Schema.from_descriptor({"fields": fields, "primaryKey": ["c0"]})
    with open(path) as whole, open(path + ".first.csv", "w") as first:
        first.writelines(islice(whole, FIRST_ROWS + 1))
    with system.use_context(trusted=True):
        report = Resource(path=path + ".first.csv", schema=schema).validate(Checklist(), limit_errors=1_000_000)
    return sum(len(task.errors) for task in report.tasks)


start = time.perf_counter()
faults = {"duckdb": duckdb_faults, "polars": polars_faults, "frictionless": frictionless_faults}[tool]()
seconds = time.perf_counter() - start
if tool == "frictionless":
    n_rows = sum(1 for _ in open(path)) - 1
    seconds *= max(1, n_rows / FIRST_ROWS)
    faults = f"{faults} (of the first {FIRST_ROWS} rows; time scaled)"
print(f"{seconds:.3f} {faults}")
