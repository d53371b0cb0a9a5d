"""A feed's YAML -> DuckDB SQL that reads, cleans and types it, and says of each row why it cannot be loaded.

Three layers of expressions: `c<i>` as delivered, `t<i>` cleaned text (null where the feed says so), `v<i>` typed value.
A row's `_flaw` is `column|rule` of its first flaw; its values stay, so that sums of rejected rows are known.
"""

SHORT_ADDRESS = {
    "STREET": "ST", "AVENUE": "AVE", "ROAD": "RD", "BOULEVARD": "BLVD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT",
    "PLACE": "PL", "SQUARE": "SQ", "HIGHWAY": "HWY", "PARKWAY": "PKWY", "TERRACE": "TER", "CIRCLE": "CIR",
    "APARTMENT": "APT", "SUITE": "STE", "FLOOR": "FL", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W",
}
SHORT_LEGAL_FORM = {
    "INCORPORATED": "INC", "CORPORATION": "CORP", "COMPANY": "CO", "LIMITED": "LTD", "AND": "&",
}
# GB 11643: weights of the first 17 characters, check character by remainder.
RESIDENT_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

BLANKS = "' \t\r\n'"


def text(value):
    """An SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def name(identifier):
    return '"' + identifier.replace('"', '""') + '"'


def macros():
    """Cleaners and checks, as macros over one text."""
    def shorten(words):
        cases = " ".join(f"when {text(long)} then {text(short)}" for long, short in words.items())
        spaced = "replace(replace(upper(nfc_normalize(x)), '.', ''), ',', ' ')"
        words = f"list_filter(string_split({spaced}, ' '), lambda w: w <> '')"
        return f"array_to_string(list_transform({words}, lambda w: case w {cases} else w end), ' ')"

    parts = r"regexp_extract_all(lower(x), '[\p{L}\p{N}]+|[^\p{L}\p{N}]+')"
    # Digits from the right, every second one doubled: 19 at most, so that no list is needed.
    luhn_sum = " + ".join(
        digit if place % 2 == 0 else f"{digit} * 2 - 9 * cast({digit} > 4 as integer)"
        for place, digit in ((place, f"((n // {10 ** place}) % 10)") for place in range(19))
    )
    resident_sum = " + ".join(
        f"try_cast(substr(x, {place + 1}, 1) as integer) * {weight}" for place, weight in enumerate(RESIDENT_WEIGHTS)
    )
    return [
        "create macro collapse_blanks(x) as case when contains(x, '  ') or contains(x, chr(9)) "
        r"then trim(regexp_replace(x, '\s+', ' ', 'g')) else trim(x) end",
        # Names of plain words have a faster way than a regular expression per part.
        "create macro capitalised(x) as "
        r"case when regexp_matches(x, '[^\p{L}\p{N} ,]|,[^ ]') "
        f"then array_to_string(list_transform({parts}, lambda p: upper(p[1]) || p[2:]), '') "
        "else array_to_string(list_transform(string_split(x, ' '), "
        "lambda w: upper(left(w, 1)) || lower(substr(w, 2))), ' ') end",
        "create macro person_name(x) as case when x = upper(x) or x = lower(x) then capitalised(x) else x end",
        f"create macro address(x) as {shorten(SHORT_ADDRESS)}",
        f"create macro organisation_name(x) as {shorten(SHORT_LEGAL_FORM)}",
        "create macro phone_digits(x) as "
        "replace(replace(replace(replace(replace(x, '(', ''), ')', ''), '-', ''), ' ', ''), '.', '')",
        "create macro id_marks(x) as upper(replace(replace(replace(x, '-', ''), ' ', ''), '.', ''))",
        "create macro phone_us(d) as case "
        r"when regexp_full_match(d, '[2-9][0-9]{2}[2-9][0-9]{6}') then '+1' || d "
        r"when regexp_full_match(d, '\+?1[2-9][0-9]{2}[2-9][0-9]{6}') then '+' || ltrim(d, '+') "
        r"when regexp_full_match(d, '\+[2-9][0-9]{7,14}') then d end",
        "create macro phone_cn(d) as case "
        "when regexp_full_match(d, '1[3-9][0-9]{9}') then '+86' || d "
        r"when regexp_full_match(d, '\+[1-9][0-9]{7,14}') then d end",
        "create macro email(x) as case when regexp_full_match(lower(x), "
        r"'[^\s\x22(),:;<>@\[\\\]]{1,64}@[\p{L}\p{N}](-*[\p{L}\p{N}])*(\.[\p{L}\p{N}](-*[\p{L}\p{N}])*)+') "
        "then lower(x) end",
        f"create macro luhn(n) as ({luhn_sum}) % 10 = 0",
        "create macro is_card(x) as length(x) between 12 and 19 and coalesce(luhn(try_cast(x as bigint)), false)",
        "create macro is_us_ssn(x) as regexp_full_match(x, '[0-9]{9}') and substr(x, 1, 3) not in ('000', '666') "
        "and substr(x, 1, 1) <> '9' and substr(x, 4, 2) <> '00' and substr(x, 6, 4) <> '0000'",
        "create macro is_cn_resident(x) as coalesce(length(x) = 18 "
        "and try_strptime(substr(x, 7, 8), '%Y%m%d') is not null "
        f"and substr('10X98765432', ({resident_sum}) % 11 + 1, 1) = substr(x, 18, 1), false)",
        "create macro token(kind, x) as 'tok:peer:' || substr(sha256(kind || chr(0) || x), 1, 32)",
    ]


def delivered(feed, path):
    """A FROM item with `c<i>` as they stand in the file, whether the row is a frame record, and a line's raw text."""
    layout = feed.format
    kind = layout.get("type", "csv")
    encoding = {"latin-1": "latin-1", "utf-16": "utf-16"}.get(layout.get("encoding"), "utf-8")
    if kind == "fixed":
        fields = []
        for index, column in enumerate(feed.columns):
            start, length = column.spec["at"]
            fields.append(f"trim(substr(line, {start}, {length})) as c{index}")
        frame = [feed.spec[part]["starts_with"] for part in ("header_record", "trailer_record") if part in feed.spec]
        is_frame = " or ".join(f"starts_with(line, {text(start)})" for start in frame) or "false"
        lines = (
            f"read_csv({text(path)}, auto_detect=false, header=false, delim='\x01', quote='', escape='', "
            f"encoding='{encoding}', columns={{'line': 'VARCHAR'}})"
        )
        return f"(select {', '.join(fields)}, {is_frame} as is_frame, line as raw from {lines})"
    if kind == "jsonl":
        members = {}
        for column in feed.columns:
            head, _, tail = column.source_name.partition(".")
            members.setdefault(head, []).append(tail) if tail else members.setdefault(head, None)
        types = ", ".join(
            f"{text(head)}: " + text("VARCHAR" if tails is None else
                                     "STRUCT(" + ", ".join(f"{name(tail)} VARCHAR" for tail in tails) + ")")
            for head, tails in members.items()
        )
        fields = [
            ".".join(name(part) for part in column.source_name.split(".")) + f" as c{index}"
            for index, column in enumerate(feed.columns)
        ]
        objects = (
            f"read_json({text(path)}, format='newline_delimited', ignore_errors=true, "
            f"columns={{{types}}})"
        )
        return f"(select {', '.join(fields)}, false as is_frame, cast(null as varchar) as raw from {objects})"
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(feed.columns)))
    quote = "" if layout.get("quote") == "none" else layout.get("quote", '"')
    header = "false" if layout.get("header") == "false" else "true"
    table = (
        f"read_csv({text(path)}, auto_detect=false, header={header}, delim={text(layout.get('delimiter', ','))}, "
        f"quote={text(quote)}, escape={text(quote)}, encoding='{encoding}', store_rejects=true, "
        f"columns={{{columns}}})"
    )
    return f"(select *, false as is_frame, cast(null as varchar) as raw from {table})"


