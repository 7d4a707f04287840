//! The arguments of the commands about connections: those of `az aks connection`, and few of our own.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser};
use clap_complete::ArgValueCompleter;

use super::azure::AzureArgs;
use super::{NoOutput, Output, Pair, namespace, pair, words};
use crate::completion;

/// What az wants to know of the identity of a MySQL server.
const MYSQL_IDENTITY: &str = "mysql-identity-id=";

/// The AKS cluster, as az names it. Elsewhere, and by default, it is the one of the kubeconfig's context.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which cluster, as az names it")]
pub(crate) struct SourceArgs {
    /// Resource id of the AKS cluster; its context in the kubeconfig is taken.
    #[arg(long, value_name = "ID")]
    pub(crate) source_id: Option<String>,

    /// Resource group of the AKS cluster.
    #[arg(long, short = 'g', value_name = "NAME", requires = "cluster_name")]
    pub(crate) resource_group: Option<String>,

    /// Name of the AKS cluster; its context in the kubeconfig is taken.
    #[arg(long = "name", short = 'n', id = "cluster_name", value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Which connection.
#[derive(Debug, Clone, Args)]
pub(crate) struct Selection {
    /// The connection's name.
    #[arg(value_name = "CONNECTION", conflicts_with_all = ["connection", "id"], add = ArgValueCompleter::new(completion::connections))]
    pub(crate) positional: Option<String>,

    /// The connection's name, as az takes it.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: Option<String>,

    /// The connection's id, as `sc` and az print it.
    #[arg(long, value_name = "ID", conflicts_with = "connection")]
    pub(crate) id: Option<String>,

    /// The namespace of the connection; needed only where several have that name.
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) kube_namespace: Option<String>,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Shows a connection, or its variables.
#[derive(Debug, Parser)]
pub(crate) struct SelectArgs {
    #[command(flatten)]
    pub(crate) output: Output,

    // Last, here and below, since the heading of its last part goes on over what follows.
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// Lists all connections of the release.
///
/// One that is wrong as it is written is Failed; JSON and YAML have the reason.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  all were listed, those that have failed or are wrong, too
  1  they could not be read, or not all of them

Example:\n  sc list --kube-namespace shop --output table")]
pub(crate) struct ListArgs {
    /// Only those in this namespace.
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) kube_namespace: Option<String>,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Makes a connection, and waits until its workload can use it. One of that name in that namespace is replaced.
///
/// A credential goes into a Secret in the namespace of the release, and the values of the release refer to it.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  sc create postgres-flexible --connection orders --kube-namespace shop --server orders-db --database orders --secret name=app --client-type python
  sc create storage-blob --connection media --account shopmedia --workload-identity 11111111-2222-3333-4444-555555555555 --client-type java
  printf 'name=app\\nsecret=%s\\n' \"$PASSWORD\" | sc create mysql-flexible --connection stock --server stock-db --database stock --secret --credentials-stdin")]
pub(crate) struct CreateArgs {
    /// What to connect to: `sc list-support-types` has them all.
    #[arg(value_name = "TARGET", add = ArgValueCompleter::new(completion::target_services))]
    pub(crate) target_service: String,

    /// The connection's name; without it one is made, as az does.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,

    /// The namespace of the workload.
    #[arg(long, value_name = "NAMESPACE", default_value = "default", value_parser = namespace)]
    pub(crate) kube_namespace: String,

    /// Makes that namespace if it is not there. It outlives the release.
    #[arg(long)]
    pub(crate) create_namespace: bool,

    #[command(flatten)]
    pub(crate) options: Options,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Changes a connection. What no argument is about stays as it is, credentials too.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  sc update postgres-flexible --connection orders --secret name=app\n  sc update --connection orders --client-type go"
)]
pub(crate) struct UpdateArgs {
    /// What it connects to, as az takes it; it cannot be changed.
    #[arg(value_name = "TARGET")]
    pub(crate) target_service: Option<String>,

    /// The connection's name.
    #[arg(long, value_name = "NAME", required_unless_present = "id", add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: Option<String>,

    /// The connection's id, as `sc` and az print it.
    #[arg(long, value_name = "ID", conflicts_with = "connection")]
    pub(crate) id: Option<String>,

    /// The namespace of the connection; needed only where several have that name.
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace)]
    pub(crate) kube_namespace: Option<String>,

    #[command(flatten)]
    pub(crate) options: Options,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

impl UpdateArgs {
    /// Which connection.
    pub(crate) fn selection(&self) -> Selection {
        Selection {
            positional: None,
            connection: self.connection.clone(),
            id: self.id.clone(),
            kube_namespace: self.kube_namespace.clone(),
            source: self.source.clone(),
        }
    }
}

