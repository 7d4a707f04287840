//! What each parser is asked, and what it should answer.

use std::collections::{BTreeMap, BTreeSet};

use sc_core::catalogue::Catalogue;
use sc_core::catalogue::grammar::Grammar;

use crate::parsers::{Described, PARSERS, Parser, Readers};
use crate::programs::Question;
use crate::rooms::{Put, Rendered, Room, Variable};
use crate::values;

/// A field of an answer, and the names in templates that are its value.
const FIELDS: [(&str, &[&str]); 10] = [
    ("user", &["username", "clientId", "account"]),
    ("password", &["password", "accessKey", "clientSecret"]),
    ("database", &["database", "catalog"]),
    ("host", &["host"]),
    ("port", &["port"]),
    ("account", &["account"]),
    ("keyName", &["accessKeyName"]),
    ("keyId", &["accessKeyId"]),
    ("endpoint", &["endpoint"]),
    ("server", &["bootstrapServer"]),
];
/// The names that hostile values are put in for.
const SLOTS: [&str; 5] = ["username", "password", "accessKey", "clientSecret", "database"];

type Parsers = &'static [&'static str];

/// A question, and the fields that must come back.
pub(crate) struct Case {
    pub(crate) parser: &'static Parser,
    /// The room and the variable, for messages.
    pub(crate) place: String,
    /// What was put in, and the field that it should come back in; nothing in the ordinary case, which the others are compared with.
    pub(crate) put: Option<(&'static str, String)>,
    pub(crate) question: Question,
    /// What an ordinary case must say at least; of the others, the one field that differs.
    pub(crate) expected: BTreeMap<&'static str, String>,
}

/// All cases, and what there is no parser for.
#[derive(Default)]
pub(crate) struct Cases {
    pub(crate) all: Vec<Case>,
    pub(crate) unread: BTreeMap<&'static str, BTreeSet<String>>,
    pub(crate) refused: usize,
}

impl Cases {
    /// For the whole catalogue.
    pub(crate) fn all() -> Self {
        let mut cases = Self::default();
        for service in Catalogue::services() {
            for room in Room::of(&service) {
                cases.add(&room);
            }
        }
        cases
    }

    fn add(&mut self, room: &Room<'_>) {
        let variables = room.variables();
        let (reads, property) = self.readers(room, &variables);
        let mut puts = vec![Vec::new()];
        puts.extend(hostile(&variables, property).into_iter().map(|put| vec![put]));
        for (put, rendered) in puts.iter().zip(room.rendered(&puts, property)) {
            let put = put.first();
            self.check_refusal(room, &variables, put, &rendered);
            let Some(texts) = rendered else { continue };
            for (variable, parsers) in &reads {
                let parsers = parsers.iter().map(|name| PARSERS.iter().find(|parser| parser.name == *name).unwrap());
                self.all.extend(parsers.filter_map(|parser| case(room, &variables, variable, parser, put, &texts)));
            }
        }
    }

    /// The parsers of each variable that has any, and a property that they show.
    fn readers<'v>(&mut self, room: &Room<'_>, variables: &'v [Variable<'v>]) -> (Vec<(&'v Variable<'v>, Parsers)>, Option<&'static str>) {
        let texts = room.rendered(&[Vec::new()], None).remove(0).unwrap_or_else(|| panic!("{room}: an ordinary connection is refused"));
        let (mut reads, mut property) = (Vec::new(), None);
        for variable in variables {
            let Variable { name, grammar, .. } = variable;
            let described = Described { service: &room.service.name, name, grammar: *grammar, text: &texts[*name], is_spring: room.is_spring() };
            property = property.or(described.property());
            match described.readers() {
                Readers::Parsers(parsers) => reads.push((variable, parsers)),
                Readers::Absent(why) => drop(self.unread.entry(why).or_default().insert(format!("{room} {name}"))),
                Readers::Needless => {}
            }
        }
        (reads, property)
    }

    fn check_refusal(&mut self, room: &Room<'_>, variables: &[Variable<'_>], put: Option<&Put>, rendered: &Rendered) {
        let should = put.is_some_and(|put| is_inexpressible(variables, put));
        assert_eq!(rendered.is_none(), should, "{room}: {put:?} is {}refused, against the rules of its grammar", if should { "not " } else { "" });
        self.refused += usize::from(should);
    }
}

