"""The jobs in DuckDB: python with_duckdb.py JOB SHAPE IN OUT THREADS.

As tight as SQL gets: only the columns that a job needs are declared, so that nothing else is decoded. Types
that a schema needs more than once are created first.
"""

import sys

import duckdb
import duckdb_v1
import duckdb_v2

JOBS = {"v1": duckdb_v1.JOBS, "v2": duckdb_v2.JOBS}
SCRUB = r"https?://[^ \t\r\n]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}|[@＠][A-Za-z0-9_]+"

SETUP = f"""
SET preserve_insertion_order = false;
CREATE MACRO rounded(n) AS CASE WHEN n < 100 THEN n ELSE round(n, 1 - floor(log10(n))::INT)::BIGINT END;
CREATE MACRO scrubbed(t) AS regexp_replace(t, '{SCRUB}', '', 'g');
CREATE MACRO others(tags, handles) AS list_filter(tags, lambda tag: NOT list_contains(handles, lower(tag)));
CREATE MACRO other(client, handles) AS CASE WHEN NOT list_contains(handles, lower(client)) THEN client END;
CREATE MACRO everywhere(codes) AS coalesce(list_has_any(codes, ['XX', 'XY']), false);
"""
LINES = "csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"


def main(job: str, shape: str, source: str, out: str, threads: str) -> None:
    """Run one job of one shape."""
    types, columns, select = JOBS[shape][job]
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    read = f"read_json('{source}', format = 'newline_delimited', columns = {{{declared}}})"
    form = "csv, HEADER false" if job == "ids" else "json"
    if not columns:  # whole lines in, whole lines out
        read, form = f"read_ndjson_objects('{source}')", LINES
    connection = duckdb.connect(config={"threads": threads})
    connection.execute(SETUP + types)
    connection.execute(f"COPY (WITH posts AS (FROM {read}) {select}) TO '{out}' (FORMAT {form})")


if __name__ == "__main__":
    main(*sys.argv[1:])
