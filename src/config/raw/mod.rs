//! Configuration as written: the vocabulary of every YAML file, and the source of its JSON Schema.
//!
//! The doc comments here are shown to users: in editors through the schema, and in hints.
//! Nothing is checked here beyond shape.

mod acceptance;
mod approval;
mod bank;
mod campaign;
mod campaign_terms;
mod cells;
mod column;
mod contact_policy;
mod feed;
mod list_export;
mod matching;
mod model;
mod model_test;
mod named;
mod reference;
mod score;

pub use acceptance::RawAcceptances;
pub use approval::{RawApproval, RawApprover};
pub use bank::{RawBank, RawCalendar, RawJointAccounts, RawMonths, RawParameterType, RawRetention};
pub use campaign::{
    RawCampaign, RawLevel, RawPurpose, RawRule, RawSchedule, RawSuppression, RawSuppressionRule,
};
pub use campaign_terms::{RawAttribution, RawCampaignCompliance, RawGoal, RawMatch, RawTie};
pub use cells::{
    RawCell, RawCellKind, RawChannel, RawCodes, RawOffer, RawResponseWindow, RawSeeds,
};
pub use column::{
    RawClassification, RawCleaner, RawColumn, RawMapOther, RawNegative, RawProtection, RawScheme,
    RawSimpleCleaner, RawType,
};
pub use contact_policy::{
    RawBranchCapacity, RawCapacity, RawConstraints, RawContactPolicy, RawDedupe, RawKeep, RawScope,
};
pub use feed::{
    RawCompression, RawDelivery, RawEncoding, RawFeed, RawFormat, RawFormatType, RawFrameRecord,
    RawOnMissing, RawSource, RawStrayQuotes, RawSurvivor,
};
pub use list_export::{RawListExport, RawListFormat, RawReason};
pub use matching::{RawCustomerType, RawExactRule, RawKind, RawMatching, RawRecord, RawSimilarity};
pub use model::{RawCheck, RawMaterialisation, RawModel, RawModelColumn, RawSeverity};
pub use model_test::{RawModelTest, RawModelTests, RawRow};
pub use named::{Identifier, Named, Words, Written};
pub use reference::RawReference;
pub use score::{
    RawBin, RawExclusion, RawFeature, RawFeatureKind, RawHoldoutRows, RawRegime, RawScore,
    RawScoreMethod, RawTraining,
};
