//! Helm and kubectl, of the cluster's own tools, as commands.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::room::Room;

/// Helm 4 with the chart of a folder, in the namespace of the release: `verb` is such as `install`.
#[must_use]
pub fn helm(verb: &[&str], chart: &Path, room: &Room) -> Command {
    let mut command = Command::new("helm4");
    command.args(verb).arg("sc").arg(chart).args(["--namespace", &room.system, "--timeout", "15m"]);
    command
}

/// Writes a chart with these templates and nothing else.
///
/// # Errors
/// If it cannot be written.
pub fn write_chart(folder: &Path, template: &str) -> Result<()> {
    fs::create_dir_all(folder.join("templates"))?;
    fs::write(folder.join("Chart.yaml"), "apiVersion: v2\nname: bench\nversion: 0.1.0\n")?;
    Ok(fs::write(folder.join("templates/all.yaml"), template)?)
}

/// Secrets as the manifests that somebody would write.
#[must_use]
pub fn manifests(bodies: &[Value]) -> String {
    let manifest =
        |body: &Value| format!("---\napiVersion: v1\nkind: Secret\nmetadata: {}\ntype: {}\ndata: {}\n", body["metadata"], body["type"], body["data"]);
    bodies.iter().map(manifest).collect()
}
