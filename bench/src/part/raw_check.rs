//! The plain loop beside `wrk`, a second tool that sends requests as fast as it can: a baseline that is slow would flatter us.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::documents::NAMESPACES;
use crate::figure::{Figure, Pair};
use crate::kubeconfig::{Kubeconfig, User};
use crate::output::say;
use crate::raw_runs::Loop;
use crate::room::{Rights, Room};
use crate::statistics::rate;
use crate::tools::Tools;

/// So many Secrets the plain loop sends; `wrk` sends as many as it can in so many seconds.
const COUNT: usize = 5000;
const SECONDS: usize = 5;

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let best = tools.best()?;
    let (room, _) = tools.installed(COUNT, Rights::Get)?;
    let bodies = tools.bodies_of(&room)?;
    let (mut posts, mut gets) = (Vec::new(), Vec::new());
    for run in 0..tools.bench.asked.runs {
        say(&format!("the plain loop beside wrk, run {} of {}", run + 1, tools.bench.asked.runs));
        let room = tools.room(COUNT, Rights::Get)?;
        posts.push(pair(tools, &room, Loop { work: "post", bodies: &bodies, in_flight: best.post, http2: false }, run % 2 == 0)?);
        gets.push(pair(tools, &room, Loop { work: "get", bodies: &bodies, in_flight: best.get, http2: false }, run % 2 == 0)?);
    }
    tools.bench.keep("wrk", Figure::share(posts))?;
    tools.bench.keep("wrk-get", Figure::share(gets))
}

/// Both rates, by the second; the plain loop may begin.
fn pair(tools: &Tools, room: &Room, how: Loop<'_>, begins: bool) -> Result<Pair> {
    let early = if begins { None } else { Some(wrk(tools, room, how)?) };
    let ours = rate(room.documents.count, tools.run_loop(room, how)?);
    let pair = Pair { ours, baseline: early.map_or_else(|| wrk(tools, room, how), Ok)? };
    say(&format!("  {}: the plain loop {:.0}/s, wrk {:.0}/s", how.work, pair.ours, pair.baseline));
    Ok(pair)
}

fn wrk(tools: &Tools, room: &Room, how: Loop<'_>) -> Result<f64> {
    let kubeconfig = Kubeconfig::read(&room.kubeconfig)?;
    let User::Token(token) = &kubeconfig.user else { anyhow::bail!("the user of a room has a token") };
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &how.in_flight.to_string(), "--duration", &format!("{SECONDS}s")]);
    command.arg("--script").arg(tools.bench.tree.join("bench/wrk.lua")).arg(format!("https://{}", kubeconfig.server));
    command.arg("--").arg(how.work).arg(body(tools, room, how.bodies)?).args([
        &room.documents.prefix,
        &room.documents.count.to_string(),
        &NAMESPACES.to_string(),
    ]);
    command.env("TOKEN", token);
    let text = tools.bench.programs.output(&mut command)?;
    ensure!(!text.contains("Non-2xx"), "not all requests of wrk were answered with a success: {text}");
    let rate = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:")).context("wrk said no rate")?;
    Ok(rate.trim().parse()?)
}

/// A file with the first body, of which `wrk` makes all others.
fn body(tools: &Tools, room: &Room, bodies: &Path) -> Result<std::path::PathBuf> {
    let path = tools.bench.programs.file("wrk-body");
    let first = crate::bodies::read(bodies, 1, &room.documents.prefix)?;
    std::fs::write(&path, first.first().context("there are no bodies")?.to_string())?;
    Ok(path)
}
