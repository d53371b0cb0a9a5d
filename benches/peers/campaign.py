"""Campaigns: every member of the universe judged by every rule, the choice among the rest, contacts and lists."""

import re
from decimal import Decimal

import pyarrow

from feed_sql import name, text
from selection import CHANNELS, Member, cells_of, decided

# How old the national do-not-call list may be.
LIST_DAYS = 31
FLAGS = {
    # Unknown counts against contact: a missing flag suppresses.
    "deceased": "is_deceased is distinct from false",
    "bankrupt": "is_bankrupt is distinct from false",
    "staff": "is_staff is distinct from false",
    "do_not_call": "is_do_not_call is distinct from false",
    "hardship": "is_in_hardship is distinct from false",
    "legal_hold": "is_legal_hold is distinct from false",
    "pending_application": "has_pending_application is distinct from false",
}
HISTORY = "_customer, campaign_code, product_code, channel, offer_code, contacted_on, is_control"
DECIDED = {
    "customer_id": pyarrow.int64(), "state": pyarrow.string(), "place": pyarrow.int64(), "cut_by": pyarrow.string(),
    "cell_code": pyarrow.string(), "channel": pyarrow.string(), "offer_code": pyarrow.string(),
    "finder_number": pyarrow.string(), "finder_sequence": pyarrow.int64(),
}


def within(column, days):
    """Days are counted back from the business date, which is the first of them."""
    return f"{column} > $business_date - interval '{days} days'"


def attributes_of(spec):
    return spec.get("attributes", "marts.customer_360")


def suppression(rule, number, product):
    """The condition under which a rule fails, and the join it reads."""
    def joined(columns, source, fails, group=""):
        query = f"left join (select {columns} {source}{group}) as join_{number} on join_{number}._of = universe._member"
        return fails.format(f"join_{number}"), query

    built_in = rule.get("rule")
    if built_in is None:
        return f"({rule['where']}) is distinct from false", ""
    if built_in in FLAGS:
        return FLAGS[built_in], ""
    if built_in == "no_consent":
        purpose, channel = rule.get("purpose", "contact"), rule.get("channel")
        if channel is None and purpose in ("contact", "profiling"):
            return f"has_{purpose}_consent is distinct from true", ""
        # A word for all channels holds for this one too; of two words the refusal counts.
        return joined(
            "customer_id as _of, bool_or(status = 'in') and not bool_or(status = 'out') as _given",
            f"from core.customer_consent where purpose = {text(purpose)} "
            f"and channel in ('any', {text(channel or 'any')})",
            "{}._given is distinct from true",
            " group by customer_id",
        )
    if built_in == "holds_product":
        return joined(
            "distinct owner.customer_id as _of",
            "from core.customer_account as owner join core.account as held on held.account_id = owner.account_id "
            "join core.product as catalogue on catalogue.product_code = held.product_code "
            f"where (held.product_code = {product} or catalogue.family = {product}) and held.status <> 'closed'",
            "{}._of is not null",
        )
    if built_in == "open_complaint":
        if "days" not in rule and "except" not in rule:
            return "has_open_complaint is distinct from false", ""
        closed = f" or {within('closed_on', rule['days'])}" if "days" in rule else ""
        topics = ", ".join(map(text, rule.get("except", [])))
        excepted = f" and coalesce(topic, '') not in ({topics})" if topics else ""
        return joined(
            "distinct customer_id as _of",
            f"from core.complaint where (closed_on is null{closed}){excepted}",
            "{}._of is not null",
        )
    if built_in == "delinquent":
        # Who has no account that could be behind is not behind.
        column = f"worst_days_past_due_{rule['months']}m" if "months" in rule else "days_past_due"
        return f"coalesce({column}, 0) >= {rule['days_past_due']}", ""
    raise ValueError(f"the rule {built_in} is not known here")


