//! Peak memory: of the process outside of the cluster, and of the pod's cgroup when it runs as the chart's Job.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::api::Api;
use crate::figure::Figure;
use crate::memory::{peak, peak_file};
use crate::output::say;
use crate::part::helm::helm;
use crate::part::scale;
use crate::room::Rights;
use crate::tools::Tools;

/// How often the pod's peak is read: it only grows, so that what is missed is what it grew by in the last moment.
const LOOK: Duration = Duration::from_millis(10);
/// Bytes of a MiB.
const MEBIBYTE: f64 = 1_048_576.0;

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let asked = tools.bench.asked;
    let mut sizes = vec![("memory-1000", 1000.min(asked.count()), asked.runs), ("memory-10000", asked.count(), asked.runs)];
    sizes.push(("memory-100000", asked.large(), asked.large_runs));
    for (id, count, runs) in sizes.into_iter().filter(|(_, _, runs)| *runs > 0) {
        let figure = processes(tools, count, runs)?;
        tools.bench.keep(id, figure)?;
    }
    let mut pods = Vec::new();
    for run in 0..asked.runs {
        say(&format!("the chart's Job with {} connections, run {} of {}", asked.count(), run + 1, asked.runs));
        pods.push(pod(tools, asked.count())?);
    }
    tools.bench.keep("memory-pod-10000", Figure::of(pods))
}

/// The peaks of first installs and of reruns.
fn processes(tools: &mut Tools, count: usize, runs: usize) -> Result<Figure> {
    let mut took = Vec::new();
    for run in 0..runs {
        say(&format!("memory with {count} connections, run {} of {runs}", run + 1));
        let (room, first) = tools.installed(count, Rights::List)?;
        took.extend([first, tools.run_job(&room)?]);
    }
    Ok(scale::memory(&took))
}

/// The peak of the pod's cgroup, in MiB.
fn pod(tools: &mut Tools, count: usize) -> Result<f64> {
    let room = tools.bare_room(count)?;
    let mut command = helm(&["upgrade", "--install"], &tools.bench.tree.join("chart"), &room);
    let mut child = tools.bench.programs.start(command.arg("--values").arg(&room.values))?;
    let (mut file, mut highest) = (None, None);
    while child.try_wait()?.is_none() {
        if file.is_none() {
            file = uid_of_pod(&mut tools.api, &room.system)?.and_then(|uid| peak_file(&uid));
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

fn uid_of_pod(api: &mut Api, namespace: &str) -> Result<Option<String>> {
    let mut uid = None;
    api.each(&format!("/api/v1/namespaces/{namespace}/pods"), "", |pod| {
        uid = pod["metadata"]["uid"].as_str().map(str::to_owned);
        Ok(())
    })?;
    Ok(uid)
}
