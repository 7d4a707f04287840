//! The parts of the measurement, each of which can be run alone.

pub mod helm;
pub mod image;
pub mod install;
pub mod memory;
pub mod one;
pub mod pairs;
pub mod peers;
pub mod plan;
pub mod protocols;
pub mod raw_check;
pub mod rerun;
pub mod scale;
pub mod start;
pub mod terminal;

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::output::say;
use crate::tools::{Bench, Tools};
use crate::{page, plots, room};

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// First installs of many connections beside the plain loop: rate, CPU, requests
    Install,
    /// Reruns that change nothing, by GET and by LIST, and one that changes one object
    Rerun,
    /// First installs and reruns beside kubectl and Helm
    Peers,
    /// First installs of 1,000 and 10,000 connections, and the peak memory of the process
    Scale,
    /// One first install of 100,000 connections, its memory, and a rerun
    Large,
    /// Peak memory of the pod
    Memory,
    /// One connection by Helm, beside a Job that does nothing
    One,
    /// What `sc` takes at a terminal
    Terminal,
    /// The plain loop beside `wrk`
    RawCheck,
    /// The plain loop by HTTP/1.1 with many connections, and by HTTP/2 with one
    Protocols,
    /// From the start of the process to its first byte to the API server
    Start,
    /// Time and memory of planning
    Plan,
    /// Size of the image
    Image,
    /// Writes docs/performance.md and its plots from what was measured
    Page,
}

impl Part {
    /// Whether it needs a cluster.
    #[must_use]
    pub fn needs_cluster(self) -> bool {
        !matches!(self, Self::Start | Self::Plan | Self::Image | Self::Page)
    }
}

/// Runs one part.
///
/// # Errors
/// If something cannot be measured.
pub fn run(part: Part, bench: Bench, kubeconfig: Option<&Path>, is_tidy: bool) -> Result<Bench> {
    if !part.needs_cluster() {
        return run_alone(part, bench);
    }
    let mut tools = Tools::of(bench, kubeconfig.ok_or_else(|| anyhow::anyhow!("no KUBECONFIG names a cluster: use scripts/bench"))?)?;
    run_in_cluster(part, &mut tools)?;
    if is_tidy {
        say("deleting the namespaces");
        room::delete_all(&mut tools.api)?;
    }
    Ok(tools.bench)
}

fn run_alone(part: Part, mut bench: Bench) -> Result<Bench> {
    match part {
        Part::Start => start::run(&mut bench)?,
        Part::Plan => plan::run(&mut bench)?,
        Part::Image => image::run(&mut bench)?,
        Part::Page if bench.asked.divisor > 1 => say("what was tried out makes no page"),
        Part::Page => {
            page::write(&bench.results, &bench.tree.join("docs/performance.md"))?;
            plots::write(&bench.results, &bench.tree.join("docs/performance"))?;
        }
        other => anyhow::bail!("{other:?} needs a cluster"),
    }
    Ok(bench)
}

fn run_in_cluster(part: Part, tools: &mut Tools) -> Result<()> {
    match part {
        Part::Install => install::run(tools),
        Part::Rerun => rerun::run(tools),
        Part::Peers => peers::run(tools),
        Part::Scale => scale::run(tools),
        Part::Large => scale::large(tools),
        Part::Memory => memory::run(tools),
        Part::One => one::run(tools),
        Part::Terminal => terminal::run(tools),
        Part::RawCheck => raw_check::run(tools),
        Part::Protocols => protocols::run(tools),
        other => anyhow::bail!("{other:?} needs no cluster"),
    }
}
