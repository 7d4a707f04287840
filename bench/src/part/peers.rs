//! First installs and reruns beside kubectl and Helm, with the very same Secrets.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::bodies;
use crate::figure::{Figure, Pair};
use crate::output::say;
use crate::part::helm::{helm, manifests, write_chart};
use crate::room::{Rights, Room};
use crate::tools::Tools;

const COUNT: usize = 1000;
/// The figures, in the order in which the peers run.
const FIGURES: [&str; 4] = ["create-1000", "apply-1000", "helm-1000", "upgrade-1000"];

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let (warm, _) = tools.installed(COUNT, Rights::List)?;
    let bodies = tools.bodies_of(&warm)?;
    let mut pairs = FIGURES.map(|_| Vec::new());
    for run in 0..tools.bench.asked.runs {
        say(&format!("ours beside kubectl and Helm, run {} of {}", run + 1, tools.bench.asked.runs));
        for (figure, pair) in pairs.iter_mut().zip(measure(tools, &bodies)?) {
            figure.push(pair);
        }
    }
    FIGURES.iter().zip(pairs).try_for_each(|(id, pairs)| tools.bench.keep(id, Figure::speed(pairs)))
}

/// Ours stands right beside each of the others.
fn measure(tools: &mut Tools, bodies: &Path) -> Result<[Pair; 4]> {
    let create = Pair { ours: tools.installed(COUNT, Rights::List)?.1.milliseconds, baseline: kubectl(tools, bodies, &["create"])? };
    let apply = Pair { ours: tools.installed(COUNT, Rights::List)?.1.milliseconds, baseline: kubectl(tools, bodies, &["apply", "--server-side"])? };
    let (room, took) = tools.installed(COUNT, Rights::List)?;
    let (peer, baseline) = install(tools, bodies)?;
    let first = Pair { ours: took.milliseconds, baseline };
    let ours = tools.run_job(&room)?.milliseconds;
    let again = helm(&["upgrade"], &tools.bench.programs.file("chart"), &peer);
    Ok([create, apply, first, Pair { ours, baseline: tools.bench.programs.timed(&again)?.milliseconds }])
}

fn kubectl(tools: &mut Tools, bodies: &Path, verb: &[&str]) -> Result<f64> {
    let room = tools.bare_room(COUNT)?;
    let file = tools.bench.programs.file("manifests.yaml");
    fs::write(&file, manifests(&bodies::read(bodies, COUNT, &room.documents.prefix)?))?;
    let mut command = Command::new("kubectl");
    command.args(verb).arg("-f").arg(&file);
    let took = tools.bench.programs.timed(&command)?;
    room.check(&mut tools.api)?;
    Ok(took.milliseconds)
}

fn install(tools: &mut Tools, bodies: &Path) -> Result<(Room, f64)> {
    let room = tools.bare_room(COUNT)?;
    let chart = tools.bench.programs.file("chart");
    write_chart(&chart, &manifests(&bodies::read(bodies, COUNT, &room.documents.prefix)?))?;
    let took = tools.bench.programs.timed(&helm(&["install"], &chart, &room))?;
    room.check(&mut tools.api)?;
    Ok((room, took.milliseconds))
}
