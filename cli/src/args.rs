//! Arguments; nothing else reads them.

pub(crate) mod azure;
pub(crate) mod connection;
pub(crate) mod diagnosis;
pub(crate) mod release;
pub(crate) mod words;
pub(crate) mod workload;

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use sc_core::names::{is_label, is_subdomain};

use crate::fault::Fault;
use crate::output;
use crate::place::Place;
use azure::GlobalArgs;
use connection::{CreateArgs, DeleteArgs, ListArgs, SelectArgs, UpdateArgs, ValidateArgs, WaitArgs};
use diagnosis::{DoctorArgs, ExplainArgs, ReportArgs};
use release::{ChangeArgs, DiffArgs, InstallArgs, LogsArgs, RerunArgs, StatusArgs, UninstallArgs};
use workload::{BindArgs, LintArgs, SnippetArgs};

/// The longest name of a release that Helm takes.
const LONGEST_RELEASE: usize = 53;

/// Works with connections by name: makes them, shows what became of them, and helps when something is wrong.
#[derive(Debug, Parser)]
#[command(name = "sc", version, disable_help_subcommand = true)]
#[command(after_help = "Exit codes:
  0  done, or all of it was printed
  1  the cluster, Helm or the network failed, or something could not be read; another try may help
  2  the arguments or some values are wrong; if anything was changed all the same, that is said
  3  some objects were refused, or it is not as it should be
  130  a second Ctrl-C ended it before things were in order")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) place: Place,

    #[command(flatten)]
    azure: GlobalArgs,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// The arguments of this process; ends it where they are wrong.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        if args.command.inputs().filter(|file| file.as_os_str() == "-").count() > 1 {
            let message = "standard input can be read once: give `-` to one argument";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        if let Some(fault) = args.refused() {
            std::process::exit(output::failure(&fault.into()).into());
        }
        args
    }

    /// Says which argument of every command of az is given and cannot be passed over.
    pub(crate) fn refused(&self) -> Option<Fault> {
        self.azure.meaningless().map(Fault::from)
    }

    /// The release that is meant by a command that is yet being typed: a shell hands it over behind `--`. Nothing if the command would not take it:
    /// better none than one in another cluster.
    pub(crate) fn begun_place() -> Option<Place> {
        let words = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
        Self::place_of(words, std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok()))
    }

    /// The same by the words, and which of them is being typed: the last, unless the shell says another.
    fn place_of(mut words: Vec<OsString>, typed: Option<usize>) -> Option<Place> {
        let typed = typed.unwrap_or(words.len().saturating_sub(1));
        match words.get_mut(typed) {
            // A flag with its value behind `=` is a whole word already.
            Some(word) if !word.to_string_lossy().starts_with('-') => *word = "x".into(),
            Some(_) => {}
            None => words.push("x".into()),
        }
        Self::try_parse_from(words).ok()?.meant().ok()
    }

    /// Where a command about a connection would look for it.
    fn meant(&self) -> Result<Place> {
        let selection = match &self.command {
            Command::Update(args) => &args.selection(),
            Command::Show(args) | Command::ListConfiguration(args) => &args.selection,
            Command::Delete(args) => &args.selection,
            Command::Validate(args) => &args.selection,
            Command::Wait(args) => &args.selection,
            Command::Snippet(args) => &args.selection,
            Command::Bind(args) => &args.selection,
            _ => return Ok(self.place.clone()),
        };
        self.place.for_selection(selection)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Create(CreateArgs),
    Update(UpdateArgs),
    List(ListArgs),
    /// Shows a connection, with its variables: of those that hold a credential only the name.
    #[command(after_help = "Example:\n  sc show orders --output yaml")]
    Show(SelectArgs),
    /// Lists the variables of a connection: of those that hold a credential only the name.
    #[command(after_help = "Example:\n  sc list-configuration orders --output tsv")]
    ListConfiguration(SelectArgs),
    Delete(DeleteArgs),
    Validate(ValidateArgs),
    Wait(WaitArgs),
    Snippet(SnippetArgs),
    Bind(BindArgs),
    Lint(LintArgs),
    ListSupportTypes(SupportArgs),
    Install(InstallArgs),
    Upgrade(ChangeArgs),
    Uninstall(UninstallArgs),
    Status(StatusArgs),
    Rerun(RerunArgs),
    Logs(LogsArgs),
    Diff(DiffArgs),
    Doctor(DoctorArgs),
    Explain(ExplainArgs),
    Report(ReportArgs),
    Render(RenderArgs),
    Completion(CompletionArgs),
    Man(ManArgs),
}

/// Prints what a shell runs to complete commands, arguments and the names of connections.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  source <(sc completion bash)
  sc completion fish > ~/.config/fish/completions/sc.fish")]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// The shells that completion is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        }
    }
}

/// Writes the manual pages, one for each command.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Where to.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

impl Command {
    /// The files that it reads, where there may be several.
    fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        let (values, others) = match self {
            Self::Render(RenderArgs { values, secrets, .. }) => (Some(values), secrets.as_slice()),
            Self::Lint(LintArgs { values, files, .. }) => (values.as_ref(), files.as_slice()),
            _ => (None, &[][..]),
        };
        values.into_iter().chain(others)
    }
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
}

