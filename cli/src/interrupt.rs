//! Ctrl-C: asked once, a command leaves things in order; asked again, it ends at once.

use anyhow::{Context, Result};
use sc_job::stop::Stop;
use tokio::signal::unix::{SignalKind, signal};

use crate::output;
use crate::place::Place;

/// The exit code of whoever was interrupted, as shells have it: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Has this stop heed SIGINT and SIGTERM from here on, and a second SIGINT end the process.
///
/// # Errors
/// If the process may not listen to signals.
pub(crate) fn heed(stop: &Stop, place: &Place) -> Result<()> {
    let failed = "failed to listen to signals";
    stop.on_signals().context(failed)?;
    let told = format!("asked again: what was begun is left as it is, and `{} status` says how that is", place.command("sc"));
    let mut interrupt = signal(SignalKind::interrupt()).context(failed)?;
    tokio::spawn(async move {
        let _ = interrupt.recv().await;
        let _ = interrupt.recv().await;
        output::say(&told);
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}
