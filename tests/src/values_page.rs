//! The table of values in `chart/README.md`, from what Helm itself reads: names, types and words of connections from `values.schema.json`, defaults and
//! the words of all else from `values.yaml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::tree;

/// The table stands between these lines.
const BEGIN: &str = "<!-- from here on: made by a test from values.yaml and values.schema.json -->\n";
const END: &str = "<!-- up to here -->\n";
/// What Helm adds to the values of a chart that is part of another.
const HELMS: &str = "global";

/// The chart's README with the table as it should be.
pub fn readme() -> String {
    let written = fs::read_to_string(tree("chart/README.md")).unwrap();
    let (before, rest) = written.split_once(BEGIN).expect("the table has no begin");
    let (_, after) = rest.split_once(END).expect("the table has no end");
    [before, BEGIN, &table(), END, after].concat()
}

fn table() -> String {
    let yaml = fs::read_to_string(tree("chart/values.yaml")).unwrap();
    let schema = serde_yaml::from_str(&fs::read_to_string(tree("chart/values.schema.json")).unwrap()).unwrap();
    let page = Page { schema, comments: comments(&yaml) };
    let defaults: Value = serde_yaml::from_str(&yaml).unwrap();
    let mut rows = String::from("\n| value | default | takes | meaning |\n|---|---|---|---|\n");
    page.fields("", &page.schema, &defaults, &mut rows);
    rows + "\n"
}

struct Page {
    schema: Value,
    /// The comment above each key, by its path.
    comments: BTreeMap<String, String>,
}

impl Page {
    /// A row for each field of a mapping: of all values the connections first, of others the required ones, else by name.
    fn fields(&self, path: &str, mapping: &Value, defaults: &Value, rows: &mut String) {
        let is_required = |name: &str| mapping["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name));
        let mut fields: Vec<(&String, &Value)> = mapping["properties"].as_object().unwrap().iter().collect();
        fields.retain(|(name, _)| *name != HELMS);
        let is_first = |name: &str| if path.is_empty() { name.starts_with("connection") } else { is_required(name) };
        fields.sort_by_key(|(name, _)| (!is_first(name), *name));
        for (name, field) in fields {
            let (path, default) = (format!("{path}{name}"), &defaults[name.as_str()]);
            let resolved = self.resolved(field);
            match self.comments.get(&path).map(String::as_str).or(field["description"].as_str()) {
                Some(meaning) => {
                    let default = if default.is_null() { &field["default"] } else { default };
                    let default = if default.is_null() && is_required(name) { "required".to_owned() } else { shown(default) };
                    writeln!(rows, "| `{path}` | {default} | {} | {meaning} |", takes(resolved)).unwrap();
                }
                None => assert!(resolved["properties"].is_object(), "nothing says what `{path}` means"),
            }
            if !self.comments.contains_key(&path) && field["description"].is_null() {
                self.fields(&format!("{path}."), resolved, default, rows);
            }
            let item = self.resolved(&resolved["items"]);
            if ["connections", "connectionSets"].contains(&path.as_str()) {
                self.fields(&format!("{path}[]."), item, &Value::Null, rows);
            }
        }
    }

    fn resolved<'a>(&'a self, field: &'a Value) -> &'a Value {
        match field["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.schema.pointer(pointer).unwrap(),
            None => field,
        }
    }
}

/// What kind of value a field takes.
fn takes(field: &Value) -> String {
    if let Some(words) = field["enum"].as_array() {
        let mut words: Vec<String> = words.iter().map(shown).collect();
        // Booleans may be strings, which is said below the table.
        words.retain(|word| word != "`\"true\"`" && word != "`\"false\"`");
        return words.join(", ");
    }
    let kind = |kind: &Value| match kind.as_str().unwrap_or_default() {
        "array" => "list",
        "object" => "mapping",
        "integer" => "number",
        _ => "text",
    };
    match field["type"].as_array() {
        Some(kinds) => kinds.iter().map(kind).collect::<Vec<_>>().join(" or "),
        None => kind(&field["type"]).to_owned(),
    }
}

/// A value as one writes it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() || ["true", "false"].contains(&text.as_str()) => format!("`{value}`"),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{}`", flow(other)),
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => format!("{{{}}}", map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect::<Vec<_>>().join(", ")),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The comment that stands right above each key. Two blanks are one level.
fn comments(yaml: &str) -> BTreeMap<String, String> {
    let (mut found, mut above, mut path) = (BTreeMap::new(), Vec::new(), Vec::new());
    for line in yaml.lines() {
        let text = line.trim_start();
        if let Some(comment) = text.strip_prefix("# ") {
            above.push(comment);
        } else if let Some((key, _)) = text.split_once(':') {
            path.truncate((line.len() - text.len()) / 2);
            path.push(key);
            if !above.is_empty() {
                found.insert(path.join("."), above.join(" "));
            }
            above.clear();
        }
    }
    found
}
