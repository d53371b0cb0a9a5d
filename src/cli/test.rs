//! `salenet test`: given rows, expected rows.

use std::fmt::Write;

use clap::Args;

use super::args::{GlobalArgs, print};
use super::failure::Failure;
use crate::run::check;
use crate::run::model_test::{TestVerdict, run_test};

/// Run the project's model tests
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Only tests of this model, such as `marts.account_pnl`
    model: Option<String>,
}

pub fn run(args: &TestArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let project = global.load_project()?;
    let checked = check(&project).map_err(|problems| Failure::configuration(&problems))?;
    let wanted = |model: &str| args.model.as_deref().is_none_or(|only| only == model);
    let (mut passed, mut failed) = (0, 0);
    let mut text = String::new();
    for test in project
        .model_tests
        .iter()
        .filter(|test| wanted(&test.model.to_string()))
    {
        match run_test(&checked, test) {
            Ok(TestVerdict::Passed) => passed += 1,
            Ok(TestVerdict::Failed(problems)) => {
                failed += 1;
                let _ = writeln!(text, "FAILED {}: {}", test.model, test.name);
                for problem in problems {
                    let _ = writeln!(text, "  {problem}");
                }
            }
            Err(error) => {
                failed += 1;
                let _ = writeln!(
                    text,
                    "FAILED {}: {}
  {error}",
                    test.model, test.name
                );
            }
        }
    }
    if passed + failed == 0 {
        return Err(Failure::usage(
            "error: no test was found\nhint: tests stand in tests/*.yml of the project",
        ));
    }
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    print(&text)?;
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::gate(format!("error: {failed} model tests failed")))
    }
}
