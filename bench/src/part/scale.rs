//! First installs by number of connections: whether the rate holds, and what memory they take.

use anyhow::Result;

use crate::figure::{Figure, Pair};
use crate::output::say;
use crate::part::pairs::Pairs;
use crate::program::Took;
use crate::statistics::Summary;
use crate::tools::Tools;

/// KiB of a MiB.
const KIB: f64 = 1024.0;

/// Measures it.
///
/// # Errors
/// If something fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let asked = tools.bench.asked;
    measure(tools, "1000", 1000.min(asked.count()), asked.runs)?;
    measure(tools, "10000", asked.count(), asked.runs)?;
    if asked.large_runs > 0 {
        measure(tools, "100000", asked.large(), asked.large_runs)?;
    }
    keep_spread(tools)
}

fn measure(tools: &mut Tools, size: &str, count: usize, runs: usize) -> Result<()> {
    let pairs = Pairs::run(tools, count, runs)?;
    tools.bench.keep(&format!("scale-{size}"), Figure::speed(pairs.times.clone()))?;
    let mut took = pairs.took.clone();
    let (room, _) = pairs.end()?;
    let mut seconds = Vec::new();
    for run in 0..tools.bench.asked.runs {
        say(&format!("rerun of {count}, run {} of {}", run + 1, tools.bench.asked.runs));
        let again = tools.run_job(&room)?;
        seconds.push(again.milliseconds / 1000.0);
        took.push(again);
    }
    tools.bench.keep(&format!("rerun-list-seconds-{size}"), Figure::of(seconds))?;
    tools.bench.keep(&format!("memory-{size}"), memory(&took))
}

/// The peaks of these runs in MiB.
#[must_use]
pub fn memory(took: &[Took]) -> Figure {
    Figure::of(took.iter().map(|took| mebibytes(took.peak_kib)).collect())
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 KiB")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / KIB
}

/// How far the medians are apart, in hundredths of the greatest; only when all three were measured.
fn keep_spread(tools: &mut Tools) -> Result<()> {
    let summaries = ["scale-1000", "scale-10000", "scale-100000"].map(|id| tools.bench.results.figures.get(id).and_then(|figure| figure.summary));
    let medians: Vec<f64> = summaries.into_iter().flatten().map(|summary: Summary| summary.median).collect();
    match Summary::of(&medians) {
        Some(Summary { min, max, .. }) if medians.len() == 3 => {
            let pair = Pair { ours: max - min, baseline: max };
            tools.bench.keep("scale-spread", Figure::percent(vec![pair]))
        }
        _ => Ok(()),
    }
}
