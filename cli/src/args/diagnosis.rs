//! The arguments of the commands that help when something is wrong.

use clap::Parser;

use super::Output;

/// Says what is wrong with the release, its job, its rights, its connections and the workloads that use them, and the command that mends it.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  nothing is wrong
  1  it could not be looked at
  3  something is wrong

Example:\n  sc doctor --output json")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Explains a code of the doctor's, or a message of Helm's or Kubernetes'; without either, all codes.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  sc explain SC1001
  sc explain 'another operation (install/upgrade/rollback) is in progress'")]
pub(crate) struct ExplainArgs {
    /// The code, or the message.
    #[arg(value_name = "CODE|MESSAGE")]
    pub(crate) what: Vec<String>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Prints what helps others to understand a failure: versions, the release, findings and connections, without values of Secrets, and without the targets and users of connections.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc report > report.yaml")]
pub(crate) struct ReportArgs {}
