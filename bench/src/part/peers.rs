//! First installs and reruns beside kubectl and Helm, with the very same Secrets; and how fast anything could be beside them, by the plain loop.

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
/// The figures, in the order of [`measure`].
const FIGURES: [&str; 7] = ["create-1000", "apply-1000", "helm-1000", "upgrade-1000", "loop-create-1000", "loop-apply-1000", "loop-helm-1000"];

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

/// Ours stands right beside each of the others, and one run of the plain loop amid them.
fn measure(tools: &mut Tools, bodies: &Path) -> Result<[Pair; 7]> {
    let create = Pair { ours: tools.installed(COUNT, Rights::List)?.1.milliseconds, baseline: kubectl(tools, bodies, &["create"])? };
    let apply = Pair { ours: tools.installed(COUNT, Rights::List)?.1.milliseconds, baseline: kubectl(tools, bodies, &["apply", "--server-side"])? };
    let plain = tools.post_all(bodies, COUNT)?;
    let (room, took) = tools.installed(COUNT, Rights::List)?;
    let (peer, baseline) = install(tools, bodies)?;
    let first = Pair { ours: took.milliseconds, baseline };
    let ours = tools.run_job(&room)?.milliseconds;
    let upgrade = helm(&["upgrade"], &tools.bench.programs.file("chart"), &peer);
    let again = Pair { ours, baseline: tools.bench.programs.timed(&upgrade)?.milliseconds };
    let limit = |peer: Pair| Pair { ours: plain, ..peer };
    Ok([create, apply, first, again, limit(create), limit(apply), limit(first)])
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
