//! A score as SQL: what each feature contributes, the score, its decile, and the reasons for it.
//!
//! The same expressions score the night's population and the hold-out, so that what is measured is what is applied.
//! Categories and reasons are bound; numbers of the model stand in the text.

use std::fmt::Write as _;

use crate::config::bank::Parameter;
use crate::config::score::{BinValues, FeatureKind, FeatureSpec, ScoreMethod, ScoreSpec};
use crate::config::score_model::{FeatureModel, ScoreModel};
use crate::sql::Bindings;

/// Columns and Arrow types of `core.model_score`; its grain is `model`, `customer_id`.
pub const MODEL_SCORE_COLUMNS: &[(&str, &str)] = &[
    ("model", "Utf8"),
    ("version", "Utf8"),
    ("customer_id", "Int64"),
    // Probability of the outcome, or points.
    ("score", "Float64"),
    // 1 holds the tenth with the highest scores; equal scores are parted by customer_id.
    ("decile", "Int64"),
    // What raises the score most; null where nothing more does.
    ("reason_1", "Utf8"),
    ("reason_2", "Utf8"),
    ("reason_3", "Utf8"),
];

const N_REASONS: usize = 3;

/// A value beyond this is no number: infinities of a damaged extract.
const LARGEST: f64 = 1e300;

/// `None` for a logistic score that is not trained.
#[must_use]
pub fn population_query(score: &ScoreSpec, bindings: &Bindings) -> Option<(String, Bindings)> {
    let mut bindings = bindings.clone();
    let formula = Formula::of(score, &mut bindings)?;
    bindings.insert("salenet_model", Parameter::Text(score.name.clone()));
    let version = score.version().unwrap_or_default().to_owned();
    bindings.insert("salenet_version", Parameter::Text(version));
    for (number, feature) in score.features.iter().enumerate() {
        let reason = Parameter::Text(feature.reason.clone());
        bindings.insert(&format!("salenet_reason_{number}"), reason);
    }
    let source = source("population", score, &score.population);
    let values = formula.values(
        "population",
        &["cast(customer_id as bigint) as customer_id"],
    );
    let kept = ["customer_id"];
    let mut sql = format!(
        "with {source},\n{values},\n{},\n{},\n{}\nselect $salenet_model as model, $salenet_version as version, \
         customer_id, score,\n    cast(ntile(10) over (order by score desc, customer_id) as bigint) as decile",
        formula.contributions(&kept),
        formula.scored(&kept),
        formula.ranked(),
    );
    for reason in 1..=N_REASONS {
        let _ = write!(sql, ",\n    case");
        for number in 0..score.features.len() {
            let mark = mark(number);
            let _ = write!(
                sql,
                " when code_{reason} % {RADIX} = {mark} and code_{reason} >= {RADIX} then $salenet_reason_{number}"
            );
        }
        let _ = write!(sql, " end as reason_{reason}");
    }
    sql.push_str("\nfrom ranked");
    Some((sql, bindings))
}

/// Outcome, hold-out column and score of every row of the past: columns `target`, `held_by`, `position`, `score`.
/// `None` for a score without training data or model.
#[must_use]
pub fn past_query(score: &ScoreSpec, bindings: &Bindings) -> Option<(String, Bindings)> {
    let training = score.training.as_ref()?;
    let mut bindings = bindings.clone();
    let formula = Formula::of(score, &mut bindings)?;
    let kept = ["target", "held_by"];
    let target = format!("cast(\"{}\" as double) as target", training.target);
    let held_by = format!("\"{}\" as held_by", training.holdout.by);
    let values = formula.values("training", &[&target, &held_by]);
    let sql = format!(
        "with {},\n{values},\n{},\n{}\n\
         select target, cast(held_by as varchar) as held_by,\n    \
         cast(dense_rank() over (order by held_by) as bigint) as position, score\n\
         from scored\norder by position, score, target",
        source("training", score, &training.query),
        formula.contributions(&kept),
        formula.scored(&kept),
    );
    Some((sql, bindings))
}

/// Outcome, hold-out column and features of every row of the past, in an order of their own.
#[must_use]
pub fn training_query(score: &ScoreSpec) -> Option<String> {
    let training = score.training.as_ref()?;
    let by = &training.holdout.by;
    let mut sql = format!(
        "with {}\nselect cast(\"{}\" as double) as target, cast(\"{by}\" as varchar) as held_by,\n    \
         cast(dense_rank() over (order by \"{by}\") as bigint) as position",
        source("training", score, &training.query),
        training.target
    );
    for (number, feature) in score.features.iter().enumerate() {
        let _ = write!(sql, ",\n    {}", value(number, feature));
    }
    sql.push_str("\nfrom training\norder by position, target");
    for number in 0..score.features.len() {
        let _ = write!(sql, ", value_{number}");
    }
    Some(sql)
}

