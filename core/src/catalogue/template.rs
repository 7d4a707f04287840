//! Templates of the catalogue: handlebars text with `{{name}}` and `{{grammar name}}` expressions and nothing else.
//!
//! Blocks, partials and the unescaped `{{{name}}}` are refused, so that every value passes a grammar. The handlebars crate parses; filling in
//! is done here, because escaping can fail and its helpers cannot say so with a place.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use handlebars::Template as Parsed;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use litemap::LiteMap;

use super::grammar::Grammar;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Arc<[Piece]>);

/// What has been parsed, by its text: of the catalogue's templates, six in seven say what another says.
static PARSED: Mutex<LiteMap<String, Template>> = Mutex::new(LiteMap::new_vec());

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Expression(Expression),
}

/// A name to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// The name, such as `host`, or `cloud.storage`.
    pub name: String,
    /// The grammar that this one value passes before that of the variable, as in `{{url database}}`.
    pub inner: Option<Grammar>,
    /// Where it stands in the template.
    pub place: Place,
}

/// A place in a template, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, without any of the text.
    pub what: &'static str,
    /// Where.
    pub place: Option<Place>,
}

impl Template {
    /// Parses the text of a template.
    ///
    /// # Errors
    /// If it is not handlebars, or more than names and grammars.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = parsed.get(text) {
            return Ok(template.clone());
        }
        let template = Self::parse_first(text)?;
        parsed.insert(text.to_owned(), template.clone());
        Ok(template)
    }

    fn parse_first(text: &str) -> Result<Self, Malformed> {
        let parsed = Parsed::compile(text).map_err(|error| {
            let place = error.pos().map(|(line, column)| Place { line, column });
            Malformed { what: "it is not handlebars: is each `{{` closed by `}}`?", place }
        })?;
        let places = parsed.mapping.iter().map(|mapping| Place { line: mapping.0, column: mapping.1 });
        let elements = parsed.elements.into_iter().zip(places);
        elements
            .map(|(element, place)| piece(element, place).map_err(|what| Malformed { what, place: Some(place) }))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// What is to be filled in, in order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Expression(expression) => Some(expression),
            Piece::Text(_) => None,
        })
    }

    /// The names that it asks for.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.expressions().map(|expression| expression.name.as_str()).collect()
    }

    /// Fills it in; `value` gives each expression's text in its final spelling.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn fill<E>(&self, mut value: impl FnMut(&Expression) -> Result<String, E>) -> Result<String, E> {
        let mut filled = String::new();
        for piece in &*self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Expression(expression) => filled.push_str(&value(expression)?),
            }
        }
        Ok(filled)
    }
}

fn piece(element: TemplateElement, place: Place) -> Result<Piece, &'static str> {
    match element {
        TemplateElement::RawString(text) => Ok(Piece::Text(text)),
        TemplateElement::Expression(found) if found.hash.is_empty() && !found.block => expression(&found, place).map(Piece::Expression),
        _ => Err("it has more than `{{name}}` and `{{grammar name}}`"),
    }
}

fn expression(found: &HelperTemplate, place: Place) -> Result<Expression, &'static str> {
    match found.params.as_slice() {
        [] => Ok(Expression { name: name(&found.name)?, inner: None, place }),
        [one] => {
            let inner = Grammar::named(&name(&found.name)?).ok_or("it has a helper that is no grammar")?;
            Ok(Expression { name: name(one)?, inner: Some(inner), place })
        }
        _ => Err("it has an expression of more than two words"),
    }
}

fn name(parameter: &Parameter) -> Result<String, &'static str> {
    parameter.as_name().map(str::to_owned).ok_or("it has an expression that is not a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in() {
        let template = Template::parse("host={{host}} user={{ username }}@{{cloud.storage}};").unwrap();
        assert_eq!(template.names(), BTreeSet::from(["cloud.storage", "host", "username"]));
        let filled = template.fill(|expression| Ok::<_, ()>(expression.name.to_uppercase()));
        assert_eq!(filled.unwrap(), "host=HOST user=USERNAME@CLOUD.STORAGE;");
    }

    #[test]
    fn a_grammar_may_stand_before_a_name() {
        let template = Template::parse("/{{url database}}?x={{sqlserver-jdbc host}}").unwrap();
        let inner: Vec<_> = template.expressions().map(|expression| expression.inner).collect();
        assert_eq!(inner, [Some(Grammar::Url), Some(Grammar::SqlServerJdbc)]);
    }

    #[test]
    fn more_than_names_and_grammars_is_refused() {
        for text in [
            "{{{host}}}",
            "{{&host}}",
            "{{#if a}}b{{/if}}",
            "{{> part}}",
            "{{helper a}}",
            "{{\"x\"}}",
            "{{host",
            "{{a b=c}}",
            "{{url a b}}",
            "{{url \"x\"}}",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mistake_has_its_place() {
        assert_eq!(Template::parse("a\nbc {{helper x}}").unwrap_err().place, Some(Place { line: 2, column: 4 }));
        assert!(Template::parse("a\nbc {{x").unwrap_err().place.is_some());
    }
}