def rules(store, spec):
    """(id, condition that fails, the one channel it closes, join), in the order in which they are applied."""
    columns = {row[0] for row in store.connection.execute(f"describe {attributes_of(spec)}").fetchall()}
    product = text(spec["campaign"]["product"])
    found = [("E00_UNKNOWN", "attributes.customer_id is null", None, "")]
    if "of_legal_age" in columns:
        found.append(("E00_OF_LEGAL_AGE", "attributes.of_legal_age is distinct from true", None, ""))
    for rule in spec.get("eligibility", []):
        found.append((rule["id"], f"({rule['where']}) is distinct from true", None, ""))
    for rule in ("selected_before", "chosen_tonight", "held_back"):
        found.append((f"S00_{rule.upper()}", f"coalesce(contacts._{rule}, false)", None, ""))
    if "score" in spec:
        found.append(("S00_NO_SCORE", "scored.score is null", None, ""))
    calls = any(cell.channel == "phone" for cell in cells_of(spec))
    lists = any(
        rule.get("rule") == "do_not_call" and rule.get("channel", "phone") == "phone" for rule in spec["suppress"]
    )
    if calls and lists:
        found.append((
            "S00_LIST_TOO_OLD",
            "national_list._listed_on is null "
            f"or national_list._listed_on < $business_date - interval '{LIST_DAYS} days'",
            "phone",
            "cross join (select max(list_date) as _listed_on from core.do_not_call where list_name = 'national') "
            "as national_list",
        ))
    for number, rule in enumerate(spec["suppress"]):
        fails, join = suppression(rule, number, product)
        found.append((rule["id"], fails, rule.get("channel"), join))
    for number in range(len(policies(spec))):
        found.append((f"P{number + 1:02}", f"coalesce(contacts._policy_{number}, false)", None, ""))
    return found


def policies(spec):
    """What the contact policy forbids, as aggregates over contacts and refusals."""
    policy = spec.get("contact_policy", {})
    found = []
    for rule in policy.get("max", []):
        own = f" and told.product_code = {text(spec['campaign']['product'])}" if rule.get("scope") == "product" else ""
        made = f"not told.is_control and told.refused_on is null and {within('told.contacted_on', rule['days'])}{own}"
        found.append(f"count(case when {made} then 1 end) >= {rule['n']}")
    for rule in policy.get("never_after", []):
        code = rule["offer"]
        offer = f"starts_with(told.offer_code, {text(code[:-1])})" if code.endswith("*") \
            else f"told.offer_code = {text(code)}"
        when = f"told.refused_on is not null and {within('told.refused_on', rule['days'])}" if "if" in rule else \
            f"not told.is_control and told.refused_on is null and {within('told.contacted_on', rule['days'])}"
        found.append(f"coalesce(bool_or({offer} and {when}), false)")
    return found


def group_of(spec, attributes, member):
    level = spec.get("dedupe", {}).get("by", spec["campaign"]["level"])
    return member if level == "customer" else f"coalesce({attributes}.household_id, -{member})"


def contacts_sql(spec):
    """What the contacts of the past say about each group; nobody was merged away before a first night."""
    code, product = text(spec["campaign"]["code"]), text(spec["campaign"]["product"])
    window = spec.get("response", {}).get("window_days")
    held_back = f"told.product_code = {product} and {within('told.contacted_on', window)}" if window \
        else f"told.campaign_code = {code}"
    policy = "".join(f", {forbids} as _policy_{number}" for number, forbids in enumerate(policies(spec)))
    refusals = ""
    if any("if" in rule for rule in spec.get("contact_policy", {}).get("never_after", [])):
        refusals = f"""
            union all
            select {HISTORY}, said.responded_on from history join said on said.finder_no = history.finder_number
            where said.responded_on <= $business_date
            union all
            select {HISTORY}, said.responded_on from history join said on said.customer_id = history._customer
            where said.finder_no is null and said.responded_on between history.contacted_on and $business_date"""
    return f"""
        history as (
            select customer_id as _customer, campaign_code, product_code, channel, offer_code, finder_number,
                contacted_on, is_control
            from contact_rows
            union all
            select customer_id, campaign_code, product_code, channel, offer_code, finder_no, contacted_on, is_control
            from core.campaign_contact
            where contacted_on <= $business_date and customer_id is not null
        ),
        said as (
            select customer_id, finder_no, responded_on from core.campaign_response where response_type = 'refused'
            union all
            select customer_id, finder_no, contacted_on from core.contact_result
            where result in ('refused', 'do_not_call')
        ),
        told as (select {HISTORY}, cast(null as date) as refused_on from history{refusals}),
        contacts as (
            select {group_of(spec, 'holder', 'told._customer')} as _group,
                bool_or(told.campaign_code = {code} and not told.is_control) as _selected_before,
                bool_or(told.is_control and {held_back}) as _held_back,
                bool_or(told.contacted_on = $business_date and not told.is_control
                    and told.campaign_code <> {code}) as _chosen_tonight{policy}
            from told
            left join {attributes_of(spec)} as holder on holder.customer_id = told._customer
            group by 1
        )"""


def score_join(spec, member):
    """Only logistic scores are known, whose rows may be called `p_response`."""
    if "score" not in spec:
        return ""
    return (
        "left join (select customer_id as _scored, score, score as p_response, decile, reason_1, reason_2, reason_3 "
        f"from core.model_score where model = {text(spec['score']['model'])}) as scored on scored._scored = {member}"
    )


