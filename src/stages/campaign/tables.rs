//! Columns of the tables that campaigns write.

/// Columns and Arrow types of `campaigns.candidate`; its grain is (`campaign_code`, `business_date`, `customer_id`).
///
/// Every member of the universe: `group_id` is who receives at most one offer, `rank_value` what `rank_by` gave.
/// `state` is removed, `lost_in_dedupe`, `cut_by_capacity`, selected or control; `first_failed_rule` removed the member,
/// `failed_rules` names all it fails, those that only close a channel too; `cut_by` names the limit that cut.
/// `place` is the rank among those whom no rule removed, one per group; cell, channel, offer and finder number are those
/// the member was drawn into, `finder_sequence` counts the campaign's contacts of all its runs.
/// `p_response` is the probability that a logistic score gave the member that night; null without one.
pub const CANDIDATE_COLUMNS: &[(&str, &str)] = &[
    ("campaign_code", "Utf8"),
    ("business_date", "Date32"),
    ("customer_id", "Int64"),
    ("group_id", "Int64"),
    ("rank_value", "Float64"),
    ("state", "Utf8"),
    ("place", "Int64"),
    ("first_failed_rule", "Utf8"),
    ("failed_rules", "Utf8"),
    ("cut_by", "Utf8"),
    ("cell_code", "Utf8"),
    ("channel", "Utf8"),
    ("offer_code", "Utf8"),
    ("finder_number", "Utf8"),
    ("finder_sequence", "Int64"),
    ("p_response", "Float64"),
];

/// Columns and Arrow types of `campaigns.contact_history`; its grain is `contact_id`.
///
/// One row per customer on a delivered list, and per control held back from it; `contacted_on` is the business date
/// that was current when the list was delivered, `business_date` the night that chose. `household_id` is the group at
/// that time, `treatment_id` campaign and cell, `cost` what one contact was said to cost; `delivery_status` is listed or
/// `held_back`.
pub const CONTACT_COLUMNS: &[(&str, &str)] = &[
    ("contact_id", "Utf8"),
    ("customer_id", "Int64"),
    ("household_id", "Int64"),
    ("campaign_code", "Utf8"),
    ("business_date", "Date32"),
    ("treatment_id", "Utf8"),
    ("product_code", "Utf8"),
    ("cell_code", "Utf8"),
    ("channel", "Utf8"),
    ("offer_code", "Utf8"),
    ("contacted_on", "Date32"),
    ("cost", "Decimal128(18, 2)"),
    ("finder_number", "Utf8"),
    ("finder_sequence", "Int64"),
    ("delivery_status", "Utf8"),
    ("is_control", "Boolean"),
];

/// Columns and Arrow types of `campaigns.campaign`: one row per campaign of the project.
///
/// `response_match` and `response_ties` are lists with commas, the strongest first: how answers find their contacts, and
/// which of several gets one; `response_attribution` is best or fractional. `baseline_code` is what the results are
/// compared with.
pub const CAMPAIGN_COLUMNS: &[(&str, &str)] = &[
    ("campaign_code", "Utf8"),
    ("description", "Utf8"),
    ("product_code", "Utf8"),
    ("level", "Utf8"),
    ("schedule", "Utf8"),
    ("priority", "Int64"),
    ("seed", "Utf8"),
    ("response_window_days", "Int64"),
    ("specification_hash", "Utf8"),
    ("baseline_code", "Utf8"),
    ("response_match", "Utf8"),
    ("response_ties", "Utf8"),
    ("response_attribution", "Utf8"),
    ("regime", "Utf8"),
    ("is_prescreened", "Boolean"),
    ("retain_months", "Int64"),
];

/// Columns and Arrow types of `campaigns.goal`; its grain is (`campaign_code`, `measure`).
///
/// `target` is what the measure of the dictionary shall reach by `due_on`, and `owner` answers for it.
pub const GOAL_COLUMNS: &[(&str, &str)] = &[
    ("campaign_code", "Utf8"),
    ("measure", "Utf8"),
    ("target", "Decimal128(18, 6)"),
    ("is_rising", "Boolean"),
    ("due_on", "Date32"),
    ("owner", "Utf8"),
];

/// Columns and Arrow types of `campaigns.campaign_run`; its grain is (`campaign_code`, `business_date`).
///
/// `specification_hash` is the campaign as checked, `configuration_hash` all files of the project; `n_selected` are
/// contacted, those of explore cells too, `cost` is what their contacts cost.
pub const RUN_COLUMNS: &[(&str, &str)] = &[
    ("campaign_code", "Utf8"),
    ("business_date", "Date32"),
    ("specification_hash", "Utf8"),
    ("configuration_hash", "Utf8"),
    ("engine", "Utf8"),
    ("seed", "Utf8"),
    ("n_universe", "Int64"),
    ("n_selected", "Int64"),
    ("n_control", "Int64"),
    ("cost", "Decimal128(18, 2)"),
];

/// Columns and Arrow types of `campaigns.cell`; its grain is (`campaign_code`, `business_date`, `cell_code`).
///
/// `share` is what was asked for, `n_members` what was drawn; `smallest_effect` the smallest rise over the base rate that
/// the cell could show against the controls, null without any.
pub const CELL_COLUMNS: &[(&str, &str)] = &[
    ("campaign_code", "Utf8"),
    ("business_date", "Date32"),
    ("cell_code", "Utf8"),
    ("kind", "Utf8"),
    ("treatment_id", "Utf8"),
    ("share", "Decimal128(9, 6)"),
    ("n_members", "Int64"),
    ("cost", "Decimal128(18, 2)"),
    ("smallest_effect", "Decimal128(9, 6)"),
];

/// Columns and Arrow types of `campaigns.treatment`; its grain is (`treatment_id`, `business_date`).
///
/// What a cell does: its channel and offer, the offer's yearly rate and days, and the cost of one contact.
pub const TREATMENT_COLUMNS: &[(&str, &str)] = &[
    ("treatment_id", "Utf8"),
    ("business_date", "Date32"),
    ("campaign_code", "Utf8"),
    ("cell_code", "Utf8"),
    ("channel", "Utf8"),
    ("offer_code", "Utf8"),
    ("rate", "Decimal128(9, 6)"),
    ("valid_days", "Int64"),
    ("unit_cost", "Decimal128(18, 2)"),
];

/// Columns and Arrow types of `campaigns.customer_alias`, which only the session of a night has: what became of
/// customers that were merged into others.
pub const ALIAS_COLUMNS: &[(&str, &str)] = &[("customer_id", "Int64"), ("current_id", "Int64")];

/// Every table of the schema `campaigns`, with its columns.
pub const TABLES: [(&str, &[(&str, &str)]); 7] = [
    ("campaign", CAMPAIGN_COLUMNS),
    ("campaign_run", RUN_COLUMNS),
    ("candidate", CANDIDATE_COLUMNS),
    ("cell", CELL_COLUMNS),
    ("contact_history", CONTACT_COLUMNS),
    ("goal", GOAL_COLUMNS),
    ("treatment", TREATMENT_COLUMNS),
];