def cleaning(column):
    """Steps from the delivered text to the text that is typed, each a function of the text before it."""
    is_text = column.type == "string"
    steps = [lambda x: f"nullif({x}, '')" if is_text else f"nullif(trim({x}), '')"]
    nulls = ", ".join(text(null) for null in column.spec.get("nulls", [""]) if null)
    if nulls:
        steps.append(lambda x: f"case when {x} not in ({nulls}) then {x} end")
    for cleaner in column.spec.get("clean", []):
        region = "us"
        if isinstance(cleaner, dict):
            ((cleaner, region),) = cleaner.items()
        steps.extend(cleaner_steps(cleaner, region.lower()))
    protection, _ = column.protection
    if protection == "card":
        steps.append(lambda x: f"replace(replace({x}, ' ', ''), '-', '')")
    elif protection == "national_id":
        steps.append(lambda x: f"id_marks({x})")
    if column.spec.get("clean") or protection:
        steps.append(lambda x: f"nullif({x}, '')")
    return steps


def cleaner_steps(cleaner, region):
    return {
        "trim": [lambda x: f"trim({x}, {BLANKS})"],
        "collapse": [lambda x: f"collapse_blanks({x})"],
        "upper": [lambda x: f"upper({x})"],
        "lower": [lambda x: f"lower({x})"],
        "nfkc": [lambda x: f"nfc_normalize({x})"],
        "person_name": [lambda x: f"nfc_normalize({x})", lambda x: f"person_name({x})"],
        "organisation_name": [lambda x: f"organisation_name({x})"],
        "address": [lambda x: f"address({x})"],
        "digits": [lambda x: rf"regexp_replace({x}, '\D', '', 'g')"],
        "phone": [lambda x: f"phone_digits({x})", lambda x: f"phone_{region}({x})"],
        "email": [lambda x: f"email({x})"],
    }[cleaner]


