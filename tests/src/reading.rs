//! Any value in any credential of any cell: what its clients read is what went in, and nothing else has changed. Properties and fuzzing share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sc_core::catalogue::grammar::Grammar;
use sc_core::catalogue::template::Template;
use sc_core::catalogue::{Catalogue, Compatibility};
use sc_core::problem::Kind;
use serde_json::{Value, json};

use crate::connection_strings::{Properties, ado, go_mysql, jaas, key_value, libpq, odbc, stackexchange_redis, url};
use crate::ordinary::{self, Cell};
use crate::planning::{Planned, decoded};

/// The credentials that are not GUIDs.
const FREE: [&str; 5] = ["username", "password", "accessKey", "connectionString", "clientSecret"];

/// All cells.
pub static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(ordinary::cells);

/// The cells by the grammars of their variables, so that rare grammars are tried as often as common ones.
pub static KINDS: LazyLock<Vec<Vec<Cell>>> = LazyLock::new(|| {
    let mut kinds: BTreeMap<(Vec<Grammar>, bool), Vec<Cell>> = BTreeMap::new();
    for cell in CELLS.iter().filter(|cell| cell.auth_type != "csi") {
        kinds.entry((grammars(cell, "corrected").into_values().collect(), is_spring(cell))).or_default().push(cell.clone());
    }
    kinds.into_values().collect()
});

fn is_spring(cell: &Cell) -> bool {
    cell.client_type.ends_with("springBoot")
}

/// Holds what the clients of a cell read against what went in.
///
/// # Errors
/// What they read instead.
pub fn check(cell: &Cell, compatibility: &str, value: &str) -> Result<(), String> {
    let Some(after) = filled(cell, compatibility, Some(value)) else {
        return if may_refuse(cell, compatibility, value) { Ok(()) } else { Err(format!("{cell:?} refuses {value:?}")) };
    };
    let before = filled(cell, compatibility, None).unwrap();
    let grammars = grammars(cell, compatibility);
    let differ = |what: &str, expected: String, found: String| Err(format!("{cell:?} {what}: expected {expected}, read {found}"));
    if !before.keys().eq(after.keys()) {
        return differ("names", format!("{:?}", before.keys()), format!("{:?}", after.keys()));
    }
    for (key, text) in &after {
        let read = |text: &str| read(grammars[key], cell, text);
        let ordinary = read(&before[key]).unwrap_or_else(|error| panic!("{cell:?} {key}: {error}"));
        let expected = Ok(ordinary.into_iter().map(|(name, old)| (name, replaced(old, value))).collect::<Vec<_>>());
        let found = read(text);
        if found != expected {
            return differ(&format!("{key} {text:?}"), format!("{expected:?}"), format!("{found:?}"));
        }
    }
    Ok(())
}

/// Whether a grammar of the cell has no way to write a value: few have characters that they cannot carry, and no other may be a reason.
fn may_refuse(cell: &Cell, compatibility: &str, value: &str) -> bool {
    let has = |characters: &str| value.contains(|c: char| characters.contains(c));
    let has_lost = |grammar: Grammar| match grammar {
        Grammar::KeyValue => has(";") || value.contains(|c: char| c.is_whitespace() || c.is_control()),
        Grammar::UserId => has(":"),
        Grammar::Pdo => has(";"),
        Grammar::StackExchangeRedis => has(",") || value.trim() != value,
        _ => false,
    };
    has("\0") || all_grammars(cell, compatibility).into_iter().any(has_lost)
}

