//! Cells, offers and finder numbers of a campaign as checked.

use serde::{Deserialize, Serialize};

/// A share of 1,000,000.
pub type Ppm = u32;

/// All of it.
pub const WHOLE: Ppm = 1_000_000;

/// Parts of those selected. Shares of target and control cells sum to [`WHOLE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSpec {
    pub code: String,
    pub kind: CellKind,
    /// `None` for control, and for a campaign without cells.
    pub channel: Option<Channel>,
    pub share: Ppm,
    pub offer: Option<String>,
    /// Cost of one contact in cents; `None` when nothing was said.
    pub cost: Option<i64>,
}

impl CellSpec {
    #[must_use]
    pub fn is_contacted(&self) -> bool {
        self.kind != CellKind::Control
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    Target,
    /// Held back, drawn among those who would have been contacted.
    Control,
    /// Drawn among all eligible, whatever their rank.
    Explore,
}

impl CellKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Control => "control",
            Self::Explore => "explore",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Mail,
    Phone,
    Email,
    Branch,
}

impl Channel {
    pub const ALL: [Self; 4] = [Self::Mail, Self::Phone, Self::Email, Self::Branch];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Branch => "branch",
        }
    }

    /// Position in a set of channels kept as bits.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Mail => 1,
            Self::Phone => 2,
            Self::Email => 4,
            Self::Branch => 8,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferSpec {
    pub code: String,
    /// Yearly, plain decimal notation with six digits after the point.
    pub rate: Option<String>,
    pub valid_days: Option<u32>,
}

/// A finder number as its parts, in order. The last is [`FinderPart::Check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinderPart {
    Text(String),
    Campaign,
    Cell,
    /// The contact's number within the campaign, with at least so many digits.
    Sequence {
        digits: usize,
    },
    /// A check character over everything before it.
    Check,
}
