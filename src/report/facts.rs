//! What the page shows from tables: small results, each asked of the release once.
//!
//! A bank with few models has few tables: what cannot be asked is `Absent` with the reason, never an error.

use std::collections::BTreeSet;

use super::finance::FinanceFacts;
use super::results::ResultFacts;
use crate::domain::Parameter;
use crate::sql::{Bindings, Cell, Session, SqlError};
use crate::stages::score::Measures;
use crate::store::Manifest;

/// Figures, or why this release has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    Shown(T),
    /// A whole sentence.
    Absent(String),
}

/// Amounts are exact decimals as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Type of customer and how many there are.
    pub customers: Found<Vec<(String, u64)>>,
    pub links: Found<Vec<MatchRule>>,
    pub id_events: Found<Vec<IdEvent>>,
    pub large_blocks: Found<Vec<LargeBlock>>,
    pub profitability: Found<Profitability>,
    pub deciles: Found<Vec<Decile>>,
    pub whale: Found<WhaleCurve>,
    pub profit_lines: Found<ProfitLines>,
    pub channels: Found<Vec<ChannelMonth>>,
    pub finance: FinanceFacts,
    /// What campaigns that contacted somebody brought.
    pub results: Found<ResultFacts>,
    /// Measured by the caller, who knows the project.
    pub scores: Vec<ScoreFacts>,
}

/// A score that has a past to be measured on.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreFacts {
    pub name: String,
    pub description: String,
    pub version: String,
    pub measures: Found<Measures>,
}

/// Source records that one rule linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchRule {
    pub rule: String,
    pub records: u64,
    pub customers: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdEvent {
    pub kind: String,
    /// Of the release's business date.
    pub tonight: u64,
    pub ever: u64,
}

/// The period that deciles and whale curve rank customers over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profitability {
    pub first_month: String,
    pub last_month: String,
    pub total: String,
    /// Of the total, what belongs to no known customer.
    pub unassigned: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decile {
    pub decile: i64,
    pub customers: u64,
    pub contribution: String,
    pub cumulative: String,
}

/// Cumulative profit by ranked customer, thinned to what a chart can show; the peak is exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhaleCurve {
    pub customers: u64,
    pub total: String,
    pub peak: WhalePoint,
    pub points: Vec<WhalePoint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhalePoint {
    /// 1 is the most profitable customer.
    pub place: u64,
    pub cumulative: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfitLines {
    pub first_month: String,
    pub last_month: String,
    pub months: u64,
    pub lines: Vec<ProfitLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfitLine {
    pub code: String,
    pub name: String,
    /// Adds up lines above it.
    pub subtotal: bool,
    pub all_months: String,
    pub latest_month: String,
    /// Of all months, what belongs to no known customer.
    pub unassigned: String,
}

/// A blocking rule some of whose blocks have more records than the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeBlock {
    pub customer_type: String,
    pub block: String,
    pub refined_blocks: u64,
    pub refused_blocks: u64,
    pub refused_records: u64,
}

/// A channel's events of one kind in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelMonth {
    pub month: String,
    pub channel: String,
    pub event_type: String,
    pub events: u64,
    pub unit_cost: String,
    pub total: String,
}

/// Points of the whale curve that a chart can tell apart.
const CURVE_POINTS: u64 = 240;

/// Lines that add up other lines, for banks whose reference data does not say so.
const SUBTOTALS: &[&str] = &[
    "net_interest_income",
    "other_revenue",
    "direct_expense",
    "indirect_expense",
    "contribution",
    "profit_before_tax",
    "net_income",
    "economic_profit",
];

/// Asks the release everything the page shows from tables.
///
/// # Errors
/// When a query over tables that are there cannot be run.
pub fn read_facts(session: &Session, manifest: &Manifest) -> Result<Facts, SqlError> {
    let release = Asked { session, manifest };
    Ok(Facts {
        customers: release.customers()?,
        links: release.links()?,
        id_events: release.id_events()?,
        large_blocks: release.large_blocks()?,
        profitability: release.profitability()?,
        deciles: release.deciles()?,
        whale: release.whale_curve()?,
        profit_lines: release.profit_lines()?,
        channels: release.channels()?,
        finance: release.finance()?,
        results: release.results()?,
        scores: Vec::new(),
    })
}

