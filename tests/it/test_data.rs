//! Where the real data sets are.

use std::path::PathBuf;

/// A folder of the real data, or `None` (said aloud) where they are not.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the only way to tell a test where data is, and a reader that it is not"
)]
pub fn folder(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("SALENET_TEST_DATA").map(|root| PathBuf::from(root).join(name));
    if found.is_none() {
        eprintln!("skipped: SALENET_TEST_DATA does not name the folder of {name}");
    }
    found
}
