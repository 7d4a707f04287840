//! Time and memory of planning, by the program `plan`, which is built as the image is.

use std::process::Command;

use anyhow::{Context, Result};

use crate::figure::Figure;
use crate::output::say;
use crate::tools::Bench;

/// In turn, so that what else the machine does meets each of them.
const COUNTS: [usize; 3] = [1000, 10_000, 100_000];
const KIB: f64 = 1024.0;

/// Measures it.
///
/// # Errors
/// If a plan fails.
pub fn run(bench: &mut Bench) -> Result<()> {
    say(&format!("{} plans each of {COUNTS:?} connections, on one core", bench.asked.runs));
    let mut samples = COUNTS.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..bench.asked.runs {
        for (count, (times, peaks)) in COUNTS.iter().zip(&mut samples) {
            let (time, peak) = plan(bench, *count)?;
            times.push(time);
            peaks.push(peak);
        }
    }
    COUNTS.iter().zip(samples).try_for_each(|(count, (times, peaks))| {
        bench.keep(&format!("plan-{count}"), Figure::of(times))?;
        bench.keep(&format!("plan-memory-{count}"), Figure::of(peaks))
    })
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
