"""A trained logistic score as SQL: probability, decile and the reasons that raise it most, as `core.model_score`."""

import json

from feed_sql import name, text

# The last three digits of a reason's code tell its feature, the earlier one with the larger mark.
RADIX = 1000
N_REASONS = 3


def literal(number):
    """A floating number: a plain literal would be a decimal."""
    return f"cast('{float(number)!r}' as double)"


def log_odds(value, feature):
    """Against the average row of the training; a category that the training has not seen counts as average."""
    levels = feature["levels"]
    if feature["kind"] == "category":
        cases = "".join(
            f" when {value} is null then {literal(level['coefficient']['value'])}" if level["level"] is None
            else f" when {value} = {text(level['level'])} then {literal(level['coefficient']['value'])}"
            for level in levels
        )
        return f"case{cases} else {literal(0)} end"
    missing = levels[0]["coefficient"]["value"] if levels else 0.0
    known = -sum(level["coefficient"]["value"] * level["share"] / (1.0 - level["share"]) for level in levels)
    scaled = literal(known)
    if feature.get("scale") and feature.get("slope"):
        mean, deviation = literal(feature["scale"]["mean"]), literal(feature["scale"]["deviation"])
        scaled = f"({value} - {mean}) / {deviation} * {literal(feature['slope']['value'])} + {scaled}"
    strange = f"{value} is null or isnan({value}) or abs({value}) > {literal(1e300)}"
    return f"case when {strange} then {literal(missing)} else {scaled} end"


def score_query(score, spec, model):
    """The rows of one score; `spec` is its YAML, `model` what the training wrote."""
    features = spec["features"]
    types = {"number": "double", "category": "varchar"}
    values = ", ".join(
        f"cast({name(feature['column'])} as {types[feature['type']]}) as value_{number}"
        for number, feature in enumerate(features)
    )
    parts = ", ".join(
        f"{log_odds(f'value_{number}', feature)} as part_{number}" for number, feature in enumerate(model["features"])
    )
    total = " + ".join([literal(model["intercept"]), *(f"part_{number}" for number in range(len(features)))])
    codes = ", ".join(
        f"cast(round(least(greatest(part_{number} - {literal(0)}, {literal(0)}), {literal(1e6)}) * {literal(1e6)}) "
        f"as bigint) * {RADIX} + {RADIX - 1 - number}"
        for number in range(len(features))
    )
    reasons = "".join(
        f", case{cases_of(reason, features)} end as reason_{reason}" for reason in range(1, N_REASONS + 1)
    )
    return (
        # Who does not consent to profiling is not scored.
        f"with population as (select * from ({spec['population']}) as asked where customer_id in ("
        "select customer_id from core.customer_consent where purpose = 'profiling' group by customer_id "
        "having bool_or(status = 'in') and not bool_or(status = 'out'))), "
        f"named as (select cast(customer_id as bigint) as customer_id, {values} from population), "
        f"contributed as (select customer_id, {parts} from named), "
        f"scored as (select *, {literal(1)} / ({literal(1)} + exp(-({total}))) as score from contributed), "
        f"ranked as (select customer_id, score, list_sort([{codes}], 'DESC', 'NULLS LAST') as codes from scored) "
        f"select {text(score)} as model, {text(model['version'])} as version, customer_id, score, "
        f"cast(ntile(10) over (order by score desc, customer_id) as bigint) as decile{reasons} from ranked"
    )


def cases_of(reason, features):
    return "".join(
        f" when codes[{reason}] % {RADIX} = {RADIX - 1 - number} and codes[{reason}] >= {RADIX} "
        f"then {text(feature['reason'])}"
        for number, feature in enumerate(features)
    )


def run_scores(store, project):
    """Publishes `core.model_score` with every score that is trained; returns its rows."""
    queries = []
    for score, spec in project.scores.items():
        if spec["method"] != "logistic":
            raise ValueError(f"score {score}: only logistic scores are known here")
        trained = project.folder / "scores" / f"{score}.model.json"
        if trained.exists():
            queries.append(score_query(score, spec, json.loads(trained.read_text(encoding="utf-8"))))
    if not queries:
        return 0
    return store.publish("core", "model_score", " union all ".join(f"({query})" for query in queries))
