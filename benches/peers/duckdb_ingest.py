"""One feed into typed Parquet with DuckDB: counted, summed, rejected rows and duplicates kept; or bare."""

import shutil
import tempfile
from pathlib import Path

import ingest_input
import measure
from feed_sql import moment, name, text
from load import load_feed
from store import Store

NATIVE = {"string": "VARCHAR", "integer": "BIGINT", "money": "DECIMAL(18, 2)", "boolean": "BOOLEAN"}


def bare_query(feed, path):
    """Types by DuckDB's own reader wherever it can; codes stay codes, rows that do not fit are dropped."""
    layout = feed.format
    if layout.get("type", "csv") != "csv":
        raise SystemExit("--bare reads delimited feeds only")
    types, values = [], []
    for column in feed.columns:
        native = NATIVE.get(column.type)
        if column.type == "decimal":
            native = f"DECIMAL(18, {column.spec['scale']})"
        if column.type in ("date", "timestamp"):
            pattern = column.spec.get("format", "%Y-%m-%d")
            native = column.type.upper() if pattern.startswith("%Y-%m-%d") else "VARCHAR"
        value = name(column.name)
        if native == "VARCHAR" and column.type in ("date", "timestamp"):
            value = f"{moment(column, value)} as {value}"
        types.append(f"{text(column.name)}: '{native}'")
        values.append(value)
    quote = "" if layout.get("quote") == "none" else '"'
    return (
        f"select {', '.join(values)} from read_csv({text(path)}, auto_detect=false, "
        f"header={'false' if layout.get('header') == 'false' else 'true'}, delim={text(layout.get('delimiter', ','))}, "
        f"quote={text(quote)}, escape={text(quote)}, ignore_errors=true, columns={{{', '.join(types)}}})"
    )


def main():
    options = ingest_input.arguments(__doc__)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    feed, path = ingest_input.feed_and_file(options)
    meter = measure.Measure(quiet=True)
    temporary = tempfile.mkdtemp(prefix=".tmp-", dir=out)
    try:
        store = Store(out, temporary, options.threads, options.memory)
        with meter.step("ingest", feed.qualified):
            if options.bare:
                target, rows = store.write(bare_query(feed, path), "staging", feed.table)
                report, files = {"loaded": rows}, [target]
            else:
                control = feed.control_path(options.landing, options.date) if options.landing else None
                report = load_feed(store, feed, path, options.date, control)
                files = [out / schema / f"{feed.table}.parquet" for schema in ("staging", "quarantine")]
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    ingest_input.finish(meter, options, feed, path, files, peer="duckdb", rows=report["loaded"], counts=report)


if __name__ == "__main__":
    main()
