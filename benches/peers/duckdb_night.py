"""A night of the harbor project in DuckDB: the same extracts, tables, marts, scores and target lists as salenet's.

It begins with an empty warehouse (a first, full night) and matches by exact rules: exact_project.py makes the project
for it. What it leaves out, to its own advantage, is in the README.
"""

import argparse
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

import campaign
import measure
import models
import project as projects
from feed_sql import text
from load import load_feed
from resolve import resolve
from scores import run_scores
from store import Store


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", required=True, help="folder of the delivered files")
    parser.add_argument("--project", default="pipelines/harbor", help="folder of the project")
    parser.add_argument("--date", required=True, type=date.fromisoformat, help="business date")
    parser.add_argument("--out", required=True, help="folder for the Parquet files; must be new or empty")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default=None, help="DuckDB's memory_limit, such as 8GB [default: DuckDB's own]")
    parser.add_argument("--keep", choices=["parquet", "memory"], default="parquet", help="see store.py")
    parser.add_argument("--campaigns", choices=["scheduled", "always", "never"], default="scheduled")
    parser.add_argument("--until", choices=["load", "resolve", "models", "campaigns"], default="campaigns")
    parser.add_argument("--json", help="file for the figures")
    return parser.parse_args()


def size(path):
    """Of what was delivered; a feed may bring nothing."""
    return path.stat().st_size if path.exists() else 0


def load_all(store, project, options, meter):
    reports = {}
    for feed in project.feeds:
        path = feed.path(options.landing, options.date)
        control = feed.control_path(options.landing, options.date)
        with meter.step("load", feed.qualified) as facts:
            reports[feed.qualified] = report = load_feed(store, feed, path, options.date, control)
            facts.update(rows=report["loaded"], bytes=size(path), **{
                count: report[count] for count in ("read", "rejected", "duplicate", "money")
            })
    for reference in project.references:
        with meter.step("load", reference.qualified) as facts:
            models.load_reference(store, reference, project.folder / "reference" / f"{reference.name}.csv")
    return reports


def publish_sources(store, project, options, reports):
    """Publishes `core.source_file`, without hashes, and `core.source_system`."""
    files = []
    for feed in project.feeds:
        path, report = feed.path(options.landing, options.date), reports[feed.qualified]
        if not path.exists():
            continue
        delivered = path.relative_to(options.landing)
        files.append(
            f"({report['file_id']}::bigint, {text(feed.qualified)}, {text(delivered)}, date '{options.date}', "
            f"cast(null as varchar), {path.stat().st_size}::bigint, {report['read']}::bigint)"
        )
    columns = "file_id, feed, path, business_date, blake3, bytes, rows"
    store.publish("core", "source_file", f"select * from (values {', '.join(files)}) as listed ({columns})")
    systems = [
        f"({text(source['source'])}, {text(source['description'])}, {source['trust_rank']}::bigint, "
        f"{text(source['cutoff_time']) if 'cutoff_time' in source else 'cast(null as varchar)'}, "
        f"{text(source.get('currency', project.bank['currency']))})"
        for source in project.sources
    ]
    columns = "source_code, name, trust_rank, cutoff_time, currency"
    store.publish("core", "source_system", f"select * from (values {', '.join(systems)}) as listed ({columns})")


def night(store, project, options, meter):
    steps = ["load", "resolve", "models", "campaigns"]
    wanted = steps[: steps.index(options.until) + 1]
    reports = load_all(store, project, options, meter)
    with meter.step("load", "core.source_file"):
        publish_sources(store, project, options, reports)
    if "resolve" in wanted:
        with meter.step("resolve", "core.customer_xref") as facts:
            facts.update(resolve(store, project, options.date))
    if "models" in wanted:
        bindings = models.bindings(project, options.date)
        models.declare_base(store, project)
        for words in models.not_found(project.models):
            print(f"no model has `{words}` any longer: models.py is behind", file=sys.stderr)
        for model in models.in_order(project.models):
            with meter.step("model", model.table) as facts:
                facts["rows"] = models.build(store, model, bindings)
        with meter.step("score", "core.model_score") as facts:
            facts["rows"] = run_scores(store, project)
    if "campaigns" in wanted and options.campaigns != "never":
        campaign.start(store)
        for spec in project.campaigns:
            due = spec["schedule"] == "nightly" or (spec["schedule"] == "monthly" and projects.ends_month(options.date))
            if due or options.campaigns == "always":
                with meter.step("campaign", spec["campaign"]["code"]) as facts:
                    facts.update(campaign.run_campaign(store, spec, options.date, bindings))
        with meter.step("campaign", "campaigns.candidate"):
            campaign.publish(store, project.campaigns)
    return reports


def main():
    options = arguments()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        sys.exit(f"{out} is not empty")
    meter = measure.Measure()
    project = projects.load(options.project)
    if "similarity" in project.matching:
        sys.exit(f"{options.project} matches by similarity, as only salenet does: exact_project.py copies it without")
    temporary = tempfile.mkdtemp(prefix=".tmp-", dir=out)
    try:
        with meter.step("start", "connect"):
            store = Store(out, temporary, options.threads, options.memory, options.keep)
        reports = night(store, project, options, meter)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    report = meter.report(
        peer="duckdb",
        business_date=str(options.date),
        threads=options.threads,
        memory=options.memory,
        feeds=reports,
        written_bytes=measure.folder_bytes(out),
    )
    measure.print_total(report)
    measure.write_json(report, options.json or out / "report.json")


if __name__ == "__main__":
    main()