/// Each hostile value in each slot that the variables have.
fn hostile(variables: &[Variable<'_>], property: Option<&str>) -> Vec<Put> {
    let used = |slot: &&str| variables.iter().any(|variable| variable.template.names().contains(*slot));
    let slots = SLOTS.into_iter().filter(used).chain(property.map(|_| "property"));
    // The database of a Redis is a number.
    let is_number = variables.iter().any(|variable| variable.grammar == Grammar::StackExchangeRedis || variable.name == "ssl");
    let slots: Vec<&str> = slots.filter(|slot| !(*slot == "database" && is_number)).collect();
    slots.iter().flat_map(|slot| values::all().into_iter().map(|value| Put { slot, value })).collect()
}

/// Whether core has to refuse a value, by the rules of the grammars that it would pass; said here once more, without core.
fn is_inexpressible(variables: &[Variable<'_>], put: &Put) -> bool {
    let value = put.value.as_str();
    let passes = |variable: &Variable<'_>| -> Vec<Grammar> {
        let expressions = variable.template.expressions().filter(|expression| expression.name == put.slot);
        let mut grammars: Vec<Grammar> = expressions.flat_map(|expression| expression.inner.into_iter().chain([variable.grammar])).collect();
        grammars.extend((put.slot == "property").then_some(variable.grammar));
        grammars
    };
    let is_lost = |grammar: Grammar| match grammar {
        Grammar::KeyValue => value.contains(|c: char| c == ';' || c.is_whitespace() || c.is_control()),
        Grammar::StackExchangeRedis => value.contains(',') || value.trim() != value,
        Grammar::UserId => value.contains(':'),
        Grammar::Pdo => value.contains(';'),
        _ => false,
    };
    let is_target = put.slot == "database";
    value.contains('\0') || (is_target && value.contains(char::is_control)) || variables.iter().flat_map(passes).any(is_lost)
}

fn case(
    room: &Room<'_>,
    variables: &[Variable<'_>],
    variable: &Variable<'_>,
    parser: &'static Parser,
    put: Option<&Put>,
    texts: &BTreeMap<String, String>,
) -> Option<Case> {
    // librdkafka takes its settings from several variables.
    let names: BTreeSet<&str> = match parser.name {
        "confluent-kafka" => variables.iter().flat_map(|variable| variable.template.names()).collect(),
        _ => variable.template.names(),
    };
    let expected = match put {
        None => ordinary(room, variable, parser, &names),
        Some(put) if parser.only_base64 && !values::is_base64(&put.value) => return None,
        Some(put) => differing(room, variable, parser, put, &names)?,
    };
    Some(Case {
        parser,
        place: format!("{room} {}", variable.name),
        put: put.and_then(|put| Some((*expected.keys().next()?, put.value.clone()))),
        question: Question { parser: parser.name, key: variable.name.to_owned(), text: texts[variable.name].clone(), variables: texts.clone() },
        expected,
    })
}

/// What an ordinary case must say.
fn ordinary(room: &Room<'_>, variable: &Variable<'_>, parser: &Parser, names: &BTreeSet<&str>) -> BTreeMap<&'static str, String> {
    if parser.fields.contains(&"value") {
        return BTreeMap::from([("value", variable.template.fill(|inner| Ok::<_, ()>(room.ordinary(&inner.name))).unwrap())]);
    }
    let value = |known: &[&str]| known.iter().find(|name| names.contains(*name)).map(|name| room.ordinary(name));
    FIELDS.into_iter().filter_map(|(field, known)| Some((field, value(known)?))).collect()
}

/// The field that differs from the ordinary case; nothing if the parser does not show what was put in.
fn differing(room: &Room<'_>, variable: &Variable<'_>, parser: &Parser, put: &Put, names: &BTreeSet<&str>) -> Option<BTreeMap<&'static str, String>> {
    let field =
        if put.slot == "property" { Some("property") } else { FIELDS.iter().find(|(_, known)| known.contains(&put.slot)).map(|(field, _)| *field) };
    if put.slot != "property" && !names.contains(put.slot) {
        return None;
    }
    if parser.fields.contains(&"value") {
        let fill = |name: &str| if name == put.slot { put.value.clone() } else { room.ordinary(name) };
        return Some(BTreeMap::from([("value", variable.template.fill(|inner| Ok::<_, ()>(fill(&inner.name))).unwrap())]));
    }
    let field = field.filter(|field| parser.fields.contains(field))?;
    Some(BTreeMap::from([(field, put.value.clone())]))
}
