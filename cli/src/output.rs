//! The one printer: what was asked for to standard output, what is to be said about it to standard error.
//!
//! Rule: no colour and no cursor movement, so that a terminal, a file and `NO_COLOR` all get the same words.

use std::error::Error;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use sc_core::problem::Problem;
use sc_job::cluster::Failure;
use sc_job::exit;
use serde_json::Value;

use crate::args::Form;
use crate::fault::{Fault, Problematic};
use crate::manifest;

/// Prints to standard output. A reader who has seen enough and closed the pipe is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("failed to write to standard output"),
        _ => Ok(()),
    }
}

/// Whether a person reads it.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The width of the terminal that standard output is; nothing if it is none.
pub(crate) fn width() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
}

/// Says one line.
pub(crate) fn say(line: &str) {
    // Where nobody listens, nothing is left to be said.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Says what is wrong, where, and how to mend it.
pub(crate) fn problem(problem: &Problem, advice: Option<Advice>) {
    problem_at(&problem.at.to_string(), advice.unwrap_or_else(|| Advice { what: problem.to_string(), fix: problem.fix() }));
}

fn problem_at(place: &str, Advice { what, fix }: Advice) {
    say(&format!("error: {what}\n   at: {place}\n  fix: {fix}"));
}

/// What to say of a problem where a terminal calls for other words than a cluster.
pub(crate) struct Advice {
    /// What is wrong.
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) fix: String,
}

/// Says why a command could not do its work, and what to do about it; returns the exit code.
pub(crate) fn failure(error: &anyhow::Error) -> u8 {
    if let Some(Problematic { problems, names, words, place, note }) = error.downcast_ref() {
        for found in problems {
            problem_at(&place(&found.at, names), Advice { what: words(&found.to_string()), fix: words(&found.fix()) });
        }
        if let Some(note) = note {
            say(note);
        }
        return exit::INVALID;
    }
    say(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        say(&format!("  why: {}", for_person(cause)));
        if let Some(Failure::Forbidden { .. }) = cause.downcast_ref() {
            say(&format!("  fix: {RIGHT}"));
        }
    }
    // Also one that is the context of another error, which the chain does not show as what it is.
    let fault = error.downcast_ref::<Fault>();
    if let Some(fault) = fault {
        say(&format!("  fix: {}", fault.fix));
    }
    fault.map_or(exit::FAILED, |fault| fault.code)
}

/// What to do where a person lacks a right.
pub(crate) const RIGHT: &str = "ask for that right; `kubectl auth can-i --list` says which you have";

/// An error as it is told at a terminal, where the rights are those of a person, and not of the job.
pub(crate) fn for_person(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref() {
        Some(Failure::Forbidden { verb }) => format!("you have no right to {verb} it"),
        _ => error.to_string(),
    }
}

/// Says how many problems there are beside what was shown.
pub(crate) fn problems_beside(problems: &[Problem]) {
    for problem in problems {
        say(&format!("warning: {problem}\n     at: {}\n    fix: {}", problem.at, problem.fix()));
    }
}

/// What a command shows, in the form that is asked for.
pub(crate) struct Shown<'a> {
    /// For programs.
    pub(crate) value: Value,
    /// The columns of the table.
    pub(crate) header: &'a [&'a str],
    /// Its rows.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Shows it.
pub(crate) fn show(form: Form, shown: &Shown<'_>) -> Result<()> {
    print(&match form {
        Form::Json => serde_json::to_string_pretty(&shown.value).context("failed to write JSON")? + "\n",
        Form::Yaml => manifest::yaml(&shown.value)?,
        Form::None => String::new(),
        Form::Tsv => shown.rows.iter().map(|row| row.join("\t") + "\n").collect(),
        Form::Table => table(shown, width()),
    })
}

/// Shows it; at a terminal each row under the one before it, since a command that a column breaks cannot be copied.
pub(crate) fn show_each(form: Form, shown: &Shown<'_>) -> Result<()> {
    if form == Form::Table && width().is_some() { print(&blocks(shown)) } else { show(form, shown) }
}

/// The first two cells of a row on one line, then each of the others with its column, and the last on a line of its own.
fn blocks(shown: &Shown<'_>) -> String {
    let block = |row: &Vec<String>| {
        let last = row.len().saturating_sub(1);
        let named = row.iter().zip(shown.header).enumerate().skip(2).map(|(number, (cell, column))| {
            let gap = if number == last { "\n    " } else { " " };
            format!("  {}:{gap}{cell}\n", column.to_lowercase())
        });
        format!("{}\n{}", row.iter().take(2).cloned().collect::<Vec<_>>().join("  "), named.collect::<String>())
    };
    shown.rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// Blanks between columns.
const GAP: u16 = 2;

/// The rows as a table: in a terminal, what is too wide breaks into lines; elsewhere a row is a line.
fn table(shown: &Shown<'_>, width: Option<u16>) -> String {
    if shown.rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(shown.header);
    if let Some(width) = width {
        table.set_width(width);
    }
    for row in &shown.rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_on_a_line_of_its_own() {
        let row = ["SC1301", "it is gone", "Secret shop/a", "somebody deleted it", "sc rerun && sc status"].map(str::to_owned).to_vec();
        let shown = Shown { value: Value::Null, header: &["Code", "What", "Object", "Cause", "Fix"], rows: vec![row.clone(), row] };
        let one = "SC1301  it is gone\n  object: Secret shop/a\n  cause: somebody deleted it\n  fix:\n    sc rerun && sc status\n";
        assert_eq!(blocks(&shown), format!("{one}\n{one}"));
    }
}
