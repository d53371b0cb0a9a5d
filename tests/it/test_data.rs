//! The folder of data sets that nobody here wrote, named by `SALENET_TEST_DATA`.

use std::path::PathBuf;

/// The folder of one data set; without the variable, says that the test skips.
pub fn folder(data_set: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SALENET_TEST_DATA") else {
        println!("skipped: SALENET_TEST_DATA does not name the folder that holds {data_set}");
        return None;
    };
    let folder = std::path::absolute(PathBuf::from(root).join(data_set)).unwrap();
    assert!(
        folder.is_dir(),
        "SALENET_TEST_DATA has no folder {data_set}"
    );
    Some(folder)
}