/// Lists which auth types and client types each target service offers.
///
/// A row is a target service and a set of client types, with all auth types that offer just these. With filters only what matches is shown.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc list-support-types --auth-type workload-identity --client-type python")]
pub(crate) struct SupportArgs {
    /// Only this target service.
    #[arg(long, short = 't', value_name = "NAME", value_parser = words::target_service())]
    pub(crate) target_type: Option<String>,

    /// Only this auth type.
    #[arg(long, value_name = "NAME", value_parser = words::auth_type())]
    pub(crate) auth_type: Option<String>,

    /// Only this client type.
    #[arg(long, value_name = "NAME", value_parser = words::client_type())]
    pub(crate) client_type: Option<String>,

    /// Adds the `targetServices` of this values file; `-` is standard input.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// How to print what was asked for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// How to print it: a table at a terminal, elsewhere JSON, as az does, unless it is said here.
    #[arg(long, short, value_enum, ignore_case = true, value_name = "FORM")]
    output: Option<Form>,
}

impl Output {
    /// The form that was asked for, or the one that fits where it goes.
    pub(crate) fn form(self) -> Form {
        self.output.unwrap_or_else(|| if crate::output::is_terminal() { Form::Table } else { Form::Json })
    }
}

/// The form of the answer, for the commands that give none.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct NoOutput {
    /// Form of the answer. Passed over: this command gives none.
    #[arg(long, short, value_enum, ignore_case = true, value_name = "FORM", hide = true)]
    output: Option<Form>,
}

/// The forms of an output. Those that az writes in colour are the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Table,
    #[value(alias = "jsonc")]
    Json,
    #[value(alias = "yamlc")]
    Yaml,
    Tsv,
    // Nothing: the exit code says it. In `///` it would make the help of each command longer.
    None,
}

impl Form {
    /// Whether it shows all that there is, and not only a row.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// `KEY=VALUE`. No Debug: the value may be a credential.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pair")
    }
}

/// Takes `KEY=VALUE`. It never fails, since clap would quote the text, which may be a credential: one without `=` has no key, and is refused later.
#[expect(clippy::unnecessary_wraps, reason = "that is how clap calls it")]
pub(crate) fn pair(text: &str) -> Result<Pair, Infallible> {
    let (key, value) = text.split_once('=').unwrap_or(("", text));
    Ok(Pair { key: key.to_owned(), value: value.to_owned() })
}

pub(crate) fn release_name(text: &str) -> Result<String, String> {
    let is_name = is_subdomain(text) && text.len() <= LONGEST_RELEASE;
    is_name.then(|| text.to_owned()).ok_or_else(|| format!("a release has a-z, 0-9, `-` and `.`, at most {LONGEST_RELEASE} of them"))
}

pub(crate) fn namespace(text: &str) -> Result<String, String> {
    is_label(text).then(|| text.to_owned()).ok_or_else(|| "a namespace has a-z, 0-9 and `-`, at most 63 of them".to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// With the current context first, and those of two AKS clusters.
    const KUBECONFIG: &str = "{apiVersion: v1, kind: Config, current-context: home, contexts: [
        {name: home, context: {cluster: home, user: me}}, {name: shop-aks, context: {cluster: shop-aks, user: me}}]}";

    /// What is offered is deleted next: it is of the cluster that the command would take, or of none.
    #[test]
    fn what_is_completed_is_looked_for_where_the_command_would() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), KUBECONFIG).unwrap();
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters";
        let context = |typed: &str, at: Option<usize>| {
            let words = typed.replace("AKS", id).split(' ').map(OsString::from).collect::<Vec<_>>();
            let words = ["sc".into(), "--kubeconfig".into(), file.path().into()].into_iter().chain(words).collect();
            Args::place_of(words, at.map(|at| at + 3)).map(|place| (place.kube_context, place.release))
        };
        let at = |name: Option<&str>, release: &str| Some((name.map(str::to_owned), release.to_owned()));
        for (typed, found) in [
            ("show ", at(None, "sc")),
            ("show -g rg -n shop-aks ord", at(Some("shop-aks"), "sc")),
            ("delete -g rg -n nosuch ", None),
            ("delete -g rg ", None),
            ("delete --no-such-flag ", None),
            ("bind deployment/web --release mine ", at(None, "mine")),
            ("wait --created --kube-context other --connection ", at(Some("other"), "sc")),
            ("update --source-id AKS/shop-aks --connection=", at(Some("shop-aks"), "sc")),
            ("list-configuration --source-id AKS/nosuch --connection or", None),
        ] {
            assert_eq!(context(typed, None), found, "{typed}");
        }
        assert_eq!(context("show -n shop-aks", Some(3)), at(Some("shop-aks"), "sc"), "a shell may leave the empty word out");
        assert_eq!(context("validate or -n shop-aks", Some(1)), at(Some("shop-aks"), "sc"), "and may be before other words");
    }

    /// Whoever copies one gets no error of the shell's.
    #[test]
    fn each_example_of_the_help_is_what_bash_takes() {
        let mut seen = 0;
        for command in Args::command().get_subcommands() {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for example in text.lines().skip_while(|line| !line.starts_with("Example")).skip(1) {
                let checked = Command::new("bash").args(["-n", "-c", example]).output().unwrap();
                assert!(checked.status.success(), "{example}: {}", String::from_utf8_lossy(&checked.stderr));
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} examples");
    }
}
