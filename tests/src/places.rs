//! Where `scripts/drivers` has put what it has fetched.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::tree;

/// What `scripts/drivers env` says, with these words behind it; the names go without `SC_DRIVERS_`.
pub fn of_drivers(words: &[&str]) -> BTreeMap<String, String> {
    let output = Command::new(tree("scripts/drivers")).arg("env").args(words).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "`scripts/drivers env` failed: see above");
    let text = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        line.strip_prefix("export SC_DRIVERS_")?.split_once('=').map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
    };
    text.lines().filter_map(pair).collect()
}
