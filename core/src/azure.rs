//! What must exist in Azure before a connection works, as far as that follows from the connection: who trusts whom, and who may read a vault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest, Sha256};

use crate::catalogue::AuthType;
use crate::connection::Connection;
use crate::names::Guid;
use crate::values::State;

/// The audience of the tokens that Entra takes in exchange, the same in all clouds (Microsoft Entra, "Workload identity federation").
pub const AUDIENCE: &str = "api://AzureADTokenExchange";
/// So many federated credentials an identity may have (the same page, "Considerations and restrictions").
pub const MOST_CREDENTIALS: usize = 20;

/// Something that must exist in Azure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A federated credential of an identity: it trusts a ServiceAccount.
    Trust {
        /// The client id of the identity.
        client_id: Guid,
        /// The ServiceAccount, as its tokens name it.
        subject: String,
    },
    /// A role of an identity on a vault.
    Role {
        /// The client id of the identity.
        client_id: Guid,
        /// The name of the vault.
        vault: String,
        /// The role.
        role: &'static str,
    },
}

impl Need {
    /// What a connection needs, each once; nothing if only whoever keeps its target knows.
    #[must_use]
    pub fn of(connection: &Connection) -> BTreeSet<Self> {
        if connection.state == State::Absent {
            return BTreeSet::new();
        }
        let trust = connection.federated().map(|identity| Self::Trust {
            client_id: identity.client_id.clone(),
            subject: format!("system:serviceaccount:{}:{}", connection.namespace, identity.client_id.service_account()),
        });
        trust.into_iter().chain(roles(connection)).collect()
    }

    /// The command of Azure CLI that makes it, for a POSIX shell; nothing if it takes the issuer of the cluster's tokens, and that is not known.
    #[must_use]
    pub fn command(&self, issuer: Option<&str>) -> Option<String> {
        Some(match self {
            Self::Trust { client_id, subject } => {
                let (issuer, id) = (issuer?, client_id.as_str());
                format!(
                    "identity=\"$(az identity list --query \"[?clientId=='{id}'].id\" --output tsv)\" && \
                     [ -n \"$identity\" ] || {{ echo 'no managed identity {id} in this subscription' >&2; false; }} && \
                     az identity federated-credential create \
                     --resource-group \"$(az identity show --ids \"$identity\" --query resourceGroup --output tsv)\" \
                     --identity-name \"${{identity##*/}}\" --name {} --issuer '{issuer}' --subject {subject} --audiences {AUDIENCE}",
                    credential_name(issuer, subject),
                )
            }
            Self::Role { client_id, vault, role } => format!(
                "az role assignment create --role '{role}' --assignee {} --scope \"$(az keyvault show --name {vault} --query id --output tsv)\"",
                client_id.as_str()
            ),
        })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trust { client_id, subject } => {
                write!(f, "identity {} must trust subject {subject}, audience {AUDIENCE}", client_id.as_str())
            }
            Self::Role { client_id, vault, role } => write!(f, "identity {} must have the role `{role}` on vault {vault}", client_id.as_str()),
        }
    }
}

/// The identities that need more federated credentials than they may have, each with how many that are.
pub fn overfull<'a>(needs: impl IntoIterator<Item = &'a Need>) -> impl Iterator<Item = (&'a Guid, usize)> {
    let mut counts = BTreeMap::new();
    for need in needs {
        if let Need::Trust { client_id, .. } = need {
            *counts.entry(client_id).or_insert(0) += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > MOST_CREDENTIALS)
}

/// One for each kind of what is fetched (Azure Key Vault, "Azure RBAC").
fn roles(connection: &Connection) -> impl Iterator<Item = Need> {
    let of_kind = |kind: &str| match kind {
        "key" => "Key Vault Crypto User",
        "cert" => "Key Vault Certificate User",
        _ => "Key Vault Secrets User",
    };
    let vault = connection.identity.as_ref().zip(connection.vault()).filter(|_| connection.auth_type == AuthType::Csi);
    let roles = connection.vault_objects.iter().map(move |object| of_kind(&object.kind));
    roles.filter_map(move |role| vault.map(|(identity, vault)| Need::Role { client_id: identity.client_id.clone(), vault: vault.to_owned(), role }))
}

/// A name for a federated credential: 3 to 120 letters, digits, `-` and `_`, the first of them a letter or digit. To make one of a name that there is
/// replaces it, so clusters and namespaces must not share names.
fn credential_name(issuer: &str, subject: &str) -> String {
    let namespace = subject.split(':').nth(2).unwrap_or_default();
    let digest = Sha256::digest(format!("{issuer} {subject}"));
    let mark = digest.iter().take(4).fold(0_u32, |mark, byte| mark << 8 | u32::from(*byte));
    format!("sc-{namespace}-{mark:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::Connections;
    use crate::problem::Problems;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    fn needs(more: &str) -> Vec<Need> {
        let values = format!(
            "{{connections: [{{name: x, namespace: shop, credentials: {{clientId: {ID}, tenantId: 99999999-8888-7777-6666-555555555555}}, {more}}}]}}"
        );
        let mut problems = Problems::default();
        let connections = Connections::parse(values.as_bytes(), &mut problems).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(problems.is_empty(), "{:?}", problems.into_vec());
        connections.listed.iter().flat_map(Need::of).collect()
    }

    #[test]
    fn an_identity_trusts_its_service_account() {
        let found = needs("targetService: storage-blob, authType: workload-identity, target: {account: a}");
        let subject = format!("system:serviceaccount:shop:sc-account-{ID}");
        assert_eq!(found, [Need::Trust { client_id: Guid::parse(ID).unwrap(), subject: subject.clone() }]);
        assert_eq!(found[0].to_string(), format!("identity {ID} must trust subject {subject}, audience api://AzureADTokenExchange"));
        let command = |issuer: &str| found[0].command(Some(issuer)).unwrap();
        let own = command("https://issuer.example/a/");
        assert!(own.ends_with(&format!("--issuer 'https://issuer.example/a/' --subject {subject} --audiences {AUDIENCE}")), "{own}");
        let name = |command: &str| command.split("--name ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        assert!(name(&own).starts_with("sc-shop-"), "{own}");
        assert_ne!(name(&own), name(&command("https://issuer.example/b/")), "that of another cluster stays");
        assert_eq!(found[0].command(None), None, "it is not guessed");
    }

    #[test]
    fn who_fetches_from_a_vault_has_a_role_for_each_kind() {
        let csi = "targetService: keyvault, authType: csi, target: {vault: shop-vault}, secrets: [{name: a}, {name: b, type: key}, {name: c, type: cert}, {name: d}]";
        let texts: Vec<String> = needs(csi).iter().map(ToString::to_string).collect();
        let role = |role: &str| format!("identity {ID} must have the role `{role}` on vault shop-vault");
        assert_eq!(texts, ["Key Vault Certificate User", "Key Vault Crypto User", "Key Vault Secrets User"].map(role), "each once");
        assert_eq!(needs(&format!("{csi}, login: workload-identity")).len(), 4, "and its ServiceAccount is trusted");
    }

    #[test]
    fn an_identity_has_at_most_twenty_credentials() {
        let of = |number: usize| Need::Trust { client_id: Guid::parse(ID).unwrap(), subject: number.to_string() };
        let needs: Vec<Need> = (0..=MOST_CREDENTIALS).map(of).collect();
        assert_eq!(overfull(&needs[1..]).count(), 0);
        assert_eq!(overfull(&needs).map(|(_, count)| count).collect::<Vec<_>>(), [21]);
    }
}
