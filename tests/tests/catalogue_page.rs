//! `docs/catalogue.md` says all that the data files say. `UPDATE=1` writes it anew.

use std::{env, fs};

use sc_tests::{catalogue_page, files, lines, stem, tree};
use serde_json::Value;

#[test]
fn the_page_is_in_step_with_the_data_files() {
    let (file, page) = (tree("docs/catalogue.md"), catalogue_page::page());
    if env::var_os("UPDATE").is_some() {
        return fs::write(file, page).unwrap();
    }
    let written = fs::read_to_string(file).unwrap_or_default();
    let mend = "`UPDATE=1 cargo test -p sc-tests --test catalogue_page` writes it";
    assert!(written == page, "docs/catalogue.md is not made from these data files: {mend}\n{}", lines::difference(&written, &page));
}

/// Against the files themselves, since page and test would share a mistake of core's reader.
#[test]
fn each_word_of_a_data_file_stands_in_its_section() {
    let page = catalogue_page::page();
    for file in files("templates", "yaml") {
        let name = stem(&file);
        let begin = page.find(&format!("\n## {name}\n")).unwrap_or_else(|| panic!("no section {name}"));
        let section = &page[begin + 1..];
        let section = &section[..section.find("\n## ").unwrap_or(section.len())];
        assert!(page[..begin].contains(&format!("| [{name}](#{name}) |")), "{name} is not in the overview");
        let data: Value = serde_yaml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut missing = Vec::new();
        collect(&data, "", &mut |word| {
            if !section.contains(word) {
                missing.push(word.to_owned());
            }
        });
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

/// What the page must show of a data file: texts and the keys of mappings, but for the names of the format itself.
fn collect(tree: &Value, key: &str, see: &mut impl FnMut(&str)) {
    match tree {
        Value::Object(map) => {
            let is_users = ["authTypes", "variables", "clientTypes", "facts", "corrections", "binding"].contains(&key);
            for (name, value) in map {
                if is_users {
                    see(name);
                }
                // Of the entries for servicebinding.io, which are those of a login, the page has the names alone.
                if key != "binding" || map.contains_key("provider") {
                    collect(value, name, see);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, see)),
        Value::String(text) if key == "plain" || text.is_empty() => {}
        Value::String(text) => see(&text.replace("derived: ", "derived ")),
        _ => panic!("{key} is no text"),
    }
}
