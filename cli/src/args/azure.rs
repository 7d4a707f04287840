//! Arguments of `az aks connection` that are about Azure and not about the cluster: known, so that a script of az gets a true answer.

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::fault::Fault;

/// What an argument is that cannot be meant here.
pub(crate) struct Meaningless {
    /// Its flag.
    pub(crate) flag: &'static str,
    /// Why it means nothing here.
    pub(crate) why: &'static str,
    /// What to do instead.
    pub(crate) fix: &'static str,
}

/// Those that az takes with each of its commands.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Arguments of az without a meaning here")]
pub(crate) struct GlobalArgs {
    /// Has az say no warnings. Passed over.
    #[arg(long, global = true, hide = true)]
    only_show_errors: bool,

    /// Has az say all that it does. Passed over.
    #[arg(long, global = true, hide = true)]
    debug: bool,

    /// Has az say more. Passed over.
    #[arg(long, global = true, hide = true)]
    verbose: bool,

    /// Subscription of the AKS cluster. Passed over: the context in the kubeconfig says which cluster it is.
    #[arg(long, global = true, value_name = "ID", hide = true)]
    subscription: Option<String>,

    /// Query that az asks of its answer. Refused: `sc` has no query language.
    #[arg(long, global = true, value_name = "QUERY", hide = true)]
    query: Option<String>,
}

impl GlobalArgs {
    /// What is asked for by one of them and would not be done.
    pub(crate) fn meaningless(&self) -> Option<Meaningless> {
        let fix = "leave it out, and pick by jq from the whole answer: `sc … --output json | jq …`";
        self.query.as_ref().map(|_| Meaningless { flag: "--query", why: "`sc` has no query language", fix })
    }
}

impl From<Meaningless> for Fault {
    fn from(Meaningless { flag, why, fix }: Meaningless) -> Self {
        Self::invalid(format!("`{flag}` means nothing here: {why}"), fix)
    }
}

/// Those of `create` and `update`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Arguments of az without a meaning here")]
pub(crate) struct AzureArgs {
    /// Key vault that az keeps credentials in for other sources. Passed over, as az does for AKS.
    #[arg(long, value_name = "ID", hide = true)]
    pub(crate) vault_id: Option<String>,

    /// App Configuration store to write the variables to. Refused: they go to a Secret.
    #[arg(long, value_name = "ID", hide = true)]
    appconfig_id: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,

    /// Has az make connection strings of a web app. Refused: az takes it for web apps alone.
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    config_connstr: Option<bool>,

    /// Has az make the target, or its database user, anew. Refused.
    #[arg(long = "new", id = "new_target", hide = true)]
    new: bool,

    /// Has az ask nothing. Passed over: nothing is asked here but credentials.
    #[arg(long, short, hide = true)]
    yes: bool,
}

/// How az lets the source reach the target.
#[derive(Debug, Clone, Default, Args)]
struct NetworkArgs {
    /// Has az change the network of the target. Refused.
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    service_endpoint: Option<bool>,

    /// Has az change the network of the target. Refused.
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    private_endpoint: Option<bool>,
}

impl AzureArgs {
    /// The first one that was given and cannot be passed over: what was asked for by it would not be done.
    pub(crate) fn meaningless(&self) -> Option<Meaningless> {
        let network = "`sc` changes nothing in Azure, networks neither";
        let open = "leave it out, and let the network of the cluster reach the target by `az network`";
        let known = [
            (
                self.appconfig_id.is_some(),
                "--appconfig-id",
                "variables go to a Secret, and to no App Configuration store",
                "leave it out: the workload reads the Secret",
            ),
            (self.network.service_endpoint == Some(true), "--service-endpoint", network, open),
            (self.network.private_endpoint == Some(true), "--private-endpoint", network, open),
            (self.config_connstr == Some(true), "--config-connstr", "it is for web apps, in az too", "leave it out"),
            (self.new, "--new", "`sc` makes nothing in Azure, neither targets nor users", "make it first by `az`, and leave this out"),
        ];
        known.into_iter().find_map(|(is_given, flag, why, fix)| is_given.then_some(Meaningless { flag, why, fix }))
    }
}
