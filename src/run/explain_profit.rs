//! Where a customer's profit of a month comes from: line by line, account by account, down to file and line.
//!
//! The questions name the tables of the model; a bank that lacks one is told which.

use super::RunError;
use crate::domain::Parameter;
use crate::sql::{Bindings, QueryResult, Session};
use crate::store::Manifest;

/// One table of the answer.
pub struct Section {
    /// A name for programs: `statement`.
    pub name: &'static str,
    /// A sentence for people, ended by the table below it.
    pub heading: &'static str,
    pub rows: QueryResult,
}

struct Question {
    name: &'static str,
    heading: &'static str,
    sql: &'static str,
}

/// Tables without which no profit can be explained.
const NEEDED: [&str; 6] = [
    "marts.customer_pnl",
    "marts.account_pnl",
    "core.customer_account_month",
    "core.account_month",
    "core.posting",
    "core.channel_event_month",
];

const STATEMENT: Question = Question {
    name: "statement",
    heading: "The customer's lines that are not zero: shares of accounts and what is booked to the customer directly",
    sql: "select line_code, kind, parent, sign, amount, signed_amount from marts.customer_pnl_lines \
          where customer_id = $customer and month = $month order by kind desc, parent, line_code",
};

const QUESTIONS: [Question; 8] = [
    Question {
        name: "totals",
        heading: "What they add up to",
        sql: "select net_interest_income, other_revenue, direct_expense, risk_cost, contribution, indirect_expense, \
              profit_before_tax, tax, net_income, capital_charge, economic_profit from marts.customer_pnl \
              where customer_id = $customer and month = $month",
    },
    Question {
        name: "accounts",
        heading: "Accounts and the customer's share of each, in millionths, by the bank's rule for joint accounts",
        sql: "select share.account_id, fact.product_code, share.role, share.allocation_ppm, party.path, share._line as line \
              from core.customer_account_month as share \
              left join core.account_month as fact on fact.month = share.month and fact.account_id = share.account_id \
              left join core.source_file as party on party.file_id = share._file_id \
              where share.customer_id = $customer and share.month = $month and share.allocation_ppm > 0 order by 1",
    },
    Question {
        name: "account_lines",
        heading: "Lines of these accounts as a whole; owners get the cents by largest remainder",
        sql: "select line.account_id, line.line_code, line.amount, share.allocation_ppm \
              from marts.account_pnl_lines as line \
              join core.customer_account_month as share on share.month = line.month and share.account_id = line.account_id \
              where share.customer_id = $customer and line.month = $month and share.allocation_ppm > 0 order by 1, 2",
    },
    Question {
        name: "rates",
        heading: "Transfer prices, capital and risk: charge = debit days x (rate + premium) / basis, \
                  credit = credit days x rate x (1 - reserve) / basis, \
                  capital = the larger of debit days x weight x ratio / days and the floor, loss = PD x LGD x EAD / 12",
        sql: "select fact.account_id, product.ftp_method, product.day_count, fact.day_basis, fact.n_days, fact.currency, \
              fact.fx_rate, fact.credit_balance_days, fact.debit_balance_days, \
              coalesce(locked.ftp_rate, price.ftp_rate) as ftp_rate, \
              coalesce(locked.liquidity_premium, price.liquidity_premium) as liquidity_premium, \
              locked.valid_from as locked_on, locked.term_months, product.reserve_pct, product.risk_weight, \
              product.capital_pct, product.capital_floor, product.loss_method, fact.pd, fact.lgd, fact.ead, \
              product.maintenance_cost \
              from core.account_month as fact \
              join core.customer_account_month as share on share.month = fact.month and share.account_id = fact.account_id \
              left join core.product as product on product.product_code = fact.product_code \
              left join core.ftp_product_month as price on price.month = fact.month \
              and price.product_code = fact.product_code and price.currency = fact.currency \
              left join core.account_ftp as locked on locked.account_id = fact.account_id \
              and product.ftp_method = 'straight_term' and to_char(locked.valid_from, '%Y-%m') <= fact.month \
              and (locked.valid_to is null or to_char(locked.valid_to, '%Y-%m') >= fact.month) \
              where share.customer_id = $customer and fact.month = $month and share.allocation_ppm > 0 order by 1, 12",
    },
    Question {
        name: "balances",
        heading: "Balances that stood in the month, and the line that brought each",
        sql: "select balance.account_id, balance.valid_from, balance.valid_to, balance.balance, balance.rate, \
              file.path, balance._line as line \
              from core.account_balance as balance \
              join core.customer_account_month as share on share.account_id = balance.account_id and share.month = $month \
              left join core.source_file as file on file.file_id = balance._file_id \
              where share.customer_id = $customer and share.allocation_ppm > 0 \
              and to_char(balance.valid_from, '%Y-%m') <= $month \
              and (balance.valid_to is null or to_char(balance.valid_to, '%Y-%m') >= $month) order by 1, 2",
    },
    Question {
        name: "postings",
        heading: "What was booked on the accounts, and the line that brought each",
        sql: "select posting.account_id, posting.booked_on, posting.line_code, posting.amount, \
              file.path, posting._line as line \
              from core.posting as posting \
              join core.customer_account_month as share on share.account_id = posting.account_id \
              and share.month = posting.month \
              left join core.source_file as file on file.file_id = posting._file_id \
              where share.customer_id = $customer and posting.month = $month and share.allocation_ppm > 0 \
              order by 1, 2, 3",
    },
    Question {
        name: "costs",
        heading: "Events by subject: count x unit cost, rounded once for the account or customer",
        sql: "with subjects as ( \
              select account_id as subject, 'account' as subject_type, allocation_ppm from core.customer_account_month \
              where customer_id = $customer and month = $month and allocation_ppm > 0 \
              union all \
              select source_key, 'customer', 1000000 from core.customer_xref \
              where customer_id = $customer and valid_to is null and source_code = 'cif') \
              select subjects.subject_type, subjects.subject, event.channel, event.event_type, event.n_events, \
              event.unit_cost, event.total_cost, subjects.allocation_ppm \
              from core.channel_event_month as event \
              join subjects on subjects.subject = event.subject and subjects.subject_type = event.subject_type \
              where event.month = $month order by 1, 2, 3, 4",
    },
    Question {
        name: "events",
        heading: "Single events of the channel logs, and the line that brought each; earlier months have counts only",
        sql: "with subjects as ( \
              select account_id as subject, cast(null as varchar) as cif_no from core.customer_account_month \
              where customer_id = $customer and month = $month and allocation_ppm > 0 \
              union all \
              select cast(null as varchar), source_key from core.customer_xref \
              where customer_id = $customer and valid_to is null and source_code = 'cif'), \
              counted as ( \
              select event_at, channel, event_type, account_id, cif_no, 1 as n_events, _file_id, _line \
              from core.channel_event where month = $month \
              union all \
              select null, channel, event_type, case when subject_type = 'account' then subject end, \
              case when subject_type = 'customer' then subject end, n_events, _file_id, _line \
              from core.channel_event_history where month = $month) \
              select counted.event_at, counted.channel, counted.event_type, coalesce(counted.account_id, counted.cif_no) as subject, \
              counted.n_events, file.path, counted._line as line \
              from counted join subjects on subjects.subject = counted.account_id \
              or (counted.account_id is null and subjects.cif_no = counted.cif_no) \
              left join core.source_file as file on file.file_id = counted._file_id order by 1, 2, 3, 4",
    },
];

