//! What `az aks connection` was recorded to be asked and to answer: `tests/parity.yaml`, read for those who replay it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::tree;

/// The name that stands for the AKS cluster, and for its context.
pub const CLUSTER: &str = "shop-aks";
/// The client id that stands for that of the workload identity.
pub const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers";

/// All of it.
pub struct Parity {
    data: Value,
}

/// A recorded command, and what to hold against it.
pub struct Command<'p> {
    data: &'p Value,
    reasons: &'p Value,
}

/// What a recording has of a connection after a command.
pub struct Answer<'p> {
    /// The connection.
    pub connection: &'p str,
    /// How often this was recorded.
    pub requests: usize,
    /// The recorded names of its variables; nothing if they were not listed.
    pub recorded: Option<BTreeSet<String>>,
    /// The names that ours are to have.
    pub ours: Option<BTreeSet<String>>,
}

impl Parity {
    /// Reads the file.
    pub fn read() -> Self {
        Self { data: serde_yaml::from_str(&fs::read_to_string(tree("tests/parity.yaml")).unwrap()).unwrap() }
    }

    /// The flags of each command, each with its short forms after it.
    pub fn flags(&self) -> BTreeMap<&str, Vec<Vec<&str>>> {
        let commands = self.data["flags"].as_object().unwrap().iter();
        commands
            .map(|(command, list)| (command.as_str(), list.as_array().unwrap().iter().map(|flag| text(flag).split(',').collect()).collect()))
            .collect()
    }

    /// The flags that go with every command, each with its short form after it.
    pub fn globals(&self) -> Vec<Vec<&str>> {
        self.data["globals"].as_array().unwrap().iter().map(|flag| text(flag).split(',').collect()).collect()
    }

    /// The flags that may have a boolean after them.
    pub fn booleans(&self) -> Vec<&str> {
        self.data["booleans"].as_array().unwrap().iter().map(text).collect()
    }

    /// Choices as they may be written, and as they are spelled.
    pub fn choices(&self) -> Vec<(&str, &str)> {
        self.data["choices"].as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    }

    /// The recordings by name, each with its commands in order.
    pub fn recordings(&self) -> Vec<(&str, Vec<Command<'_>>)> {
        let command = |data| Command { data, reasons: &self.data["reasons"] };
        let recordings = self.data["recordings"].as_array().unwrap().iter();
        recordings.map(|recording| (text(&recording["name"]), recording["commands"].as_array().unwrap().iter().map(command).collect())).collect()
    }
}

impl<'p> Command<'p> {
    /// The words after `aks connection`, as they were recorded.
    pub fn az(&self) -> String {
        with_ids(text(&self.data["az"]))
    }

    /// The words after `sc`.
    pub fn sc(&self) -> String {
        let added = self.data["added"].as_array().into_iter().flatten();
        let words = added.map(|added| {
            self.assert_reason(&added["reason"]);
            format!(" {}", text(&added["words"]))
        });
        self.az() + &words.collect::<String>()
    }

    /// What standard input has for it.
    pub fn stdin(&self) -> &'p str {
        self.data["stdin"].as_str().unwrap_or_default()
    }

    /// The auth type of the recorded request, as az calls it.
    pub fn auth_type(&self) -> &'p str {
        text(&self.data["facts"]["authType"])
    }

    /// The client type of the recorded request, or the one that takes its place.
    pub fn client_type(&self) -> &'p str {
        let facts = &self.data["facts"];
        facts["ours"].as_str().map_or(text(&facts["clientType"]), |ours| {
            self.assert_reason(&facts["because"]);
            ours
        })
    }

    /// What was recorded after it.
    pub fn answers(&self) -> Vec<Answer<'p>> {
        self.data["answers"].as_array().unwrap().iter().map(|answer| self.answer(answer)).collect()
    }

    /// How many requests were recorded of it.
    pub fn requests(&self) -> usize {
        let helpers = self.data["helpers"].as_array().map_or(0, Vec::len);
        self.answers().iter().map(|answer| answer.requests).sum::<usize>() + helpers
    }

    fn answer(&self, answer: &'p Value) -> Answer<'p> {
        let names = |list: &Value| list.as_array().map(|names| names.iter().map(|name| text(name).to_owned()).collect::<BTreeSet<_>>());
        let recorded = names(&answer["names"]);
        let ours = names(&answer["ours"]).inspect(|ours| {
            self.assert_reason(&answer["because"]);
            assert_ne!(Some(ours), recorded.as_ref(), "nothing differs: {answer}");
        });
        Answer {
            connection: answer["connection"].as_str().unwrap_or("testconn"),
            requests: answer["recorded"].as_array().unwrap().len(),
            ours: ours.or_else(|| recorded.clone()),
            recorded,
        }
    }

    fn assert_reason(&self, reason: &Value) {
        assert!(self.reasons[text(reason)].is_string(), "{}: there is no reason {reason}", self.az());
    }
}

/// The id of the cluster, as az has it.
pub fn cluster_id() -> String {
    with_ids("CLUSTER")
}

/// The id of the identity, as az has it.
pub fn identity_id() -> String {
    with_ids("GROUP/Microsoft.ManagedIdentity/userAssignedIdentities/shop-app")
}

/// The id of a connection, as az has it.
pub fn connection_id(name: &str) -> String {
    with_ids(&format!("CLUSTER/providers/Microsoft.ServiceLinker/linkers/{name}"))
}

fn with_ids(text: &str) -> String {
    let text = text.replace("CONNECTION", "CLUSTER/providers/Microsoft.ServiceLinker/linkers/testconn");
    text.replace("CLUSTER", &format!("GROUP/Microsoft.ContainerService/managedClusters/{CLUSTER}")).replace("GROUP", GROUP)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
