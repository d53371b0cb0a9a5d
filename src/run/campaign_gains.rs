//! How well the rank of a campaign found those who booked: lift and gains by tenth, and the Qini curve against the
//! controls (Radcliffe, Using control groups to target on predicted lift, 2007).

use std::collections::BTreeSet;

use super::RunError;
use crate::domain::Parameter;
use crate::sql::{Bindings, Cell, Session};
use crate::store::Manifest;

/// Tables without which nothing that a night thought of candidates can be set beside outcomes.
pub(super) const NEEDED: [&str; 2] = ["marts.campaign_outcome", "campaigns.candidate"];

/// Outcomes as `outcome`, each with the candidate that it was in the night that chose.
pub(super) const OUTCOMES_OF_CANDIDATES: &str = "marts.campaign_outcome as outcome
    join campaigns.candidate as candidate
        on candidate.campaign_code = outcome.campaign_code
        and outcome.contact_id = concat(
            candidate.campaign_code, ':', cast(candidate.business_date as varchar), ':',
            cast(candidate.customer_id as varchar)
        )";

/// Contacts and controls by tenths of their place in the night that chose them; explore cells have no place of theirs.
fn tenths() -> String {
    format!(
        "
with ranked as (
    select
        outcome.kind = 'contact' as is_contact,
        outcome.is_booked,
        ntile(10) over (order by candidate.place, outcome.contact_id) as tenth
    from {OUTCOMES_OF_CANDIDATES}
    where outcome.campaign_code = $campaign and outcome.kind in ('contact', 'control')
        and candidate.place is not null
)

select
    tenth,
    sum(case when is_contact then 1 else 0 end) as n_contacts,
    sum(case when is_contact and is_booked then 1 else 0 end) as n_booked,
    sum(case when is_contact then 0 else 1 end) as n_controls,
    sum(case when not is_contact and is_booked then 1 else 0 end) as n_control_booked
from ranked
group by tenth
order by tenth"
    )
}

/// A tenth of those assigned, best ranks first.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenth {
    pub tenth: u64,
    pub contacts: u64,
    pub booked: u64,
    pub controls: u64,
    pub controls_booked: u64,
    /// Booked of contacted here, against booked of contacted in all; none without contacts here.
    pub lift: Option<f64>,
    /// Share of all bookings that this tenth and those before it have.
    pub gain: f64,
    /// Share of all contacts so far.
    pub reach: f64,
    /// Bookings so far beyond what the controls so far would have booked; none before the first control.
    pub qini: Option<f64>,
}

/// Lift, gains and Qini of one campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Gains {
    pub tenths: Vec<Tenth>,
    /// Area between the Qini curve and the straight line to its end, in bookings per contact; none without controls or
    /// bookings. Above 0 the rank finds those whom a contact moves.
    pub qini: Option<f64>,
}

/// None for campaigns without ranks, such as past mailings, or without any booking.
///
/// # Errors
/// When the query cannot be run.
pub fn campaign_gains(
    session: &Session,
    manifest: &Manifest,
    known: &BTreeSet<String>,
    code: &str,
) -> Result<Option<Gains>, RunError> {
    if !NEEDED.iter().all(|table| known.contains(*table)) {
        return Ok(None);
    }
    let values = Bindings::new(manifest.parameters.clone())
        .with("campaign", Parameter::Text(code.to_owned()));
    let rows = session.query(&tenths(), &values)?.rows()?;
    let counts = rows.iter().map(|row| {
        let count = |at: usize| row.get(at).and_then(Cell::as_integer).unwrap_or(0);
        [0, 1, 2, 3, 4].map(|at| u64::try_from(count(at)).unwrap_or(0))
    });
    Ok(gains(&counts.collect::<Vec<_>>()))
}

/// From tenth, contacts, bookings, controls and their bookings; none without a booking among contacts.
#[expect(clippy::cast_precision_loss, reason = "counts of customers")]
#[must_use]
pub fn gains(counts: &[[u64; 5]]) -> Option<Gains> {
    let sum = |at: usize| counts.iter().map(|row| row[at]).sum::<u64>();
    let (contacts, booked) = (sum(1), sum(2));
    if contacts == 0 || booked == 0 {
        return None;
    }
    let rate = booked as f64 / contacts as f64;
    let (mut so_far, mut tenths) = ([0_u64; 5], Vec::with_capacity(counts.len()));
    for row in counts {
        for (total, count) in so_far.iter_mut().zip(row) {
            *total += count;
        }
        let [tenth, here, booked_here, controls, controls_booked] = *row;
        tenths.push(Tenth {
            tenth,
            contacts: here,
            booked: booked_here,
            controls,
            controls_booked,
            lift: (here > 0).then(|| booked_here as f64 / here as f64 / rate),
            gain: so_far[2] as f64 / booked as f64,
            reach: so_far[1] as f64 / contacts as f64,
            qini: (so_far[3] > 0)
                .then(|| so_far[2] as f64 - so_far[4] as f64 * so_far[1] as f64 / so_far[3] as f64),
        });
    }
    let end = tenths.last().and_then(|last| last.qini);
    let qini = end.map(|end| {
        let (mut area, mut before) = (0.0, (0.0, 0.0));
        for tenth in &tenths {
            let here = (tenth.reach, tenth.qini.unwrap_or(0.0));
            area += (here.0 - before.0) * (here.1 + before.1) / 2.0;
            before = here;
        }
        (area - end / 2.0) / contacts as f64
    });
    Some(Gains { tenths, qini })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two halves of 100 contacts and 10 controls: 8 of 100 and 2 of 100 book, of the controls 1 and 0.
    /// Qini: 8 - 1 x 100 / 10 = -2, then 10 - 1 x 200 / 20 = 0; its area 0.5 x -2 / 2 + 0.5 x -2 / 2 = -1; per contact -0.005.
    #[test]
    fn lift_gain_and_qini_are_those_of_a_calculation_by_hand() {
        let found = gains(&[[1, 100, 8, 10, 1], [2, 100, 2, 10, 0]]).expect("gains");
        let [first, second] = found.tenths.as_slice() else {
            panic!("two parts");
        };
        let near = |found: Option<f64>, wanted: f64| {
            let found = found.expect("a number");
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        };
        near(first.lift, 1.6);
        near(second.lift, 0.4);
        near(Some(first.gain), 0.8);
        near(Some(second.gain), 1.0);
        near(first.qini, -2.0);
        near(second.qini, 0.0);
        near(found.qini, -0.005);
    }

    #[test]
    fn nothing_is_said_without_a_booking_or_a_control() {
        assert_eq!(gains(&[[1, 100, 0, 10, 1]]), None);
        let alone = gains(&[[1, 100, 1, 0, 0]]).expect("gains");
        assert_eq!((alone.qini, alone.tenths[0].qini), (None, None));
    }
}
