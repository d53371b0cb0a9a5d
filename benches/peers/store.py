"""Where the peer keeps its tables: Parquet files in a folder, read again as views (or tables in memory as well)."""

from pathlib import Path

import duckdb

from feed_sql import macros, name

ROW_GROUP_ROWS = 524_288


class Store:
    """`keep` is `parquet` (each table is written once and read from its file) or `memory` (a table, then its copy)."""

    def __init__(self, folder, temporary, threads, memory, keep="parquet"):
        self.folder = Path(folder)
        self.temporary = Path(temporary)
        self.keep = keep
        self.file_ids = 0
        self.connection = duckdb.connect(":memory:")
        run = self.connection.execute
        run(f"set threads = {int(threads)}")
        if memory:
            run(f"set memory_limit = '{memory}'")
        run(f"set temp_directory = '{self.temporary / 'spill'}'")
        run("set integer_division = true")
        run("set timezone = 'UTC'")
        run("set enable_progress_bar = false")
        for schema in ("staging", "quarantine", "reference", "core", "marts", "campaigns"):
            run(f"create schema {schema}")
        for macro in macros():
            run(macro)

    def next_file_id(self):
        self.file_ids += 1
        return self.file_ids

    def write(self, query, schema, table):
        """One Parquet file, zstd 3; returns its rows."""
        path = self.folder / schema / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        found = self.connection.execute(
            f"copy ({query}) to '{path}' (format parquet, compression zstd, compression_level 3, "
            f"row_group_size {ROW_GROUP_ROWS})"
        ).fetchone()
        return path, found[0]

    def publish(self, schema, table, query):
        """Writes the table and makes it known as `schema.table`; returns its rows."""
        full_name = f"{schema}.{name(table)}"
        query = self.without_wide_integers(query)
        if self.keep == "memory" and schema != "quarantine":
            self.connection.execute(f"create table {full_name} as {query}")
            return self.write(f"from {full_name}", schema, table)[1]
        path, rows = self.write(query, schema, table)
        self.connection.execute(f"create view {full_name} as from read_parquet('{path}')")
        return rows

    def without_wide_integers(self, query):
        """Sums of integers are 128 bits wide in DuckDB, which Parquet would hold as floating point."""
        described = self.connection.execute(f"describe {query}").fetchall()
        wide = [column[0] for column in described if column[1] == "HUGEINT"]
        if not wide:
            return query
        casts = ", ".join(f"cast({name(column)} as bigint) as {name(column)}" for column in wide)
        return f"select * replace ({casts}) from ({query})"