def judge_query(spec, judged):
    """One row per member: group, rank, a bit for every rule it fails, and its branch."""
    bits = " + ".join(f"case when {fails} then {1 << number} else 0 end"
                      for number, (_, fails, _, _) in enumerate(judged))
    rank = spec.get("rank_by") or spec["score"].get("rank_by", "score")
    branches = spec.get("constraints", {}).get("branches")
    branch = f"cast(attributes.{name(branches.get('column', 'home_branch_id'))} as varchar)" if branches \
        else "cast(null as varchar)"
    group = group_of(spec, "attributes", "universe._member")
    joins = " ".join(join for *_, join in judged if join)
    return f"""
        with universe as (
            select distinct cast(customer_id as bigint) as _member from ({spec['universe']}) as named
        ),
        {contacts_sql(spec)}
        select universe._member as customer_id, cast({group} as bigint) as group_id,
            cast({rank} as double) as rank_value, cast({bits} as bigint) as failed, {branch} as branch
        from universe
        left join {attributes_of(spec)} as attributes on attributes.customer_id = universe._member
        left join contacts on contacts._group = {group}
        {score_join(spec, 'universe._member')}
        {joins}"""


def candidate_query(spec, judged, day):
    def case(number, rule):
        return f"case when judged.failed & {1 << number} <> 0 then {text(rule)} end"

    every = ", ".join(case(number, rule) for number, (rule, *_) in enumerate(judged))
    removing = ", ".join(case(number, rule) for number, (rule, _, channel, _) in enumerate(judged) if not channel)
    return (
        f"select {text(spec['campaign']['code'])} as campaign_code, date '{day}' as business_date, "
        "judged.customer_id, judged.group_id, judged.rank_value, "
        "case coalesce(decided.state, 'no_channel') when 'no_channel' then 'removed' when 'cut' then 'cut_by_capacity' "
        "else decided.state end as state, decided.place, "
        f"case when decided.state is null then coalesce({removing}) "
        "when decided.state = 'no_channel' then 'S99_NO_CHANNEL' end as first_failed_rule, "
        f"concat_ws(',', {every}) as failed_rules, decided.cut_by, decided.cell_code, decided.channel, "
        "decided.offer_code, decided.finder_number, decided.finder_sequence, "
        f"{'scored.p_response' if 'score' in spec else 'cast(null as double)'} as p_response "
        "from judged left join decided on decided.customer_id = judged.customer_id "
        f"{score_join(spec, 'judged.customer_id')}"
    )


def contact_query(spec, day):
    """What the lists add to the contact history when they go out with the night."""
    campaign = spec["campaign"]
    costs = "".join(
        f" when {text(cell.code)} then {Decimal(0 if cell.kind == 'control' else cell.cents or 0) / 100:.2f}"
        for cell in cells_of(spec)
    )
    return (
        f"select campaign_code || ':{day}:' || customer_id as contact_id, customer_id, group_id as household_id, "
        "campaign_code, business_date, campaign_code || ':' || cell_code as treatment_id, "
        f"{text(campaign['product'])} as product_code, cell_code, channel, offer_code, date '{day}' as contacted_on, "
        f"cast(case cell_code{costs} end as decimal(18, 2)) as cost, finder_number, finder_sequence, "
        "case state when 'control' then 'held_back' else 'listed' end as delivery_status, "
        "state = 'control' as is_control from candidate_rows "
        f"where campaign_code = {text(campaign['code'])} and state in ('selected', 'control')"
    )


def list_column(spec, column, day):
    def by_cell(of):
        cases = "".join(f" when {text(cell.code)} then {of(spec['offers'][cell.offer])}"
                        for cell in cells_of(spec) if cell.offer)
        return f"case candidate.cell_code{cases} end" if cases else "null"

    if column == "list_place":
        return "candidate.place"
    if column == "contact_channel":
        return "candidate.channel"
    if column == "offer_rate":
        return by_cell(lambda offer: f"cast({offer['rate']} as decimal(9, 6))" if "rate" in offer else "null")
    if column == "offer_valid_until":
        return by_cell(lambda offer: f"cast(date '{day}' + interval '{offer['valid_days']} days' as date)"
                       if "valid_days" in offer else "null")
    if column in ("called_at", "called_by", "call_result", "call_note"):
        # For whoever calls to fill in.
        return "cast(null as varchar)"
    if column == "talking_points":
        reasons = [
            f"case when ({reason['where']}) then {text(reason['say'])} end" for reason in spec.get("reasons", [])
        ]
        reasons += [f"scored.reason_{number}" for number in (1, 2, 3)] if "score" in spec else []
        return f"concat_ws('; ', {', '.join(reasons)})" if reasons else "null"
    if column in ("finder_number", "cell_code", "offer_code"):
        return f"candidate.{column}"
    return f"scored.{column}" if column.startswith("reason_") else f"attributes.{name(column)}"


