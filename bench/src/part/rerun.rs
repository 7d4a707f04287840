//! Reruns that change nothing, by GET and by LIST, and one that changes one object.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::figure::{Figure, Pair};
use crate::output::say;
use crate::part::install::excess;
use crate::part::pairs::{Measured, measured};
use crate::room::{Rights, Room};
use crate::statistics::{precise, rate};
use crate::tools::Tools;

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    tools.best()?;
    let count = tools.bench.asked.count();
    say(&format!("first install of {count}, to be run again"));
    let (room, _) = tools.installed(count, Rights::Get)?;
    let bodies = tools.bodies_of(&room)?;
    let before = versions(tools, &room)?;
    let by_get = reruns(tools, &room, &bodies)?;
    keep_by_get(tools, &room, &by_get)?;
    room.grant(&mut tools.api, Rights::List)?;
    let by_list = reruns(tools, &room, &bodies)?;
    let after = versions(tools, &room)?;
    tools.bench.keep("rerun-list-10000", Figure::speed(times(&by_list)))?;
    let writes = by_get.iter().chain(&by_list).map(|(run, _)| precise(run.requests.writes_outside));
    tools.bench.keep("rerun-writes", Figure::of(writes.collect()))?;
    let changed = before.iter().filter(|(name, version)| after.get(*name) != Some(version)).count();
    tools.bench.keep("rerun-versions", Figure::of(vec![precise(changed)]))?;
    change_one(tools, &room)
}

/// Each run of ours, with the milliseconds of the plain GET loop right beside it.
fn reruns(tools: &mut Tools, room: &Room, bodies: &Path) -> Result<Vec<(Measured, f64)>> {
    let (runs, count) = (tools.bench.asked.runs, room.documents.count);
    let mut reruns = Vec::new();
    for run in 0..runs {
        say(&format!("rerun of {count}, run {} of {runs}", run + 1));
        let early = if run % 2 == 0 { None } else { Some(tools.get_all(room, bodies)?) };
        let ours = measured(tools, room)?;
        let baseline = early.map_or_else(|| tools.get_all(room, bodies), Ok)?;
        say(&format!("  ours {:.0}/s, the plain loop {:.0}/s", rate(count, ours.took.milliseconds), rate(count, baseline)));
        reruns.push((ours, baseline));
    }
    Ok(reruns)
}

fn keep_by_get(tools: &mut Tools, room: &Room, runs: &[(Measured, f64)]) -> Result<()> {
    tools.bench.keep("rerun-get-10000", Figure::speed(times(runs)))?;
    tools.bench.keep("cpu-rerun", Figure::percent(runs.iter().map(|(run, _)| run.cpu).collect()))?;
    let requests: Vec<_> = runs.iter().map(|(run, _)| run.requests).collect();
    let excess = excess(tools, room, &requests)?;
    tools.bench.keep("requests-rerun", excess)
}

fn times(runs: &[(Measured, f64)]) -> Vec<Pair> {
    runs.iter().map(|(run, baseline)| Pair { ours: run.took.milliseconds, baseline: *baseline }).collect()
}

/// The resourceVersion of each Secret: whoever writes to one changes it.
fn versions(tools: &mut Tools, room: &Room) -> Result<BTreeMap<String, String>> {
    let mut versions = BTreeMap::new();
    room.each_secret(&mut tools.api, |secret| {
        let metadata = &secret["metadata"];
        versions.insert(metadata["name"].to_string(), metadata["resourceVersion"].to_string());
        Ok(())
    })?;
    Ok(versions)
}

fn change_one(tools: &mut Tools, room: &Room) -> Result<()> {
    let mut writes = Vec::new();
    for run in 0..tools.bench.asked.runs {
        say(&format!("one changed of {}, run {} of {}", room.documents.count, run + 1, tools.bench.asked.runs));
        room.change_first(&mut tools.api, &format!("changed{run:06}"))?;
        writes.push(precise(measured(tools, room)?.requests.writes_outside));
    }
    tools.bench.keep("changed-writes", Figure::of(writes))
}
