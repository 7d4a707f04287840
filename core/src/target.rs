//! The target of a connection: the parts of its resource id, those given one by one, and the facts that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::TargetService;
use crate::cloud::Cloud;
use crate::problem::{At, Choice, Kind, Problems, Word};
use crate::values::Entry;

/// The field that a target stands in.
const TARGET: &str = "target";

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
    entry: &'s At,
    service: &'s TargetService,
    cloud: &'s Cloud,
    given: &'s BTreeMap<String, String>,
    /// What the id says.
    parts: BTreeMap<String, String>,
}

impl<'s> Target<'s> {
    /// Takes the target of an entry; nothing if its id is not one of the service.
    pub(crate) fn parse(entry: &'s Entry, service: &'s TargetService, cloud: &'s Cloud, problems: &mut Problems) -> Option<Self> {
        let at = || entry.at.field(TARGET);
        let names = || service.resource_id.iter().map(|_| "id").chain(service.target_names());
        for name in entry.target.keys().filter(|name| !names().any(|known| known == *name)) {
            let choice = Choice::of(name, names());
            problems.add(&at(), Kind::UnknownField { field: Word::new(&**name), choice });
        }
        let parts = match (entry.target.get("id"), &service.resource_id) {
            (Some(id), Some(form)) => form.matched(id).or_else(|| {
                problems.add(&at().field("id"), Kind::WrongResourceId { service: service.name.clone(), form: form.as_str().to_owned() });
                None
            })?,
            _ => BTreeMap::new(),
        };
        Some(Self { entry: &entry.at, service, cloud, given: &entry.target, parts })
    }

    /// The facts of these names, each checked. What is missing or wrong becomes a problem.
    pub(crate) fn facts(&self, needed: &BTreeSet<&str>, problems: &mut Problems) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        let (mut found, mut faults) = (Found::new(), BTreeSet::new());
        for name in needed {
            match self.fact(name, &mut found) {
                Ok(value) => drop(facts.insert((*name).to_owned(), value)),
                Err(fault) if !faults.insert(fault.clone()) => {}
                Err(Fault::Missing(part)) => problems.add(&self.entry.field(TARGET), Kind::MissingPart { fix: self.ways(name, &part), part }),
                Err(Fault::Invalid(fact, rule)) => {
                    let what = format!("`{fact}` of the target");
                    problems.add(&self.entry.field(TARGET).field(&fact), Kind::InvalidFact { what, rule: rule.to_owned() });
                }
            }
        }
        let is_part = |fact: &String| self.service.given_parts().any(|part| part == fact);
        for fact in self.service.facts.keys().filter(|fact| self.given.contains_key(*fact) && !found.contains_key(*fact) && !is_part(fact)) {
            problems.add(&self.entry.field(TARGET), Kind::UnusedFact { fact: fact.clone() });
        }
        facts
    }

    fn suffix(&self, name: &str) -> Option<String> {
        self.cloud.suffix(name.strip_prefix("cloud.")?).map(str::to_owned)
    }

    /// A fact, from what is known or from others, each of them checked. Each is worked out once, or facts that need each other often would never be done.
    fn fact(&self, name: &str, found: &mut Found) -> Result<String, Fault> {
        if let Some(answer) = found.get(name) {
            return answer.clone();
        }
        let answer = self.value(name, found).and_then(|value| match broken_rule(name, &value) {
            None => Ok(value),
            Some(rule) => Err(Fault::Invalid(name.to_owned(), rule)),
        });
        found.insert(name.to_owned(), answer.clone());
        answer
    }

    fn value(&self, name: &str, found: &mut Found) -> Result<String, Fault> {
        let known = [self.given, &self.parts].into_iter().find_map(|known| known.get(name).filter(|value| !value.is_empty()));
        match (known, self.service.facts.get(name)) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(template)) => template.fill(|inner| self.fact(&inner.name, found)),
            (None, None) => self.suffix(name).ok_or_else(|| Fault::Missing(name.to_owned())),
        }
    }

    /// The ways to make a fact known that lacks a part.
    fn ways(&self, fact: &str, part: &str) -> String {
        let itself = if fact == part { String::new() } else { format!(", or `target.{fact}`") };
        let is_in_id = self.service.resource_id.as_ref().is_some_and(|form| form.parts().any(|name| name == part));
        match part.strip_prefix("cloud.") {
            Some(_) if self.cloud.is_named() && fact != part => format!("this cloud has no such suffix: give `target.{fact}`"),
            Some(_) => format!("`cloud` has no such suffix: give `{part}`{itself}"),
            None if is_in_id => format!("give `target.id`, or `target.{part}`{itself}"),
            None => format!("give `target.{part}`{itself}"),
        }
    }
}

