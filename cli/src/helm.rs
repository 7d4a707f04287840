//! The real Helm, 3 or 4, as a process. Nothing else changes a release.
//!
//! Rule: values go in by standard input, so that no command line shows them.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, anyhow};
use sc_core::names::CONFIG_HASH;
use sc_job::stop::Stop;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::fault::Fault;
use crate::place::Place;

/// So long Helm waits by default, in seconds.
const TIMEOUT: u64 = 300;
/// So much longer than the Job may take it waits at least.
const MARGIN: u64 = 60;

/// Helm, and the release that it is asked about.
pub(crate) struct Helm<'a> {
    place: &'a Place,
    /// When this says so, Helm is asked to end, and waited for.
    stop: Stop,
}

/// A release as Helm has it: its last revision.
#[derive(Deserialize)]
pub(crate) struct Stored {
    /// The number of the revision.
    #[serde(rename = "version")]
    pub(crate) revision: u64,
    pub(crate) info: Info,
    /// The values that its users gave. Credentials may stand in them.
    #[serde(default, rename = "config")]
    pub(crate) values: Option<Value>,
    #[serde(default)]
    manifest: String,
}

/// What became of a revision.
#[derive(Deserialize)]
pub(crate) struct Info {
    /// `deployed`, `failed`, `pending-upgrade` …
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) last_deployed: String,
    /// What Helm says of it: why it has failed.
    #[serde(default)]
    pub(crate) description: String,
}

/// A revision in the history of a release.
#[derive(Deserialize)]
pub(crate) struct Revision {
    #[serde(rename = "revision")]
    pub(crate) number: u64,
    pub(crate) status: String,
    #[serde(default)]
    description: String,
}

/// The last revision that was there as a whole, before this one. A rollback calls also those superseded that had failed.
pub(crate) fn last_whole(history: &[Revision], before: u64) -> Option<u64> {
    let is_whole =
        |revision: &&Revision| matches!(revision.status.as_str(), "deployed" | "superseded") && !revision.description.contains(" failed: ");
    history.iter().filter(|revision| revision.number < before).filter(is_whole).map(|revision| revision.number).max()
}

impl Stored {
    /// The version of the chart that was installed.
    pub(crate) fn chart_version(&self) -> Option<&str> {
        let label = format!("helm.sh/chart: {}-", crate::chart::NAME);
        let line = self.manifest.lines().find_map(|line| line.trim().strip_prefix(&label))?;
        Some(line.trim_matches('"'))
    }

    /// The hash of the values that its chart made for the job.
    pub(crate) fn config_hash(&self) -> Option<&str> {
        let line = self.manifest.lines().find_map(|line| line.trim().strip_prefix(CONFIG_HASH)?.strip_prefix(": "))?;
        Some(line.trim_matches('"'))
    }

    /// The namespaces in which it gives the job rights.
    pub(crate) fn namespaces_of_roles(&self) -> BTreeSet<&str> {
        let roles = self.manifest.split("\n---").filter(|document| document.lines().any(|line| line == "kind: Role"));
        roles.filter_map(|document| document.lines().find_map(|line| line.strip_prefix("  namespace: "))).map(|name| name.trim_matches('"')).collect()
    }

    /// The command of `sc` that applies what was mended beside it: a run alone leaves a release `failed` that Helm has failed to change.
    pub(crate) fn again(&self) -> &'static str {
        if self.info.status == "failed" { "upgrade" } else { "rerun" }
    }

    /// Whether Helm is at work on it, or was killed while it was.
    pub(crate) fn is_pending(&self) -> bool {
        self.info.status.starts_with("pending-")
    }
}

impl<'a> Helm<'a> {
    /// Helm for the release at this place.
    pub(crate) fn of(place: &'a Place, stop: Stop) -> Self {
        Self { place, stop }
    }

    /// The last revision of the release; nothing if there is none.
    ///
    /// # Errors
    /// If Helm is not to be had, or cannot say.
    pub(crate) async fn status(&self) -> Result<Option<Stored>> {
        let output = self.run(&["status", &self.place.release, "--output", "json"], None).await?;
        if !output.status.success() {
            let said = said(&output);
            return if said.ends_with("release: not found") { Ok(None) } else { Err(anyhow!(said).context("failed to read the release")) };
        }
        // The answer holds the values: what is wrong with it is not quoted.
        let stored = serde_json::from_slice(&output.stdout).map_err(|_| anyhow!("`helm status` printed something else than expected"))?;
        Ok(Some(stored))
    }

    /// The revisions that Helm keeps, the oldest first.
    ///
    /// # Errors
    /// If Helm cannot say.
    pub(crate) async fn history(&self) -> Result<Vec<Revision>> {
        let text =
            self.succeeded(&["history", &self.place.release, "--output", "json"], None).await.context("failed to read the history of the release")?;
        serde_json::from_str(&text).map_err(|_| anyhow!("`helm history` printed something else than expected"))
    }

