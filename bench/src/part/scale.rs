//! First installs by number of connections: whether the rate holds, and what memory they take.

use std::fs;

use anyhow::{Context, Result};

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
    for (size, count) in [("1000", 1000.min(asked.count())), ("10000", asked.count())] {
        let pairs = Pairs::run(tools, count, asked.runs)?;
        tools.bench.keep(&format!("scale-{size}"), Figure::speed(pairs.times.clone()))?;
        let mut took = pairs.took.clone();
        let (room, _) = pairs.end()?;
        for run in 0..asked.runs {
            say(&format!("rerun of {count}, run {} of {}", run + 1, asked.runs));
            took.push(tools.run_job(&room)?);
        }
        tools.bench.keep(&format!("memory-{size}"), memory(&took))?;
    }
    keep_spread(tools)
}

/// Measures one run of the largest number, beside those before it: each has a cluster of its own, which would hold a million Secrets otherwise.
///
/// # Errors
/// If something fails, or the first run was left out.
pub fn large(tools: &mut Tools) -> Result<()> {
    let (nth, count) = (tools.bench.asked.nth, tools.bench.asked.large());
    // What the first run has sent, the others send first, every other time.
    let bodies = tools.bench.tree.join("target/bench-bodies");
    say(&format!("first install of {count}, run {nth}"));
    let pairs = Pairs::once(tools, count, (nth > 1).then(|| bodies.clone()), nth % 2 == 1)?;
    tools.bench.keep_nth("scale-100000", Figure::speed(pairs.times.clone()))?;
    let first = pairs.took.clone();
    let (room, sent) = pairs.end()?;
    if nth == 1 {
        fs::copy(&sent, &bodies).with_context(|| format!("failed to keep what was sent in {}", bodies.display()))?;
    }
    say(&format!("rerun of {count}"));
    let again = tools.run_job(&room)?;
    tools.bench.keep_nth("rerun-list-seconds-100000", Figure::of(vec![again.milliseconds / 1000.0]))?;
    tools.bench.keep_nth("memory-100000", memory(&[first, vec![again]].concat()))?;
    keep_spread(tools)
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
