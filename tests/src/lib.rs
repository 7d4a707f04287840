//! What the tests share: where the tree is, golden files, planning a document without a cluster, and the tools that read the chart.

pub mod canary;
pub mod catalogue_page;
pub mod commands;
pub mod conformity;
pub mod connection_strings;
pub mod golden;
pub mod helm;
pub mod lines;
pub mod ordinary;
pub mod parity;
pub mod places;
pub mod planning;
pub mod reading;
pub mod render;
pub mod values_page;

use std::fs;
use std::path::{Path, PathBuf};

/// Whether everything is to be tried, as by `cargo test … -- --include-ignored`; else a fixed sample is.
pub fn is_whole() -> bool {
    std::env::args().any(|argument| ["--include-ignored", "--ignored"].contains(&argument.as_str()))
}

/// A file or folder of the tree.
pub fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// A program of the workspace, as cargo has built it beside the running test.
pub fn built(package: &str, name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name(name);
    assert!(program.exists(), "{} is not built: `cargo build -p {package}` builds it", program.display());
    program
}

/// The files of a folder with this extension, in order. An empty list would make a test that checks nothing, so it fails here.
pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(tree(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "{folder} has no file *.{extension}");
    files
}

/// The name of a file, without folder and extension.
pub fn stem(file: &Path) -> String {
    file.file_stem().unwrap().to_str().unwrap().to_owned()
}