    /// Installs the release, which must not be there, or upgrades it, to this chart and exactly these values; `verb` says which.
    ///
    /// # Errors
    /// What Helm says has failed.
    pub(crate) async fn apply(&self, verb: &str, (chart, values): (&Path, &Value), more: &[&str]) -> Result<String> {
        let chart = chart.to_str().context("the temporary folder has no name that can be passed on")?;
        let timeout = timeout(values);
        let arguments = [verb, &self.place.release, chart, "--values", "-", "--timeout", &timeout];
        self.succeeded(&[&arguments, more].concat(), Some(values.to_string().as_bytes())).await
    }

    /// Uninstalls the release.
    ///
    /// # Errors
    /// What Helm says has failed.
    pub(crate) async fn uninstall(&self, values: &Value) -> Result<String> {
        self.succeeded(&["uninstall", &self.place.release, "--timeout", &timeout(values)], None).await
    }

    /// Which Helm this is: `v4.3.1`.
    ///
    /// # Errors
    /// If it is not to be had, or neither 3 nor 4.
    pub(crate) async fn version(&self) -> Result<String> {
        let text = self.succeeded(&["version", "--template", "{{.Version}}"], None).await?;
        let version = text.trim().to_owned();
        if ["v3.", "v4."].iter().any(|known| version.starts_with(known)) {
            return Ok(version);
        }
        Err(anyhow!("`helm` on the PATH is {version}, where Helm 3 or 4 is needed"))
    }

    async fn succeeded(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<String> {
        let output = self.run(arguments, input).await?;
        if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(anyhow!(said(&output))) }
    }

    async fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Output> {
        let mut command = Command::new("helm");
        command.args(arguments).args(self.place.helm_flags()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Which cluster is said by the flags, or by the kubeconfig, which is what `sc` itself goes by.
        for variable in ["HELM_KUBECONTEXT", "HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBECAFILE", "HELM_KUBEASUSER", "HELM_KUBEASGROUPS"] {
            command.env_remove(variable);
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        // A group of its own: Ctrl-C at the terminal is for `sc`, which passes it on once and waits for what Helm makes of it.
        let mut child = command.process_group(0).spawn().map_err(not_started)?;
        let process = child.id();
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // Helm that ends early says why by itself.
            let _ = stdin.write_all(input).await;
        }
        // Who was asked to end before this began still wants to know.
        let is_ending = self.stop.reason().is_some();
        let ended = child.wait_with_output();
        tokio::pin!(ended);
        let output = tokio::select! {
            output = &mut ended => output,
            () = self.stop.signal(), if !is_ending => {
                terminate(process);
                ended.await
            }
        };
        output.context("failed to run `helm`")
    }
}

/// How long Helm may wait for the Job of these values, which may give it more time than there is by default.
fn timeout(values: &Value) -> String {
    let deadline = &values["job"]["activeDeadlineSeconds"];
    let deadline = deadline.as_u64().or_else(|| deadline.as_str()?.parse().ok()).unwrap_or_default();
    format!("{}s", TIMEOUT.max(deadline + MARGIN))
}

/// Asks a process to end.
fn terminate(process: Option<u32>) {
    crate::output::say("asked to end: waiting for Helm to leave the release in order");
    let process = process.and_then(|number| i32::try_from(number).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // One that has ended meanwhile is what is wanted.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

fn not_started(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => Fault::failed("`helm` is not on the PATH", "install Helm 3 or 4: https://helm.sh/docs/intro/install").into(),
        _ => anyhow::Error::new(error).context("failed to start `helm`"),
    }
}

/// The longest of Helm's reasons that is passed on, in bytes.
const LONGEST_REASON: usize = 1024;

/// Why Helm has failed, in its own words: from the line with the error on, or else the last line. It prints no value of the chart's: no field that can
/// hold a credential has a pattern.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let begin = lines.iter().position(|line| line.starts_with("Error: ")).unwrap_or(lines.len().saturating_sub(1));
    let mut reason = lines[begin..].join(" ").trim_start_matches("Error: ").to_owned();
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
    if reason.is_empty() { format!("`helm` ended with {}", output.status) } else { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_that_failed_is_no_way_back_whatever_a_rollback_made_of_it() {
        let revision = |number, status: &str, description: &str| Revision { number, status: status.to_owned(), description: description.to_owned() };
        let history = [
            revision(1, "superseded", "Install complete"),
            revision(2, "superseded", "Upgrade \"sc\" failed: post-upgrade hooks failed"),
            revision(3, "failed", "Rollback \"sc\" failed: no such namespace"),
            revision(4, "deployed", "Upgrade complete"),
        ];
        assert_eq!(last_whole(&history, 5), Some(4));
        assert_eq!(last_whole(&history, 4), Some(1));
        assert_eq!(last_whole(&history, 1), None);
    }
}
