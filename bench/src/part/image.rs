//! Size of the image: unpacked, and as the archive that is pushed.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::figure::Figure;
use crate::tools::Bench;

/// Bytes of a MB.
const MEGABYTE: f64 = 1_000_000.0;

/// Measures it.
///
/// # Errors
/// If the archive cannot be read.
pub fn run(bench: &mut Bench) -> Result<()> {
    let index = json(bench, "index.json")?;
    let manifest = json(bench, &blob(&index["manifests"][0])?)?;
    let layers = manifest["layers"].as_array().context("the image has no layers")?;
    let (mut packed, mut unpacked) = (0.0, 0.0);
    for layer in layers {
        packed += layer["size"].as_f64().context("a layer has no size")?;
        unpacked += unpacked_size(bench, &blob(layer)?)?;
    }
    bench.keep("image-unpacked", Figure::of(vec![unpacked / MEGABYTE]))?;
    bench.keep("image-packed", Figure::of(vec![packed / MEGABYTE]))
}

fn json(bench: &Bench, name: &str) -> Result<Value> {
    let mut command = Command::new("tar");
    command.args(["--extract", "--to-stdout", "--wildcards", "--file"]).arg(&bench.programs.archive).arg(anywhere(name));
    serde_json::from_str(&bench.programs.output(&mut command)?).with_context(|| format!("`{name}` of the image is not JSON"))
}

/// Names in an archive may begin with `./`.
fn anywhere(name: &str) -> String {
    format!("*{name}")
}

fn blob(descriptor: &Value) -> Result<String> {
    let digest = descriptor["digest"].as_str().context("the image has a blob without a digest")?;
    Ok(format!("blobs/{}", digest.replace(':', "/")))
}

fn unpacked_size(bench: &Bench, name: &str) -> Result<f64> {
    let script = r#"tar --extract --to-stdout --wildcards --file "$0" "$1" | gzip --decompress | wc --bytes"#;
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", script]).arg(&bench.programs.archive).arg(anywhere(name));
    Ok(bench.programs.output(&mut command)?.trim().parse()?)
}
