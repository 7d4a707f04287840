//! The values of a run, and what applying them will prove.

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::args::Args;
use crate::cluster::Cluster;
use crate::cluster::status::Desired;
use crate::stop::Stop;
use crate::token::own_issuer;

/// The Secret that holds the values, and its key.
const CONFIG: (&str, &str) = ("sc-config", "values.json");

/// Values that were read. No Debug: credentials may stand in them.
pub(crate) struct Document {
    /// The values, as YAML or JSON.
    pub(crate) bytes: Vec<u8>,
    /// What applying them will prove.
    pub(crate) desired: Desired,
}

impl Document {
    /// Reads the file that the arguments name, or else the live Secret `sc-config`.
    ///
    /// # Errors
    /// If it is not to be had.
    pub(crate) async fn read(cluster: &Cluster, args: &Args, stop: &Stop) -> Result<Self> {
        let (bytes, uid) = match &args.values {
            Some(file) => (std::fs::read(file).with_context(|| format!("failed to read `{}`", file.display()))?, String::new()),
            None => parts(live(cluster, &args.release_namespace, stop).await?, &args.release_namespace)?,
        };
        let hash = hash(&bytes);
        Ok(Self { bytes, desired: Desired { hash, uid, version: args.version(), issuer: own_issuer().unwrap_or_default() } })
    }

    /// No values, but whose: those of the live `sc-config`, if there is one, whatever is in it.
    ///
    /// # Errors
    /// If the API server cannot be asked.
    pub(crate) async fn nothing_of_live(cluster: &Cluster, args: &Args, stop: &Stop) -> Result<Self> {
        let live = live(cluster, &args.release_namespace, stop).await?;
        let uid = live.as_ref().map(uid).unwrap_or_default();
        Ok(Self {
            bytes: Vec::new(),
            desired: Desired { hash: String::new(), uid, version: args.version(), issuer: own_issuer().unwrap_or_default() },
        })
    }
}

/// The live content wins: an older pod can never push older values. Nothing if there is none.
async fn live(cluster: &Cluster, namespace: &str, stop: &Stop) -> Result<Option<Value>> {
    let read = stop.or(cluster.get(&format!("/api/v1/namespaces/{namespace}/secrets/{}", CONFIG.0))).await;
    read.with_context(|| failed(namespace))?.with_context(|| failed(namespace))
}

/// Its values and its UID.
fn parts(live: Option<Value>, namespace: &str) -> Result<(Vec<u8>, String)> {
    let live = live.ok_or_else(|| anyhow!("it does not exist").context(failed(namespace)))?;
    let bytes = sc_core::document::of_secret(&live, CONFIG.1).ok_or_else(|| anyhow!("it has no key `{}`", CONFIG.1).context(failed(namespace)))?;
    Ok((bytes, uid(&live)))
}

fn uid(live: &Value) -> String {
    live["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn failed(namespace: &str) -> String {
    format!("failed to read Secret `{namespace}/{}`", CONFIG.0)
}

/// The hash that proves which values were applied: SHA-256 in hexadecimal, as the chart writes it beside them.
#[must_use]
pub fn hash(values: &[u8]) -> String {
    let bytes = Sha256::digest(values);
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
