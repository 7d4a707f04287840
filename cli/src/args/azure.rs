//! Arguments of `az aks connection` that are about Azure and not about the cluster: known, so that a script of az gets a true answer.

use clap::Args;

/// What an argument is that cannot be meant here.
pub(crate) struct Meaningless {
    /// Its flag.
    pub(crate) flag: &'static str,
    /// Why it means nothing here.
    pub(crate) why: &'static str,
    /// What to do instead.
    pub(crate) fix: &'static str,
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
    #[arg(long, hide = true)]
    config_connstr: bool,

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
    #[arg(long, hide = true)]
    service_endpoint: bool,

    /// Has az change the network of the target. Refused.
    #[arg(long, hide = true)]
    private_endpoint: bool,
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
            (self.network.service_endpoint, "--service-endpoint", network, open),
            (self.network.private_endpoint, "--private-endpoint", network, open),
            (self.config_connstr, "--config-connstr", "it is for web apps, in az too", "leave it out"),
            (self.new, "--new", "`sc` makes nothing in Azure, neither targets nor users", "make it first by `az`, and leave this out"),
        ];
        known.into_iter().find_map(|(is_given, flag, why, fix)| is_given.then_some(Meaningless { flag, why, fix }))
    }
}
