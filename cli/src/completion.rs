//! What a shell may complete an argument to: names that only the catalogue or the cluster has.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use sc_core::catalogue::{CLIENT_TYPES, Catalogue};

use crate::args::Args;
use crate::listing::Listing;
use crate::store::Store;

/// Whoever presses a key does not wait longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The names of target services.
pub(crate) fn target_services(begun: &OsStr) -> Vec<CompletionCandidate> {
    candidates(begun, Catalogue::builtin().names())
}

/// The client types.
pub(crate) fn client_types(begun: &OsStr) -> Vec<CompletionCandidate> {
    candidates(begun, CLIENT_TYPES)
}

/// The names of the connections of the release; none if it cannot be read at once.
pub(crate) fn connections(begun: &OsStr) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let names = async { tokio::time::timeout(PATIENCE, names()).await.ok()?.ok() };
    let names = runtime.ok().and_then(|runtime| runtime.block_on(names)).unwrap_or_default();
    candidates(begun, names.iter().map(String::as_str))
}

async fn names() -> anyhow::Result<Vec<String>> {
    let Some(place) = Args::begun_place() else { return Ok(Vec::new()) };
    let store = Store::at(&place).await?;
    let Some(stored) = store.helm.status().await? else { return Ok(Vec::new()) };
    let listing = Listing::read(&store, &stored).await?;
    let broken = listing.named_broken().map(|(name, _)| name);
    Ok(listing.present().map(|listed| listed.connection.name.as_str()).chain(broken).map(str::to_owned).collect())
}

fn candidates<'a>(begun: &OsStr, names: impl IntoIterator<Item = &'a str>) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*begun)).map(CompletionCandidate::new).collect()
}
