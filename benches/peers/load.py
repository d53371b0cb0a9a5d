"""Loads feeds into DuckDB: counted, summed, rejected rows and duplicates kept apart, controls compared."""

import codecs
import decimal
import re
import tempfile
from pathlib import Path

from feed_sql import load_query, name, text


class ControlDisagrees(Exception):
    """The sender's totals and what was read differ."""


def converted(path, encoding, folder):
    """DuckDB reads UTF-8, UTF-16 and Latin-1; anything else becomes UTF-8 in a temporary file first."""
    if encoding != "gb18030":
        return path
    target = Path(tempfile.mkstemp(dir=folder, suffix=path.suffix)[1])
    with codecs.open(path, encoding=encoding) as source, open(target, "w", encoding="utf-8", newline="") as sink:
        while block := source.read(1 << 20):
            sink.write(block)
    return target


def header_alone(feed, folder):
    """A delivery without rows, where none had to come."""
    target = Path(tempfile.mkstemp(dir=folder, suffix=".csv")[1])
    columns = feed.spec["columns"].items()
    target.write_text(",".join(spec.get("from", column) for column, spec in columns) + "\n", encoding="utf-8")
    return target


def scalar_row(connection, query):
    return connection.execute(query).fetchone()


def load_feed(store, feed, path, day, control=None):
    """Publishes `staging.<table>` and `quarantine.<table>`; returns counts and sums."""
    connection = store.connection
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    if feed.spec.get("on_missing") == "no_rows" and not path.exists():
        path, control = header_alone(feed, store.temporary), None
    file = converted(path, feed.format.get("encoding"), store.temporary)
    query = load_query(feed, file)
    connection.execute(f"create or replace temp table loading as {query}")
    money = [column.name for column in feed.columns if column.type == "money"]
    duplicates = find_duplicates(connection, feed)
    faults = structural_faults(connection)
    report = count(connection, feed, money, duplicates, faults)
    report["file_id"] = store.next_file_id()
    publish_rows(store, feed, day, duplicates, report["file_id"])
    publish_rejects(store, feed, file, faults, report["rejected"])
    verify(connection, feed, control, report)
    connection.execute("drop table loading; drop table if exists duplicate_rows")
    return report


def find_duplicates(connection, feed):
    """Fills `duplicate_rows` with the rows that lose to another of the same key; returns how many there are."""
    if not feed.key:
        return 0
    key = ", ".join(map(name, feed.key))
    order = "desc" if feed.spec.get("survivor") == "last" else "asc"
    repeated = f"select {key} from loading where _flaw is null group by {key} having count(*) > 1"
    same = " and ".join(f"rows.{name(part)} is not distinct from keys.{name(part)}" for part in feed.key)
    qualified = ", ".join(f"rows.{name(part)}" for part in feed.key)
    connection.execute(
        f"create or replace temp table duplicate_rows as select row_number from ("
        f"select rows.rowid as row_number, "
        f"row_number() over (partition by {qualified} order by rows.rowid {order}) as place "
        f"from loading as rows join ({repeated}) as keys on {same} where rows._flaw is null) where place > 1"
    )
    return scalar_row(connection, "select count(*) from duplicate_rows")[0]


def structural_faults(connection):
    """Records that did not split, as DuckDB's own reject table has them."""
    exists = "select count(*) from duckdb_tables() where table_name = 'reject_errors'"
    if not scalar_row(connection, exists)[0]:
        return 0
    return scalar_row(connection, "select count(distinct line) from reject_errors")[0]


def count(connection, feed, money, duplicates, faults):
    sums = ", ".join(
        f"coalesce(sum({name(column)}), 0.00), coalesce(sum({name(column)}) filter (_flaw is null), 0.00)"
        for column in money
    )
    hashed = feed.spec.get("control", {}).get("hash_totals", {})
    digits = ", ".join(
        f"sum(try_cast(regexp_replace({name(column)}, '[^0-9]', '', 'g') as hugeint))" for column in hashed
    )
    wanted = ", ".join(filter(None, ["count(*)", "count(*) filter (_flaw is null)", sums, digits]))
    found = scalar_row(
        connection, f"select {wanted} from loading where _flaw is distinct from '|frame'"
    )
    read, sound = found[0] + faults, found[1]
    report = {
        "read": read,
        "loaded": sound - duplicates,
        "rejected": read - sound,
        "duplicate": duplicates,
        "money": {},
        "hash_totals": dict(zip(hashed, found[2 + 2 * len(money):])),
    }
    lost = [decimal.Decimal("0.00")] * len(money)
    if duplicates and money:
        columns = ", ".join(f"coalesce(sum({name(column)}), 0.00)" for column in money)
        lost = scalar_row(
            connection, f"select {columns} from loading where rowid in (select row_number from duplicate_rows)"
        )
    for index, column in enumerate(money):
        total, unflawed = found[2 + 2 * index], found[3 + 2 * index]
        report["money"][column] = {
            "read": str(total),
            "loaded": str(unflawed - lost[index]),
            "rejected": str(total - unflawed),
            "duplicate": str(lost[index]),
        }
    return report