/// What came of each fact that was looked at.
type Found = BTreeMap<String, Result<String, Fault>>;

/// The longest fact, in bytes. Nothing in Azure is as long; facts that double each other soon are.
const LONGEST: usize = 4096;

/// The rule that a fact breaks, by its name. What becomes a part of a host or a URL is written there as it is, so nothing may end it early;
/// what has no rule here, such as a database, is written by the grammar of its variable.
fn broken_rule(name: &str, value: &str) -> Option<&'static str> {
    let is_free_of_controls = !value.chars().any(char::is_control);
    let (is_valid, rule) = match name {
        "host" | "account" | "server" | "namespace" | "config_store" | "signalr" | "webpubsub" | "location" | "dnsSuffix" => {
            (is_host(value), "a host, and what is a part of one, has letters, digits, `.`, `_` and `-`, at most 253 of them")
        }
        "port" => (is_port(value), "a port is a number from 1 to 65535"),
        "vault" => {
            let is_vault = (3..=24).contains(&value.len())
                && value.starts_with(|c: char| c.is_ascii_alphabetic())
                && value.split('-').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()));
            (is_vault, "a vault's name has 3 to 24 letters, digits and single `-`, a letter first, no `-` last")
        }
        "subscription" | "target_resource_group" => {
            let is_scope = |c: char| c.is_alphanumeric() || "._-()".contains(c);
            (value.chars().all(is_scope), "it has letters, digits, `.`, `_`, `-` and parentheses")
        }
        "bootstrapServer" => (value.split(',').all(is_address), "write `host:port` without `SASL_SSL://`, or several with `,` between them"),
        "schemaRegistry" => (value.split(',').all(is_url), A_URL),
        name if name.ends_with("ndpoint") => (is_url(value), A_URL),
        _ => (is_free_of_controls, "it may have no control character"),
    };
    match is_valid {
        false => Some(rule),
        true if value.len() > LONGEST => Some("it may have at most 4096 bytes"),
        true => None,
    }
}

const A_URL: &str = "write a URL, such as `https://host/`, without user, query and fragment";

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn is_port(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_address(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, port)| is_host(host) && is_port(port))
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_path = |c: char| c.is_ascii_alphanumeric() || "-._~/%!$&'()*+,;=:@".contains(c);
    matches!(&*scheme.to_ascii_lowercase(), "http" | "https" | "sb" | "wss") && (is_host(address) || is_address(address)) && path.chars().all(is_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_host_or_a_url_early() {
        for (name, value) in [
            ("account", "evil.example/x?"),
            ("account", "evil.example#"),
            ("server", "a b"),
            ("dnsSuffix", "x/"),
            ("host", ""),
            ("port", "+1"),
            ("endpoint", "https://a@b/"),
            ("speechEndpoint", "https://a?b"),
            ("endpoint", "ftp://a/"),
            ("schemaRegistry", "a/b"),
            ("bootstrapServer", "a:9092,b c"),
            ("bootstrapServer", "SASL_SSL://a:9092"),
            ("target_resource_group", "a/../b"),
            ("database", "a\nb"),
        ] {
            assert!(broken_rule(name, value).is_some(), "{name} {value:?}");
        }
        for (name, value) in [
            ("endpoint", "https://a.b:443/c/d"),
            ("bootstrapServer", "a.b:9092,c:1"),
            ("schemaRegistry", "https://a,HTTPS://b/c:1"),
            ("region", "East US"),
            ("target_resource_group", "my-group_(1)"),
            ("database", "a/b?c#d e"),
        ] {
            assert_eq!(broken_rule(name, value), None, "{name} {value:?}");
        }
        assert!(broken_rule("database", &"x".repeat(LONGEST + 1)).is_some());
    }
}
