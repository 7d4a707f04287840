//! Compiles the files of `templates/` in, so that a new target service needs a data file and no code. People read and write YAML; as JSON they are read
//! in a fraction of the time.

use std::fmt::Write as _;
use std::{env, error, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = fs::canonicalize("../templates")?;
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();

    let options = serde_yaml::options! { with_snippet: false, strict_booleans: false };
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.file_stem().and_then(|stem| stem.to_str()).ok_or("a template's name is not text")?;
        let service: Value =
            serde_yaml::from_str_with_options(&fs::read_to_string(file)?, options.clone()).map_err(|error| format!("{name}: {error}"))?;
        writeln!(list, "    ({name:?}, {:?}),", service.to_string())?;
    }
    list.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("templates.rs"), list)?;
    Ok(())
}
