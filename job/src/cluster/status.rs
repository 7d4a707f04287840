//! The ConfigMap `sc-status`: the proof of what was done. It is made by the job, so that no installer can overwrite or remove it.
//!
//! Success ⇔ `result` is `Succeeded`, and `observedHash` and `observedUID` are those of the live `sc-config`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sc_core::object::ObjectId;
use sc_core::report::Report;

use super::config_map::ConfigMap;
use super::{Cluster, Failure};
use crate::args::{Identity, Version};
use crate::exit;
use crate::work::Done;

const NAME: &str = "sc-status";
/// The version of the ConfigMap's own format.
const FORMAT: &str = "1";
const SUCCEEDED: &str = "Succeeded";
const CLEANED_UP: &str = "CleanedUp";
/// The longest reason that is kept, in bytes.
const LONGEST_REASON: usize = 1024;
/// So many objects that were not applied are named.
const UNAPPLIED: usize = 100;

/// What a run sets out to prove.
#[derive(Debug, Clone)]
pub struct Desired {
    /// SHA-256 of the values, in hexadecimal.
    pub hash: String,
    /// UID of the Secret that held them; empty if they came from a file.
    pub uid: String,
    /// Versions of chart and image, and what started the run.
    pub version: Version,
    /// Who issues the tokens of the cluster's ServiceAccounts; empty if that is not known.
    pub issuer: String,
}

/// The status of this run and what is kept of earlier ones.
#[derive(Debug)]
pub struct Status {
    map: ConfigMap,
    /// Whether an earlier run succeeded, so that most objects will be there.
    pub had_success: bool,
}

impl Status {
    /// Reads what earlier runs left.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn read(cluster: &Cluster, namespace: &str) -> Result<Self, Failure> {
        let map = ConfigMap::read(cluster, namespace, NAME).await?;
        let had_success = !map.text("lastSuccessAt").is_empty();
        Ok(Self { map, had_success })
    }

    /// Whether it proves that these values were applied.
    #[must_use]
    pub fn proves(&self, hash: &str, uid: &str) -> bool {
        let Self { map, .. } = self;
        map.text("result") == SUCCEEDED && map.text("observedHash") == hash && map.text("observedUID") == uid
    }

    /// Whether the objects were deleted because the release with this `sc-config` is being uninstalled.
    #[must_use]
    pub fn is_cleaned_up(&self, uid: &str) -> bool {
        self.map.text("result") == CLEANED_UP && self.map.text("observedUID") == uid
    }

    /// The resourceVersion at which a Secret in the namespace of the release was used by the last success.
    #[must_use]
    pub fn version_of(&self, secret: &str) -> Option<&str> {
        version_in(self.map.text("references"), secret)
    }

    /// What stands under a key; empty if it is not there.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.map.text(key)
    }

    /// The last result, and why it is not a success.
    #[must_use]
    pub fn result(&self) -> (&str, &str) {
        (self.map.text("result"), self.map.text("reason"))
    }

    /// Writes that this run has begun.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn begin(&mut self, cluster: &Cluster, desired: &Desired, identity: Option<&Identity>) -> Result<(), Failure> {
        self.map.write(cluster, &running(desired, identity)).await
    }

    /// Writes that all objects were deleted.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn clean_up(mut self, cluster: &Cluster, desired: &Desired, done: &Done) -> Result<(), Failure> {
        let mut data = self.ended(CLEANED_UP, done, "");
        data.extend([("lastSuccessAt", String::new()), ("observedHash", String::new()), ("observedUID", desired.uid.clone())]);
        self.map.write(cluster, &data).await
    }

    /// Writes that the run succeeded.
    ///
    /// # Errors
    /// What the API server has against it; [`Failure::Conflict`] if another run wrote meanwhile.
    pub async fn succeed(mut self, cluster: &Cluster, desired: &Desired, done: &Done) -> Result<(), Failure> {
        let versions = &done.versions;
        let generation = self.map.text("generation").parse::<u64>().unwrap_or(0) + 1;
        let rotated = rotated(self.map.text("references"), versions);
        let mut data = self.ended(SUCCEEDED, done, "");
        data.extend([
            ("observedHash", desired.hash.clone()),
            ("observedUID", desired.uid.clone()),
            ("generation", generation.to_string()),
            ("lastSuccessAt", Timestamp::now().to_string()),
            ("consecutiveFailures", "0".to_owned()),
            ("references", pairs(versions)),
            ("rotated", rotated.join(" ")),
        ]);
        self.map.write(cluster, &data).await
    }

    /// Writes that the run failed, and why.
    ///
    /// # Errors
    /// What the API server has against it.
    pub async fn fail(mut self, cluster: &Cluster, done: &Done, reason: &str) -> Result<(), Failure> {
        let failures = self.map.text("consecutiveFailures").parse::<u64>().unwrap_or(0) + 1;
        let mut data = self.ended("Failed", done, reason);
        data.extend([("consecutiveFailures", failures.to_string()), ("exitCode", exit::code(done.verdict()).to_string())]);
        data.extend(unapplied(done));
        self.map.write(cluster, &data).await
    }

    fn ended(&self, result: &str, done: &Done, reason: &str) -> Vec<(&'static str, String)> {
        let end = reason.floor_char_boundary(LONGEST_REASON);
        vec![
            ("result", result.to_owned()),
            ("summary", done.report.summary()),
            ("reason", reason[..end].to_owned()),
            ("kept", kept(self.map.text("kept"), done)),
            ("finishedAt", Timestamp::now().to_string()),
        ]
    }
}

