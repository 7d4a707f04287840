//! The values of a run, and what applying them will prove.

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};

use crate::args::Args;
use crate::cluster::Cluster;
use crate::cluster::status::Desired;
use crate::stop::Stop;

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
            None => live(cluster, &args.release_namespace, stop).await?,
        };
        let hash = hexadecimal(&Sha256::digest(&bytes));
        Ok(Self { bytes, desired: Desired { hash, uid, version: args.version() } })
    }
}

/// The live content wins: an older pod can never push older values.
async fn live(cluster: &Cluster, namespace: &str, stop: &Stop) -> Result<(Vec<u8>, String)> {
    let failed = || format!("failed to read Secret `{namespace}/{}`", CONFIG.0);
    let read = stop.or(cluster.get(&format!("/api/v1/namespaces/{namespace}/secrets/{}", CONFIG.0))).await;
    let live = read.with_context(failed)?.with_context(failed)?.ok_or_else(|| anyhow!("it does not exist").context(failed()))?;
    let bytes = sc_core::document::of_secret(&live, CONFIG.1).ok_or_else(|| anyhow!("it has no key `{}`", CONFIG.1).context(failed()))?;
    Ok((bytes, live["metadata"]["uid"].as_str().unwrap_or_default().to_owned()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
