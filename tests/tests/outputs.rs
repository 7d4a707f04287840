//! The gate of the suite: no credential in anything that was said in it. `scripts/test` runs it last, when all outputs are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use sc_tests::canary::{FOLDER, sightings};
use sc_tests::tree;

/// Who must have said something: without them the gate would prove nothing.
const SOURCES: [&str; 7] = ["documents", "faults", "helm", "rejects", "run", "sc", "traces"];
/// Who may have: not every cluster has the parts of Azure.
const OPTIONAL: &str = "azure";

#[test]
fn no_credential_is_in_any_output() {
    let mut outputs = files(&tree(FOLDER));
    let mut sources: BTreeSet<String> = outputs.iter().filter_map(|file| Some(file.file_name()?.to_str()?.split('-').next()?.to_owned())).collect();
    sources.remove(OPTIONAL);
    assert_eq!(sources, SOURCES.map(str::to_owned).into(), "run all of `scripts/test`: these are the outputs that there are");
    // What the steps of scripts/test printed: among it all that the conversations of the job say.
    outputs.extend(files(&tree("target/test")).into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "log")));
    let mut bytes = 0;
    let mut seen = Vec::new();
    for file in &outputs {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        bytes += text.len();
        seen.extend(sightings(&text).into_iter().map(|line| format!("{}: {line}", file.display())));
    }
    assert!(seen.is_empty(), "{} lines of {} outputs show a credential:\n{}", seen.len(), outputs.len(), seen.join("\n"));
    println!("{} outputs, {bytes} bytes, no credential", outputs.len());
}

fn files(folder: &PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}: run `scripts/test`", folder.display()));
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}
