//! What the documents say that a run does: from the connections, what is known of earlier ones, and the objects, to the objects that must be.
//!
//! Rule: nothing here is taken from core or from the job.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::pool::{self, Connection};
use crate::room::Names;
use crate::state::State;

/// The outcomes, in the order in which a summary counts them.
const WORDS: [&str; 7] = ["created", "updated", "unchanged", "deleted", "absent", "kept", "refused"];

/// What is wanted, and what must be there.
pub(crate) struct Model {
    /// The connections in the values.
    pub(crate) connections: BTreeMap<(String, &'static str), Connection>,
    /// Whether there is one more, which is wrong.
    pub(crate) has_mistake: bool,
    /// The objects in the namespaces of connections.
    pub(crate) objects: State,
    system: String,
    /// The objects that the job has asked for and not yet let go, and whether they are retained.
    known: BTreeMap<String, bool>,
}

/// What a run must come to.
pub(crate) struct Expected {
    /// The exit code.
    pub(crate) exit: i32,
    /// What becomes of each object.
    pub(crate) outcomes: BTreeMap<String, &'static str>,
    /// How many strangers' objects are taken over.
    pub(crate) adopted: usize,
}

/// An object that present connections ask for.
struct Wanted {
    content: Value,
    is_retained: bool,
    is_adopted: bool,
}

impl Model {
    /// Nothing but what is there.
    pub(crate) fn new(names: &Names, objects: State) -> Self {
        Self { connections: BTreeMap::new(), has_mistake: false, objects, system: names.system.clone(), known: BTreeMap::new() }
    }

    /// The values.
    pub(crate) fn values(&self) -> Value {
        let mut entries: Vec<Value> = self.connections.values().map(Connection::entry).collect();
        if self.has_mistake {
            let namespace = format!("{}-a", self.system);
            entries.push(json!({"name": "wrong", "namespace": namespace, "targetService": "nowhere", "authType": "secret"}));
        }
        json!({"connections": entries})
    }

    /// The lines of the inventory, sorted.
    pub(crate) fn inventory(&self) -> Vec<String> {
        let line =
            |(path, is_retained): (&String, &bool)| format!("{} {}", path.trim_start_matches("/api/v1/namespaces/"), pool::policy(*is_retained));
        let mut lines: Vec<String> = self.known.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// The objects that connections name, present or absent.
    pub(crate) fn planned(&self) -> Vec<String> {
        self.connections.values().flat_map(|connection| connection.objects(&self.system).into_keys()).collect()
    }

    /// Does what a run does.
    pub(crate) fn run(&mut self) -> Expected {
        let wanted = self.wanted();
        self.known.extend(wanted.iter().map(|(path, wanted)| (path.clone(), wanted.is_retained)));
        let (mut outcomes, mut adopted) = (BTreeMap::new(), 0);
        for (path, wanted) in &wanted {
            let (was_strangers, word) = (self.is_strangers(path), self.write(path, wanted));
            adopted += usize::from(was_strangers && word == "updated");
            outcomes.insert(path.clone(), word);
        }
        let goes = self.goes(&wanted);
        for path in &goes {
            outcomes.insert(path.clone(), self.delete(path));
        }
        let left = self.known.keys().filter(|path| !self.has_mistake && !wanted.contains_key(*path) && !goes.contains(*path));
        outcomes.extend(left.map(|path| (path.clone(), "kept")));
        let is_refused = outcomes.values().any(|word| *word == "refused");
        let exit = if self.has_mistake { 2 } else { i32::from(is_refused) * 3 };
        let looked_at = wanted.keys().chain(&goes);
        let strangers: BTreeSet<&String> = looked_at.filter(|path| self.is_strangers(path)).collect();
        self.known.retain(|path, _| !strangers.contains(path) && (exit != 0 || wanted.contains_key(path)));
        Expected { exit, outcomes, adopted }
    }

    /// What present connections ask for. What several share is retained if one of them says so.
    fn wanted(&self) -> BTreeMap<String, Wanted> {
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for connection in self.connections.values().filter(|connection| !connection.is_absent) {
            for (path, content) in connection.objects(&self.system) {
                let wanted = wanted.entry(path).or_insert(Wanted { content, is_retained: false, is_adopted: false });
                wanted.is_retained |= connection.is_retained;
                wanted.is_adopted |= connection.adopts;
            }
        }
        wanted
    }

    /// What must go: what an absent connection would have, and what is known with `Delete`, unless somebody wants it. While something is wrong
    /// with the values nothing goes by the inventory, and no ServiceAccount.
    fn goes(&self, wanted: &BTreeMap<String, Wanted>) -> BTreeSet<String> {
        let absent = self.connections.values().filter(|connection| connection.is_absent);
        let absent = absent.flat_map(|connection| connection.objects(&self.system).into_keys());
        let known = self.known.iter().filter(|(_, is_retained)| !**is_retained && !self.has_mistake).map(|(path, _)| path.clone());
        let absent = absent.filter(|path| !self.has_mistake || !path.contains("/serviceaccounts/"));
        absent.chain(known).filter(|path| !wanted.contains_key(path)).collect()
    }

    /// Ours are made, or brought to what they should be with what others have added; a stranger's stays unless it is adopted, and one of another type stays anyway.
    fn write(&mut self, path: &str, wanted: &Wanted) -> &'static str {
        let content = &wanted.content;
        let Some(live) = self.objects.0.get(path) else {
            self.objects.0.insert(path.to_owned(), content.clone());
            return "created";
        };
        if !self.is_ours(live) && !wanted.is_adopted || live["type"] != content["type"] {
            return "refused";
        }
        let mut merged = live.clone();
        merged["data"] = content["data"].clone();
        for field in ["labels", "annotations"] {
            for (key, value) in content["metadata"][field].as_object().unwrap() {
                merged["metadata"][field][key] = value.clone();
            }
        }
        let before = self.objects.only(path);
        self.objects.0.insert(path.to_owned(), merged);
        if self.objects.only(path).differences(&before).is_empty() { "unchanged" } else { "updated" }
    }

    fn delete(&mut self, path: &str) -> &'static str {
        match self.objects.0.get(path) {
            None => "absent",
            Some(live) if !self.is_ours(live) => "kept",
            Some(_) => {
                self.objects.0.remove(path);
                "deleted"
            }
        }
    }

    fn is_strangers(&self, path: &str) -> bool {
        self.objects.0.get(path).is_some_and(|live| !self.is_ours(live))
    }

    fn is_ours(&self, object: &Value) -> bool {
        let labels = pool::labels(&self.system);
        labels.as_object().unwrap().iter().all(|(key, value)| object["metadata"]["labels"][key] == *value)
    }
}

impl Expected {
    /// The summary that `sc-status` must have.
    pub(crate) fn summary(&self) -> String {
        let count = |word: &str| self.outcomes.values().filter(|found| **found == word).count();
        let counts: Vec<String> = WORDS.iter().filter(|word| count(word) > 0).map(|word| format!("{} {word}", count(word))).collect();
        let objects = if self.outcomes.len() == 1 { "1 object".to_owned() } else { format!("{} objects", self.outcomes.len()) };
        let begin = if counts.is_empty() { objects } else { format!("{objects}: {}", counts.join(", ")) };
        if self.exit == 2 { format!("{begin}; 1 problem") } else { begin }
    }
}
