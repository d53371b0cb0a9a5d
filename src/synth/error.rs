//! What can go wrong while a synthetic bank is written.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    #[error("write `{path}`")]
    Write {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(
        "generate a bank of {customers} customers and {nights} nights; both must be at least 1"
    )]
    NothingToGenerate { customers: u64, nights: u32 },
    #[error("generate {customers} customers; at most {most} have distinct identifiers")]
    TooManyCustomers { customers: u64, most: u64 },
    #[error("read contacts: line {line}: {message}")]
    Contact { line: u64, message: String },
    #[error("answer {offers} offers; loans have numbers for {most}")]
    TooManyOffers { offers: usize, most: usize },
}