def decimal(column, expression, scale):
    spec = column.spec
    group, mark = spec.get("group_mark"), spec.get("decimal_mark", ".")
    if group:
        expression = f"replace({expression}, {text(group)}, '')"
    if mark != ".":
        expression = f"replace({expression}, {text(mark)}, '.')"
    if spec.get("negative") == "parentheses":
        expression = (
            f"case when starts_with({expression}, '(') then '-' || trim({expression}, '()') else {expression} end"
        )
    elif spec.get("negative") == "trailing":
        expression = (
            f"case when ends_with({expression}, '-') then '-' || rtrim({expression}, '-') else {expression} end"
        )
    implied = int(spec.get("implied_decimals", "0"))
    if implied:
        whole = f"try_cast({expression} as bigint)"
        return f"cast({whole} * {10 ** -implied:.{implied}f} as decimal(18, {scale}))"
    return f"try_cast({expression} as decimal(18, {scale}))"


def moment(column, expression):
    """Dates and timestamps; the ISO spellings have a faster way than a format."""
    kind = column.type
    default = "%Y-%m-%d" if kind == "date" else "%Y-%m-%dT%H:%M:%S"
    pattern = column.spec.get("format", default)
    if pattern in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        # The cast knows more spellings than the format (`epoch`, no leading zeros): the length keeps them out.
        length = 10 if kind == "date" else 19
        return f"case when length({expression}) = {length} then try_cast({expression} as {kind}) end"
    parsed = f"cast(try_strptime({expression}, {text(pattern)}) as {kind})"
    if "%y" in pattern:
        # DuckDB takes 00 to 68 as 20yy; the feed's pivot lies below.
        pivot = int(column.spec["pivot"])
        late = f"{parsed} >= date '{2000 + pivot}-01-01'"
        return f"cast(case when {late} then {parsed} - interval '100 years' else {parsed} end as {kind})"
    return parsed


def mapped(column, expression):
    codes = column.spec["map"]
    cases = " ".join(f"when {text(code)} then {text(meaning)}" for code, meaning in codes.items())
    other = f" else {expression}" if column.spec.get("map_other") == "keep" else ""
    return f"case {expression} {cases}{other} end"


