//! Reads the fields of a mapping one by one, notes every problem on the way, and knows which fields nobody asked for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::problem::{At, Choice, Kind, Problems, Word};

/// No mapping is asked for more fields, so that the list of those asked for never has to grow.
const MANY: usize = 20;

/// A mapping whose fields are taken out by name.
#[derive(Debug)]
pub(crate) struct Fields<'p> {
    at: At,
    map: Map<String, Value>,
    asked: Vec<&'static str>,
    problems: &'p mut Problems,
}

impl<'p> Fields<'p> {
    /// Takes `value` as a mapping; anything else is a problem, and nothing.
    pub(crate) fn of(value: Value, at: At, problems: &'p mut Problems) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { at, map, asked: Vec::with_capacity(MANY), problems }),
            other => {
                problems.add(&at, wrong_shape(&other, "a mapping", "write fields here, each as `name: value`"));
                None
            }
        }
    }

    /// The place of the mapping.
    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Takes the field out; an explicit null counts as absent.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.take(name)?;
        self.text_of(value, |at| at.field(name))
    }

    /// A text that must be there; `meaning` says what it is for.
    pub(crate) fn required(&mut self, name: &'static str, meaning: &'static str) -> Option<String> {
        if self.map.get(name).is_none_or(Value::is_null) {
            self.asked.push(name);
            self.map.remove(name);
            self.problems.add(&self.at, Kind::MissingField { field: name, meaning });
            return None;
        }
        self.text(name)
    }

    /// A truth value, also as the texts `"true"` and `"false"`: some installers hand over nothing but strings.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.take(name)?;
        match value {
            Value::Bool(flag) => return Some(flag),
            Value::String(text) if text == "true" => return Some(true),
            Value::String(text) if text == "false" => return Some(false),
            other => self.problems.add(&self.at.field(name), wrong_shape(&other, "true or false", "write `true` or `false`")),
        }
        None
    }

    /// A mapping of texts.
    pub(crate) fn texts(&mut self, name: &'static str) -> BTreeMap<String, String> {
        self.entries(name, |fields, value, at| fields.text_of(value, at))
    }

    /// A mapping of texts in which whole numbers count as their digits, as in `port: 5432`.
    pub(crate) fn texts_or_numbers(&mut self, name: &'static str) -> BTreeMap<String, String> {
        self.entries(name, |fields, value, at| match value {
            Value::Number(number) => fields.digits(&number, at),
            other => fields.text_of(other, at),
        })
    }

    /// A list, each entry with its place.
    pub(crate) fn list(&mut self, name: &'static str) -> Vec<(At, Value)> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let at = self.at.field(name);
        match value {
            Value::Array(items) => items.into_iter().enumerate().map(|(index, item)| (at.item(index), item)).collect(),
            other => {
                self.problems.add(&at, wrong_shape(&other, "a list", "write a list here, each entry behind a `-`"));
                Vec::new()
            }
        }
    }

    /// A list of texts, each with its place.
    pub(crate) fn texts_of(&mut self, name: &'static str) -> Vec<(At, String)> {
        let list = self.list(name);
        list.into_iter().filter_map(|(at, item)| Some((at.clone(), self.text_of(item, |_| at)?))).collect()
    }

    /// The mapping inside this one whose keys are the user's own words.
    pub(crate) fn map(&mut self, name: &'static str) -> Map<String, Value> {
        match self.take(name) {
            None => Map::new(),
            Some(Value::Object(map)) => map,
            Some(other) => {
                self.problems.add(&self.at.field(name), wrong_shape(&other, "a mapping", "write entries here, each as `name: value`"));
                Map::new()
            }
        }
    }

    /// Where further problems go.
    pub(crate) fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// Notes each field that nobody asked for.
    pub(crate) fn finish(self) {
        self.finish_with(|field| Word::new(field));
    }

    /// The same, without naming them: a credential may stand there by mistake.
    pub(crate) fn finish_hidden(self) {
        self.finish_with(|_| Word::hidden());
    }

    fn finish_with(self, shown: impl Fn(&str) -> Word) {
        for field in self.map.keys() {
            let choice = Choice::of(field, self.asked.iter().copied());
            self.problems.add(&self.at, Kind::UnknownField { field: shown(field), choice });
        }
    }

    fn entries(&mut self, name: &'static str, read: impl Fn(&mut Self, Value, &dyn Fn(&At) -> At) -> Option<String>) -> BTreeMap<String, String> {
        let map = self.map(name);
        map.into_iter().filter_map(|(key, value)| read(self, value, &|at| at.field(name).key(&key)).map(|value| (key, value))).collect()
    }

    /// The digits of a whole number; `5432.0` is one, as it is to Helm.
    fn digits(&mut self, number: &serde_json::Number, at: impl FnOnce(&At) -> At) -> Option<String> {
        match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => Some(format!("{float:.0}")),
            _ => self.text_of(Value::Number(number.clone()), at),
        }
    }

    /// The text that a value is; `at` makes its place out of that of the mapping when it is needed.
    fn text_of(&mut self, value: Value, at: impl FnOnce(&At) -> At) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            other => {
                self.problems.add(&at(&self.at), wrong_shape(&other, "a text", "put it in quotes"));
                None
            }
        }
    }
}

/// The problem that `value` is not what belongs there. Says only which form it has.
pub(crate) fn wrong_shape(value: &Value, expected: &'static str, fix: &'static str) -> Kind {
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    Kind::WrongShape { found, expected, fix }
}
