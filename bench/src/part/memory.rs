//! Peak memory of the pod's cgroup with 10,000 connections, when it runs as the chart's Job. That of the process is with `scale`.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::figure::Figure;
use crate::memory::{peak, peak_file};
use crate::output::say;
use crate::part::helm::helm;
use crate::tools::Tools;

/// How often the pod's peak is read: it only grows, so that what is missed is what it grew by in the last moment.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of a MiB.
const MEBIBYTE: f64 = 1_048_576.0;

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let asked = tools.bench.asked;
    let mut pods = Vec::new();
    for run in 0..asked.runs {
        say(&format!("the chart's Job with {} connections, run {} of {}", asked.count(), run + 1, asked.runs));
        pods.push(pod(tools, asked.count())?);
    }
    tools.bench.keep("memory-pod-10000", Figure::of(pods))
}

/// The peak of the pod's cgroup, in MiB.
fn pod(tools: &mut Tools, count: usize) -> Result<f64> {
    let room = tools.bare_room(count)?;
    let mut command = helm(&["upgrade", "--install"], &tools.bench.tree.join("chart"), &room);
    let mut child = tools.bench.programs.start(command.arg("--values").arg(&room.values))?;
    let (mut file, mut highest) = (None, None);
    while child.try_wait()?.is_none() {
        if file.is_none() {
            file = peak_file(&room.system);
        }
        highest = highest.max(file.as_deref().and_then(peak));
        sleep(LOOK);
    }
    ensure!(child.wait()?.success(), "helm upgrade failed: {}", tools.bench.programs.errors());
    room.check(&mut tools.api)?;
    let highest: u64 = highest.ok_or_else(|| anyhow::anyhow!("the pod has no cgroup with a peak of memory"))?;
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 bytes")]
    Ok(highest as f64 / MEBIBYTE)
}
