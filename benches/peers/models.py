"""The project's own model SQL, with the few places where DuckDB's dialect or arithmetic differs from DataFusion's."""

import re

from feed_sql import load_query, text

# DuckDB divides decimals as floating point. These are the divisions of the models, exact instead:
# numerator, its scale, denominator, digits of the result and whether the result is rounded or cut.
DIVISIONS = [
    ("accrued.actual_balance_days / accrued.n_balance_days", "accrued.actual_balance_days", 2, "accrued.n_balance_days"),
    ("accrued.debit_interest_days / accrued.day_basis", "accrued.debit_interest_days", 8, "accrued.day_basis"),
    ("accrued.credit_interest_days / accrued.day_basis", "accrued.credit_interest_days", 8, "accrued.day_basis"),
    (
        "account_months.debit_balance_days * (pool_rates.ftp_rate + pool_rates.liquidity_premium) "
        "/ case when products.day_count = 'act/365' then 365 else 360 end",
        "account_months.debit_balance_days * (pool_rates.ftp_rate + pool_rates.liquidity_premium)",
        8,
        "case when products.day_count = 'act/365' then 365 else 360 end",
    ),
    (
        "account_months.credit_balance_days * (pool_rates.ftp_rate * (1.000000 - products.reserve_pct)) "
        "/ case when products.day_count = 'act/365' then 365 else 360 end",
        "account_months.credit_balance_days * (pool_rates.ftp_rate * (1.000000 - products.reserve_pct))",
        14,
        "case when products.day_count = 'act/365' then 365 else 360 end",
    ),
    (
        "products.acquisition_cost / products.acquisition_term_months",
        "products.acquisition_cost",
        2,
        "products.acquisition_term_months",
    ),
]

# Integers that models sum. DuckDB's sums of integers are 128 bits wide, and its 128-bit arithmetic is slow.
SUMMED_INTEGERS = {
    "chosen_weight", "is_owner", "floor_ppm", "ownership_ppm", "role_rank", "place", "missing_ppm", "n_events",
    "floor_cents", "cents", "line_code", "event_ppm", "actual_days", "n_balance_days", "n_transactions",
}

TYPES = {"text": "varchar", "boolean": "boolean", "date": "date", "bigint": "bigint"}

MACROS = [
    "create macro to_char(moment, pattern) as strftime(moment, pattern)",
    # Half away from zero, in cents; `units` counts 10^-scale.
    "create macro rounded_cents(units, divisor, power) as cast(sign(units) * "
    "((abs(units) * 2 + divisor * power) // (divisor * power * 2)) as decimal(38, 0)) * 0.01",
]


def bindings(project, day):
    """Values of `$name` in models and campaigns."""
    found = {
        "business_date": f"date '{day}'",
        "month": text(day.strftime("%Y-%m")),
        "joint_accounts": text(project.bank["joint_accounts"]),
    }
    for parameter, spec in project.bank.get("parameters", {}).items():
        value = spec["value"]
        found[parameter] = value if spec["type"] in ("decimal", "integer") else text(value)
    return found


def declare_base(store, project):
    """The tables of the release before: empty on a first night."""
    run = store.connection.execute
    for macro in MACROS:
        run(macro)
    run("attach ':memory:' as base")
    run("create schema base.core")
    run("create schema base.campaigns")
    used = {table for model in project.models for table in re.findall(r"\bbase\.(\w+\.\w+)", model.sql)}
    by_table = {model.table: model for model in project.models}
    for table in sorted(used):
        columns = ", ".join(
            f'"{column}" {TYPES.get(spec["type"], spec["type"])}'
            for column, spec in by_table[table].spec["columns"].items()
        )
        run(f"create table base.{table} ({columns})")


def load_reference(store, reference, path):
    query = load_query(reference, path)
    store.connection.execute(f"create or replace temp table loading as {query}")
    (flawed,) = store.connection.execute("select count(*) from loading where _flaw is not null").fetchone()
    if flawed:
        raise ValueError(f"{path}: {flawed} rows do not fit")
    store.publish("reference", reference.name, "select * exclude (_flaw, _raw) from loading")
    store.connection.execute("drop table loading")


def in_order(models):
    """Every model after the models it reads."""
    by_table = {model.table: model for model in models}
    ordered, placed = [], set()

    def place(model):
        if model.table in placed:
            return
        placed.add(model.table)
        for table in re.findall(r"(?<!base\.)\b((?:core|marts)\.\w+)", model.sql):
            if table in by_table and table != model.table:
                place(by_table[table])
        ordered.append(model)

    for model in models:
        place(model)
    return ordered


def adapted(sql, values):
    """DataFusion's SQL as DuckDB's."""
    sql = re.sub(r"--[^\n]*", "", sql)
    sql = re.sub(r"\s+", " ", sql)
    # The aggregate over an order is `first`; `first_value` is a window function only.
    sql = sql.replace("first_value(", "first(")
    sql = re.sub(r"cast\((\w+_day) as int\)", r"(\1 - date '1970-01-01')", sql)
    for division, numerator, scale, denominator in DIVISIONS:
        # 64 bits hold anything but the product of three factors; DuckDB fails loudly if they do not.
        units = f"cast(({numerator}) * 1{'0' * scale} as {'hugeint' if scale > 8 else 'bigint'})"
        sql = sql.replace(division, f"rounded_cents({units}, {denominator}, 1{'0' * (scale - 2)})")
    # A quotient of two amounts keeps six digits, cut.
    sql = sql.replace(
        "homes.lien_amount / homes.estimated_value",
        "cast(cast(homes.lien_amount * 100 as hugeint) * 1000000 // cast(homes.estimated_value * 100 as hugeint) "
        "as decimal(18, 0)) * 0.000001",
    )
    sql = with_narrow_sums(sql)
    for parameter, value in values.items():
        sql = re.sub(rf"\${parameter}\b", lambda _: value, sql)
    return sql


def closing(sql, opening):
    """The place of the parenthesis that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[place], 0)
        if depth == 0:
            return place
    raise ValueError("unbalanced parentheses")


def with_narrow_sums(sql):
    """Sums of 64-bit integers stay 64 bits wide, as in DataFusion."""
    done, rest = "", sql
    while found := re.search(r"\bsum\(", rest):
        end = closing(rest, found.end() - 1) + 1
        words = re.sub(r"'[^']*'|\w+\.", "", rest[found.end() : end])
        words = set(re.findall(r"[a-z_]\w*", words)) - {"case", "when", "then", "else", "end", "and", "or"}
        if over := re.match(r" over \(", rest[end:]):
            end = closing(rest, end + over.end() - 1) + 1
        call = rest[found.start() : end]
        done += rest[: found.start()] + (f"cast({call} as bigint)" if words <= SUMMED_INTEGERS else call)
        rest = rest[end:]
    return done + rest


def build(store, model, values):
    """Publishes the model; a view has no rows of its own."""
    sql = adapted(model.sql, values)
    if model.is_view:
        store.connection.execute(f"create view {model.table} as {sql}")
        return None
    return store.publish(model.schema, model.name, sql)
