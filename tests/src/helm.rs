//! Runs the two Helms that the chart is for. `helm template` asks no cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, thread};

use crate::planning::release;
use crate::tree;

/// One of the Helms.
#[derive(Debug, Clone)]
pub struct Helm {
    /// `Helm 3` or `Helm 4`.
    pub name: &'static str,
    program: PathBuf,
}

/// What a Helm said.
#[derive(Debug)]
pub struct Answer {
    /// Whether it did what it was asked.
    pub is_ok: bool,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error.
    pub errors: String,
}

impl Helm {
    /// Both, as `scripts/cluster env` names them. A test without them would prove nothing, so it fails.
    pub fn both() -> [Self; 2] {
        [("Helm 3", "SC_HELM3"), ("Helm 4", "SC_HELM4")].map(|(name, variable)| Self { name, program: program(variable) })
    }

    /// Renders the chart with these values files.
    pub fn template(&self, values: &[&Path]) -> Answer {
        self.run("template", values, &[])
    }

    /// Renders the chart for a Kubernetes of this version.
    pub fn template_for(&self, kubernetes: &str, values: &[&Path]) -> Answer {
        self.run("template", values, &["--kube-version", kubernetes])
    }

    /// Says what an installation would do, notes and all.
    pub fn dry_install(&self, values: &[&Path]) -> Answer {
        self.run("install", values, &["--dry-run=client"])
    }

    fn run(&self, verb: &str, values: &[&Path], more: &[&str]) -> Answer {
        let release = release();
        let mut command = Command::new(&self.program);
        command.args([verb, &release.name]).arg(tree("chart")).args(["--namespace", &release.namespace]).args(more);
        command.args(values.iter().flat_map(|file| [Path::new("--values"), file]));
        // No kubeconfig: whoever runs the tests may have one that points at a cluster.
        let output = command.env("KUBECONFIG", "/dev/null").output().unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer { is_ok: output.status.success(), output: text(&output.stdout), errors: text(&output.stderr) }
    }
}

fn program(variable: &str) -> PathBuf {
    let found = env::var_os(variable).map(PathBuf::from).filter(|program| program.exists());
    found.unwrap_or_else(|| {
        panic!("{variable} names no program: run `scripts/cluster fetch` once, then `eval \"$(scripts/cluster env)\"` in this shell")
    })
}

/// Does `work` for each item, on as many threads as there are cores; the answers come in the order of the items.
pub fn for_each<'a, T: Sync, R: Send>(items: &'a [T], work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = items.chunks(share).map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Vec<R>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
