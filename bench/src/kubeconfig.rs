//! A kubeconfig, as far as `scripts/cluster` and this crate write them: one server, and a client certificate or a token.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Where the API server is, and who asks it.
#[derive(Debug, Clone)]
pub struct Kubeconfig {
    /// `host:port`.
    pub server: String,
    /// The certificate of its authority, in PEM.
    pub authority: Vec<u8>,
    /// Who asks.
    pub user: User,
}

/// How a client says who it is.
#[derive(Debug, Clone)]
pub enum User {
    /// By a certificate and its key, both in PEM.
    Certificate(Vec<u8>, Vec<u8>),
    /// By a bearer token.
    Token(String),
}

impl Kubeconfig {
    /// Reads a file: its first cluster and its first user.
    ///
    /// # Errors
    /// If the file, or one that it names, cannot be read, or it names no server or no user.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = || format!("failed to read kubeconfig {}", path.display());
        let tree: Value = serde_yaml::from_str(&fs::read_to_string(path).with_context(failed)?).with_context(failed)?;
        let (cluster, user) = (&tree["clusters"][0]["cluster"], &tree["users"][0]["user"]);
        let server = cluster["server"].as_str().and_then(|url| url.strip_prefix("https://")).context("the kubeconfig has no https server")?;
        let user = match user["token"].as_str() {
            Some(token) => User::Token(token.to_owned()),
            None => User::Certificate(bytes(user, "client-certificate")?, bytes(user, "client-key")?),
        };
        Ok(Self { server: server.trim_end_matches('/').to_owned(), authority: bytes(cluster, "certificate-authority")?, user })
    }

    /// The same server, asked by another user with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { user: User::Token(token.to_owned()), ..self.clone() }
    }

    /// Writes the file, so that programs can be given it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let user = match &self.user {
            User::Token(token) => json!({"token": token}),
            User::Certificate(certificate, key) => {
                json!({"client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key)})
            }
        };
        let cluster = json!({"server": format!("https://{}", self.server), "certificate-authority-data": STANDARD.encode(&self.authority)});
        let tree = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": cluster}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "users": [{"name": "bench", "user": user}],
        });
        fs::write(path, tree.to_string()).with_context(|| format!("failed to write kubeconfig {}", path.display()))
    }
}

/// What stands under `<key>-data`, or in the file that `<key>` names.
fn bytes(fields: &Value, key: &str) -> Result<Vec<u8>> {
    if let Some(text) = fields[&format!("{key}-data")].as_str() {
        return STANDARD.decode(text).with_context(|| format!("`{key}-data` of the kubeconfig is not base64"));
    }
    let path = fields[key].as_str().with_context(|| format!("the kubeconfig has no `{key}`"))?;
    fs::read(path).with_context(|| format!("failed to read the `{key}` of the kubeconfig"))
}