def publish_rows(store, feed, day, duplicates, file_id):
    """`_line` is the record's place among those that split; DuckDB's reader has no physical line numbers."""
    added = [f"{file_id}::bigint as _file_id", "rowid + 1 as _line"]
    if feed.is_append:
        added.append(f"date '{day}' as _business_date")
    lost = " and rowid not in (select row_number from duplicate_rows)" if duplicates else ""
    store.publish(
        "staging",
        feed.table,
        f"select * exclude (_flaw, _raw), {', '.join(added)} from loading where _flaw is null{lost}",
    )


def publish_rejects(store, feed, file, faults, rejected):
    queries = [
        "select rowid + 1 as line, split_part(_flaw, '|', 1) as \"column\", split_part(_flaw, '|', 2) as rule, "
        "cast(null as varchar) as reason, _raw as raw from loading where _flaw is not null and _flaw <> '|frame'"
    ]
    if rejected and feed.format.get("type") == "jsonl":
        # The reader gives a row of nulls for an object it cannot parse; its text is read again.
        lines = (
            f"read_csv({text(file)}, auto_detect=false, header=false, delim='\x01', quote='', escape='', "
            "columns={'line': 'VARCHAR'})"
        )
        queries[0] = queries[0].replace("_raw as raw", "coalesce(delivered.line, _raw) as raw").replace(
            "from loading",
            f"from loading left join (select row_number() over () as place, line from {lines}) as delivered "
            "on _flaw = '|json' and delivered.place = loading.rowid + 1",
        ).replace("rowid + 1 as line", "loading.rowid + 1 as line")
    if faults:
        queries.append(
            "select line, '' as \"column\", 'columns' as rule, any_value(error_message) as reason, "
            "any_value(csv_line) as raw from reject_errors group by line"
        )
    store.publish("quarantine", feed.table, " union all by name ".join(queries))


def control_entries(path):
    entries = {}
    for line in Path(path).read_text(encoding="utf-8-sig").splitlines():
        parts = re.split(r"[=:|,;]", line, maxsplit=1)
        if len(parts) == 2:
            entries[parts[0].strip()] = parts[1].strip()
    return entries


def verify(connection, feed, control, report):
    """Compares the sender's rows, sums and hash totals with what was read; structural faults hide their amounts."""
    expected = {}
    if control:
        spec, entries = feed.spec["control"], control_entries(control)
        if "rows" in spec:
            expected["rows"] = int(entries[spec["rows"]])
        for column, entry in spec.get("sums", {}).items():
            expected[column] = decimal.Decimal(entries[entry])
        for column, entry in spec.get("hash_totals", {}).items():
            expected["hash of " + column] = int(entries[entry])
    elif "trailer_record" in feed.spec:
        spec = feed.spec["trailer_record"]
        (line,) = scalar_row(
            connection,
            f"select _raw from loading where _flaw = '|frame' and starts_with(_raw, {text(spec['starts_with'])})",
        )

        def place(part):
            start, length = map(int, part["at"])
            return line[start - 1 : start - 1 + length].strip()

        expected["rows"] = int(place(spec["rows"]))
        for column, part in spec.get("sums", {}).items():
            expected[column] = decimal.Decimal(place(part)).scaleb(-int(part["scale"]))
    found = {"rows": report["read"]}
    found.update({column: decimal.Decimal(sums["read"]) for column, sums in report["money"].items()})
    found.update({"hash of " + column: total for column, total in report["hash_totals"].items()})
    differences = {
        what: (str(total), str(found[what])) for what, total in expected.items() if found[what] != total
    }
    report["hash_totals"] = {column: str(total) for column, total in report["hash_totals"].items()}
    report["controls"] = len(expected)
    report["differences"] = differences
    unreadable = report["rejected"] > 0 and "rows" not in differences
    if differences and not unreadable:
        raise ControlDisagrees(f"{feed.qualified}: {differences}")
