//! First installs of many connections beside the plain loop: rate, CPU, requests.

use anyhow::Result;

use crate::audit::Requests;
use crate::figure::{Figure, Pair};
use crate::part::pairs::Pairs;
use crate::room::Room;
use crate::statistics::precise;
use crate::tools::Tools;

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let pairs = Pairs::run(tools, tools.bench.asked.count(), tools.bench.asked.runs)?;
    tools.bench.keep("install-10000", Figure::speed(pairs.times.clone()))?;
    tools.bench.keep("cpu-install", Figure::percent(pairs.cpu.clone()))?;
    let requests = pairs.requests.clone();
    let (room, _) = pairs.end()?;
    let excess = excess(tools, &room, &requests)?;
    tools.bench.keep("requests-install", excess)
}

/// The requests of runs beside those that are needed: one for each object and each referenced Secret, two for each set, and one for each page of
/// the inventory.
///
/// # Errors
/// If the inventory cannot be read.
pub fn excess(tools: &mut Tools, room: &Room, requests: &[Requests]) -> Result<Figure> {
    let mut pages = 0;
    tools.api.each(&format!("/api/v1/namespaces/{}/configmaps", room.system), "", |map| {
        pages += usize::from(map["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("sc-inventory-")));
        Ok(())
    })?;
    let needed = room.documents.count + 1 + 2 * room.documents.sets() + pages;
    let pairs = requests.iter().map(|requests| Pair { ours: precise(requests.all), baseline: precise(needed) });
    Ok(Figure::excess(pairs.collect()))
}
