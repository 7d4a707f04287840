//! Templates of the catalogue: handlebars text with plain `{{name}}` expressions and nothing else.
//!
//! Blocks, helpers, partials and the unescaped `{{{name}}}` are refused, so that every value passes the grammar of its variable. The
//! handlebars crate parses; filling in is done here, because escaping can fail and its escape function cannot.

use std::collections::BTreeSet;

use handlebars::Template as Parsed;
use handlebars::template::TemplateElement;
use serde::Deserialize;
use serde::de::Error as _;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(String),
}

impl Template {
    /// Parses the text of a template.
    ///
    /// # Errors
    /// A sentence, if it is not handlebars, or more than plain names.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = Parsed::compile(text).map_err(|error| format!("is not handlebars: {}", error.reason()))?;
        parsed.elements.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }

    /// The names it asks for.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.0
            .iter()
            .filter_map(|piece| match piece {
                Piece::Name(name) => Some(name.as_str()),
                Piece::Text(_) => None,
            })
            .collect()
    }

    /// Fills it in; `value` gives each name's text in its final spelling.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn fill<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Ok(text.clone()),
                Piece::Name(name) => value(name),
            })
            .collect()
    }
}

fn piece(element: TemplateElement) -> Result<Piece, String> {
    match element {
        TemplateElement::RawString(text) => Ok(Piece::Text(text)),
        TemplateElement::Expression(expression) if expression.params.is_empty() && expression.hash.is_empty() && !expression.block => {
            expression.name.as_name().map(|name| Piece::Name(name.to_owned())).ok_or_else(|| "has an expression that is not a name".to_owned())
        }
        _ => Err("has more than plain `{{name}}` expressions".to_owned()),
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in() {
        let template = Template::parse("host={{host}} user={{ username }};").unwrap();
        assert_eq!(template.names(), BTreeSet::from(["host", "username"]));
        assert_eq!(template.fill(|name| Ok::<_, ()>(name.to_uppercase())).unwrap(), "host=HOST user=USERNAME;");
    }

    #[test]
    fn more_than_plain_names_is_refused() {
        for text in ["{{{host}}}", "{{&host}}", "{{#if a}}b{{/if}}", "{{> part}}", "{{helper a}}", "{{\"x\"}}", "{{host", "{{a b=c}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
