//! Golden files: whole outputs, kept beside the tests. `UPDATE=1` rewrites them; what they say then is for a person to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::lines;

/// Compares outputs, by name, with the files `<folder>/<name>.<extension>`. A file without an output fails as well as an output without a file.
pub fn compare(folder: &Path, extension: &str, outputs: &BTreeMap<String, String>) {
    if env::var_os("UPDATE").is_some() {
        return update(folder, extension, outputs);
    }
    let golden = read(folder, extension);
    let mut failures = Vec::new();
    for (name, output) in outputs {
        let file = path(folder, name, extension).display().to_string();
        match golden.get(name) {
            None => failures.push(format!("{file} is missing")),
            Some(expected) if expected != output => failures.push(format!("{file} differs\n{}", lines::difference(expected, output))),
            Some(_) => {}
        }
    }
    let needless = golden.keys().filter(|name| !outputs.contains_key(*name));
    failures.extend(needless.map(|name| format!("{} belongs to nothing", path(folder, name, extension).display())));
    assert!(
        failures.is_empty(),
        "{}\n\n`UPDATE=1 cargo test -p sc-tests` writes what is said now: read it before you keep it",
        failures.join("\n\n")
    );
}

/// Compares one output with a file of a folder that several tests share.
pub fn compare_one(folder: &Path, name: &str, output: &str) {
    let file = folder.join(name);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(folder).unwrap();
        return fs::write(file, output).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(expected == output, "{} differs\n{}", file.display(), lines::difference(&expected, output));
}

/// A name may have periods of its own, which `Path::with_extension` would cut off.
fn path(folder: &Path, name: &str, extension: &str) -> PathBuf {
    folder.join(format!("{name}.{extension}"))
}

fn read(folder: &Path, extension: &str) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let files = entries.map(|entry| entry.unwrap().path()).filter(|file| file.extension().is_some_and(|found| found == extension));
    files.map(|file| (crate::stem(&file), fs::read_to_string(&file).unwrap())).collect()
}

fn update(folder: &Path, extension: &str, outputs: &BTreeMap<String, String>) {
    fs::create_dir_all(folder).unwrap();
    for name in read(folder, extension).keys().filter(|name| !outputs.contains_key(*name)) {
        fs::remove_file(path(folder, name, extension)).unwrap();
    }
    for (name, output) in outputs {
        fs::write(path(folder, name, extension), output).unwrap();
    }
}
