//! `sc diff`: what a run of the job would change, by keys. Nothing is written.

use anyhow::Result;
use sc_core::report::Verdict;
use sc_job::output::Output;
use sc_job::work::Done;

use crate::args::release::DiffArgs;
use crate::dry_run::dry_run;
use crate::input;
use crate::place::Place;
use crate::store::{Store, values_of};

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
        crate::output::failure(&error);
        TROUBLE
    }))
}

async fn compared(args: &DiffArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let document = match &args.values {
        Some(file) => input::read(file)?,
        None => values_of(&store.stored().await?).to_string().into_bytes(),
    };
    let output = Output::standard();
    let Done { report, cut_short, .. } = dry_run(&store, &document, Some(&place.release_namespace), &output).await;
    output.report(&report);
    match cut_short {
        Some(error) => Err(error),
        None if report.verdict() != Verdict::Applied => Ok(TROUBLE),
        None => Ok(if report.has_changes() { DIFFERENT } else { SAME }),
    }
}
