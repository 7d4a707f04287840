//! Arguments; nothing else reads them.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use sc_core::names::{Release, is_label, is_subdomain};

/// The longest name of a release that Helm takes.
const LONGEST_RELEASE: usize = 53;

/// Shows at a terminal what connections become and what the catalogue offers. Neither command needs a cluster.
#[derive(Debug, Parser)]
#[command(name = "sc", version, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes:\n  0  all of it was printed\n  1  something could not be read or written, or a referenced Secret is not at hand\n  2  the values or the arguments are wrong; what is valid was printed"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// The arguments of this process; ends it where they are wrong.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        if let Command::Render(render) = &args.command
            && render.inputs().filter(|file| file.as_os_str() == "-").count() > 1
        {
            let message = "standard input can be read once: give `-` to `--values` or to one `--secrets`";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        args
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Render(RenderArgs),
    ListSupportTypes(SupportArgs),
}

/// Prints the objects that the values ask for, as YAML documents.
///
/// They are the objects that the job would write, and hold credentials. Those that the values only refer to are read from manifests in files,
/// since no cluster is asked.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  kubectl -n sc-system get secret orders-admin -o yaml > admin.yaml\n  sc render -f values.yaml --secrets admin.yaml"
)]
pub(crate) struct RenderArgs {
    /// The values file of the chart; `-` is standard input.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) values: PathBuf,

    /// Reads referenced Secrets from this file of manifests; may be given several times.
    ///
    /// It may have several documents, and lists as kubectl prints them; what is no Secret, or one of another namespace than the release's, is
    /// passed over.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Vec<PathBuf>,

    /// Hides every value of `data`; a referenced Secret that no file has counts as found.
    #[arg(long)]
    pub(crate) redact: bool,

    /// The release that the objects belong to.
    #[arg(long, default_value = "sc", value_name = "NAME", value_parser = release_name)]
    pub(crate) release: String,

    /// The namespace of that release, which also holds the Secrets that credentials refer to.
    #[arg(long, default_value = "sc-system", value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) release_namespace: String,
}

impl RenderArgs {
    fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.values).chain(&self.secrets)
    }

    /// The release.
    pub(crate) fn release(&self) -> Release {
        Release { name: self.release.clone(), namespace: self.release_namespace.clone() }
    }
}

/// Lists which auth types and client types each target service offers.
///
/// A row is a target service and a set of client types, with all auth types that offer just these. With filters only what matches is shown.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc list-support-types --auth-type workload-identity --client-type python")]
pub(crate) struct SupportArgs {
    /// Only this target service.
    #[arg(long, short = 't', value_name = "NAME")]
    pub(crate) target_type: Option<String>,

    /// Only this auth type.
    #[arg(long, value_name = "NAME")]
    pub(crate) auth_type: Option<String>,

    /// Only this client type.
    #[arg(long, value_name = "NAME")]
    pub(crate) client_type: Option<String>,

    /// Adds the `targetServices` of this values file; `-` is standard input.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,

    /// How to print it.
    #[arg(long, short, value_enum, default_value_t = Form::Table, value_name = "FORM")]
    pub(crate) output: Form,
}

/// The forms of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
    Yaml,
}

fn release_name(text: &str) -> Result<String, String> {
    let is_name = is_subdomain(text) && text.len() <= LONGEST_RELEASE;
    is_name.then(|| text.to_owned()).ok_or_else(|| format!("a release has a-z, 0-9, `-` and `.`, at most {LONGEST_RELEASE} of them"))
}

fn namespace(text: &str) -> Result<String, String> {
    is_label(text).then(|| text.to_owned()).ok_or_else(|| "a namespace has a-z, 0-9 and `-`, at most 63 of them".to_owned())
}
