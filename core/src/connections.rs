//! All connections that there are: those of the values, and those of the sets that the values name.

use std::collections::BTreeSet;

use serde_json::Value;
use thiserror::Error;

use crate::connection::Connection;
use crate::fields::Fields;
use crate::names::{Namespace, is_subdomain};
use crate::problem::{At, Choice, Kind, Problem, Problems, Word};
use crate::values::{Entry, Settings, Values, connections_of};

/// The valid connections of a document, and where there are more.
pub struct Connections {
    /// Those that stand in it.
    pub listed: Vec<Connection>,
    /// The sets with more of them.
    pub sets: Vec<ConnectionSet>,
    /// What holds for all of them, those of sets too.
    pub settings: Settings,
}

impl Connections {
    /// From the bytes of a document to its valid connections; what is wrong with the others is in `problems`.
    ///
    /// # Errors
    /// If the document cannot be read at all, so that nothing of it may be used.
    pub fn parse(bytes: &[u8], problems: &mut Problems) -> Result<Self, Problem> {
        let Values { connections, connection_sets, settings } = Values::parse(bytes, problems)?;
        let listed = connections.into_iter().filter_map(|entry| Connection::parse(entry, &settings, problems)).collect();
        Ok(Self { listed, sets: connection_sets, settings })
    }
}

/// More connections, in a Secret in the namespace of the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSet {
    /// Name of the Secret.
    pub secret: String,
    /// Its place among the sets, counted from 1.
    number: u16,
    /// The namespaces that its connections may be in.
    pub namespaces: BTreeSet<String>,
    /// The Secrets that its credentials may refer to.
    pub referenced: BTreeSet<String>,
}

/// Why the document of a set was not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unread {
    /// There is no such Secret.
    #[error("does not exist")]
    Absent,
    /// It may not be read.
    #[error("may not be read")]
    Forbidden,
    /// The API server did not answer.
    #[error("was not read, the API server did not answer")]
    Unanswered,
    /// The Secret lacks the key.
    #[error("has no key `{}`", ConnectionSet::KEY)]
    Keyless,
    /// It was changed between the look at all sets and the use of this one.
    #[error("was changed while this run read it")]
    Changed,
    /// Only the values were asked for, and it is not in them.
    #[error("was not read, since no cluster is asked")]
    Unasked,
}

impl Unread {
    /// What to do about it.
    #[must_use]
    pub fn fix(self) -> &'static str {
        match self {
            Self::Absent => "create it in the namespace of the release, or take it out of `connectionSets`",
            Self::Forbidden => "install through the chart, which grants `get` on it",
            Self::Unanswered | Self::Changed => "run again",
            Self::Unasked => "ask the release in the cluster: leave the file with values out",
            Self::Keyless => "put the connections under that key, as `kubectl create secret generic` does with `--from-file=connections.yaml`",
        }
    }
}

impl ConnectionSet {
    /// The key of the Secret that holds the connections: a list of them, or a mapping with nothing but `connections`.
    pub const KEY: &str = "connections.yaml";

