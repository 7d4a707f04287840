//! The chart, as it was when this program was built: `sc` brings it along, so that both always fit.

use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use tempfile::TempDir;

static CHART: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../chart");

/// The version of the chart, which is that of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The name of the chart.
pub(crate) const NAME: &str = "sc-extension";

/// Unpacks the chart into a folder that goes with the value.
///
/// # Errors
/// If there is no room for temporary files.
pub(crate) fn unpack() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("sc-chart-").tempdir().context("failed to make a temporary folder for the chart")?;
    CHART.extract(folder.path()).context("failed to unpack the chart")?;
    Ok(folder)
}
