//! The one integration binary: every further binary would link both engines again.

mod config;
#[cfg(test)]
mod synth;
