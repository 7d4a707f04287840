//! The arguments of the commands about workloads: those that use connections.

use std::path::PathBuf;

use clap::{Parser, ValueEnum as _};
use sc_core::names::{is_label, is_subdomain};

use super::connection::{Selection, SourceArgs};
use super::{Output, namespace};
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

/// Makes a workload in the cluster use a connection: shows what that adds, and adds it.
///
/// It is added to the template of the pods, so new ones take their place. What is there stays.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  the workload uses the connection
  1  the release or the cluster could not be read, or it was not written
  2  the arguments are wrong; nothing was changed
  3  it was not confirmed, or another ServiceAccount stands in the way; nothing was changed

Example:
  sc bind deployment/web orders --yes")]
pub(crate) struct BindArgs {
    /// The workload, such as `deployment/web`; it is in the namespace of the connection.
    #[arg(value_name = "KIND/NAME", value_parser = workload)]
    pub(crate) workload: Workload,

    /// The container that uses it; needed only where there are several.
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<String>,

    /// Does not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Puts the ServiceAccount of the connection in the place of another one.
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// Finds the usual mistakes in the YAML of workloads that use connections, each with file and line, and how to mend it.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  nothing is wrong; a warning alone is no mistake
  1  the release, the cluster or a file could not be read, or connections that a name may lead to
  2  a file is not YAML, or holds no values where it should; a wrong connection is a warning
  3  there are mistakes

Examples:
  sc lint -f deployment.yaml -f job.yaml
  helm template shop ./shop | sc lint -f - --values values.yaml --kube-namespace shop -o table")]
pub(crate) struct LintArgs {
    /// A file of manifests; may be given several times. `-` is standard input.
    #[arg(long = "file", short = 'f', value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Takes the connections from this values file, and asks no cluster; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,

    /// The namespace of workloads that state none; without it, the only kustomization among the files says where these are.
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) kube_namespace: Option<String>,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// A workload by kind and name.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

fn workload(text: &str) -> Result<Workload, String> {
    let (kind, name) = text.split_once('/').ok_or("write KIND/NAME, such as `deployment/web`")?;
    // As kubectl prints it: `deployment.apps/web`.
    let kind = kind.split('.').next().unwrap_or_default();
    let known = || Kind::value_variants().iter().map(|kind| kind.singular()).collect::<Vec<_>>().join(", ");
    let kind = Kind::from_str(kind, true).map_err(|_| format!("the kinds of workload are {}", known()))?;
    Ok(Workload { kind, name: workload_name(name)? })
}

fn workload_name(text: &str) -> Result<String, String> {
    is_subdomain(text).then(|| text.to_owned()).ok_or_else(|| "a workload's name has a-z, 0-9, `-` and `.`".to_owned())
}

/// The name of a container, or one of a workload that can be the value of a label, too.
fn label(text: &str) -> Result<String, String> {
    is_label(text).then(|| text.to_owned()).ok_or_else(|| "this name has a-z, 0-9 and `-`, at most 63 of them".to_owned())
}