fn running(desired: &Desired, identity: Option<&Identity>) -> Vec<(&'static str, String)> {
    let own = |field: fn(&Identity) -> &String| identity.map(field).cloned().unwrap_or_default();
    vec![
        ("formatVersion", FORMAT.to_owned()),
        ("result", "Running".to_owned()),
        ("desiredHash", desired.hash.clone()),
        ("trigger", desired.version.trigger.name().to_owned()),
        ("chartVersion", desired.version.chart.clone()),
        ("image", desired.version.image.clone()),
        ("issuer", desired.issuer.clone()),
        ("jobName", own(|identity| &identity.job)),
        ("jobUID", own(|identity| &identity.job_uid)),
        ("podName", own(|identity| &identity.pod)),
        ("startedAt", Timestamp::now().to_string()),
        ("finishedAt", String::new()),
        ("reason", String::new()),
        ("exitCode", String::new()),
        ("unapplied", String::new()),
        ("unappliedCount", String::new()),
        ("sets", String::new()),
    ]
}

/// Which objects the connections ask for and do not have as they ask, one a line, and how many: beyond what is named, or without a number, none of them
/// is known to be applied. And the versions of the sets that this is true of.
fn unapplied(done: &Done) -> Vec<(&'static str, String)> {
    if !done.is_seen {
        return Vec::new();
    }
    let (mut named, mut count) = (String::new(), 0);
    for id in done.ledger.unapplied() {
        if count < UNAPPLIED {
            named += &id.path();
            named.push('\n');
        }
        count += 1;
    }
    vec![("unapplied", named), ("unappliedCount", count.to_string()), ("sets", pairs(&done.sets))]
}

/// The resourceVersion of a Secret in a text of `name=version` with blanks between.
#[must_use]
pub fn version_in<'a>(versions: &'a str, secret: &str) -> Option<&'a str> {
    pairs_of(versions).find(|(name, _)| *name == secret).map(|(_, version)| version)
}

fn pairs_of(versions: &str) -> impl Iterator<Item = (&str, &str)> {
    versions.split(' ').filter_map(|pair| pair.split_once('='))
}

fn pairs(versions: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = versions.iter().map(|(name, version)| format!("{name}={version}")).collect();
    pairs.join(" ")
}

/// The commands that delete what was kept, by this run or an earlier one, and is not asked for since: the report goes with the Job.
fn kept(before: &str, done: &Done) -> String {
    let stands = |command: &&str| !ObjectId::of_deletion(command).is_some_and(|id| done.ledger.is_settled(&id));
    let now = done.report.deletions.iter().map(String::as_str);
    let commands: Vec<&str> = now.chain(before.lines().filter(stands)).take(Report::DELETIONS).collect();
    commands.join("\n")
}

/// The names of those Secrets that have another version than at the last success.
fn rotated<'a>(before: &str, versions: &'a BTreeMap<String, String>) -> Vec<&'a str> {
    let before: BTreeMap<&str, &str> = pairs_of(before).collect();
    let differs = |(name, version): &(&String, &String)| before.get(name.as_str()).is_some_and(|known| known != version);
    versions.iter().filter(differs).map(|(name, _)| name.as_str()).collect()
}
