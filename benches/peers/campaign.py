"""The target list: every member of the universe judged by every rule, one per household, ranked, capped."""

import re

from feed_sql import name, text

SUPPRESSIONS = {
    # Unknown counts against contact: a missing flag suppresses.
    "deceased": "is_deceased is distinct from false",
    "bankrupt": "is_bankrupt is distinct from false",
    "staff": "is_staff is distinct from false",
    "do_not_call": "is_do_not_call is distinct from false",
    "no_consent": "has_contact_consent is distinct from true",
    "holds_product": "holder.customer_id is not null",
    "open_complaint": "has_open_complaint is distinct from false",
}


def rules(spec):
    """(id, condition that removes) in the order in which they are applied."""
    found = [("E00_UNKNOWN", "attributes.customer_id is null")]
    found += [(rule["id"], f"({rule['where']}) is distinct from true") for rule in spec.get("eligibility", [])]
    # A first night has no lists before it: nobody was selected by an earlier one.
    found.append(("S00_SELECTED_BEFORE", "false"))
    for rule in spec.get("suppress", []):
        if "rule" in rule:
            found.append((rule["id"], SUPPRESSIONS[rule["rule"]]))
        else:
            found.append((rule["id"], f"({rule['where']}) is distinct from false"))
    return found


def candidate_query(spec, day, values):
    campaign = spec["campaign"]
    judged = rules(spec)
    cases = "".join(
        f"case when {removes} then {text(rule)} end as rule_{number}, " for number, (rule, removes) in enumerate(judged)
    )
    names = ", ".join(f"rule_{number}" for number in range(len(judged)))
    group = "universe.customer_id" if campaign["level"] == "customer" \
        else "coalesce(attributes.household_id, -universe.customer_id)"
    product = text(campaign["product"])
    cap = f"place > {spec['cap']}" if "cap" in spec else "false"
    sql = f"""
        with universe as (select distinct customer_id from ({spec['universe']}) as named),
        holder as (
            select distinct owner.customer_id
            from core.customer_account as owner
            join core.account as held on held.account_id = owner.account_id
            join core.product as catalogue on catalogue.product_code = held.product_code
            where (held.product_code = {product} or catalogue.family = {product}) and held.status <> 'closed'
        ),
        judged as (
            select universe.customer_id, {group} as group_id, {cases} cast({spec['rank_by']} as double) as rank_value
            from universe
            left join {spec['attributes']} as attributes on attributes.customer_id = universe.customer_id
            left join holder on holder.customer_id = universe.customer_id
        ),
        reasons as (
            select customer_id, group_id, rank_value, concat_ws(',', {names}) as failed_rules,
                coalesce({names}) as first_failed_rule
            from judged
        ),
        grouped as (
            select *, row_number() over (partition by group_id, first_failed_rule is null
                order by rank_value desc nulls last, customer_id) as place_in_group
            from reasons
        ),
        placed as (
            select *, row_number() over (partition by first_failed_rule is null and place_in_group = 1
                order by rank_value desc nulls last, customer_id) as place
            from grouped
        )
        select {text(campaign['code'])} as campaign_code, date '{day}' as business_date, customer_id, group_id,
            rank_value,
            case when first_failed_rule is not null then 'removed' when place_in_group > 1 then 'lost_in_dedupe'
                when {cap} then 'cut_by_capacity' else 'selected' end as state,
            case when first_failed_rule is null and place_in_group = 1 then cast(place as bigint) end as place,
            first_failed_rule, failed_rules
        from placed"""
    for parameter, value in values.items():
        sql = re.sub(rf"\${parameter}\b", lambda _: value, sql)
    return sql


def run_campaign(store, spec, day, values):
    """Publishes `campaigns.candidate` and writes one CSV per part of the list; returns counts."""
    rows = store.publish("campaigns", "candidate", candidate_query(spec, day, values))
    export = spec["export"]
    columns = ", ".join(f"attributes.{name(column)}" for column in export["columns"])
    part = f"attributes.{name(export['split_by'])}" if "split_by" in export else "'all'"
    folder = store.folder / "lists" / spec["campaign"]["code"]
    folder.mkdir(parents=True)
    (selected,) = store.connection.execute(
        f"copy (select coalesce(cast({part} as varchar), 'all') as list_part, candidate.place as list_place, {columns} "
        "from campaigns.candidate as candidate "
        f"join {spec['attributes']} as attributes on attributes.customer_id = candidate.customer_id "
        "where candidate.state = 'selected' order by list_part, list_place) "
        f"to {text(folder)} (format csv, header, partition_by (list_part))"
    ).fetchone()
    return {"rows": rows, "selected": selected}