/// What `create` and `update` may say of a connection.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Whose names the variables get: `sc list-support-types` has them all.
    #[arg(long, value_name = "NAME", value_parser = words::client_type(), add = ArgValueCompleter::new(completion::client_types))]
    pub(crate) client_type: Option<String>,

    /// Takes over objects of these names that are there already and not ours, once.
    #[arg(long)]
    pub(crate) adopt: bool,

    /// Returns when the run has begun; `sc wait` waits for its end.
    #[arg(long)]
    pub(crate) no_wait: bool,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) target: TargetArgs,

    #[command(flatten)]
    pub(crate) auth: AuthArgs,

    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,

    #[command(flatten)]
    pub(crate) azure: AzureArgs,
}

/// The target: an id, or its parts.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// Resource id of the target.
    #[arg(long, value_name = "ID")]
    pub(crate) target_id: Option<String>,

    /// Resource group of the target.
    #[arg(long, visible_alias = "tg", value_name = "NAME")]
    pub(crate) target_resource_group: Option<String>,

    /// Server.
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,

    /// Database.
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,

    /// Storage, Cosmos DB or Cognitive Services account.
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,

    /// Cassandra key space.
    #[arg(long, value_name = "NAME")]
    pub(crate) key_space: Option<String>,

    /// Gremlin graph.
    #[arg(long, value_name = "NAME")]
    pub(crate) graph: Option<String>,

    /// Table.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,

    /// Key vault.
    #[arg(long, value_name = "NAME")]
    pub(crate) vault: Option<String>,

    /// App Configuration store.
    #[arg(long, value_name = "NAME")]
    pub(crate) app_config: Option<String>,

    /// Event Hubs or Service Bus namespace.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// SignalR.
    #[arg(long, value_name = "NAME")]
    pub(crate) signalr: Option<String>,

    /// Web PubSub.
    #[arg(long, value_name = "NAME")]
    pub(crate) webpubsub: Option<String>,

    /// Application Insights.
    #[arg(long, value_name = "NAME")]
    pub(crate) app_insights: Option<String>,

    /// Kafka bootstrap server.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bootstrap_server: Option<String>,

    /// URL of the schema registry: a second connection, `NAME_schema`, is made for it.
    #[arg(long, value_name = "URL")]
    pub(crate) schema_registry: Option<String>,

    /// Other parts or facts of the target, such as `host=db.example`; `sc list-support-types` and the catalogue have their names.
    #[arg(long = "target", value_name = "KEY=VALUE", num_args = 1.., value_parser = pair)]
    pub(crate) parts: Vec<Pair>,
}

impl TargetArgs {
    /// The parts that were given, as values name them.
    pub(crate) fn given(&self) -> Vec<(&str, &str)> {
        let named = words::PARTS.iter().filter_map(|(part, _, value)| Some((*part, value(self).as_deref()?)));
        named.chain(self.parts.iter().map(|pair| (pair.key.as_str(), pair.value.as_str()))).collect()
    }
}

/// How the workload logs in: one of these.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "How the workload logs in")]
#[command(group = ArgGroup::new("auth").args(["secret", "workload_identity", "service_principal", "kafka_secret"]))]
pub(crate) struct AuthArgs {
    /// By a secret: `name=USER secret=PASSWORD`, `secret=KEY`, or nothing, and then it is asked for without echo.
    #[arg(long, value_name = "KEY=VALUE", num_args = 0.., value_parser = pair)]
    pub(crate) secret: Option<Vec<Pair>>,

    /// As a workload identity: its client id, or its resource id, which `az` then looks up.
    ///
    /// A `mysql-identity-id=ID` after it is passed over: it is how az logs in to make a user, which `sc` does not.
    #[arg(long, value_name = "ID", num_args = 1..=2)]
    workload_identity: Vec<String>,

    /// As a service principal: `client-id=ID secret=SECRET tenant-id=ID`; a secret that is left out is asked for without echo.
    #[arg(long, value_name = "KEY=VALUE", num_args = 0.., value_parser = pair)]
    pub(crate) service_principal: Option<Vec<Pair>>,

    /// By the Secrets Store CSI driver, which mounts secrets of a key vault (keyvault only).
    ///
    /// The driver's provider logs in as the managed identity of `--client-id`, or with `--workload-identity` or `--service-principal` as that one.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) enable_csi: Option<bool>,

    /// With --enable-csi or --workload-identity: client id of the identity.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,

    /// Tenant of the identity.
    #[arg(long, value_name = "ID")]
    pub(crate) tenant_id: Option<String>,

    /// User that the workload logs in as, where the target wants one: `aad_` and the name of the connection without it.
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// With --enable-csi: what to mount, as `NAME`, `NAME=FILE`, or `cert/NAME=FILE`.
    #[arg(long, value_name = "OBJECT", num_args = 1..)]
    pub(crate) vault_object: Vec<String>,

