"""What the ingest peers read: a feed of a project with its delivered file, or the file of benches/ingest.rs."""

import argparse
from datetime import date
from pathlib import Path

import measure
import project as projects

BENCH_FEED = Path(__file__).with_name("bench.yml")


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--project", default="pipelines/harbor", help="folder of the project")
    parser.add_argument("--landing", help="folder of the delivered files")
    parser.add_argument("--date", type=date.fromisoformat, default=date(2026, 10, 31), help="business date")
    parser.add_argument("--feed", default="bench.accounts", help="such as deposits.postings; bench.accounts: bench.yml")
    parser.add_argument("--file", help="the file, if it is not the one of landing and date")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of bench.accounts, if --file is to be written")
    parser.add_argument("--out", required=True, help="folder of the Parquet files")
    parser.add_argument("--bare", action="store_true", help="CSV to typed Parquet and nothing else")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default=None, help="DuckDB's memory_limit, such as 8GB")
    parser.add_argument("--json", help="file for the figures")
    return parser.parse_args()


def feed_and_file(options):
    source, _, name = options.feed.partition(".")
    if source == "bench":
        spec = projects.read_yaml(BENCH_FEED)["feeds"][name]
        feed = projects.Feed(source, name, 1, spec, projects.columns_of(spec))
        path = Path(options.file or Path(options.out) / "accounts.csv")
        if not path.exists():
            write_accounts(path, options.rows)
        return feed, path
    feeds = {feed.qualified: feed for feed in projects.load(options.project).feeds}
    feed = feeds[options.feed]
    return feed, Path(options.file) if options.file else feed.path(options.landing, options.date)


def write_accounts(path, rows):
    """Byte for byte what benches/ingest.rs writes."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("account_no|holder_name|open_date|balance|credit_limit|rate|branch|status|n_cards|is_staff\n")
        for number in range(rows):
            file.write(
                f"D{number:010}|SMITH, JOHN {number % 977}|201703{number % 28 + 1:02}|"
                f"{number % 100_000}.{number % 100:02}|5000.00|0.0{number % 9000 + 1000}|"
                f"B{number % 300:03}|A|{number % 3}|N\n"
            )


def finish(meter, options, feed, path, files, **facts):
    """The report of one ingest, as text and JSON."""
    report = meter.report(
        feed=feed.qualified,
        bare=options.bare,
        threads=options.threads,
        input_bytes=path.stat().st_size,
        output_bytes=sum(file.stat().st_size for file in files),
        **facts,
    )
    seconds = report["steps"][-1]["seconds"]
    cpu = report["steps"][-1]["cpu_seconds"]
    megabytes = report["input_bytes"] / 1e6
    # Of the file as delivered: for a compressed feed the rows tell more.
    report["megabytes_per_second"] = round(megabytes / seconds, 1)
    report["rows_per_second"] = round(facts["rows"] / seconds)
    print(
        f"{facts['peer']} {feed.qualified}{' bare' if options.bare else ''}: {megabytes:.0f} MB, "
        f"{facts['rows']:,} rows in {seconds:.2f} s: {megabytes / seconds:.1f} MB/s, "
        f"{report['rows_per_second']:,} rows/s, cpu {cpu:.2f} s, "
        f"peak resident {report['peak_resident_bytes'] / 1e6:.0f} MB, out {report['output_bytes'] / 1e6:.1f} MB"
    )
    measure.write_json(report, options.json)
