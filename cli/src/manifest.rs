//! Manifests as YAML text.

use anyhow::{Context, Result};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

/// The fields that come first, by custom: what it is, and what it is called.
const FIRST: [&str; 7] = ["apiVersion", "kind", "metadata", "name", "namespace", "image", "schedule"];

/// A value as a YAML document. Texts that some reader of YAML takes for something else, such as `on` or `0x1f`, are quoted.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String> {
    // Base64 has no blank at which a folded text could be broken.
    let options = serde_yaml::ser_options! { folded_wrap_chars: usize::MAX };
    serde_yaml::to_string_with_options(value, options).context("failed to write YAML")
}

/// A manifest, or a part of one, with its fields in their customary order.
pub(crate) struct Ordered<'a>(pub(crate) &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            Value::Object(map) => {
                let first = FIRST.iter().filter_map(|name| map.get_key_value(*name));
                let rest = map.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
                serializer.collect_map(first.chain(rest).map(|(name, value)| (name, Ordered(value))))
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn what_a_reader_could_take_for_something_else_comes_back_as_text() {
        let hostile = [
            "on",
            "No",
            "y",
            "~",
            "null",
            "True",
            "1e3",
            "0400",
            "0x1F",
            "1_000",
            "12:34:56",
            "2024-01-01",
            ".inf",
            "=",
            "<<",
            "- a",
            "a: b",
            "#c",
            " a ",
            "",
            "a\nb\n",
            "\n",
            "a\r\nb",
            "tab\t",
            "é\u{85}\u{2028}",
            "\u{feff}x",
            "\u{7f}\u{1b}",
            "'\"\\",
            "*a",
            "&a",
            "!x",
            "%x",
            "@x",
            "`x",
            "{{x}}",
            "---",
            "...",
        ];
        let map: Map<String, Value> = hostile.into_iter().enumerate().map(|(index, text)| (format!("k{index}"), json!(text))).collect();
        let keys: Map<String, Value> = hostile.into_iter().map(|text| (text.to_owned(), json!("x"))).collect();
        let value = json!({"values": map, "keys": keys, "list": hostile.to_vec()});
        let text = yaml(&value).unwrap();
        assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value, "{text}");
    }

    #[test]
    fn a_manifest_begins_as_is_the_custom() {
        let manifest = json!({"data": {"A": "YQ=="}, "kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}});
        let text = yaml(&Ordered(&manifest)).unwrap();
        assert_eq!(text, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  A: YQ==\n");
    }

    #[test]
    fn a_long_text_stays_on_its_line_and_lines_stay_lines() {
        let long = "QUFB".repeat(100);
        assert_eq!(yaml(&json!({"a": long})).unwrap(), format!("a: {long}\n"));
        assert_eq!(yaml(&json!({"a": "array:\n  - |\n    x: y\n"})).unwrap(), "a: |\n  array:\n    - |\n      x: y\n");
    }
}
