//! The target of a connection: the parts of its resource id, those given one by one, and the facts that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::TargetService;
use crate::cloud::Cloud;
use crate::problem::{At, Choice, Kind, Problems, Word};
use crate::values::Entry;

/// Why a fact is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// This part is not known.
    Missing(String),
    /// This fact breaks this rule.
    Invalid(String, &'static str),
}

/// What is known of a target. What is given outright goes before what the id says, and that before what is derived.
#[derive(Debug)]
pub(crate) struct Target<'s> {
    at: At,
    service: &'s TargetService,
    cloud: &'s Cloud,
    known: BTreeMap<String, String>,
    given: BTreeSet<String>,
}

impl<'s> Target<'s> {
    /// Takes the target of an entry; nothing if its id is not one of the service.
    pub(crate) fn parse(entry: &Entry, service: &'s TargetService, cloud: &'s Cloud, problems: &mut Problems) -> Option<Self> {
        let at = entry.at.field("target");
        let names = || service.resource_id.iter().map(|_| "id").chain(service.target_names());
        for name in entry.target.keys().filter(|name| !names().any(|known| known == *name)) {
            let choice = Choice::of(name, names());
            problems.add(&at, Kind::UnknownField { field: Word::new(&**name), choice });
        }
        let mut known = match (entry.target.get("id"), &service.resource_id) {
            (Some(id), Some(form)) => form.matched(id).or_else(|| {
                problems.add(&at.field("id"), Kind::WrongResourceId { service: service.name.clone(), form: form.as_str().to_owned() });
                None
            })?,
            _ => BTreeMap::new(),
        };
        known.extend(entry.target.iter().filter(|(name, _)| *name != "id").map(|(name, value)| (name.clone(), value.clone())));
        Some(Self { at, service, cloud, known, given: entry.target.keys().cloned().collect() })
    }

    /// The facts of these names, each checked. What is missing or wrong becomes a problem.
    pub(crate) fn facts(&self, needed: &BTreeSet<&str>, problems: &mut Problems) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        let (mut used, mut faults) = (BTreeSet::new(), BTreeSet::new());
        for name in needed {
            match self.fact(name, &mut used) {
                Ok(value) => drop(facts.insert((*name).to_owned(), value)),
                Err(fault) if !faults.insert(fault.clone()) => {}
                Err(Fault::Missing(part)) => problems.add(&self.at, Kind::MissingPart { fix: ways(self.service, name, &part), part }),
                Err(Fault::Invalid(fact, rule)) => {
                    let what = format!("`{fact}` of the target");
                    problems.add(&self.at.field(&fact), Kind::InvalidFact { what, rule: rule.to_owned() });
                }
            }
        }
        let is_part = |fact: &String| self.service.given_parts().any(|part| part == fact);
        for fact in self.service.facts.keys().filter(|fact| self.given.contains(*fact) && !used.contains(*fact) && !is_part(fact)) {
            problems.add(&self.at, Kind::UnusedFact { fact: fact.clone() });
        }
        facts
    }

    fn suffix(&self, name: &str) -> Option<String> {
        self.cloud.suffix(name.strip_prefix("cloud.")?).map(str::to_owned)
    }

    /// A fact, from what is known or from others, each of them checked. Notes all that were looked at.
    fn fact(&self, name: &str, used: &mut BTreeSet<String>) -> Result<String, Fault> {
        used.insert(name.to_owned());
        let value = match (self.known.get(name).filter(|value| !value.is_empty()), self.service.facts.get(name)) {
            (Some(value), _) => value.clone(),
            (None, Some(template)) => template.fill(|inner| self.fact(&inner.name, used))?,
            (None, None) => self.suffix(name).ok_or_else(|| Fault::Missing(name.to_owned()))?,
        };
        broken_rule(name, &value).map_or(Ok(value), |rule| Err(Fault::Invalid(name.to_owned(), rule)))
    }
}

/// The ways to make a fact known that lacks a part.
fn ways(service: &TargetService, fact: &str, part: &str) -> String {
    let itself = if fact == part { String::new() } else { format!(", or `target.{fact}`") };
    let is_in_id = service.resource_id.as_ref().is_some_and(|form| form.parts().any(|name| name == part));
    match part.strip_prefix("cloud.") {
        Some(_) => format!("this cloud has no such suffix: give `{part}`{itself}"),
        None if is_in_id => format!("give `target.id`, or `target.{part}`{itself}"),
        None => format!("give `target.{part}`{itself}"),
    }
}

/// The rule that a fact breaks, by its name; names and values of hosts go into texts of every grammar unescaped.
fn broken_rule(name: &str, value: &str) -> Option<&'static str> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match name {
        "host" if value.len() > 253 || !value.chars().all(is_host) => Some("a host has letters, digits, `.`, `_` and `-`, at most 253 of them"),
        "port" if !value.parse::<u16>().is_ok_and(|port| port > 0) => Some("a port is a number from 1 to 65535"),
        "vault" if !(3..=24).contains(&value.len()) || !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            Some("a vault's name has 3 to 24 letters, digits and `-`")
        }
        _ if value.chars().any(char::is_control) => Some("it may have no control character"),
        _ => None,
    }
}
