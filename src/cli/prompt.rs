//! The SQL prompt: a line editor with history over an open release.

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::args::GlobalArgs;
use super::failure::Failure;
use super::sql::answer;
use crate::sql::{Bindings, Session};
use crate::store::Manifest;

const HELP: &str = "A query ends with `;`. \\d lists tables, \\q leaves.";

pub fn run(
    session: &Session,
    manifest: &Manifest,
    bindings: &Bindings,
    global: &GlobalArgs,
) -> Result<(), Failure> {
    global.say(&format!("release {}. {HELP}", manifest.release));
    let mut editor = DefaultEditor::new().map_err(|error| Failure::unexpected(&error))?;
    let history = history_file();
    if let Some(path) = &history {
        // No history yet is no problem.
        let _ = editor.load_history(path);
    }
    let mut query = String::new();
    loop {
        let prompt = if query.is_empty() {
            "salenet> "
        } else {
            "      -> "
        };
        match editor.readline(prompt) {
            Ok(line) => {
                let _ = editor.add_history_entry(&line);
                match line.trim() {
                    "\\q" | "exit" | "quit" => break,
                    "\\?" | "help" => global.say(HELP),
                    "\\d" => list_tables(manifest, global),
                    _ => {
                        query.push_str(&line);
                        query.push('\n');
                    }
                }
                if query.trim_end().ends_with(';') {
                    let text = query.trim_end().trim_end_matches(';').to_owned();
                    query.clear();
                    if let Err(failure) = answer(session, &text, bindings, None, global.format) {
                        let _ = failure.report();
                    }
                }
            }
            Err(ReadlineError::Interrupted) => query.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Failure::unexpected(&error)),
        }
    }
    if let Some(path) = &history {
        let _ = editor.save_history(path);
    }
    Ok(())
}

fn list_tables(manifest: &Manifest, global: &GlobalArgs) {
    for (name, table) in &manifest.tables {
        global.say(&format!("{name}: {} rows", table.rows()));
    }
    for view in &manifest.views {
        global.say(&format!("{}: view", view.table));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line may read the environment"
)]
fn history_file() -> Option<std::path::PathBuf> {
    std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join(".salenet_history"))
}