/// How many rows of the past are left out because their customer does not consent to profiling; `None` where nothing is
/// left out.
#[must_use]
pub fn withheld_query(score: &ScoreSpec) -> Option<String> {
    let training = score.training.as_ref().filter(|_| score.asks_consent)?;
    Some(format!(
        "with {}\nselect (select count(*) from (\n{}\n) as past) - (select count(*) from training)",
        source("training", score, &training.query),
        training.query
    ))
}

/// The rows of a query of the score under a name: all, or those of customers who consent to profiling.
fn source(name: &str, score: &ScoreSpec, query: &str) -> String {
    if !score.asks_consent {
        return format!("{name} as (\n{query}\n)");
    }
    format!(
        "consenting as (\n    select customer_id as consenting_id\n    from core.customer_consent\n    \
         where purpose = 'profiling'\n    group by customer_id\n    \
         having bool_or(status = 'in') and not bool_or(status = 'out')\n),\n\
         {name} as (\n    select * from (\n{query}\n) as asked\n    \
         where customer_id in (select consenting_id from consenting)\n)"
    )
}

fn value(number: usize, feature: &FeatureSpec) -> String {
    let data_type = match feature.kind {
        FeatureKind::Number => "double",
        FeatureKind::Category => "varchar",
    };
    format!(
        "cast(\"{}\" as {data_type}) as value_{number}",
        feature.column
    )
}

/// A reason's place among the features is told by the last three digits of its code: more than features can be.
const RADIX: i64 = 1000;

struct Formula<'a> {
    features: &'a [FeatureSpec],
    /// SQL over `value_<number>`, by feature.
    contributions: Vec<String>,
    /// What a contribution is told against when reasons are ranked.
    floors: Vec<f64>,
    start: f64,
    is_probability: bool,
}

impl<'a> Formula<'a> {
    /// Adds the categories it names to the bindings.
    fn of(score: &'a ScoreSpec, bindings: &mut Bindings) -> Option<Self> {
        let features = &score.features;
        Some(match &score.method {
            ScoreMethod::Scorecard { base, .. } => {
                let floor = |feature: &FeatureSpec| {
                    let points = feature.bins.iter().map(|bin| bin.points);
                    f64::from(points.min().unwrap_or(0))
                };
                Self {
                    features,
                    contributions: features
                        .iter()
                        .enumerate()
                        .map(|(number, feature)| points(number, feature, bindings))
                        .collect(),
                    floors: features.iter().map(floor).collect(),
                    start: f64::from(*base),
                    is_probability: false,
                }
            }
            ScoreMethod::Logistic { model, .. } => {
                let model: &ScoreModel = model.as_ref()?;
                Self {
                    features,
                    contributions: model
                        .features
                        .iter()
                        .enumerate()
                        .map(|(number, feature)| log_odds(number, feature, bindings))
                        .collect(),
                    floors: vec![0.0; features.len()],
                    start: model.intercept,
                    is_probability: true,
                }
            }
        })
    }

    fn values(&self, source: &str, kept: &[&str]) -> String {
        let mut sql = format!("named as (\n    select {}", kept.join(", "));
        for (number, feature) in self.features.iter().enumerate() {
            let _ = write!(sql, ",\n    {}", value(number, feature));
        }
        let _ = write!(sql, "\n    from {source}\n)");
        sql
    }

    fn contributions(&self, kept: &[&str]) -> String {
        let mut sql = format!("contributed as (\n    select {}", kept.join(", "));
        for (number, contribution) in self.contributions.iter().enumerate() {
            let _ = write!(sql, ",\n    {contribution} as part_{number}");
        }
        sql.push_str("\n    from named\n)");
        sql
    }

    /// Added up in the order of the features, whatever the number of threads.
    fn scored(&self, kept: &[&str]) -> String {
        let mut sum = literal(self.start);
        for number in 0..self.features.len() {
            let _ = write!(sum, " + part_{number}");
        }
        let score = if self.is_probability {
            let one = literal(1.0);
            format!("{one} / ({one} + exp(-({sum})))")
        } else {
            sum
        };
        let parts: Vec<String> = (0..self.features.len())
            .map(|number| format!("part_{number}"))
            .collect();
        format!(
            "scored as (\n    select {}, {score} as score, {}\n    from contributed\n)",
            kept.join(", "),
            parts.join(", ")
        )
    }