def typed(column, index, money_scale=2):
    """`t<i>` -> the value and, for national ids, whether the id can have been issued."""
    expression = f"t{index}"
    protection, scheme = column.protection
    if protection == "card":
        return f"case when is_card({expression}) then token('card', {expression}) end", None
    if protection == "national_id":
        valid = {"us_ssn": f"is_us_ssn({expression})", "cn_resident": f"is_cn_resident({expression})"}
        return f"token('national_id', {expression})", valid.get(scheme, f"{expression} is not null")
    if "map" in column.spec:
        return mapped(column, expression), None
    if column.type == "integer":
        return f"try_cast({expression} as bigint)", None
    if column.type == "money":
        return decimal(column, expression, money_scale), None
    if column.type == "decimal":
        return decimal(column, expression, int(column.spec["scale"])), None
    if column.type in ("date", "timestamp"):
        return moment(column, expression), None
    if column.type == "boolean":
        return (
            f"case when {expression} in ('true', 'Y', '1') then true "
            f"when {expression} in ('false', 'N', '0') then false end"
        ), None
    return expression, None


def flaw_of(column, index):
    rule = "card" if column.protection[0] == "card" else "map" if "map" in column.spec else "type"
    flaws = []
    if typed(column, index)[0] != f"t{index}":
        flaws.append(f"when t{index} is not null and v{index} is null then {text(column.name + '|' + rule)}")
    if column.required:
        flaws.append(f"when v{index} is null then {text(column.name + '|required')}")
    return flaws


def load_query(feed, path):
    """One row per delivered record: the typed columns, `_flaw` and, for flawed rows, `_raw`."""
    columns = list(enumerate(feed.columns))
    steps = [cleaning(column) for _, column in columns]
    texts = [f"{steps[index][0](f'c{index}')} as t{index}" for index, _ in columns]
    values, named, outputs = [], [], []
    for index, column in columns:
        value, valid = typed(column, index)
        values.append(f"{value} as v{index}")
        named.append(f"v{index} as {name(column.name)}")
        outputs.append(name(column.name))
        if valid:
            values.append(f"case when t{index} is not null then {valid} end as valid{index}")
            named.append(f"valid{index} as {name(column.name + '_valid')}")
            outputs.append(name(column.name + "_valid"))
    flaws = ["when is_frame then '|frame'"]
    if feed.format.get("type") == "jsonl":
        nothing = " and ".join(f"c{index} is null" for index, _ in columns)
        flaws.append(f"when {nothing} then '|json'")
    if feed.format.get("stray_quotes") == "reject":
        stray = " or ".join(f"contains(c{index}, '\"')" for index, _ in columns)
        flaws.append(f"when {stray} then '|stray_quote'")
    for index, column in columns:
        flaws.extend(flaw_of(column, index))
    rules = [
        f"when ({rule['must']}) is not distinct from false then {text('|' + rule['id'])}"
        for rule in feed.spec.get("rules", [])
    ]
    broken = f"case {' '.join(rules)} end" if rules else "null"
    # The delivered text of a rejected row, with tokens for protected numbers.
    kept = ", ".join(
        f"coalesce({name(column.name)}, '')" if column.protection[0] else f"coalesce(c{index}, '')"
        for index, column in columns
    )
    delivered_columns = ", ".join(f"c{index}" for index, _ in columns)
    query = f"select *, {', '.join(texts)} from {delivered(feed, path)}"
    # One projection per step: nested macros would repeat the text before them at every use.
    for step in range(1, max(map(len, steps))):
        replaced = ", ".join(
            f"{steps[index][step](f't{index}')} as t{index}" for index, _ in columns if len(steps[index]) > step
        )
        query = f"select * replace ({replaced}) from ({query})"
    query = f"select *, {', '.join(values)} from ({query})"
    query = f"select *, case {' '.join(flaws)} end as flaw from ({query})"
    query = f"select {', '.join(named)}, {delivered_columns}, flaw, raw from ({query})"
    query = f"select *, coalesce(flaw, {broken}) as _flaw from ({query})"
    raw = f"case when _flaw is not null then coalesce(raw, concat_ws('\t', {kept})) end as _raw"
    return f"select {', '.join(outputs)}, _flaw, {raw} from ({query})"
