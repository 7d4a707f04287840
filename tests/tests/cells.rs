//! Every cell of the catalogue, with any value in any of its credentials: what its clients read is what went in, and nothing else has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use sc_core::catalogue::grammar::Grammar;
use sc_core::catalogue::{Catalogue, Compatibility};
use sc_core::problem::Kind;
use sc_tests::connection_strings::{Properties, ado, go_mysql, jaas, key_value, libpq, odbc, stackexchange_redis, url};
use sc_tests::ordinary::{self, Cell};
use sc_tests::planning::{Planned, decoded};
use serde_json::{Value, json};

/// The credentials that are not GUIDs.
const FREE: [&str; 5] = ["username", "password", "accessKey", "connectionString", "clientSecret"];

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(ordinary::cells);

/// The cells by the grammars of their variables, so that rare grammars are tried as often as common ones.
static KINDS: LazyLock<Vec<Vec<Cell>>> = LazyLock::new(|| {
    let mut kinds: BTreeMap<(Vec<Grammar>, bool), Vec<Cell>> = BTreeMap::new();
    for cell in CELLS.iter().filter(|cell| cell.auth_type != "csi") {
        kinds.entry((grammars(cell).into_values().collect(), is_spring(cell))).or_default().push(cell.clone());
    }
    kinds.into_values().collect()
});

fn is_spring(cell: &Cell) -> bool {
    cell.client_type.ends_with("springBoot")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_went_in(
        (kind, index) in any::<(prop::sample::Index, prop::sample::Index)>(),
        value in hostile(),
        compatibility in prop::sample::select(vec!["corrected", "exact"]),
    ) {
        let cells: &Vec<Cell> = kind.get(KINDS.as_slice());
        let cell = index.get(cells.as_slice());
        let (before, after) = (filled(cell, compatibility, None), filled(cell, compatibility, Some(&value)));
        let Ok(after) = after else { return Ok(()) };
        let (before, grammars) = (before.unwrap(), grammars(cell));
        prop_assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (key, text) in &after {
            let (before, after) = (read(grammars[key], cell, &before[key]), read(grammars[key], cell, text));
            let expected = before.map(|properties| properties.into_iter().map(|(name, old)| (name, replaced(old, &value))).collect::<Vec<_>>());
            prop_assert_eq!(after, expected, "{:?} {}: {}", cell, key, text);
        }
    }
}

/// Text of all kinds, often short and made of what some grammar gives a meaning to.
fn hostile() -> impl Strategy<Value = String> {
    let fragments = [
        "${", "}", "{", "'", "\"", "\\", ";", ",", ":", "@", "/", "?", "#", "%", "%41", "+", "&", "=", " ", "a", "B0", "|", "`", "\n", "ä", "✓", "🔑",
    ];
    let meaning = prop::collection::vec(prop::sample::select(fragments.to_vec()), 1..9).prop_map(|parts| parts.concat());
    prop_oneof![7 => meaning, 1 => any::<String>().prop_filter("not empty", |text| !text.is_empty()), 1 => "[a-z%' ]{512}"]
}

/// The variables of a cell, with this value in each of its free credentials, or with ordinary ones. What a grammar cannot carry is refused, and that alone.
fn filled(cell: &Cell, compatibility: &str, value: Option<&str>) -> Result<BTreeMap<String, String>, ()> {
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
        return Err(());
    }
    let secrets: Vec<Value> = planned.manifests().into_iter().filter(|manifest| manifest["kind"] == "Secret").collect();
    Ok(decoded(&secrets[0]))
}

fn grammars(cell: &Cell) -> BTreeMap<String, Grammar> {
    let service = Catalogue::builtin().find(&cell.service).unwrap();
    let login = service.auth_types.iter().find(|(auth_type, _)| auth_type.name() == cell.auth_type).unwrap().1;
    let both = [Compatibility::Corrected, Compatibility::Exact];
    let variables = both.into_iter().flat_map(|one| login.configuration(&cell.client_type).unwrap().variables(one));
    variables.map(|(key, grammar, _)| (key.to_owned(), grammar)).collect()
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
        Grammar::Plain => Ok(vec![(String::new(), text)]),
        Grammar::Pdo | Grammar::UserId => Err("no variable is in this grammar alone".into()),
    }
}

/// A property as Spring reads it, where no placeholder may be: `\\${` is a literal `${` if a brace closes it, and a `${` that none closes is one as it stands.
fn resolved(text: &str) -> Result<String, String> {
    let (mut read, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let literal = before.strip_suffix('\\').filter(|_| closes(after));
        if literal.is_none() && closes(after) {
            return Err(format!("a placeholder in {text:?}"));
        }
        read += literal.unwrap_or(before);
        read += "${";
        rest = after;
    }
    Ok(read + rest)
}

/// Whether what follows a `${` has the brace that closes it.
fn closes(text: &str) -> bool {
    let depths = text.chars().scan(1_i32, |depth, c| {
        *depth += i32::from(c == '{') - i32::from(c == '}');
        Some(*depth)
    });
    depths.into_iter().any(|depth| depth == 0)
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

#[test]
fn each_cell_can_be_refused_for_nothing_but_its_grammar() {
    for cell in CELLS.iter() {
        filled(cell, "corrected", None).unwrap();
        let _ = filled(cell, "corrected", Some("a;b,c:d e"));
    }
}
