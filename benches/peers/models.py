"""The project's own model SQL, with the few places where DuckDB's dialect or arithmetic differs from DataFusion's."""

import re

from feed_sql import load_query, text

# DuckDB divides decimals as floating point. These are the divisions of the models, exact instead: numerator and its
# scale, denominator and its scale, digits of the result.
DIVISIONS = [
    ("converted.actual_balance_days", 8, "converted.n_balance_days", 0, 2),
    ("converted.debit_interest_days", 14, "converted.day_basis", 0, 2),
    ("converted.credit_interest_days", 14, "converted.day_basis", 0, 2),
    (
        "coalesce( account_months.debit_rate_days + account_months.debit_liquidity_days, "
        "account_months.debit_balance_days * (product_rates.ftp_rate + product_rates.liquidity_premium) )",
        8, "account_months.day_basis", 0, 2,
    ),
    (
        "coalesce( account_months.credit_rate_days, account_months.credit_balance_days * product_rates.ftp_rate ) "
        "* cast(1.000000 - products.reserve_pct as decimal(9, 6))",
        14, "account_months.day_basis", 0, 2,
    ),
    ("products.acquisition_cost", 2, "products.acquisition_term_months", 0, 2),
    ("account_months.ead * (account_months.pd * account_months.lgd)", 14, "12", 0, 2),
    (
        "(account_months.credit_balance_days + account_months.debit_balance_days) "
        "* coalesce(overhead_rates.balances_rate, 0.000000)",
        8, "account_months.day_basis", 0, 2,
    ),
    # Twenty digits after the mark are too many for DuckDB: the factors are counted in units by themselves.
    (("capital_days", "cast($equity_rate as decimal(9, 6))"), (14, 6), "day_basis", 0, 2),
    (("capital_days", "cast($hurdle_rate as decimal(9, 6))"), (14, 6), "day_basis", 0, 2),
    ("capital_days", 14, "n_days", 0, 2),
    ("12 * sum(net_income)", 2, "sum(capital)", 2, 6),
    ("12 * sum(customer_pnl.net_income)", 2, "sum(customer_pnl.capital)", 2, 6),
    ("sum(capital)", 2, "count(*)", 0, 2),
    ("sum(total_cost)", 6, "sum(n_events)", 0, 6),
    ("profitability.contribution * factors.factor", 8, "profitability.n_months", 0, 2),
    ("profitability.contribution", 2, "profitability.n_months", 0, 2),
    ("homes.lien_amount", 2, "homes.estimated_value", 2, 6),
    ("cast(place as decimal(18, 6))", 6, "n_customers", 0, 6),
    ("intervals.cost", 2, "nullif(intervals.n_contacted, 0)", 0, 2),
    ("intervals.cost", 2, "nullif(intervals.n_booked, 0)", 0, 2),
    ("(intervals.contribution - intervals.cost)", 2, "nullif(intervals.cost, 0.00)", 2, 6),
    ("cost", 2, "nullif(n_contacted, 0)", 0, 2),
    ("cost", 2, "nullif(n_booked, 0)", 0, 2),
    ("(contribution - cost)", 2, "nullif(cost, 0.00)", 2, 6),
    ("sum(curve.ftp_rate)", 6, "count(*)", 0, 6),
    ("sum(curve.liquidity_premium)", 6, "count(*)", 0, 6),
    ("rate_days", 8, "balance_days", 2, 6),
    ("liquidity_days", 8, "balance_days", 2, 6),
    ("pools.cost * unit_costs.minutes", 8, "pools.practical_minutes", 0, 6),
    ("pools.cost", 2, "pools.practical_minutes", 0, 6),
    ("(rate * (next_term - term) + next_rate * (term - term_months))", 6, "(next_term - term_months)", 0, 6),
    (
        "(liquidity_premium * (next_term - term) + next_premium * (term - term_months))",
        6, "(next_term - term_months)", 0, 6,
    ),
]

# Digits that a quotient of DataFusion has beyond its numerator's; what comes after them is cut.
QUOTIENT_DIGITS = 4

# Whole numbers that make DuckDB's decimals so wide that it gives up digits after the mark.
NARROWED = [
    (
        "coalesce(products.capital_floor, 0.00) * account_months.n_days",
        "coalesce(products.capital_floor, 0.00) * cast(account_months.n_days as smallint)",
    ),
]

# Integers that models sum. DuckDB's sums of integers are 128 bits wide, and its 128-bit arithmetic is slow.
SUMMED_INTEGERS = {
    "chosen_weight", "is_owner", "floor_ppm", "ownership_ppm", "role_rank", "place", "missing_ppm", "n_events",
    "floor_cents", "cents", "line_code", "event_ppm", "actual_days", "n_balance_days", "n_transactions",
}