/// A release that is asked.
pub(super) struct Asked<'a> {
    pub(super) session: &'a Session,
    pub(super) manifest: &'a Manifest,
}

type Rows = Vec<Vec<Cell>>;

impl Asked<'_> {
    fn rows(&self, sql: &str) -> Result<Rows, SqlError> {
        self.rows_with(sql, &Bindings::default())
    }

    pub(super) fn rows_with(&self, sql: &str, bindings: &Bindings) -> Result<Rows, SqlError> {
        self.session.query(sql, bindings)?.rows()
    }

    /// Names and types of a table's or view's columns; `None` when the release has no such table.
    fn columns(&self, table: &str) -> Result<Option<Vec<(String, String)>>, SqlError> {
        let stored = self.manifest.tables.keys().map(ToString::to_string);
        let views = self
            .manifest
            .views
            .iter()
            .map(|view| view.table.to_string());
        if !stored.chain(views).any(|name| name == table) {
            return Ok(None);
        }
        let bindings = Bindings::new(self.manifest.parameters.clone());
        let plan = self
            .session
            .plan(&format!("select * from {table}"), &bindings)?;
        let columns = plan.columns().into_iter();
        Ok(Some(
            columns
                .map(|column| (column.name, column.data_type))
                .collect(),
        ))
    }

    /// Why a question cannot be asked; `None` when it can.
    pub(super) fn missing(&self, table: &str, needed: &[&str]) -> Result<Option<String>, SqlError> {
        let Some(columns) = self.columns(table)? else {
            return Ok(Some(format!("This release has no table {table}.")));
        };
        let columns: BTreeSet<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let lacking: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|name| !columns.contains(name))
            .collect();
        Ok((!lacking.is_empty()).then(|| {
            format!(
                "Table {table} of this release has no {}.",
                lacking.join(", ")
            )
        }))
    }

    fn customers(&self) -> Result<Found<Vec<(String, u64)>>, SqlError> {
        if let Some(reason) = self.missing("core.customer", &[])? {
            return Ok(Found::Absent(reason));
        }
        let typed = self.missing("core.customer", &["customer_type"])?.is_none();
        let rows = self.rows(if typed {
            "select customer_type, count(*) from core.customer group by 1 order by 2 desc, 1"
        } else {
            "select 'customer', count(*) from core.customer"
        })?;
        Ok(Found::Shown(
            rows.iter()
                .map(|row| (text(row, 0), number(row, 1)))
                .collect(),
        ))
    }

    fn links(&self) -> Result<Found<Vec<MatchRule>>, SqlError> {
        let needed = ["match_rule", "customer_id", "valid_to"];
        if let Some(reason) = self.missing("core.customer_xref", &needed)? {
            return Ok(Found::Absent(reason));
        }
        let rows = self.rows(
            "select match_rule, count(*), count(distinct customer_id) from core.customer_xref \
             where valid_to is null group by 1 order by 2 desc, 1",
        )?;
        let rule = |row: &Vec<Cell>| MatchRule {
            rule: text(row, 0),
            records: number(row, 1),
            customers: number(row, 2),
        };
        Ok(Found::Shown(rows.iter().map(rule).collect()))
    }

    fn id_events(&self) -> Result<Found<Vec<IdEvent>>, SqlError> {
        let needed = ["event_type", "business_date"];
        if let Some(reason) = self.missing("core.customer_id_event", &needed)? {
            return Ok(Found::Absent(reason));
        }
        let tonight =
            Bindings::default().with("tonight", Parameter::Date(self.manifest.business_date));
        let rows = self.rows_with(
            "select event_type, sum(case when business_date = $tonight then 1 else 0 end), count(*) \
             from core.customer_id_event group by 1 order by 1",
            &tonight,
        )?;
        let event = |row: &Vec<Cell>| IdEvent {
            kind: text(row, 0),
            tonight: number(row, 1),
            ever: number(row, 2),
        };
        Ok(Found::Shown(rows.iter().map(event).collect()))
    }

    fn large_blocks(&self) -> Result<Found<Vec<LargeBlock>>, SqlError> {
        if let Some(reason) = self.missing("core.match_block", &["refused_blocks"])? {
            return Ok(Found::Absent(reason));
        }
        let rows = self.rows(
            "select customer_type, block, refined_blocks, refused_blocks, refused_records \
             from core.match_block where refined_blocks + refused_blocks > 0 order by 1, 2",
        )?;
        let block = |row: &Vec<Cell>| LargeBlock {
            customer_type: text(row, 0),
            block: text(row, 1),
            refined_blocks: number(row, 2),
            refused_blocks: number(row, 3),
            refused_records: number(row, 4),
        };
        Ok(Found::Shown(rows.iter().map(block).collect()))
    }

    fn profitability(&self) -> Result<Found<Profitability>, SqlError> {
        let needed = ["customer_id", "first_month", "last_month", "contribution"];
        if let Some(reason) = self.missing("marts.customer_profitability", &needed)? {
            return Ok(Found::Absent(reason));
        }
        let rows = self.rows(
            "select min(first_month), max(last_month), coalesce(sum(contribution), 0.00), \
             coalesce(sum(case when customer_id = 0 then contribution end), 0.00) \
             from marts.customer_profitability",
        )?;
        let row = rows.first().map_or(&[][..], Vec::as_slice);
        Ok(Found::Shown(Profitability {
            first_month: text(row, 0),
            last_month: text(row, 1),
            total: text(row, 2),
            unassigned: text(row, 3),
        }))
    }

    fn deciles(&self) -> Result<Found<Vec<Decile>>, SqlError> {
        let needed = [
            "decile",
            "n_customers",
            "contribution",
            "cumulative_contribution",
        ];
        if let Some(reason) = self.missing("marts.profit_decile", &needed)? {
            return Ok(Found::Absent(reason));
        }
        let rows = self.rows(
            "select decile, n_customers, contribution, cumulative_contribution \
             from marts.profit_decile order by decile",
        )?;
        let decile = |row: &Vec<Cell>| Decile {
            decile: row.first().and_then(Cell::as_integer).unwrap_or_default(),
            customers: number(row, 1),
            contribution: text(row, 2),
            cumulative: text(row, 3),
        };
        Ok(Found::Shown(rows.iter().map(decile).collect()))
    }

    fn whale_curve(&self) -> Result<Found<WhaleCurve>, SqlError> {
        if let Some(reason) =
            self.missing("marts.whale_curve", &["place", "cumulative_contribution"])?
        {
            return Ok(Found::Absent(reason));
        }
        let peak = self.rows(
            "select place, cumulative_contribution from marts.whale_curve \
             order by cumulative_contribution desc, place limit 1",
        )?;
        let last = self.rows(
            "select place, cumulative_contribution from marts.whale_curve order by place desc limit 1",
        )?;
        let (Some(peak), Some(last)) = (peak.first(), last.first()) else {
            return Ok(Found::Absent(
                "Table marts.whale_curve of this release has no rows.".to_owned(),
            ));
        };
        let customers = number(last, 0);
        let step = i64::try_from(customers.div_ceil(CURVE_POINTS)).unwrap_or(i64::MAX);
        let tenths: Vec<String> = (1..=10)
            .map(|tenth| (customers * tenth).div_ceil(10).to_string())
            .collect();
        let thinned = Bindings::default()
            .with("step", Parameter::Integer(step))
            .with(
                "last",
                Parameter::Integer(last.first().and_then(Cell::as_integer).unwrap_or(0)),
            )
            .with(
                "peak",
                Parameter::Integer(peak.first().and_then(Cell::as_integer).unwrap_or(0)),
            );
        let sql = format!(
            "select place, cumulative_contribution from marts.whale_curve \
             where place % $step = 0 or place = 1 or place = $last or place = $peak or place in ({}) \
             order by place",
            tenths.join(", ")
        );
        let rows = self.rows_with(&sql, &thinned)?;
        let point = |row: &Vec<Cell>| WhalePoint {
            place: number(row, 0),
            cumulative: text(row, 1),
        };
        Ok(Found::Shown(WhaleCurve {
            customers,
            total: text(last, 1),
            peak: point(peak),
            points: rows.iter().map(point).collect(),
        }))
    }

    fn profit_lines(&self) -> Result<Found<ProfitLines>, SqlError> {
        const TABLE: &str = "marts.customer_pnl";
        if let Some(reason) = self.missing(TABLE, &["month", "customer_id"])? {
            return Ok(Found::Absent(reason));
        }
        let months = self.rows(&format!(
            "select min(month), max(month), count(distinct month) from {TABLE}"
        ))?;
        let Some(months) = months.first().filter(|row| number(row, 2) > 0) else {
            return Ok(Found::Absent(format!(
                "Table {TABLE} of this release has no rows."
            )));
        };
        let never_summed = self.lines_never_summed()?;
        let codes: Vec<String> = self
            .columns(TABLE)?
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, data_type)| data_type.starts_with("Decimal"))
            .map(|(name, _)| name)
            .filter(|name| !never_summed.contains(name))
            .collect();
        let of = |condition: &str| -> Result<Vec<String>, SqlError> {
            let sums: Vec<String> = codes
                .iter()
                .map(|code| format!("coalesce(sum({code}), 0.00)"))
                .collect();
            let sql = format!("select {} from {TABLE} where {condition}", sums.join(", "));
            let rows = self.rows(&sql)?;
            Ok(rows
                .first()
                .map_or_else(Vec::new, |row| row.iter().map(Cell::to_text).collect()))
        };
        if codes.is_empty() {
            return Ok(Found::Absent(format!(
                "Table {TABLE} of this release has no profit lines."
            )));
        }
        let all = of("true")?;
        let latest = of(&format!("month = (select max(month) from {TABLE})"))?;
        let unassigned = of("customer_id = 0")?;
        let names = self.line_names()?;
        let lines = codes
            .iter()
            .zip(all)
            .zip(latest.into_iter().zip(unassigned));
        let line = |((code, all_months), (latest_month, unassigned)): ((&String, _), (_, _))| {
            let declared = names.iter().find(|(named, _, _)| named == code);
            ProfitLine {
                code: code.clone(),
                name: declared
                    .map_or_else(|| super::figure::words(code), |(_, name, _)| name.clone()),
                subtotal: declared.map_or_else(
                    || SUBTOTALS.contains(&code.as_str()),
                    |(_, _, kind)| kind == "total",
                ),
                all_months,
                latest_month,
                unassigned,
            }
        };
        Ok(Found::Shown(ProfitLines {
            first_month: text(months, 0),
            last_month: text(months, 1),
            months: number(months, 2),
            lines: lines.map(line).collect(),
        }))
    }

    /// Lines that do not add up over months, such as capital.
    fn lines_never_summed(&self) -> Result<BTreeSet<String>, SqlError> {
        const TABLE: &str = "reference.ledger_line";
        if self.missing(TABLE, &["line_code", "additivity"])?.is_some() {
            return Ok(BTreeSet::new());
        }
        let rows = self.rows(&format!(
            "select line_code from {TABLE} where additivity <> 'all'"
        ))?;
        Ok(rows.iter().map(|row| text(row, 0)).collect())
    }

    /// Code, name and kind of each profit line, where the bank declares them.
    fn line_names(&self) -> Result<Vec<(String, String, String)>, SqlError> {
        let needed = ["line_code", "name", "kind"];
        if self.missing("reference.ledger_line", &needed)?.is_some() {
            return Ok(Vec::new());
        }
        let rows = self.rows("select line_code, name, kind from reference.ledger_line")?;
        Ok(rows
            .iter()
            .map(|row| (text(row, 0), text(row, 1), text(row, 2)))
            .collect())
    }

    fn channels(&self) -> Result<Found<Vec<ChannelMonth>>, SqlError> {
        let needed = [
            "month",
            "channel",
            "event_type",
            "n_events",
            "unit_cost",
            "total_cost",
        ];
        if let Some(reason) = self.missing("marts.channel_cost", &needed)? {
            return Ok(Found::Absent(reason));
        }
        let rows = self.rows(
            "select month, channel, event_type, n_events, unit_cost, total_cost \
             from marts.channel_cost order by month, channel, event_type",
        )?;
        let month = |row: &Vec<Cell>| ChannelMonth {
            month: text(row, 0),
            channel: text(row, 1),
            event_type: text(row, 2),
            events: number(row, 3),
            unit_cost: text(row, 4),
            total: text(row, 5),
        };
        Ok(Found::Shown(rows.iter().map(month).collect()))
    }
}

pub(super) fn text(row: &[Cell], column: usize) -> String {
    row.get(column).map(Cell::to_text).unwrap_or_default()
}

/// A count; never negative in these tables.
fn number(row: &[Cell], column: usize) -> u64 {
    let value = row
        .get(column)
        .and_then(Cell::as_integer)
        .unwrap_or_default();
    u64::try_from(value).unwrap_or_default()
}
