//! `sc doctor`: what is wrong with the release, its job, its rights, the objects of its connections, and the workloads that use them; each with a code, its
//! cause, and the command that mends it.
//!
//! Rule: what is in the cluster is read by `facts`, and judged by functions that ask nothing more.

mod facts;
mod identities;
mod mounts;
mod objects;
mod release;
mod rights;
mod runs;
mod templates;
mod workloads;

use serde::Serialize;

use crate::codes::{self, Found};
use crate::place::Place;
pub(crate) use facts::Facts;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    /// What it is about: `Secret shop/sc-orders-secret`.
    pub(crate) object: String,
    pub(crate) cause: String,
    /// The command that mends it.
    pub(crate) fix: String,
}

/// What was found, as it grows.
pub(crate) struct Findings<'a> {
    place: &'a Place,
    /// What is known from the start: programs with their flags, release and namespace.
    known: Found,
    pub(crate) all: Vec<Finding>,
}

impl<'a> Findings<'a> {
    fn of(place: &'a Place, facts: &Facts) -> Self {
        let known = Found::from([
            ("sc", place.command("sc")),
            ("helm", place.command("helm")),
            ("kubectl", place.command("kubectl")),
            ("release", place.release.clone()),
            ("namespace", place.release_namespace.clone()),
            ("back", facts.way_on(place)),
            ("job", "sc-job".to_owned()),
        ]);
        Self { place, known, all: Vec::new() }
    }

    /// Adds one. The same finding about the same object counts once.
    fn add(&mut self, code: &str, object: impl Into<String>, found: impl IntoIterator<Item = (&'static str, String)>) {
        // A test holds all that are added here against the file.
        let Some(known) = codes::named(code) else { return };
        let object = object.into();
        if self.all.iter().any(|finding| finding.code == known.name && finding.object == object) {
            return;
        }
        let mut values = self.known.clone();
        values.extend(found);
        let (cause, fix) = (codes::filled(&known.cause, &values), codes::filled(&known.fix, &values));
        self.all.push(Finding { code: &known.name, title: &known.title, object, cause, fix });
    }
}

/// What is wrong, by what is in the cluster; the commands are for this place.
pub(crate) fn findings(facts: &Facts, place: &Place) -> Vec<Finding> {
    let mut findings = Findings::of(place, facts);
    release::examine(facts, &mut findings);
    if facts.stored.is_some() {
        // In the order in which they are to be mended: an upgrade, which gives rights back, fails without a namespace and waits for a run that cannot start.
        objects::namespaces(facts, &mut findings);
        runs::examine_start(facts, &mut findings);
        rights::examine(facts, &mut findings);
        runs::examine(facts, &mut findings);
        objects::examine(facts, &mut findings);
        runs::examine_rest(facts, &mut findings);
        workloads::examine(facts, &mut findings);
    }
    findings.all
}
