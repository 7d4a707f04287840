//! Arguments and environment; nothing else reads either.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use sc_core::names::Release;

/// Makes the Secrets, ServiceAccounts and SecretProviderClasses that connections ask for.
///
/// In a cluster it needs no arguments: the chart's Job gives it all by the environment. Elsewhere it reads a values file of the chart, and
/// finds the cluster as kubectl does.
#[derive(Debug, Parser)]
#[command(name = "sc-job", version, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes:\n  0  everything is as it should be\n  1  the cluster or the network failed; a retry may help\n  2  the values are wrong\n  3  some objects were refused; the rest was applied"
)]
pub struct Args {
    /// What to do.
    #[arg(value_enum, default_value_t = Task::Apply)]
    pub task: Task,

    /// Reads this values file instead of the live Secret `sc-config`.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,

    /// Prints what would change, by keys, and writes nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// With --values: takes the Lease and keeps `sc-status` in this namespace.
    #[arg(long, value_name = "NAMESPACE", requires = "values")]
    pub status_namespace: Option<String>,

    /// The release whose objects these are.
    #[arg(long, env = "SC_RELEASE", default_value = "sc", value_name = "NAME")]
    pub release: String,

    /// The namespace of that release, which also holds the Secrets that credentials refer to.
    #[arg(long, env = "POD_NAMESPACE", default_value = "sc-system", value_name = "NAMESPACE")]
    pub release_namespace: String,

    /// Logs one line per object.
    #[arg(long, short)]
    pub verbose: bool,

    /// With `probe`: what to reach, as `protocol://host:port`.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) endpoint: Option<String>,

    /// With `probe`: a variable that must be set; may be given several times.
    #[arg(long = "key", value_name = "NAME")]
    pub(crate) keys: Vec<String>,

    #[command(flatten)]
    pub(crate) environment: Environment,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Brings the objects to what the connections ask for
    Apply,
    /// Says whether the live values are those that were applied; exit code 3 if not
    Check,
    /// Deletes all objects that the release has made, and says so to runs that come after it
    Cleanup,
    /// Says whether the variables of a connection are set here, and whether what it points at answers; writes nothing
    Probe,
}

/// The names of the variables that are set, whatever is in them.
pub(crate) fn variables() -> BTreeSet<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Trigger {
    /// An installation or an upgrade.
    Hook,
    /// A rollback.
    Rollback,
    /// The CronJob, on schedule or by hand.
    Cron,
    /// An uninstallation.
    Cleanup,
    /// `helm test`.
    Test,
    /// A person, without the chart.
    Manual,
}

impl Trigger {
    /// Its name, as the chart and `sc-status` spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Rollback => "rollback",
            Self::Cron => "cron",
            Self::Cleanup => "cleanup",
            Self::Test => "test",
            Self::Manual => "manual",
        }
    }

    /// Whether the chart has granted all that it can: it sees in the inventory what there is to delete when it is rendered before an upgrade alone.
    #[must_use]
    pub fn has_all_rights(self) -> bool {
        self == Self::Hook
    }
}

/// What the chart's Job says by the environment.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Environment {
    #[arg(long, env = "POD_NAME", hide = true, default_value = "")]
    pod_name: String,
    #[arg(long, env = "POD_UID", hide = true)]
    pod_uid: Option<String>,
    #[arg(long, env = "JOB_NAME", hide = true)]
    job_name: Option<String>,
    #[arg(long, env = "JOB_UID", hide = true)]
    job_uid: Option<String>,
    #[arg(long, env = "SC_CHART_VERSION", hide = true, default_value = "")]
    chart_version: String,
    #[arg(long, env = "SC_IMAGE", hide = true, default_value = "")]
    image: String,
    #[arg(long, env = "SC_TRIGGER", hide = true, value_enum, default_value_t = Trigger::Manual)]
    trigger: Trigger,
    #[arg(long, env = "ACTIVE_DEADLINE_SECONDS", hide = true, default_value_t = 240)]
    active_deadline_seconds: u32,
}

/// Who this run is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Name of the pod.
    pub pod: String,
    /// UID of the pod; who holds the Lease.
    pub pod_uid: String,
    /// Name of the own Job.
    pub job: String,
    /// UID of the own Job.
    pub job_uid: String,
}

/// What a run proves beside the hash of its values.
#[derive(Debug, Clone)]
pub struct Version {
    /// Version of the chart.
    pub chart: String,
    /// The image.
    pub image: String,
    /// What started the run.
    pub trigger: Trigger,
}

impl Args {
    /// The release.
    #[must_use]
    pub fn release(&self) -> Release {
        Release { name: self.release.clone(), namespace: self.release_namespace.clone() }
    }

    /// Who this run is; nothing outside of a Job.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let environment = self.environment.clone();
        Some(Identity { pod: environment.pod_name, pod_uid: environment.pod_uid?, job: environment.job_name?, job_uid: environment.job_uid? })
    }

    /// What this run proves beside the hash.
    #[must_use]
    pub fn version(&self) -> Version {
        let Environment { chart_version, image, trigger, .. } = self.environment.clone();
        Version { chart: chart_version, image, trigger }
    }

    /// How long Kubernetes lets the Job run, over all its pods.
    #[must_use]
    pub fn active_deadline(&self) -> Duration {
        Duration::from_secs(self.environment.active_deadline_seconds.into())
    }
}
