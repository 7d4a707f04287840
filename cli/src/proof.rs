//! What became of the values: the proof that the job leaves in `sc-status`, held against the live `sc-config`.

use anyhow::{Context, Result};
use sc_core::names::CONFIG_HASH;
use sc_job::cluster::Cluster;
use sc_job::cluster::status::{Status, version_in};
use sc_job::exit;
use serde::Serialize;
use serde_json::Value;

use crate::applied::{Applied, States};
use crate::helm::Stored;

/// Whether the values of the release were applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum State {
    /// They were, and it is proved.
    Succeeded,
    /// A run is at it, or was ended from outside.
    Running,
    /// A run has failed.
    Failed,
    /// No run has seen them yet.
    Pending,
}

/// What the job has left.
pub(crate) struct Proof {
    /// Whether the values that are in the cluster were applied.
    pub(crate) state: State,
    /// Their hash.
    hash: String,
    /// Why it is not a success.
    pub(crate) reason: String,
    /// Who issues the tokens of the cluster's ServiceAccounts, by that of the job's own; empty if no run has said so.
    pub(crate) issuer: String,
    /// The exit code of a run that has failed.
    pub(crate) code: u8,
    /// What was done: `3 created, 1 unchanged`.
    pub(crate) summary: String,
    pub(crate) started_at: String,
    pub(crate) finished_at: String,
    pub(crate) last_success_at: String,
    /// The name of the Job that has left it; empty if it was none.
    pub(crate) job_name: String,
    /// The UID of the Job that has left it.
    pub(crate) job_uid: String,
    /// The commands that delete what was kept, one a line.
    pub(crate) kept: String,
    /// The resourceVersions of the Secrets that the last success has read, as `name=version` with blanks between.
    references: String,
    /// Those of the connection sets that a run which failed went by, in the same form.
    sets: String,
    /// What a run that failed has applied all the same, if that is known.
    applied: Option<Applied>,
}

impl State {
    /// The word for it, as az has it for a connection.
    pub(crate) fn provisioning_state(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Running | Self::Pending => "Accepted",
            Self::Failed => "Failed",
        }
    }
}

impl Proof {
    /// Reads it.
    ///
    /// # Errors
    /// What the API server has against it.
    pub(crate) async fn read(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let failed = |what: &str| format!("failed to read {what} in namespace `{namespace}`");
        let config = format!("/api/v1/namespaces/{namespace}/secrets/sc-config");
        let (config, status) = futures::future::join(cluster.get(&config), Status::read(cluster, namespace)).await;
        let config = config.with_context(|| failed("Secret `sc-config`"))?.unwrap_or_default();
        let status = status.with_context(|| failed("ConfigMap `sc-status`"))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (hash, uid) = (text(&config["metadata"]["annotations"][CONFIG_HASH]), text(&config["metadata"]["uid"]));
        let state = match status.result().0 {
            _ if status.proves(&hash, &uid) => State::Succeeded,
            "Running" => State::Running,
            "Failed" if status.text("desiredHash") == hash => State::Failed,
            _ => State::Pending,
        };
        let field = |name: &str| status.text(name).to_owned();
        Ok(Self {
            state,
            hash,
            reason: if state == State::Failed { field("reason") } else { String::new() },
            issuer: field("issuer"),
            code: status.text("exitCode").parse().unwrap_or(exit::FAILED),
            summary: field("summary"),
            started_at: field("startedAt"),
            finished_at: field("finishedAt"),
            last_success_at: field("lastSuccessAt"),
            job_name: field("jobName"),
            job_uid: field("jobUID"),
            kept: field("kept"),
            references: field("references"),
            sets: field("sets"),
            applied: Applied::parse(|key| status.text(key)),
        })
    }
}

impl Proof {
    /// Whether the values in the cluster are those of this revision.
    pub(crate) fn is_of(&self, stored: &Stored) -> bool {
        stored.config_hash() == Some(&self.hash)
    }

    /// The resourceVersion of a Secret when the last success has read it.
    pub(crate) fn version_of(&self, secret: &str) -> Option<&str> {
        version_in(&self.references, secret)
    }

    /// Whether the values of this revision were applied, which Helm may not have brought to the cluster.
    pub(crate) fn state_of(&self, stored: &Stored) -> State {
        if stored.is_pending() {
            // Whatever is applied by now, Helm is not done with it.
            State::Pending
        } else if self.is_of(stored) {
            self.state
        } else {
            State::Failed
        }
    }

    /// How each of the connections of this revision is.
    pub(crate) fn states_of(&self, stored: &Stored) -> States {
        let state = self.state_of(stored);
        let sets = match state {
            State::Succeeded => self.references.clone(),
            State::Failed if self.is_of(stored) => self.sets.clone(),
            // No run has gone by these values to its end.
            State::Failed | State::Running | State::Pending => String::new(),
        };
        States::of(state, self.applied.clone().filter(|_| self.is_of(stored)), sets)
    }
}

/// What the last run has left if it has failed; nothing if it has not, or that cannot be read.
pub(crate) async fn failure(cluster: &Cluster, namespace: &str) -> Option<Proof> {
    Proof::read(cluster, namespace).await.ok().filter(|proof| proof.state == State::Failed)
}
