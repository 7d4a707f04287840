//! The arguments of the commands about the release.

use std::path::PathBuf;

use clap::Parser;

use super::{Output, Pair, pair};

/// Installs the release, without connections or with those of a values file.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc install --create-namespace -f values.yaml --image registry.example/sc-job")]
pub(crate) struct InstallArgs {
    /// Makes the namespace of the release if it is not there.
    #[arg(long)]
    pub(crate) create_namespace: bool,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Upgrades the release to the chart of this `sc`, with its values as they are or with those of a file.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc upgrade -f values.yaml")]
pub(crate) struct ChangeArgs {
    /// The values file of the chart; `-` is standard input. It takes the place of all values of the release, but for the image if it names none.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,

    /// Image of the job, without tag.
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) image: Option<String>,

    /// Sets one of the values, beside those of the file or the release: `job.tolerations=[{"operator": "Exists"}]`.
    #[arg(long, value_name = "FIELD=JSON", value_parser = pair)]
    pub(crate) set_json: Vec<Pair>,
}

/// Uninstalls the release. It says first which connections become unavailable; their objects stay unless the values say otherwise.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc uninstall --yes")]
pub(crate) struct UninstallArgs {
    /// Does not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Deletes the objects of all connections, too.
    #[arg(long)]
    pub(crate) delete_objects: bool,
}

/// Shows the release, its job, the proof of success, and each connection.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  the values were applied, and it is proved
  1  the release or the cluster could not be read
  3  they were not applied, or not yet

Example:\n  sc status || sc logs")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Compares the values with the cluster and says by keys what a run would change. Nothing is written.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  nothing would change
  1  something would
  2  it could not be compared, or something would be refused

Example:\n  sc diff -f values.yaml")]
pub(crate) struct DiffArgs {
    /// Compares these values instead of those of the release; `-` is standard input.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,
}

/// Runs the job again, shows its log, and waits until it has proved its success.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc rerun")]
pub(crate) struct RerunArgs {
    /// Returns when the run has begun.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Prints the log of the last run, as far as its pod is still there.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc logs --follow")]
pub(crate) struct LogsArgs {
    /// Goes on until the run has ended.
    #[arg(long, short)]
    pub(crate) follow: bool,
}