def write_lists(store, spec, day):
    """A CSV file per part of each list, whatever its format; seeds, covers and control files are left out."""
    for number, export in enumerate(spec["export"]):
        columns = export.get("columns") or spec["layouts"][export["layout"]]
        shown = ", ".join(f"{list_column(spec, column, day)} as {name(column)}" for column in columns)
        part = list_column(spec, export["split_by"], day) if "split_by" in export else "null"
        channel = f" and candidate.channel = {text(export['channel'])}" if "channel" in export else ""
        code = spec["campaign"]["code"]
        folder = store.folder / "lists" / code / str(number)
        folder.mkdir(parents=True)
        store.connection.execute(
            f"copy (select coalesce(cast({part} as varchar), 'all') as list_part, {shown} "
            "from candidate_rows as candidate "
            f"join {attributes_of(spec)} as attributes on attributes.customer_id = candidate.customer_id "
            f"{score_join(spec, 'candidate.customer_id')} "
            f"where candidate.campaign_code = {text(code)} and candidate.state = 'selected'{channel} "
            f"order by list_part, candidate.place) to {text(folder)} (format csv, header, partition_by (list_part))"
        )


def bound(sql, values):
    for parameter, value in values.items():
        sql = re.sub(rf"\${parameter}\b", lambda _: value, sql)
    return sql


def start(store):
    """Candidates of tonight, and the contacts that count while campaigns choose: those who wait for approval too."""
    run = store.connection.execute
    run(
        "create temp table candidate_rows (campaign_code varchar, business_date date, customer_id bigint, "
        "group_id bigint, rank_value double, state varchar, place bigint, first_failed_rule varchar, "
        "failed_rules varchar, cut_by varchar, cell_code varchar, channel varchar, offer_code varchar, "
        "finder_number varchar, finder_sequence bigint, p_response double)"
    )
    run(
        "create temp table contact_rows (contact_id varchar, customer_id bigint, household_id bigint, "
        "campaign_code varchar, business_date date, treatment_id varchar, product_code varchar, cell_code varchar, "
        "channel varchar, offer_code varchar, contacted_on date, cost decimal(18, 2), finder_number varchar, "
        "finder_sequence bigint, delivery_status varchar, is_control boolean)"
    )


def run_campaign(store, spec, day, values):
    """Judges, chooses and writes the lists; returns counts."""
    connection = store.connection
    judged = rules(store, spec)
    connection.execute(f"create or replace temp table judged as {bound(judge_query(spec, judged), values)}")
    closing = {channel: sum(1 << n for n, rule in enumerate(judged) if rule[2] == channel) for channel in CHANNELS}
    removing = sum(1 << number for number, rule in enumerate(judged) if not rule[2])
    members = [
        Member(customer, group, rank, frozenset(c for c, bits in closing.items() if not failed & bits), branch)
        for customer, group, rank, failed, branch in connection.execute(
            f"select customer_id, group_id, rank_value, failed, branch from judged where failed & {removing} = 0"
        ).fetchall()
    ]
    used_tonight = dict(connection.execute(
        f"select channel, count(*) from contact_rows where contacted_on = date '{day}' and not is_control "
        "and channel is not null group by channel"
    ).fetchall())
    rows = decided(spec, members, used_tonight)
    columns = list(zip(*rows)) if rows else [()] * len(DECIDED)
    arrays = [pyarrow.array(column, kind) for column, kind in zip(columns, DECIDED.values())]
    connection.register("decided_rows", pyarrow.table(arrays, names=list(DECIDED)))
    connection.execute("create or replace temp table decided as from decided_rows")
    connection.unregister("decided_rows")
    (n_rows,) = connection.execute(f"insert into candidate_rows {candidate_query(spec, judged, day)}").fetchone()
    connection.execute(f"insert into contact_rows {contact_query(spec, day)}")
    # Before somebody has signed for them, nobody has a list.
    if "approval" not in spec:
        write_lists(store, spec, day)
    return {"rows": n_rows, "selected": sum(row[1] == "selected" for row in rows)}


def publish(store, specs):
    """`campaigns.candidate` and, of campaigns that need no approval, `campaigns.contact_history`."""
    waiting = ", ".join(text(spec["campaign"]["code"]) for spec in specs if "approval" in spec) or "''"
    store.publish("campaigns", "candidate", "from candidate_rows")
    store.publish("campaigns", "contact_history", f"from contact_rows where campaign_code not in ({waiting})")
