//! The arguments of the commands about workloads: those that use connections.

use std::path::PathBuf;

use clap::Parser;
use sc_core::names::is_label;

use super::connection::Selection;
use crate::workload::Kind;

/// Prints a whole workload that uses a connection, as YAML to start from.
///
/// Where a person has to fill in something, a comment says so.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  sc snippet orders > deployment.yaml
  sc snippet orders --kind cronjob --workload report --image registry.example/report:1.4
  sc snippet orders -f values.yaml")]
pub(crate) struct SnippetArgs {
    /// The kind of workload.
    #[arg(long, value_enum, ignore_case = true, default_value = "deployment", value_name = "KIND")]
    pub(crate) kind: Kind,

    /// Its name, instead of a placeholder.
    #[arg(long, value_name = "NAME", value_parser = label)]
    pub(crate) workload: Option<String>,

    /// The image of its container, instead of a placeholder.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,

    /// The name of its container.
    #[arg(long, value_name = "NAME", default_value = "app", value_parser = label)]
    pub(crate) container: String,

    /// Takes the connection from this values file, and asks no cluster; `-` is standard input.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,

    // Last, since its heading goes on over what follows.
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// The name of a container, or one of a workload that can be the value of a label, too.
fn label(text: &str) -> Result<String, String> {
    is_label(text).then(|| text.to_owned()).ok_or_else(|| "this name has a-z, 0-9 and `-`, at most 63 of them".to_owned())
}