/// Answers every question about the customer's month.
///
/// # Errors
/// `Usage` when the release lacks a table, or the customer has no profit in that month.
pub fn explain_profit(
    session: &Session,
    manifest: &Manifest,
    customer: i64,
    month: &str,
) -> Result<Vec<Section>, RunError> {
    let holds = |table: &str| manifest.tables.keys().any(|name| name.to_string() == table);
    if let Some(missing) = NEEDED.iter().find(|table| !holds(table)) {
        return Err(RunError::Usage {
            message: format!("release {} has no table {missing}", manifest.release),
            hint: "profit is explained for banks whose project has the models of pipelines/harbor"
                .to_owned(),
        });
    }
    let bindings = Bindings::new(manifest.parameters.clone())
        .with("customer", Parameter::Integer(customer))
        .with("month", Parameter::Text(month.to_owned()));
    let answer = |question: &Question| -> Result<Section, RunError> {
        Ok(Section {
            name: question.name,
            heading: question.heading,
            rows: session.query(question.sql, &bindings)?,
        })
    };
    let statement = answer(&STATEMENT)?;
    if statement.rows.n_rows() == 0 {
        return Err(RunError::Usage {
            message: format!("customer {customer} has no line in {month}"),
            hint: format!(
                "salenet sql -c \"select month from marts.customer_pnl where customer_id = {customer}\""
            ),
        });
    }
    let mut sections = vec![statement];
    for question in &QUESTIONS {
        sections.push(answer(question)?);
    }
    Ok(sections)
}
