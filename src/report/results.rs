//! What the page shows of the outcomes of campaigns.

use super::facts::{Asked, Found};
use super::finance::Rows;
use crate::sql::SqlError;

impl Asked<'_> {
    /// Campaign, cell, kind, whether the window is closed; assigned, responded, applied, approved, booked; amount, cost;
    /// controls and those of them that booked; incremental rate with its interval, and the smallest effect.
    pub(super) fn results(&self) -> Result<Found<Rows>, SqlError> {
        self.shown(
            "marts.campaign_result",
            &["n_assigned", "incremental_rate_low", "smallest_effect"],
            "select campaign_code, cell_code, kind, is_window_closed, n_assigned, n_responded, n_applied, n_approved, \
             n_booked, amount, cost, n_control, n_control_booked, incremental_rate, incremental_rate_low, \
             incremental_rate_high, smallest_effect \
             from marts.campaign_result order by campaign_code, kind = 'control', cell_code",
        )
    }
}
