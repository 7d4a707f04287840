//! What `sc` takes at a terminal: to list very many connections, and for what asks no cluster.

use std::os::unix::fs::symlink;
use std::process::Command;

use anyhow::{Context, Result};

use crate::figure::Figure;
use crate::output::say;
use crate::part::helm::helm;
use crate::tools::Tools;

/// Commands that ask no cluster; `TREE` is that of the project, and `WORK` a folder for what they write.
const OFFLINE: [&str; 8] = [
    "--help",
    "completion bash",
    "explain",
    "lint --values TREE/cli/tests/input/connections.yaml -f TREE/cli/tests/input/lint/clean.yaml",
    "list-support-types",
    "man WORK/man",
    "render --values TREE/values/storage-blob.workload-identity.yaml",
    "snippet media --values TREE/cli/tests/input/connections.yaml",
];

/// Measures it.
///
/// # Errors
/// If a command fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let count = tools.bench.asked.count();
    let room = tools.bare_room(count)?;
    let mut install = helm(&["install"], &tools.bench.tree.join("chart"), &room);
    tools.bench.programs.output(install.arg("--no-hooks").arg("--values").arg(&room.values))?;
    let path = path(tools)?;
    let (mut lists, mut slowest) = (Vec::new(), Vec::new());
    for run in 0..tools.bench.asked.runs {
        say(&format!("`sc` at a terminal, run {} of {}", run + 1, tools.bench.asked.runs));
        let mut list = Command::new(&tools.bench.programs.sc);
        list.args(["list", "--output", "tsv", "--release-namespace", &room.system]).env("PATH", &path);
        lists.push(tools.bench.programs.timed(&list)?.milliseconds / 1000.0);
        let offline: Result<Vec<f64>> = OFFLINE.iter().map(|arguments| offline(tools, arguments)).collect();
        slowest.push(offline?.into_iter().fold(0.0, f64::max));
    }
    tools.bench.keep("sc-list-10000", Figure::of(lists))?;
    tools.bench.keep("sc-offline", Figure::of(slowest))
}

/// Milliseconds.
fn offline(tools: &Tools, arguments: &str) -> Result<f64> {
    let programs = &tools.bench.programs;
    let places = [("TREE", &tools.bench.tree), ("WORK", &programs.work)];
    let arguments = places.iter().fold(arguments.to_owned(), |text, (name, place)| text.replace(name, &place.display().to_string()));
    let mut command = Command::new(&programs.sc);
    command.args(arguments.split(' '));
    Ok(programs.timed(&command)?.milliseconds)
}

/// A PATH with `helm` on it.
fn path(tools: &Tools) -> Result<String> {
    let folder = tools.bench.programs.work.join("path");
    std::fs::create_dir_all(&folder)?;
    let helm = std::env::var("SC_HELM4").context("SC_HELM4 names no Helm: use scripts/bench")?;
    symlink(helm, folder.join("helm"))?;
    Ok(format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default()))
}
