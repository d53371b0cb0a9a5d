"""Customers: connected components of records over the exact rules of matching.yml, and their ids.

A shared valid national id joins all its records in SQL. A shared card joins only records whose names do not contradict
each other and whose clusters hold no two national ids, in order: so only cards that span clusters leave SQL, and those
few are decided one by one. A first night knows no earlier ids: clusters are numbered by their founding record.
"""

import unicodedata

from feed_sql import name, text


def name_parts(full_name):
    """Upper-case words of a name without accents, sorted."""
    folded = unicodedata.normalize("NFKD", full_name or "")
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter)).upper()
    return sorted("".join(letter if letter.isalnum() else " " for letter in folded).split())


def compatible(left, right):
    """Every part of the shorter name has its own part in the longer one, equal or as an initial; one is equal."""
    short, long = (left, right) if len(left) <= len(right) else (right, left)
    if not short:
        return True
    free, abbreviated, equal = list(long), [], 0
    for part in short:
        if part in free:
            free.remove(part)
            equal += 1
        else:
            abbreviated.append(part)
    for part in abbreviated:
        fits = [other for other in free if min(len(part), len(other)) == 1 and other[0] == part[0]]
        if not fits:
            return False
        free.remove(fits[0])
    return equal > 0


def record_query(spec, feed):
    """The records of one staging table."""
    def column(role):
        return name(spec[role]) if role in spec else "cast(null as varchar)"

    parts = [name(spec[role]) for role in ("family_name", "given_name") if role in spec]
    names = parts or [name(spec["full_name"])]
    national_id = "cast(null as varchar)"
    if "national_id" in spec:
        national_id = f"case when {name(spec['national_id'] + '_valid')} then {column('national_id')} end"
    key = " || '|' || ".join(f"cast({name(part)} as varchar)" for part in spec["key"])
    return (
        f"select {text(feed.source)} as source_code, {text(feed.name)} as feed, {key} as source_key, "
        f"{feed.trust_rank} as trust_rank, {text(spec['type'])} as customer_type, {national_id} as national_id, "
        f"{column('card')} as card, concat_ws(' ', {', '.join(names)}) as full_name, "
        f"_file_id, _line from staging.{feed.table}"
    )


def resolve(store, project, day):
    """Publishes `core.customer_xref`, `core.customer_id_event` and `core.customer_alias`; returns counts."""
    connection = store.connection
    feeds = {feed.qualified: feed for feed in project.feeds}
    queries = [record_query(spec, feeds[spec["feed"]]) for spec in project.matching["records"]]
    connection.execute(
        "create temp table records as select *, row_number() over (order by source_code, feed, source_key) as record "
        f"from ({' union all '.join(queries)}) where source_key is not null"
    )
    # The smallest record of the same type and valid national id names the cluster.
    connection.execute(
        "create temp table clustered as select record, customer_type, card, national_id, full_name, trust_rank, "
        "case when national_id is null then record "
        "else min(record) over (partition by customer_type, national_id) end as cluster, "
        "case when national_id is not null "
        "and count(*) over (partition by customer_type, national_id) > 1 then 'national_id' end as linked_by "
        "from records"
    )
    joins, linked = join_by_card(connection)
    connection.execute("create temp table moved (cluster bigint, target bigint)")
    connection.execute("create temp table linked (record bigint)")
    insert(connection, "moved", sorted(joins.items()))
    insert(connection, "linked", [(record,) for record in sorted(linked)])
    # Founder: the most trusted record of a cluster, then the smallest; ids follow the founders' order.
    connection.execute(
        "create temp table resolved as select clustered.record, coalesce(moved.target, clustered.cluster) as cluster, "
        "clustered.trust_rank, "
        "coalesce(clustered.linked_by, case when linked.record is not null then 'card' end, 'new') as match_rule "
        "from clustered left join moved on moved.cluster = clustered.cluster "
        "left join linked on linked.record = clustered.record"
    )
    connection.execute(
        "create temp table numbered as select cluster, n_records, row_number() over (order by founder) as customer_id "
        "from (select cluster, count(*) as n_records, arg_min(record, trust_rank * 1000000000000 + record) as founder "
        "from resolved group by cluster)"
    )
    rows = store.publish(
        "core",
        "customer_xref",
        "select source_code, feed, source_key, customer_id, customer_type, match_rule, "
        "cast(null as double) as match_weight, cast(null as double) as match_probability, "
        f"'exact-1' as model_version, date '{day}' as valid_from, cast(null as date) as valid_to, _file_id, _line "
        "from records join resolved using (record) join numbered using (cluster) order by record",
    )
    customers = store.publish(
        "core",
        "customer_id_event",
        "select customer_id as event_seq, 'create' as event_type, cast(null as bigint) as from_customer_id, "
        "customer_id as to_customer_id, n_records, 'no earlier customer has these records' as reason, "
        f"date '{day}' as business_date from numbered order by customer_id",
    )
    store.publish(
        "core", "customer_alias", "select 0::bigint as retired_customer_id, 0::bigint as customer_id where false"
    )
    for table in ("records", "clustered", "moved", "linked", "resolved", "numbered"):
        connection.execute(f"drop table {table}")
    return {"rows": rows, "customers": customers, "cards_compared": len(linked)}


def insert(connection, table, rows):
    for start in range(0, len(rows), 1000):
        values = ", ".join("(" + ", ".join(map(str, row)) + ")" for row in rows[start : start + 1000])
        connection.execute(f"insert into {table} values {values}")


def join_by_card(connection):
    """Joins clusters by shared cards; returns cluster -> its root, and the records that a card linked."""
    spanning = connection.execute(
        "with spanning as (select card from clustered where card is not null group by card "
        "having count(distinct cluster) > 1) "
        "select card, record, cluster, customer_type, national_id_number, full_name from ("
        "select *, first_value(national_id) over (partition by cluster order by record) as national_id_number, "
        "min(record) over (partition by card) as first_seen from clustered "
        "where card in (from spanning)) order by first_seen, record"
    ).fetchall()
    parent, national_id = {}, {}

    def root(cluster):
        while parent[cluster] != cluster:
            parent[cluster] = parent[parent[cluster]]
            cluster = parent[cluster]
        return cluster

    groups = {}
    for card, record, cluster, customer_type, number, full_name in spanning:
        parent.setdefault(cluster, cluster)
        national_id[cluster] = national_id.get(cluster) or number
        groups.setdefault(card, []).append((record, cluster, customer_type, name_parts(full_name)))
    linked = set()
    for members in groups.values():
        for position, (record, cluster, customer_type, parts) in enumerate(members):
            for other, other_cluster, other_type, other_parts in members[:position]:
                one, two = root(other_cluster), root(cluster)
                ids = {national_id[one], national_id[two]} - {None}
                if customer_type != other_type or len(ids) > 1 or not compatible(other_parts, parts):
                    continue
                if one != two:
                    low, high = min(one, two), max(one, two)
                    parent[high] = low
                    national_id[low] = national_id[low] or national_id[high]
                    linked.update((other, record))
                break
    return {cluster: root(cluster) for cluster in parent if root(cluster) != cluster}, linked