TYPES = {"text": "varchar", "boolean": "boolean", "date": "date", "bigint": "bigint"}

# Tables of the release before that no model makes; a first night finds them empty.
BASE_TABLES = {
    "campaigns.campaign": "campaign_code varchar, level varchar, baseline_code varchar, response_match varchar, "
    "response_ties varchar, response_attribution varchar, response_window_days bigint",
    "campaigns.cell": "treatment_id varchar, business_date date, kind varchar",
    "campaigns.contact_history": "contact_id varchar, customer_id bigint, campaign_code varchar, business_date date, "
    "treatment_id varchar, product_code varchar, cell_code varchar, channel varchar, offer_code varchar, "
    "contacted_on date, cost decimal(18, 2), finder_number varchar, delivery_status varchar, is_control boolean",
}

# DuckDB would join every account with every moment by their dates, which takes 50 times as long and gigabytes.
IN_WRITTEN_ORDER = {"marts.home_equity_signal"}

MACROS = [
    "create macro to_char(moment, pattern) as strftime(moment, pattern)",
    # Units of a decimal: its digits without the mark; `power` is 10 to its scale.
    "create macro units_64(amount, power) as cast(floor(amount) as bigint) * power "
    "+ cast((amount - floor(amount)) * power as bigint)",
    "create macro units_128(amount, power) as cast(floor(amount) as hugeint) * power "
    "+ cast((amount - floor(amount)) * power as hugeint)",
    # Half away from zero.
    "create macro rounded(numerator, denominator) as cast(sign(numerator) * sign(denominator) * "
    "((abs(numerator) * 2 + abs(denominator)) // (abs(denominator) * 2)) as decimal(38, 0))",
    "create macro cut(numerator, denominator) as cast(numerator // denominator as decimal(38, 0))",
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
        columns = BASE_TABLES.get(table) or ", ".join(
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


def units(expression, scale):
    """What a decimal has before and after its mark, as a whole number."""
    if scale == 0:
        return f"({expression})"
    # 64 bits hold anything but the product of three factors; DuckDB fails if they do not.
    return f"units_{64 if scale <= 8 else 128}({expression}, 1{'0' * scale})"


def exact(division):
    """A division and what DuckDB does instead: rounded or cut to as many digits as DataFusion's."""
    numerators, scales, denominator, denominator_scale, digits = division
    if isinstance(numerators, str):
        numerators, scales = (numerators,), (scales,)
    top = " * ".join(units(numerator, scale) for numerator, scale in zip(numerators, scales))
    bottom = units(denominator, denominator_scale)
    scale = sum(scales)
    shift = digits + denominator_scale - scale
    if shift > 0:
        top = f"{top} * 1{'0' * shift}::hugeint"
    elif shift < 0:
        bottom = f"{bottom} * 1{'0' * -shift}{'' if scale <= 8 else '::hugeint'}"
    # What is rounded from a quotient that was cut further down is the same as what is rounded from the exact one.
    way = "cut" if scale + QUOTIENT_DIGITS <= digits else "rounded"
    return f"{' * '.join(numerators)} / {denominator}", f"{way}({top}, {bottom}) * 0.{'0' * (digits - 1)}1"


def on_one_line(sql):
    """Without comments, and with one blank wherever there is a break."""
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql))


def not_found(models):
    """What this file rewrites and no model has any longer."""
    sql = " ".join(on_one_line(model.sql) for model in models)
    listed = [exact(division)[0] for division in DIVISIONS] + [words for words, _ in NARROWED]
    return [words for words in listed if words not in sql]


def adapted(sql, values):
    """DataFusion's SQL as DuckDB's."""
    sql = on_one_line(sql)
    # The aggregate over an order is `first`; `first_value` is a window function only.
    sql = re.sub(r"first_value\(([^()]+ order by )", r"first(\1", sql)
    sql = sql.replace("make_array(", "list_value(")
    # Days since 1970-01-01.
    sql = re.sub(r"cast\(((?:\w+\.)?\w+_(?:day|date|on)) as int\)", r"(\1 - date '1970-01-01')", sql)
    for words, replacement in NARROWED:
        sql = sql.replace(words, replacement)
    for division in DIVISIONS:
        # Longer numerators come before their own ends; words must not be the ends of longer ones.
        written, instead = exact(division)
        sql = re.sub(r"(?<![\w.])" + re.escape(written), lambda _: instead, sql)
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
    if model.table in IN_WRITTEN_ORDER:
        store.connection.execute("set disabled_optimizers = 'join_order'")
    rows = store.publish(model.schema, model.name, sql)
    store.connection.execute("set disabled_optimizers = ''")
    return rows