    /// Key of the Kafka cluster (confluent-cloud only).
    #[arg(long, value_name = "KEY")]
    pub(crate) kafka_key: Option<String>,

    /// Secret of that key.
    #[arg(long, value_name = "SECRET")]
    pub(crate) kafka_secret: Option<String>,

    /// Key of the schema registry.
    #[arg(long, value_name = "KEY")]
    pub(crate) schema_key: Option<String>,

    /// Secret of that key.
    #[arg(long, value_name = "SECRET")]
    pub(crate) schema_secret: Option<String>,

    /// Reads the credentials from standard input, one KEY=VALUE a line, by the same keys.
    #[arg(long)]
    pub(crate) credentials_stdin: bool,

    /// What standard input has, or a person has typed.
    #[arg(skip)]
    pub(crate) typed: Vec<Pair>,

    /// A credential that is in a Secret of the release's namespace already, as `password=orders-admin/password`.
    #[arg(long, value_name = "CREDENTIAL=SECRET/KEY", num_args = 1.., value_parser = pair)]
    pub(crate) secret_ref: Vec<Pair>,
}

impl AuthArgs {
    /// The workload identity that was given.
    pub(crate) fn identity(&self) -> Option<&str> {
        self.workload_identity.iter().map(String::as_str).find(|word| !word.starts_with(MYSQL_IDENTITY))
    }
}

impl AuthArgs {
    /// Whether anything is said of credentials.
    pub(crate) fn is_given(&self) -> bool {
        let texts = [&self.client_id, &self.tenant_id, &self.username, &self.kafka_key, &self.kafka_secret, &self.schema_key, &self.schema_secret];
        self.credentials_stdin || !self.secret_ref.is_empty() || !self.vault_object.is_empty() || texts.iter().any(|text| text.is_some())
    }
}

/// What the variables are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Variables")]
pub(crate) struct ConfigurationArgs {
    /// Renames variables: `AZURE_POSTGRESQL_HOST=PGHOST`.
    #[arg(long, value_name = "NAME=NEW", num_args = 1.., value_parser = pair)]
    pub(crate) customized_keys: Vec<Pair>,

    /// Adds properties to connection strings: `connect_timeout=10`.
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = pair)]
    pub(crate) connstr_props: Vec<Pair>,

    /// Adds variables: `FEATURE_X=on`.
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = pair)]
    pub(crate) additional_configurations: Vec<Pair>,

    /// What is left out: `configinfo` leaves out the Secret with variables. `publicnetwork` and `auth` change nothing: `sc` touches neither.
    #[arg(long, value_name = "WHAT", num_args = 1.., ignore_case = true, value_parser = opt_out())]
    pub(crate) opt_out: Vec<String>,

    /// Gives the variable that the App Configuration provider for Kubernetes reads (appconfig only).
    #[arg(long, short = 'e', visible_alias = "enable-appconfig-extension", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub(crate) use_appconfig_extension: Option<bool>,
}

/// Checks a connection from its values to the first words of its target, the latter from a pod in its namespace, which is gone afterwards.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes:
  0  no check has failed
  1  it could not be checked
  3  a check has failed

Example:\n  sc validate orders --output table")]
pub(crate) struct ValidateArgs {
    /// Certificate authorities to trust beside those of this machine, in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// Deletes a connection and the objects that were made for it. Its workload loses its variables at the next start.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc delete orders --yes")]
pub(crate) struct DeleteArgs {
    /// Does not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Returns when the run has begun; `sc wait --deleted` waits for its end.
    #[arg(long)]
    pub(crate) no_wait: bool,

    #[command(flatten)]
    output: NoOutput,

    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// Waits until a connection is as it should be.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  sc wait orders --created --timeout 60")]
#[command(group = ArgGroup::new("condition").args(["created", "exists", "deleted"]))]
pub(crate) struct WaitArgs {
    /// Until it is applied as it is in the values; so it is without a condition, too.
    #[arg(long, visible_alias = "updated")]
    pub(crate) created: bool,

    /// Until it is in the values.
    #[arg(long)]
    pub(crate) exists: bool,

    /// Until it is gone, with its objects.
    #[arg(long)]
    pub(crate) deleted: bool,

    /// Query that az asks of the connection. Refused: `sc` has no query language.
    #[arg(long, value_name = "QUERY", hide = true)]
    pub(crate) custom: Option<String>,

    /// So many seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) interval: Duration,

    /// So many seconds in all.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    output: NoOutput,

    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// What az lets be left out, in any case, as it is spelled here.
fn opt_out() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(["publicnetwork", "configinfo", "auth"]).map(|what| what.to_lowercase())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|_| "write a whole number of seconds".to_owned())?;
    Ok(Duration::from_secs(seconds.max(1).into()))
}
