//! Time and memory of planning, by the program `plan`, which is built as the image is.

use std::process::Command;

use anyhow::{Context, Result};

use crate::figure::Figure;
use crate::output::say;
use crate::tools::Bench;

const COUNT: usize = 10_000;
const KIB: f64 = 1024.0;

/// Measures it.
///
/// # Errors
/// If a plan fails.
pub fn run(bench: &mut Bench) -> Result<()> {
    say(&format!("{} plans of {COUNT} connections, on one core", bench.asked.runs));
    let plans: Result<Vec<(f64, f64)>> = (0..bench.asked.runs).map(|_| plan(bench, COUNT)).collect();
    let (times, peaks) = plans?.into_iter().unzip();
    bench.keep("plan-10000", Figure::of(times))?;
    bench.keep("plan-memory-10000", Figure::of(peaks))
}

/// Milliseconds and MiB of one plan.
fn plan(bench: &Bench, count: usize) -> Result<(f64, f64)> {
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(bench.tree.join("values"))? {
        examples.push(entry?.path());
    }
    examples.sort();
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(&bench.programs.plan).arg(count.to_string());
    command.args(examples.iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")));
    let text = bench.programs.output(&mut command)?;
    let (time, peak) = text.trim().split_once(' ').context("`plan` said something else than two numbers")?;
    Ok((time.parse()?, peak.parse::<f64>()? / KIB))
}
