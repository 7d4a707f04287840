//! The runner of `scripts/bench`: measures the parts that are asked for, one after another, and keeps what it finds in target/bench.json.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use sc_bench::part::{self, Part};
use sc_bench::program::Programs;
use sc_bench::tools::{Asked, Bench};
use sc_bench::{machine, output};

/// Beyond this load of the last minute, somebody else is at work.
const BUSY: f64 = 2.0;

/// Measures the job; see `scripts/bench`, which builds what this needs and starts a cluster.
#[derive(Debug, Parser)]
#[command(name = "sc-bench")]
struct Args {
    /// What to measure.
    #[arg(value_enum, required = true)]
    parts: Vec<Part>,
    /// Pairs of runs.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Which run of `large` this is; the first takes the place of what was measured before.
    #[arg(long, default_value_t = 1)]
    nth: usize,
    /// Divides the 10,000 and 100,000 connections, to try things out; results go to target/bench-tried.json and to no page.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    divide: u16,
    /// The longest that one program may run, in seconds.
    #[arg(long, default_value_t = 1200, value_name = "SECONDS")]
    limit: u64,
    /// Deletes the namespaces after each part and waits until they are gone, for a cluster that goes on.
    #[arg(long)]
    tidy: bool,
    /// The job, as it is in the image.
    #[arg(long, value_name = "FILE")]
    job: PathBuf,
    /// The program `plan`, built as the job is.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The program `sc`.
    #[arg(long, value_name = "FILE")]
    sc: PathBuf,
    /// The image, as an OCI archive.
    #[arg(long, value_name = "FILE")]
    archive: PathBuf,
    /// The tree of the project.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    tree: PathBuf,
    /// The cluster's administrator.
    #[arg(long, env = "KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    let load = machine::load()?;
    if load > BUSY {
        output::say(&format!("warning: the load of the machine is {load}: what else runs disturbs what is measured"));
    }
    let own = std::env::current_exe()?.parent().context("this program lies in no folder")?.to_owned();
    let work = std::env::temp_dir().join(format!("sc-bench-{}", std::process::id()));
    fs::create_dir_all(&work)?;
    let programs = Programs {
        job: fs::canonicalize(&args.job).with_context(|| format!("there is no {}: run scripts/image", args.job.display()))?,
        plan: args.plan,
        sc: args.sc,
        archive: args.archive,
        own,
        work: work.clone(),
        limit: Duration::from_secs(args.limit),
    };
    let asked = Asked { runs: args.runs, nth: args.nth, divisor: args.divide.into() };
    let measured = Bench::of(asked, programs, &fs::canonicalize(&args.tree)?)
        .and_then(|bench| args.parts.iter().try_fold(bench, |bench, part| part::run(*part, bench, args.kubeconfig.as_deref(), args.tidy)).map(drop));
    // Tokens and values are in there.
    fs::remove_dir_all(&work)?;
    measured
}
