"""Prints the rows of a Parquet file, as DuckDB reads them, as lines of JSON; first the types of its columns."""

import json
import sys

import duckdb

table = duckdb.read_parquet(sys.argv[1])
print(json.dumps(dict(zip(table.columns, map(str, table.types)))))
for row in table.fetchall():
    print(json.dumps(dict(zip(table.columns, row)), default=str))
