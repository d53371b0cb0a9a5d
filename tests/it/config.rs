//! Loading of projects: valid ones as checked, broken ones with their messages.

use std::path::Path;

use salenet::config;

#[test]
fn a_valid_project_loads() {
    let project = config::load(Path::new("tests/config/valid/minimal"));
    let project = project.unwrap_or_else(|problems| panic!("{problems}"));
    println!("{project:#?}");
    println!(
        "{}",
        serde_json::to_string_pretty(&config::schema::schemas()[1].1).unwrap()
    );
}
