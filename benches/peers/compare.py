"""Compares a salenet release with a peer's tables: rows, sums per month, whole rows, the target list.

Customers are numbered by each side on its own: they are matched by the source records of core.customer_xref.
Prints every difference and exits with 1 when there is one.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import duckdb

from feed_sql import name, text

# Where a row was read from, in each side's own terms.
LINEAGE = {"_file_id", "_line"}
# Two programs number their files; the peer hashes none.
NOT_COMPARED = {"core.source_file": {"file_id", "blake3"}}
# A few rows that repeat the campaigns' YAML and its hashes.
NOT_BUILT = {
    "campaigns.campaign", "campaigns.campaign_run", "campaigns.cell", "campaigns.goal", "campaigns.treatment",
}
# `exp` and `ln` of two libraries differ in their last bits: so many digits of a floating number are compared.
DIGITS = 10
CUSTOMER = {"customer_id", "head_customer_id", "to_customer_id", "event_seq"}
# Smallest customer of a group, or a place where ties go to the smaller customer.
ORDERED_BY_CUSTOMER = {"household_id", "group_id", "place", "profit_decile", "decile"}


def alike(left, right):
    """The same number; floating ones to so many digits."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=10.0 ** (1 - DIGITS))
    return left == right


class Comparison:
    def __init__(self, warehouse, peer, manifest, examples):
        self.peer = Path(peer)
        self.examples = examples
        self.differences = 0
        root = Path(warehouse)
        manifest = Path(manifest) if manifest else root / "current" / "manifest.json"
        self.manifest = json.loads(manifest.read_text(encoding="utf-8"))
        self.connection = duckdb.connect()
        self.run("set timezone = 'UTC'")
        self.run("create schema ours")
        self.run("create schema theirs")
        self.tables = {}
        for table, entry in self.manifest["tables"].items():
            self.add(root, table, entry)

    def run(self, query):
        return self.connection.execute(query).fetchall()

    def add(self, root, table, entry):
        """Views over both sides' files: ours.<schema>_<table> and theirs.<schema>_<table>."""
        flat = table.replace(".", "_", 1)
        files = ", ".join(text(root / file["path"]) for file in entry["files"])
        theirs = self.peer / (table.replace(".", "/", 1) + ".parquet")
        if files:
            self.run(f"create view ours.{name(flat)} as from read_parquet([{files}], hive_partitioning=false)")
        if theirs.exists():
            self.run(f"create view theirs.{name(flat)} as from read_parquet({text(theirs)})")
        self.tables[table] = (flat, bool(files), theirs.exists(), entry)

    def report(self, table, message):
        self.differences += 1
        print(f"DIFFERS  {table}: {message}")

    def columns(self, side, flat):
        return {column[0]: column[1] for column in self.run(f"describe {side}.{name(flat)}")}

    def match_customers(self):
        """Fills `matched` (theirs, ours); returns whether both sides gave the same numbers."""
        key = "source_code, feed, source_key"
        self.run(
            "create table matched as select distinct theirs.customer_id as theirs, ours.customer_id as ours "
            f"from theirs.core_customer_xref as theirs full join ours.core_customer_xref as ours using ({key}) "
            "where ours.valid_to is null"
        )
        for side, other in (("ours", "theirs"), ("theirs", "ours")):
            split = self.run(
                f"select count(*) from (select {side} from matched group by {side} having count(distinct {other}) <> 1)"
            )[0][0]
            if split:
                self.report("core.customer_xref", f"{split} customers of {side} are not one customer of {other}")
        alike = not self.run("select 1 from matched where theirs is distinct from ours limit 1")
        # UNASSIGNED is customer 0 on both sides.
        self.run("insert into matched values (0, 0)")
        return alike

    def comparable(self, side, flat, column, data_type):
        """A column so that both sides can be compared."""
        quoted = name(column)
        if data_type == "VARCHAR":
            # Tokens are keyed by each side on its own; that there is one is what counts.
            return f"case when starts_with({quoted}, 'tok:') then 'tok:' else {quoted} end as {quoted}"
        if data_type.startswith("TIMESTAMP"):
            return f"cast({quoted} as timestamp) as {quoted}"
        if data_type == "DOUBLE":
            return f"printf('%.{DIGITS - 1}e', {quoted} + 0) as {quoted}"
        if side == "theirs" and column in CUSTOMER and not self.same_numbers:
            return f"(select min(ours) from matched where theirs = {quoted}) as {quoted}"
        return quoted

    def compare_all(self):
        self.same_numbers = self.match_customers()
        print(f"customers are {'numbered alike' if self.same_numbers else 'numbered differently'}")
        for table, (flat, ours, theirs, entry) in sorted(self.tables.items()):
            schema = table.split(".")[0]
            if table in NOT_BUILT:
                print(f"{table}: not built there, not compared")
                continue
            n_ours = self.run(f"select count(*) from ours.{name(flat)}")[0][0] if ours else 0
            n_theirs = self.run(f"select count(*) from theirs.{name(flat)}")[0][0] if theirs else 0
            if n_ours != n_theirs:
                self.report(table, f"{n_ours} rows here, {n_theirs} there")
            if not (ours and theirs):
                continue
            if schema == "quarantine":
                self.compare_quarantine(table, flat)
            else:
                self.compare_table(table, flat, entry["sorted_by"])
        self.compare_feeds()
        self.compare_list()
        return self.differences

    def compare_table(self, table, flat, grain):
        ours, theirs = self.columns("ours", flat), self.columns("theirs", flat)
        one_sided = (set(ours) ^ set(theirs)) - LINEAGE
        if one_sided:
            self.report(table, f"columns {sorted(one_sided)} on one side only")
        left_out = LINEAGE | NOT_COMPARED.get(table, set())
        if not self.same_numbers:
            left_out |= ORDERED_BY_CUSTOMER
        shared = [column for column in ours if column in theirs and column not in left_out]
        self.compare_sums(table, flat, [c for c in shared if ours[c].startswith(("DECIMAL", "BIGINT", "DOUBLE"))])
        rows = {
            side: f"select {', '.join(self.comparable(side, flat, c, types[c]) for c in shared)} "
            f"from {side}.{name(flat)}"
            for side, types in (("ours", ours), ("theirs", theirs))
        }
        for side, other in (("ours", "theirs"), ("theirs", "ours")):
            only = f"({rows[side]}) except all ({rows[other]})"
            count = self.run(f"select count(*) from ({only})")[0][0]
            if not count:
                continue
            self.report(table, f"{count} rows only in {side}")
            shown = ", ".join(name(column) for column in shared)
            examples = self.run(f"select {shown} from ({only}) order by all limit {self.examples}")
            for row in examples:
                print("    " + ", ".join(f"{column}={value}" for column, value in zip(shared, row)))

    def compare_sums(self, table, flat, columns):
        """Sums of amounts, by month where the table has months."""
        sums = [column for column in columns if column not in CUSTOMER | ORDERED_BY_CUSTOMER]
        if not sums:
            return
        by_month = "month" in self.columns("ours", flat)
        month = "month" if by_month else "cast('all' as varchar)"
        wanted = ", ".join(f"coalesce(sum({name(column)}), 0) as {name(column)}" for column in sums)
        query = f"select {month} as month, {wanted} from {{}}.{name(flat)} group by all order by all"
        ours = {row[0]: row[1:] for row in self.run(query.format("ours"))}
        theirs = {row[0]: row[1:] for row in self.run(query.format("theirs"))}
        for period in sorted(set(ours) | set(theirs)):
            for index, column in enumerate(sums):
                left = ours.get(period, [None] * len(sums))[index]
                right = theirs.get(period, [None] * len(sums))[index]
                if not alike(left, right):
                    self.report(table, f"sum of {column} in {period}: {left} here, {right} there")

    def compare_quarantine(self, table, flat):
        query = 'select coalesce("column", \'\'), rule, count(*) from {}.{} group by all order by all'
        ours, theirs = (self.run(query.format(side, name(flat))) for side in ("ours", "theirs"))
        if ours != theirs:
            self.report(table, f"rejects by column and rule: {ours} here, {theirs} there")

    def compare_feeds(self):
        """Rows and money read, loaded, rejected and duplicate, as each side reported them."""
        path = self.peer / "report.json"
        if not path.exists():
            return
        peer = json.loads(path.read_text(encoding="utf-8"))["feeds"]
        for feed, entry in self.manifest["feeds"].items():
            # Releases keep the report of the load beside what became of its limits.
            ours = entry.get("report", entry)
            theirs = peer.get(feed)
            if theirs is None:
                self.report(feed, "not loaded there")
                continue
            for count, rows in ours["rows"].items():
                if theirs[count] != rows:
                    self.report(feed, f"{count}: {rows} here, {theirs[count]} there")
            for column, sums in ours["money"].items():
                for part, total in sums.items():
                    if part != "unreadable" and theirs["money"][column][part] != total:
                        self.report(feed, f"{part} {column}: {total} here, {theirs['money'][column][part]} there")

    def compare_list(self):
        """The selected customers by a source record, with rank and score; by number alone they could differ."""
        if not all(self.tables.get("campaigns.candidate", (None, False, False))[1:3]):
            print("no candidates on both sides: the target list is not compared")
            return
        record = "min(source_code || ':' || feed || ':' || source_key)"
        for side in ("ours", "theirs"):
            self.run(
                f"create view {side}.selected as select campaign_code, business_date, state, place, cell_code, "
                f"channel, offer_code, cut_by, printf('%.{DIGITS - 1}e', rank_value) as rank_value, finder_number, "
                f"first_failed_rule, failed_rules, record from {side}.campaigns_candidate join (select customer_id, "
                f"{record} as record from {side}.core_customer_xref where valid_to is null group by customer_id) "
                "using (customer_id)"
            )
        for what, condition in (("target list", "state = 'selected'"), ("candidates", "true")):
            queries = [f"select * from {side}.selected where {condition}" for side in ("ours", "theirs")]
            counts = [self.run(f"select count(*) from ({query})")[0][0] for query in queries]
            missing = self.run(f"select count(*) from (({queries[0]}) except all ({queries[1]}))")[0][0]
            if missing or counts[0] != counts[1]:
                self.report("campaigns.candidate", f"{what}: {counts[0]} here, {counts[1]} there, {missing} differ")
            else:
                print(f"{what}: {counts[0]} customers, the same in the same places, cells and states")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", required=True, help="salenet's warehouse folder")
    parser.add_argument("--peer", required=True, help="the peer's --out folder")
    parser.add_argument("--manifest", help="a release's or a candidate's manifest [default: the current release's]")
    parser.add_argument("--examples", type=int, default=3, help="rows shown of each difference")
    options = parser.parse_args()
    comparison = Comparison(options.warehouse, options.peer, options.manifest, options.examples)
    differences = comparison.compare_all()
    print(f"{differences} differences in {len(comparison.tables)} tables")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