    /// Each contribution in millionths with its feature's mark, the largest first.
    fn ranked(&self) -> String {
        let codes = self.floors.iter().enumerate().map(|(number, floor)| {
            let gain = format!("part_{number} - {}", literal(*floor));
            format!(
                "cast(round(least(greatest({gain}, {}), {}) * {}) as bigint) * {RADIX} + {}",
                literal(0.0),
                literal(1e6),
                literal(1e6),
                mark(number)
            )
        });
        let codes: Vec<String> = codes.collect();
        let pick = |reason: usize| format!("codes[{reason}] as code_{reason}");
        let picks: Vec<String> = (1..=N_REASONS).map(pick).collect();
        format!(
            "coded as (\n    select customer_id, score, array_sort(make_array({}), 'DESC', 'NULLS LAST') as codes\n    \
             from scored\n),\nranked as (\n    select customer_id, score, {}\n    from coded\n)",
            codes.join(",\n        "),
            picks.join(", ")
        )
    }
}

/// Tells the feature of a code; the earlier one has the larger mark, so that it stands first among equals.
fn mark(number: usize) -> i64 {
    RADIX - 1 - i64::try_from(number).unwrap_or(0)
}

/// A floating number: a plain literal would be a decimal.
fn literal(number: f64) -> String {
    format!("cast('{number:e}' as double)")
}

fn no_number(value: &str) -> String {
    format!(
        "{value} is null or isnan({value}) or abs({value}) > {}",
        literal(LARGEST)
    )
}

/// Log-odds against the average row of the training. A category the training has not seen counts as average.
fn log_odds(number: usize, feature: &FeatureModel, bindings: &mut Bindings) -> String {
    let value = format!("value_{number}");
    match feature.kind {
        FeatureKind::Number => {
            let missing = feature.levels.first();
            let missing = literal(missing.map_or(0.0, |level| level.coefficient.value));
            let known = literal(feature.known());
            let known = match (feature.scale, feature.slope) {
                (Some(scale), Some(slope)) => format!(
                    "({value} - {}) / {} * {} + {known}",
                    literal(scale.mean),
                    literal(scale.deviation),
                    literal(slope.value),
                ),
                _ => known,
            };
            format!(
                "case when {} then {missing} else {known} end",
                no_number(&value)
            )
        }
        FeatureKind::Category => {
            let mut sql = "case".to_owned();
            for (position, level) in feature.levels.iter().enumerate() {
                let condition = match &level.level {
                    None => format!("{value} is null"),
                    Some(text) => equals(number, position, &value, text, bindings),
                };
                let gain = literal(level.coefficient.value);
                let _ = write!(sql, " when {condition} then {gain}");
            }
            let _ = write!(sql, " else {} end", literal(0.0));
            sql
        }
    }
}

fn points(number: usize, feature: &FeatureSpec, bindings: &mut Bindings) -> String {
    let value = format!("value_{number}");
    // Missing first, the rest last, whatever the order they are written in.
    let order = |values: &BinValues| match values {
        BinValues::Missing => 0,
        BinValues::Range(..) | BinValues::In(_) => 1,
        BinValues::Other => 2,
    };
    let mut bins: Vec<_> = feature.bins.iter().collect();
    bins.sort_by_key(|bin| order(&bin.values));
    let mut sql = "case".to_owned();
    let mut position = 0;
    for bin in bins {
        let points = literal(f64::from(bin.points));
        let condition = match &bin.values {
            BinValues::Missing if feature.kind == FeatureKind::Number => no_number(&value),
            BinValues::Missing => format!("{value} is null"),
            BinValues::Range(from, below) => {
                let from = from.map(|from| format!("{value} >= {}", literal(from)));
                let below = below.map(|below| format!("{value} < {}", literal(below)));
                let both: Vec<String> = from.into_iter().chain(below).collect();
                if both.is_empty() {
                    "true".to_owned()
                } else {
                    both.join(" and ")
                }
            }
            BinValues::In(texts) => {
                let each = texts.iter().map(|text| {
                    position += 1;
                    equals(number, position, &value, text, bindings)
                });
                each.collect::<Vec<_>>().join(" or ")
            }
            BinValues::Other => "true".to_owned(),
        };
        let _ = write!(sql, " when {condition} then {points}");
    }
    let _ = write!(sql, " else {} end", literal(0.0));
    sql
}

fn equals(
    number: usize,
    position: usize,
    value: &str,
    text: &str,
    bindings: &mut Bindings,
) -> String {
    let name = format!("salenet_level_{number}_{position}");
    bindings.insert(&name, Parameter::Text(text.to_owned()));
    format!("{value} = ${name}")
}