/// The variables of a cell, with this value in each of its free credentials, or with ordinary ones.
///
/// Nothing if a grammar cannot carry the value; any other refusal fails the test.
pub fn filled(cell: &Cell, compatibility: &str, value: Option<&str>) -> Option<BTreeMap<String, String>> {
    let mut connection = cell.connection();
    connection["compatibility"] = json!(compatibility);
    for name in FREE {
        if let (Some(credential), Some(value)) = (connection["credentials"].get_mut(name), value) {
            *credential = json!(value);
        }
    }
    let planned = Planned::of(json!({"connections": [connection]}).to_string().as_bytes());
    if !planned.problems.is_empty() {
        assert!(planned.problems.iter().all(|problem| matches!(*problem.kind, Kind::Inexpressible { .. })), "{connection}: {}", planned.report());
        return None;
    }
    let secrets: Vec<Value> = planned.manifests().into_iter().filter(|manifest| manifest["kind"] == "Secret").collect();
    Some(decoded(&secrets[0]))
}

/// The grammar of each variable.
fn grammars(cell: &Cell, compatibility: &str) -> BTreeMap<String, Grammar> {
    with_variables(cell, compatibility, |variables| variables.map(|(key, grammar, _)| (key.to_owned(), grammar)).collect())
}

/// Those, and the grammars of single values inside them.
fn all_grammars(cell: &Cell, compatibility: &str) -> BTreeSet<Grammar> {
    with_variables(cell, compatibility, |variables| {
        variables.flat_map(|(_, grammar, template)| template.expressions().filter_map(|value| value.inner).chain([grammar])).collect()
    })
}

fn with_variables<T>(cell: &Cell, compatibility: &str, work: impl FnOnce(&mut dyn Iterator<Item = (&str, Grammar, &Template)>) -> T) -> T {
    let service = Catalogue::builtin().find(&cell.service).unwrap();
    let login = service.auth_types.iter().find(|(auth_type, _)| auth_type.name() == cell.auth_type).unwrap().1;
    let compatibility = Compatibility::ALL.into_iter().find(|(name, _)| *name == compatibility).unwrap().1;
    work(&mut login.configuration(&cell.client_type).unwrap().variables(compatibility))
}

/// What a client makes of a variable. Spring resolves placeholders first, of which there may be none.
fn read(grammar: Grammar, cell: &Cell, text: &str) -> Properties {
    let text = if is_spring(cell) { resolved(text)? } else { text.to_owned() };
    match grammar {
        Grammar::Libpq => libpq(&text),
        Grammar::Url => url(&text),
        Grammar::Ado => ado(&text),
        Grammar::Odbc | Grammar::SqlServerJdbc => odbc(&text),
        Grammar::KeyValue => key_value(&text),
        Grammar::GoMysql => go_mysql(&text),
        Grammar::Jaas => jaas(&text),
        Grammar::StackExchangeRedis => stackexchange_redis(&text),
        // A variable that is plain when corrected, and by its exact text a string of Event Hubs.
        Grammar::Plain if text.starts_with("Endpoint=sb:") => key_value(&text),
        Grammar::Plain => Ok(vec![(String::new(), text)]),
        Grammar::Pdo | Grammar::UserId => Err("no variable is in this grammar alone".into()),
    }
}

/// A property as Spring reads it, of whatever version: a placeholder is its default, there may be none without one, and no backslash may stand before it.
fn resolved(text: &str) -> Result<String, String> {
    let (mut read, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (_, default) = after.split_once(':').filter(|(name, _)| *name == "sc.literal").ok_or(format!("a placeholder in {text:?}"))?;
        let (default, after) = default.split_once('}').ok_or(format!("an open placeholder in {text:?}"))?;
        if before.ends_with('\\') {
            return Err(format!("an escaped placeholder in {text:?}"));
        }
        read.extend([before, default]);
        rest = after;
    }
    Ok(read + rest)
}

/// An ordinary value with each credential replaced.
fn replaced(old: String, value: &str) -> String {
    let ordinary: BTreeSet<&str> = FREE.iter().filter_map(|name| ordinary::facts()["credentials"][name].as_str()).collect();
    let user = ordinary::facts()["credentials"]["username"].as_str().unwrap();
    let password = ordinary::facts()["credentials"]["password"].as_str().unwrap();
    if old == format!("{user}:{password}") {
        return format!("{value}:{value}");
    }
    if ordinary.contains(old.as_str()) { value.to_owned() } else { old }
}
