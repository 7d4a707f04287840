//! `--check`: whether the live values are those that were applied. `helm test` asks it.

use anyhow::{Context, Result};

use crate::args::Args;
use crate::cluster::Cluster;
use crate::cluster::status::Status;
use crate::document::Document;
use crate::stop::Stop;
use crate::{exit, output};

/// Compares `sc-status` with the live `sc-config` and says what it finds; returns the exit code.
pub(crate) async fn check(cluster: &Cluster, args: &Args, stop: &Stop) -> Result<u8> {
    let namespace = &args.release_namespace;
    let desired = Document::read(cluster, args, stop).await?.desired;
    let failed = || format!("failed to read ConfigMap `{namespace}/sc-status`");
    let status = stop.or(Status::read(cluster, namespace)).await.with_context(failed)?.with_context(failed)?;
    if status.proves(&desired.hash, &desired.uid) {
        output::line("proven: the live values were applied");
        return Ok(exit::APPLIED);
    }
    let (result, reason) = status.result();
    let why = match result {
        "" => "no run has begun yet".to_owned(),
        "Succeeded" => "the last run applied other values".to_owned(),
        other => format!("the last run is {other}: {reason}"),
    };
    output::line(&format!("not proven: {why}"));
    output::termination(&format!("not proven: {why}"));
    Ok(exit::REFUSED)
}
