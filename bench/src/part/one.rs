//! One connection by Helm: until its Secret is there and the Job is gone, beside a hook Job of the same image that does nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::figure::{Figure, Pair};
use crate::output::say;
use crate::part::helm::{helm, write_chart};
use crate::room::Room;
use crate::tools::Tools;

const GONE: Duration = Duration::from_mins(2);

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    idle(tools)?;
    let mut pairs = Vec::new();
    for run in 0..tools.bench.asked.runs {
        say(&format!("one connection by Helm, run {} of {}", run + 1, tools.bench.asked.runs));
        pairs.push(if run % 2 == 0 {
            let ours = ours(tools)?;
            Pair { ours, baseline: idle(tools)? }
        } else {
            let baseline = idle(tools)?;
            Pair { ours: ours(tools)?, baseline }
        });
    }
    tools.bench.keep("one-seconds", Figure::of(pairs.iter().map(|pair| pair.ours / 1000.0).collect()))?;
    tools.bench.keep("one-idle", Figure::share(pairs))
}

/// Milliseconds until the Secret is there, and the Job gone.
fn ours(tools: &mut Tools) -> Result<f64> {
    let room = tools.bare_room(1)?;
    let values = json!({"connections": [room.documents.connection(0, "orders000000")]});
    std::fs::write(&room.values, values.to_string())?;
    let begin = Instant::now();
    let mut command = helm(&["upgrade", "--install"], &tools.bench.tree.join("chart"), &room);
    tools.bench.programs.output(command.arg("--values").arg(&room.values))?;
    wait_for_end(tools, &room)?;
    let milliseconds = begin.elapsed().as_secs_f64() * 1000.0;
    room.check(&mut tools.api)?;
    Ok(milliseconds)
}

/// The same for a Job that only says its version.
fn idle(tools: &mut Tools) -> Result<f64> {
    let room = tools.bare_room(1)?;
    let chart = tools.bench.programs.file("idle");
    write_chart(&chart, &idle_job(tools, &room)?.to_string())?;
    let begin = Instant::now();
    tools.bench.programs.output(&mut helm(&["upgrade", "--install"], &chart, &room))?;
    wait_for_end(tools, &room)?;
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}

/// The Job of the chart, with the same Pod settings, but another argument and no rights.
fn idle_job(tools: &Tools, room: &Room) -> Result<Value> {
    let mut command = helm(&["template"], &tools.bench.tree.join("chart"), room);
    let text = tools.bench.programs.output(command.args(["--show-only", "templates/job.yaml"]))?;
    let mut job: Value = serde_yaml::from_str(&text).context("the chart's Job is not YAML")?;
    let pod = &mut job["spec"]["template"]["spec"];
    ensure!(pod["containers"][0].is_object(), "the chart's Job has no container");
    pod["serviceAccountName"] = json!("default");
    pod["containers"][0]["args"] = json!(["--version"]);
    Ok(job)
}

fn wait_for_end(tools: &mut Tools, room: &Room) -> Result<()> {
    let path = format!("/apis/batch/v1/namespaces/{}/jobs/sc-job", room.system);
    tools.api.wait("the Job to be gone", GONE, |api| Ok(api.get(&path)?.is_none()))
}
