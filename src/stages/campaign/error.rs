//! What can go wrong while a campaign selects.

use crate::sql::SqlError;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    #[error("run campaign {campaign}")]
    Sql {
        campaign: String,
        #[source]
        source: SqlError,
    },
    #[error("write the list of campaign {campaign}")]
    List {
        campaign: String,
        #[source]
        source: std::io::Error,
    },
    #[error("write the list of campaign {campaign}")]
    Store {
        campaign: String,
        #[source]
        source: StoreError,
    },
}
