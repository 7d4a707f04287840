//! `sc list-support-types`: what the catalogue offers, as the command of that name of `az aks connection` lists it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use sc_core::catalogue::{AuthType, CLIENT_TYPES, Catalogue, TargetService};
use sc_core::problem::{At, Choice, Kind, Problem, Problems, Word};
use sc_core::values::Values;
use sc_job::exit;
use serde::Serialize;

use crate::args::{Form, SupportArgs};
use crate::input;
use crate::output::{self, Shown};

/// The source of every connection here.
const SOURCE: &str = "aks";
/// The columns, as az names them.
const HEADER: [&str; 4] = ["Source", "Target", "AuthType", "ClientType"];

/// Blanks between columns.
const GAP: u16 = 2;
/// Names stay whole; of the lists, auth types have room for the longest with its comma, and client types have the rest.
const CONSTRAINTS: [ColumnConstraint; 4] = [
    ColumnConstraint::ContentWidth,
    ColumnConstraint::ContentWidth,
    ColumnConstraint::LowerBoundary(Width::Fixed(18 + GAP)),
    ColumnConstraint::LowerBoundary(Width::Fixed(0)),
];

/// A target service, and the auth types of it that offer just these client types. The fields are az's.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    source: &'static str,
    target: String,
    auth_types: Vec<&'static str>,
    client_types: Vec<&'static str>,
}

/// Lists as the arguments say; returns the exit code.
pub(crate) fn run(args: &SupportArgs) -> Result<u8> {
    let mut problems = Problems::default();
    let catalogue = catalogue(args.values.as_deref(), &mut problems)?;
    check(args, &catalogue, &mut problems);
    let problems = problems.into_vec();
    if !problems.is_empty() {
        for problem in &problems {
            output::problem(problem, None);
        }
        return Ok(exit::INVALID);
    }
    let rows = rows(args, &catalogue);
    if rows.is_empty() {
        output::say("nothing in the catalogue matches");
    }
    match args.output.form() {
        // Here a table has columns of its own widths.
        Form::Table => output::print(&table(&rows, output::width()))?,
        form => output::show(form, &shown(&rows)?)?,
    }
    Ok(0)
}

/// The catalogue, with the target services of a values file; what else is wrong with that file is no matter here.
fn catalogue(values: Option<&Path>, problems: &mut Problems) -> Result<Catalogue> {
    let Some(file) = values else { return Ok(Catalogue::builtin()) };
    let mut found = Problems::default();
    let read = Values::parse(&input::read(file)?, &mut found);
    let (catalogue, unreadable) = match read {
        Ok(values) => (values.settings.catalogue, None),
        Err(problem) => (Catalogue::builtin(), Some(problem)),
    };
    let is_about_services = |problem: &Problem| problem.at.to_string().starts_with("targetServices");
    for Problem { at, kind } in found.into_vec().into_iter().filter(is_about_services).chain(unreadable) {
        problems.add(&at, *kind);
    }
    Ok(catalogue)
}

/// Whether each filter is a word that there is.
fn check(args: &SupportArgs, catalogue: &Catalogue, problems: &mut Problems) {
    let targets: Vec<&str> = catalogue.names().collect();
    let mut filter = |option: &str, what, given: &Option<String>, known: &[&str]| {
        if let Some(given) = given.as_deref().filter(|given| !known.contains(given)) {
            let choice = Choice::of(given, known.iter().copied());
            let kind = Kind::UnknownWord { what, given: Word::new(given), list: "in the catalogue".into(), choice };
            problems.add(&At::top().field(option), kind);
        }
    };
    filter("--target-type", "target service", &args.target_type, &targets);
    filter("--auth-type", "auth type", &args.auth_type, &AuthType::ALL.map(AuthType::name));
    filter("--client-type", "client type", &args.client_type, &CLIENT_TYPES);
}

fn rows(args: &SupportArgs, catalogue: &Catalogue) -> Vec<Row> {
    let names: Vec<String> = catalogue.names().filter(|name| matches(args.target_type.as_ref(), name)).map(str::to_owned).collect();
    names.iter().filter_map(|name| catalogue.find(name)).flat_map(|service| rows_of(&service, args)).collect()
}

fn rows_of(service: &TargetService, args: &SupportArgs) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (auth_type, login) in service.auth_types.iter().filter(|(auth_type, _)| matches(args.auth_type.as_ref(), auth_type.name())) {
        let offered: BTreeSet<&str> = login.client_types().collect();
        let is_asked_for = |name: &&str| offered.contains(name) && matches(args.client_type.as_ref(), name);
        let client_types: Vec<&'static str> = CLIENT_TYPES.into_iter().filter(is_asked_for).collect();
        match rows.iter_mut().find(|row| row.client_types == client_types) {
            Some(row) => row.auth_types.push(auth_type.name()),
            None => rows.push(Row { source: SOURCE, target: service.name.clone(), auth_types: vec![auth_type.name()], client_types }),
        }
    }
    rows.retain(|row| !row.client_types.is_empty());
    rows
}

fn matches(filter: Option<&String>, name: &str) -> bool {
    filter.is_none_or(|filter| filter == name)
}

fn shown(rows: &[Row]) -> Result<Shown<'static>> {
    let cells = |row: &Row| vec![row.source.to_owned(), row.target.clone(), row.auth_types.join(","), row.client_types.join(",")];
    let value = serde_json::to_value(rows).context("failed to write JSON")?;
    Ok(Shown { value, header: &HEADER, rows: rows.iter().map(cells).collect() })
}

/// The rows as a table of this width: in a terminal, lists break into lines; elsewhere a row is a line, which other programs can take.
fn table(rows: &[Row], width: Option<u16>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(HEADER);
    if let Some(width) = width {
        table.set_width(width);
    }
    for row in rows {
        table.add_row([row.source, &row.target, &row.auth_types.join(", "), &row.client_types.join(", ")]);
    }
    for (column, constraint) in table.column_iter_mut().zip(CONSTRAINTS) {
        column.set_padding((0, GAP)).set_constraint(constraint);
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(target: &str) -> Row {
        let client_types = CLIENT_TYPES.to_vec();
        Row { source: SOURCE, target: target.to_owned(), auth_types: AuthType::ALL.map(AuthType::name).to_vec(), client_types }
    }

    #[test]
    fn a_table_fits_a_terminal_and_breaks_no_word() {
        let longest = Catalogue::builtin().names().max_by_key(|name| name.len()).map(str::to_owned).unwrap();
        let text = table(&[row("sql"), row(&longest)], Some(80));
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        let words: BTreeSet<&str> = text.split([' ', ',', '\n']).collect();
        for word in CLIENT_TYPES.into_iter().chain(AuthType::ALL.map(AuthType::name)).chain([longest.as_str()]) {
            assert!(words.contains(word), "{word} is broken:\n{text}");
        }
    }

    #[test]
    fn without_a_terminal_a_row_is_a_line() {
        assert_eq!(table(&[row("sql"), row("redis")], None).lines().count(), 3);
    }
}
