"""One delimited feed into typed Parquet with Polars: counted, summed, rejected rows and duplicates kept; or bare.

Polars has no table of records that did not split: a short record is padded with nulls (and rejected here when that
breaks `required`), a long one is cut, and a stray quote may swallow lines. Its counts are what it read, no more.
"""

import os
import sys
from pathlib import Path


def bare_schema(pl, feed):
    """Types by Polars' own reader wherever it can; dates of other formats are parsed after it."""
    native = {"string": pl.String, "integer": pl.Int64, "money": pl.Decimal(18, 2)}
    schema, later = {}, []
    for column in feed.columns:
        kind = native.get(column.type, pl.String)
        if column.type == "decimal":
            kind = pl.Decimal(18, int(column.spec["scale"]))
        schema[column.source_name] = kind
        if column.type in ("date", "timestamp"):
            later.append(moment(pl, column, pl.col(column.name)).alias(column.name))
        elif column.type == "boolean":
            later.append(boolean(pl, pl.col(column.name)).alias(column.name))
    return schema, later


def moment(pl, column, value):
    if column.type == "date":
        return value.str.to_date(column.spec.get("format", "%Y-%m-%d"), strict=False)
    return value.str.to_datetime(column.spec.get("format", "%Y-%m-%dT%H:%M:%S"), time_unit="us", strict=False)


def boolean(pl, value):
    words = {"true": True, "Y": True, "1": True, "false": False, "N": False, "0": False}
    return value.replace_strict(words, default=None, return_dtype=pl.Boolean)


def cleaned(pl, column):
    value = pl.col(column.name)
    value = pl.when(value != "").then(value)
    nulls = [null for null in column.spec.get("nulls", []) if null]
    if nulls:
        value = pl.when(~value.is_in(nulls)).then(value)
    for cleaner in column.spec.get("clean", []):
        if cleaner in ("trim", "collapse"):
            value = value.str.strip_chars()
        if cleaner == "collapse":
            value = value.str.replace_all(r"\s+", " ")
        elif cleaner == "upper":
            value = value.str.to_uppercase()
        elif cleaner == "person_name":
            one_case = (value == value.str.to_uppercase()) | (value == value.str.to_lowercase())
            value = pl.when(one_case).then(value.str.to_titlecase()).otherwise(value)
        elif cleaner != "trim":
            sys.exit(f"{column.name}: the cleaner {cleaner} is not written for Polars")
    return value


def typed(pl, column, value):
    spec = column.spec
    if column.protection[0]:
        sys.exit(f"{column.name}: protected columns are not written for Polars")
    if "map" in spec:
        return value.replace_strict(spec["map"], default=None, return_dtype=pl.String)
    if column.type in ("money", "decimal"):
        if spec.get("group_mark"):
            value = value.str.replace_all(spec["group_mark"], "", literal=True)
        return value.cast(pl.Decimal(18, int(spec.get("scale", "2"))), strict=False)
    if column.type == "integer":
        return value.cast(pl.Int64, strict=False)
    if column.type in ("date", "timestamp"):
        return moment(pl, column, value)
    return boolean(pl, value) if column.type == "boolean" else value


def scan(pl, feed, path, schema, index=None):
    layout = feed.format
    delimiter = layout.get("delimiter", ",")
    if layout.get("type", "csv") != "csv" or len(delimiter) != 1 or "encoding" in layout:
        sys.exit("only UTF-8 files with a delimiter of one character are read")
    return pl.scan_csv(
        path,
        separator=delimiter,
        quote_char=None if layout.get("quote") == "none" else '"',
        has_header=layout.get("header") != "false",
        schema=schema,
        truncate_ragged_lines=True,
        row_index_name=index,
        row_index_offset=1,
    ).rename({column.source_name: column.name for column in feed.columns if column.source_name != column.name})


def sink(frame, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return frame.sink_parquet(path, compression="zstd", compression_level=3, row_group_size=524_288, lazy=True)


def bare(pl, feed, path, target):
    schema, later = bare_schema(pl, feed)
    pl.collect_all([sink(scan(pl, feed, path, schema).with_columns(later), target)], engine="streaming")
    return pl.scan_parquet(target).select(pl.len()).collect().item()


def full(pl, feed, path, target, rejects):
    """Typed rows stay in memory once, so that the file is read once for rows, rejects, duplicates and sums."""
    schema = {column.source_name: pl.String for column in feed.columns}
    frame = scan(pl, feed, path, schema, index="_line")
    texts = frame.with_columns(cleaned(pl, column).alias("t_" + column.name) for column in feed.columns)
    values = texts.with_columns(
        typed(pl, column, pl.col("t_" + column.name)).alias("v_" + column.name) for column in feed.columns
    )
    flaw = pl.lit(None, dtype=pl.String)
    for column in reversed(feed.columns):
        missing = pl.col("v_" + column.name).is_null()
        if column.required:
            flaw = pl.when(missing).then(pl.lit(column.name + "|required")).otherwise(flaw)
        unread = missing & pl.col("t_" + column.name).is_not_null()
        rule = "map" if "map" in column.spec else "type"
        flaw = pl.when(unread).then(pl.lit(f"{column.name}|{rule}")).otherwise(flaw)
    delivered = pl.concat_str([pl.col(column.name) for column in feed.columns], separator="\t", ignore_nulls=True)
    judged = values.with_columns(flaw.alias("_flaw")).select(
        *[pl.col("v_" + column.name).alias(column.name) for column in feed.columns],
        pl.col("_line").cast(pl.Int64),
        "_flaw",
        pl.when(pl.col("_flaw").is_not_null()).then(delivered).alias("_raw"),
    )
    staged = judged.collect(engine="streaming")
    sound = staged.filter(pl.col("_flaw").is_null()).drop("_flaw", "_raw")
    if feed.key:
        loaded = sound.unique(subset=feed.key, keep="first", maintain_order=True)
    else:
        loaded = sound
    rejected = staged.filter(pl.col("_flaw").is_not_null()).select("_line", "_flaw", "_raw")
    money = [column.name for column in feed.columns if column.type == "money"]
    counts = {
        "read": staged.height,
        "loaded": loaded.height,
        "rejected": rejected.height,
        "duplicate": sound.height - loaded.height,
        "money": {
            name: {"read": str(staged[name].sum()), "loaded": str(loaded[name].sum())} for name in money
        },
    }
    pl.collect_all([sink(loaded.lazy(), target), sink(rejected.lazy(), rejects)], engine="streaming")
    return counts


def main():
    import ingest_input
    import measure

    options = ingest_input.arguments(__doc__)
    # Read when the library is loaded.
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)
    import polars as pl

    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    feed, path = ingest_input.feed_and_file(options)
    meter = measure.Measure(quiet=True)
    target = out / "staging" / f"{feed.table}.polars.parquet"
    rejects = out / "quarantine" / f"{feed.table}.polars.parquet"
    with meter.step("ingest", feed.qualified):
        if options.bare:
            counts, files = {"loaded": bare(pl, feed, path, target)}, [target]
        else:
            counts, files = full(pl, feed, path, target, rejects), [target, rejects]
    ingest_input.finish(meter, options, feed, path, files, peer="polars", rows=counts["loaded"], counts=counts)


if __name__ == "__main__":
    main()
