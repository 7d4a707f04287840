//! `sc diff`: what a run of the job would change, by keys. Nothing is written.

use anyhow::Result;
use sc_core::report::{Told, Verdict};
use sc_job::work::Done;

use crate::args::release::DiffArgs;
use crate::dry_run::dry_run;
use crate::place::Place;
use crate::store::{Store, values_of};
use crate::{input, output, progress};

/// The exit codes are those of diff(1).
const SAME: u8 = 0;
const DIFFERENT: u8 = 1;
const TROUBLE: u8 = 2;

/// Compares the values with the cluster; returns the exit code.
///
/// # Errors
/// Never: what goes wrong is told, and gives the exit code that diff(1) has for it.
pub(crate) async fn run(args: &DiffArgs, place: &Place) -> Result<u8> {
    Ok(compared(args, place).await.unwrap_or_else(|error| {
        output::failure(&error);
        TROUBLE
    }))
}

async fn compared(args: &DiffArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let document = match &args.values {
        Some(file) => input::read(file)?,
        None => values_of(&store.stored().await?).to_string().into_bytes(),
    };
    let compared = dry_run(&store, &document, Some(&place.release_namespace));
    let (Done { report, cut_short, .. }, outcomes) = progress::during("comparing the values with the cluster", compared).await;
    if !outcomes.is_empty() {
        output::print("a run would do this:\n")?;
    }
    let told = outcomes.iter().map(|(id, outcome)| Told(id, outcome).to_string()).collect::<String>();
    output::print(&(told + &report.to_string()))?;
    match cut_short {
        Some(error) => Err(error),
        None if report.verdict() != Verdict::Applied => Ok(TROUBLE),
        None => Ok(if report.has_changes() { DIFFERENT } else { SAME }),
    }
}