    pub(crate) fn parse_all(list: Vec<(At, Value)>, problems: &mut Problems) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let parse = |(index, (at, item)): (usize, (At, Value))| {
            let set = Self::parse(u16::try_from(index + 1).unwrap_or(u16::MAX), item, at.clone(), problems)?;
            let is_new = seen.insert(set.secret.clone());
            if !is_new {
                problems.add(&at, Kind::SetTwice { name: Word::new(&*set.secret) });
            }
            is_new.then_some(set)
        };
        list.into_iter().enumerate().filter_map(parse).collect()
    }

    fn parse(number: u16, item: Value, at: At, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(item, at, problems)?;
        let secret = fields.required("secretName", "the name of a Secret in the namespace of the release");
        let namespaces = fields.texts_of("namespaces");
        let referenced = fields.texts_of("referencedSecrets");
        if namespaces.is_empty() {
            let at = fields.at().clone();
            fields.problems().add(&at, Kind::MissingField { field: "namespaces", meaning: "the namespaces that its connections are in" });
        }
        for (at, namespace) in &namespaces {
            Namespace::parse(namespace).err().into_iter().for_each(|kind| fields.problems().add(at, kind));
        }
        let at = fields.at().field("secretName");
        fields.finish();
        let secret = secret?;
        for (at, name) in referenced.iter().chain([&(at, secret.clone())]).filter(|(_, name)| !is_subdomain(name)) {
            let rule = "the name of a Secret has a-z, 0-9, `-` and `.`, at most 253 of them";
            problems.add(at, Kind::InvalidName { what: "Secret name", given: Word::new(&**name), rule });
        }
        let names = |list: Vec<(At, String)>| list.into_iter().map(|(_, name)| name).collect();
        // Its name goes into commands for people.
        is_subdomain(&secret).then(|| Self { number, namespaces: names(namespaces), referenced: names(referenced), secret })
    }

    /// The place of its document.
    #[must_use]
    pub fn at(&self) -> At {
        At::of_set(self.number.into(), &self.secret)
    }

    /// The number of its document: the values are 0.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The problem that its document was not to be had.
    #[must_use]
    pub fn unread(&self, why: Unread) -> Problem {
        Problem { at: self.at(), kind: Box::new(Kind::SetUnread { name: Word::new(&*self.secret), why }) }
    }

    /// The valid connections of its document; what is wrong with the others is in `problems`, and so it is if it cannot be read.
    pub fn connections(&self, bytes: &[u8], settings: &Settings, problems: &mut Problems) -> Vec<Connection> {
        let entries = self.entries(bytes, problems);
        entries.into_iter().filter_map(|(at, entry)| self.connection((at, entry), settings, problems)).collect()
    }

    /// The entries of its document with their places, as they are written; none if it cannot be read, which is a problem then.
    pub fn entries(&self, bytes: &[u8], problems: &mut Problems) -> Vec<(At, Value)> {
        connections_of(bytes, &self.at(), problems).unwrap_or_else(|kind| {
            problems.add(&self.at(), kind);
            Vec::new()
        })
    }

    /// The connection of one of its entries, if that is valid; if not, what is wrong with it is in `problems`.
    pub fn connection(&self, (at, entry): (At, Value), settings: &Settings, problems: &mut Problems) -> Option<Connection> {
        Connection::parse(Entry::parse(entry, at, problems)?, settings, problems).filter(|connection| self.reaches(connection, problems))
    }

    /// Whether the chart grants what this connection needs, which it cannot see.
    fn reaches(&self, connection: &Connection, problems: &mut Problems) -> bool {
        let namespace = [connection.namespace.as_str()];
        let wanted = [
            ("namespaces", "namespace", namespace.into(), &self.namespaces),
            ("referencedSecrets", "Secret", connection.referenced_secrets(), &self.referenced),
        ];
        let before = problems.len();
        for (field, what, names, listed) in wanted {
            for name in names.into_iter().filter(|name| !listed.contains(*name)) {
                let choice = Choice::of(name, listed.iter().map(String::as_str));
                problems.add(&connection.at, Kind::OutsideOfSet { what, name: Word::new(name), field, choice });
            }
        }
        problems.len() == before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::References;
    use crate::ledger::Ledger;
    use crate::names::Release;
    use crate::plan::Plan;

    const VALUES: &[u8] = br"{connectionSets: [{secretName: shop, namespaces: [shop]}, {secretName: media, namespaces: [media, shop]}]}";

    fn csi(name: &str, namespace: &str, vault: &str) -> String {
        let credentials = "{clientId: 11111111-2222-3333-4444-555555555555, tenantId: 99999999-8888-7777-6666-555555555555}";
        format!(
            "- {{name: {name}, namespace: {namespace}, targetService: keyvault, authType: csi, target: {{vault: {vault}}}, credentials: {credentials}, secrets: [{{name: a}}]}}\n"
        )
    }

    /// The problems of these documents of the two sets, and the objects that each is allowed.
    fn read(documents: [&str; 2]) -> (Vec<String>, Vec<Vec<String>>) {
        let mut problems = Problems::default();
        let Connections { sets, settings, .. } = Connections::parse(VALUES, &mut problems).unwrap();
        let mut ledger = Ledger::default();
        let read = |problems: &mut Problems| {
            sets.iter().zip(documents).map(|(set, text)| set.connections(text.as_bytes(), &settings, problems)).collect::<Vec<_>>()
        };
        for connections in read(&mut problems) {
            ledger.claim(&connections, &mut problems);
        }
        let release = Release { name: "sc".into(), namespace: "sc-system".into() };
        let plan = |connections| Plan::within(&ledger, connections, &References::default(), &release, &mut Problems::default());
        let objects = |plan: Plan| plan.objects().map(|(id, _)| id.name.to_string()).collect();
        let objects = read(&mut Problems::default()).into_iter().map(plan).map(objects).collect();
        (problems.into_vec().iter().map(|problem| format!("{}: {problem}", problem.at)).collect(), objects)
    }

    #[test]
    fn a_set_is_a_list_or_a_mapping_of_connections() {
        let objects = || vec!["sc-a-secret".to_owned(), "sc-a-secretprovider".to_owned()];
        let (list, mapping) = (csi("a", "shop", "kv-a"), format!("connections:\n{}", csi("a", "media", "kv-a")));
        assert_eq!(read([&list, &mapping]), (vec![], vec![objects(), objects()]));
    }

    #[test]
    fn one_object_in_two_sets_is_refused_in_both_and_both_places_are_named() {
        let (problems, objects) = read([&csi("a", "shop", "kv-a"), &(csi("b", "media", "kv-b") + &csi("A", "shop", "kv-c"))]);
        let both = "connection `A` and that at Secret shop: [0] would both write Secret shop/sc-a-secret";
        assert_eq!(problems, [format!("Secret media: [1]: {both}")]);
        assert_eq!(objects, [vec![], vec!["sc-b-secret".to_owned(), "sc-b-secretprovider".to_owned()]]);
    }

    #[test]
    fn a_set_reaches_no_further_than_its_namespaces() {
        let (problems, objects) = read([&csi("a", "media", "kv-a"), "[]"]);
        assert_eq!(problems, ["Secret shop: [0]: namespace `media` is not among the `namespaces` of this connection set"]);
        assert_eq!(objects, [[""; 0], [""; 0]]);
    }

    #[test]
    fn a_document_that_cannot_be_read_is_one_problem() {
        let (problems, _) = read(["- name: [", "hunter2"]);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("Secret shop: the document is not valid YAML (line "), "{}", problems[0]);
        assert_eq!(problems[1], "Secret media: a text stands where a list of connections belongs");
    }
}
