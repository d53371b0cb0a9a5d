//! What the page shows of a controller's tables: ledger, counterparties, capacity, movers. A row is what its table shows.

use super::facts::{Asked, Found, text};
use crate::domain::Parameter;
use crate::sql::{Bindings, SqlError};

/// Rows of exact decimals and words, in the order in which they are shown.
pub type Rows = Vec<Vec<String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinanceFacts {
    /// Month, lines that match, exceptions, what the ledger has more.
    pub reconciliation: Found<Rows>,
    /// Month, product, line, status, ours, the ledger's, difference, manual entries.
    pub exceptions: Found<Rows>,
    /// Counterparty and what it earned in the latest month, then in all.
    pub counterparties: Found<Rows>,
    /// Theme, customers, contribution, net income, economic profit, capital in the latest month.
    pub themes: Found<Rows>,
    /// Decile before, decile now, customers, change of their profit.
    pub movers: Found<Rows>,
    /// Profit line and by how much it moved those who changed deciles.
    pub mover_lines: Found<Rows>,
    /// Month, pool, cost, used minutes, practical minutes, used cost, unused cost; latest month first.
    pub pools: Found<Rows>,
    /// Channel that takes work of the counter in the latest month: events, cost of one here and there, saving, idle.
    pub migration: Found<Rows>,
}

/// Lines by which `decile_mover` says what moved a customer.
const MOVING_LINES: [&str; 14] = [
    "interest_income",
    "interest_expense",
    "ftp_charge",
    "ftp_credit",
    "equity_credit",
    "fees",
    "waivers",
    "interchange",
    "rewards",
    "event_cost",
    "maintenance_cost",
    "acquisition_cost",
    "provision",
    "expected_loss",
];

impl Asked<'_> {
    pub(super) fn finance(&self) -> Result<FinanceFacts, SqlError> {
        Ok(FinanceFacts {
            reconciliation: self.shown(
                "marts.ledger_reconciliation",
                &["month", "status", "difference"],
                "select month, sum(case when status = 'matched' then 1 else 0 end), \
                 sum(case when status <> 'matched' then 1 else 0 end), sum(difference) \
                 from marts.ledger_reconciliation group by month order by month",
            )?,
            exceptions: self.shown(
                "marts.ledger_reconciliation",
                &["status", "our_amount", "ledger_amount", "manual_entries"],
                "select month, product_code, line_code, status, our_amount, ledger_amount, difference, manual_entries \
                 from marts.ledger_reconciliation where status <> 'matched' order by 1, 2, 3",
            )?,
            counterparties: self.shown(
                "marts.counterparty_pnl",
                &["counterparty", "signed_amount"],
                "select counterparty, coalesce(sum(case when month = (select max(month) from marts.counterparty_pnl) \
                 then signed_amount end), 0.00), sum(signed_amount) \
                 from marts.counterparty_pnl group by counterparty order by counterparty desc",
            )?,
            themes: self.shown(
                "marts.segment_profitability",
                &["theme", "net_income", "economic_profit", "capital"],
                "select theme, sum(n_customers), sum(contribution), sum(net_income), sum(economic_profit), sum(capital) \
                 from marts.segment_profitability \
                 where month = (select max(month) from marts.segment_profitability) group by theme order by theme",
            )?,
            movers: self.shown(
                "marts.decile_mover",
                &["decile_before", "decile", "contribution"],
                "select decile_before, decile, count(*), sum(contribution - contribution_before) \
                 from marts.decile_mover group by 1, 2 order by 1, 2",
            )?,
            mover_lines: self.mover_lines()?,
            pools: self.shown(
                "core.cost_pool",
                &["pool_id", "unused_cost"],
                "select month, name, cost, used_minutes, practical_minutes, used_cost, unused_cost \
                 from core.cost_pool order by month desc, pool_id",
            )?,
            migration: self.shown(
                "marts.channel_migration",
                &["to_channel", "saving", "freed_capacity"],
                "select to_channel, n_moved, from_cost, to_cost, saving, freed_capacity from marts.channel_migration \
                 where month = (select max(month) from marts.channel_migration) order by saving desc, to_channel",
            )?,
        })
    }

    fn mover_lines(&self) -> Result<Found<Rows>, SqlError> {
        let sums: Vec<String> = MOVING_LINES
            .iter()
            .map(|line| {
                format!(
                    "select '{line}' as line, coalesce(sum(case when decile < decile_before then {line} end), 0.00) as risen, \
                     coalesce(sum(case when decile > decile_before then {line} end), 0.00) as fallen from marts.decile_mover"
                )
            })
            .collect();
        self.shown(
            "marts.decile_mover",
            &MOVING_LINES,
            &sums.join(" union all "),
        )
    }

    /// The rows of a query over a table that may be absent.
    pub(super) fn shown(
        &self,
        table: &str,
        needed: &[&str],
        sql: &str,
    ) -> Result<Found<Rows>, SqlError> {
        if let Some(reason) = self.missing(table, needed)? {
            return Ok(Found::Absent(reason));
        }
        let rows = self.rows_with(sql, &self.parameters())?;
        let row = |cells: &Vec<_>| (0..cells.len()).map(|column| text(cells, column)).collect();
        Ok(Found::Shown(rows.iter().map(row).collect()))
    }

    fn parameters(&self) -> Bindings {
        let values = self.manifest.parameters.iter();
        values.fold(
            Bindings::default(),
            |bindings, (name, value): (_, &Parameter)| bindings.with(name, value.clone()),
        )
    }
}
