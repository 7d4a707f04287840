//! From the bytes of a document to a tree of values, or to one problem that says where it cannot be read.
//!
//! Rule: the parser's own message is never shown, since it may quote the text around the place, and that may be a credential.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::credential::decoded;
use crate::problem::Kind;

/// The largest document that is read, in bytes: the limit of the API server for the data of one Secret.
pub const LARGEST: usize = 1 << 20;

/// Reads a YAML (or JSON, which is YAML) document.
///
/// # Errors
/// One problem if it is empty, too large, not UTF-8, or not YAML, with line and column where they are known.
pub fn parse(bytes: &[u8]) -> Result<Value, Kind> {
    if bytes.len() > LARGEST {
        return Err(Kind::TooLarge { size: bytes.len(), limit: LARGEST });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| unreadable("UTF-8 text", byte_place(bytes, error.valid_up_to()), "save it as UTF-8"))?;
    let value = if text.trim_start().starts_with(['{', '[']) { parse_json(text) } else { parse_yaml(text) }?;
    match value {
        Value::Null => Err(unreadable("a mapping of values: it is empty", String::new(), "write at least `connections: []`")),
        value => Ok(value),
    }
}

/// The bytes of a document that is kept under `key` in a live Secret.
#[must_use]
pub fn of_secret(live: &Value, key: &str) -> Option<Vec<u8>> {
    decoded(&live["data"][key])
}

fn parse_json(text: &str) -> Result<Value, Kind> {
    serde_json::from_str(text).map(|Tree(value)| value).or_else(|_| parse_yaml(text))
}

/// A JSON value in which no key stands twice; `serde_json` alone would take the last and lose the first.
struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Self)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Tree(value))) = access.next_entry::<String, Tree>()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(value)) = access.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

fn parse_yaml(text: &str) -> Result<Value, Kind> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    let options = serde_yaml::options! { with_snippet: false, strict_booleans: false };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map_or_else(String::new, |place| format!(" (line {}, column {})", place.line(), place.column()));
        unreadable("valid YAML", place, "look at the indentation, the quotes and double keys around that place")
    })
}

fn unreadable(expected: &'static str, place: String, fix: &'static str) -> Kind {
    Kind::Unreadable { expected, place, fix }
}

fn byte_place(bytes: &[u8], offset: usize) -> String {
    format!(" (line {})", bytes[..offset].split(|byte| *byte == b'\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        parse(bytes).map_or_else(|kind| kind.to_string(), |value| format!("was read: {value}"))
    }

    #[test]
    fn json_and_yaml_give_the_same_tree() {
        assert_eq!(parse(br#"{"connections":[{"name":"a"}]}"#), parse(b"connections:\n- name: a\n"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        assert_eq!(refusal(b" \n\n"), "the document is not a mapping of values: it is empty");
        assert_eq!(refusal(b"a: b\nc: \xff\n"), "the document is not UTF-8 text (line 2)");
        assert!(refusal(b"a: 1\nb: [1, 2\nc: 3\n").starts_with("the document is not valid YAML (line "));
        assert!(refusal(&vec![b' '; LARGEST + 1]).starts_with("the document has 1048577 bytes"));
    }

    #[test]
    fn a_key_written_twice_is_refused() {
        assert!(refusal(b"a: 1\na: 2\n").contains("not valid YAML"));
        assert!(refusal(br#"{"a": [{"b": 1, "b": 2}]}"#).contains("not valid YAML"));
    }

    #[test]
    fn a_word_like_on_is_a_truth_value_as_it_is_to_helm() {
        assert_eq!(parse(b"a: on\nb: no\nc: 'on'\n").unwrap(), serde_json::json!({"a": true, "b": false, "c": "on"}));
    }

    #[test]
    fn no_refusal_quotes_the_text() {
        for text in
            ["password: \"hunter2", "password: *hunter2", "password: !hunter2 x\n  - hunter2: [", "hunter2: 1\nhunter2: 2", "{\"password\": hunter2"]
        {
            assert!(!refusal(text.as_bytes()).contains("hunter2") || refusal(text.as_bytes()).starts_with("was read"), "{text}");
        }
    }
}
