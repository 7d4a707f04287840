//! What is wrong with the values: where, what, and how to mend it.
//!
//! Rule: no text here ever contains a value that could be a credential. Only words that look like identifiers are quoted, and only from fields
//! that hold identifiers ([`Word`]).

use std::fmt;

use miette::Diagnostic;
use thiserror::Error;

/// A place in the values, as a reader would write it: `connections[2].target.id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The outermost entry, by which problems are put in order.
    entry: Option<usize>,
    text: String,
}

impl At {
    /// The top of the document.
    #[must_use]
    pub fn top() -> Self {
        Self::default()
    }

    /// The field `name` of this place.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        let text = if self.text.is_empty() { name.to_owned() } else { format!("{}.{name}", self.text) };
        Self { entry: self.entry, text }
    }

    /// The last field of this place.
    #[must_use]
    pub fn last(&self) -> &str {
        self.text.rsplit('.').next().unwrap_or_default()
    }

    /// The entry of a mapping whose keys are the user's own words.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let word = Word::new(key);
        self.field(if word.is_shown() { key } else { Word::HIDDEN })
    }

    /// The entry `index` of the list at this place, counted from 0.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        Self { entry: self.entry.or(Some(index)), text: format!("{}[{index}]", self.text) }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "the document" } else { &self.text })
    }
}

/// A word that a user wrote into a field for identifiers.
///
/// Displays in backticks if it looks like an identifier, and as `(not shown)` if not: whoever pastes a connection string into the
/// wrong field shall not find it in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(String);

impl Word {
    const LONGEST: usize = 63;
    const HIDDEN: &'static str = "(not shown)";

    /// Takes a word as it was written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A word from a place where a credential may have been written by mistake: it is never shown.
    #[must_use]
    pub fn hidden() -> Self {
        Self(String::new())
    }

    fn is_shown(&self) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !self.0.is_empty() && self.0.len() <= Self::LONGEST && self.0.chars().all(plain)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_shown() { write!(f, "`{}`", self.0) } else { f.write_str(Self::HIDDEN) }
    }
}

/// The words that would have been right, and the nearest of them to what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    nearest: Option<String>,
    all: Vec<String>,
}

impl Choice {
    /// How alike two words must be (Jaro-Winkler, 0 to 1) for one to be taken for a slip of the other.
    const ALIKE: f64 = 0.8;
    /// So many words are listed in a message; beyond that the reader is better served by the documentation.
    const LISTED: usize = 40;

    /// The choice among `all`, for somebody who wrote `given`.
    pub fn of<'a>(given: &str, all: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let likeness = |word: &str| strsim::jaro_winkler(&given.to_lowercase(), &word.to_lowercase());
        let nearest = all
            .iter()
            .map(|word| (likeness(word), word))
            .filter(|(likeness, _)| *likeness >= Self::ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, word)| word.clone());
        Self { nearest, all }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nearest) = &self.nearest {
            write!(f, "did you mean `{nearest}`? ")?;
        }
        match self.all.as_slice() {
            [] => f.write_str("remove it, nothing may stand here"),
            all if all.len() <= Self::LISTED => write!(f, "use one of: {}", all.join(", ")),
            all => write!(f, "{} names are known", all.len()),
        }
    }
}

/// One thing that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the values.
    pub at: At,
    /// What, and how to mend it.
    pub kind: Box<Kind>,
}

impl Problem {
    /// What to do about it; never empty.
    #[must_use]
    pub fn fix(&self) -> String {
        self.kind.help().map(|help| help.to_string()).unwrap_or_default()
    }

    /// Whether trying again, with the same values, may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(*self.kind, Kind::SecretAbsent { .. } | Kind::SecretKeyAbsent { .. } | Kind::SecretForbidden { .. } | Kind::SecretUnread { .. })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// All that can be wrong with values. Each says what is wrong and, as help, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum Kind {
    /// The document cannot be read at all; nothing of it is used.
    #[error("the document is not {expected}{place}")]
    #[diagnostic(help("{fix}"))]
    Unreadable {
        /// What it should have been.
        expected: &'static str,
        /// ` (line 3, column 7)`, or nothing.
        place: String,
        /// What to do.
        fix: &'static str,
    },
    /// The document is larger than Kubernetes could have stored.
    #[error("the document has {size} bytes, more than the {limit} that a Secret can hold")]
    #[diagnostic(help("hand over fewer connections at once"))]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A value has another form than its field.
    #[error("{found} stands where {expected} belongs")]
    #[diagnostic(help("{fix}"))]
    WrongShape {
        /// What stands there, as a noun.
        found: &'static str,
        /// What belongs there, as a noun.
        expected: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// A field that nothing reads.
    #[error("{field} is not a field here")]
    #[diagnostic(help("{choice}"))]
    UnknownField {
        /// Its name.
        field: Word,
        /// The fields that are.
        choice: Choice,
    },
    /// A field without which nothing can be done.
    #[error("the field `{field}` is missing")]
    #[diagnostic(help("add `{field}`: {meaning}"))]
    MissingField {
        /// Its name.
        field: &'static str,
        /// What goes into it.
        meaning: &'static str,
    },
    /// A name that is not in the list of names for this field.
    #[error("{what} {given} is not {list}")]
    #[diagnostic(help("{choice}"))]
    UnknownWord {
        /// What the field names.
        what: &'static str,
        /// What was written.
        given: Word,
        /// The list it is not in.
        list: String,
        /// What the list has.
        choice: Choice,
    },
    /// A name or identifier of the wrong form.
    #[error("{what} {given} is not valid")]
    #[diagnostic(help("{rule}"))]
    InvalidName {
        /// What it names.
        what: &'static str,
        /// What was written.
        given: Word,
        /// The form it must have.
        rule: &'static str,
    },
    /// A derived or given fact that no client could use.
    #[error("{what} is not valid")]
    #[diagnostic(help("{rule}"))]
    InvalidFact {
        /// Which fact.
        what: String,
        /// The form it must have.
        rule: String,
    },
    /// Two connections that would write one object.
    #[error("connections `{first}` and `{second}` would both write {object}")]
    #[diagnostic(help("give one of them another name, or another namespace"))]
    SameObject {
        /// The earlier connection.
        first: String,
        /// The later connection.
        second: String,
        /// Kind and name of the object.
        object: String,
    },
    /// Two connections of one identity that disagree about its tenant.
    #[error("connections `{first}` and `{second}` disagree about the tenant of their one identity")]
    #[diagnostic(help("give both the same `credentials.tenantId`, or neither"))]
    TwoTenants {
        /// The earlier connection.
        first: String,
        /// The later connection.
        second: String,
    },
    /// An ARM id of another form than that of its target service.
    #[error("the resource id is not that of a `{service}`")]
    #[diagnostic(help("it has the form {form}"))]
    WrongResourceId {
        /// The target service.
        service: String,
        /// The form that it should have.
        form: String,
    },
    /// A part of the target without which its configuration cannot be made.
    #[error("`{part}` of the target is not known")]
    #[diagnostic(help("{fix}"))]
    MissingPart {
        /// Its name.
        part: String,
        /// The ways to give it.
        fix: String,
    },
    /// A credential that is needed.
    #[error("the credential `{credential}` is missing")]
    #[diagnostic(help("add `credentials.{credential}`, {}", how_to_write(credential)))]
    MissingCredential {
        /// Its name.
        credential: String,
    },
    /// A credential, or an unknown field, where none belongs. The name is not shown: it may be the credential itself.
    #[error("a credential stands here that this connection has no use for")]
    #[diagnostic(help("remove it, or correct its name: {choice}"))]
    NeedlessCredential {
        /// What is known.
        choice: Choice,
    },
    /// A credential that must stand in the values itself.
    #[error("`{credential}` must be written out, not referenced")]
    #[diagnostic(help("names of objects follow from it and it is no secret: write the id itself"))]
    MustBeLiteral {
        /// Its name.
        credential: String,
    },
    /// A referenced Secret is not there.
    #[error("the Secret {name} that holds `{credential}` does not exist")]
    #[diagnostic(help("create it in the namespace of the release, or correct `secretKeyRef.name`"))]
    SecretAbsent {
        /// Name of the Secret.
        name: Word,
        /// Name of the credential.
        credential: String,
    },
    /// A referenced Secret lacks the key.
    #[error("the Secret {name} lacks the key that should hold `{credential}`")]
    #[diagnostic(help("add the key to the Secret, or correct `secretKeyRef.key`"))]
    SecretKeyAbsent {
        /// Name of the Secret.
        name: Word,
        /// Name of the credential.
        credential: String,
    },
    /// A referenced Secret may not be read.
    #[error("the Secret {name} that holds `{credential}` may not be read")]
    #[diagnostic(help("install through the chart, which grants `get` on each referenced Secret"))]
    SecretForbidden {
        /// Name of the Secret.
        name: Word,
        /// Name of the credential.
        credential: String,
    },
    /// A referenced Secret was not to be had, whatever is in it.
    #[error("the Secret {name} that holds `{credential}` was not read, the API server did not answer")]
    #[diagnostic(help("run again"))]
    SecretUnread {
        /// Name of the Secret.
        name: Word,
        /// Name of the credential.
        credential: String,
    },
    /// A referenced credential is binary.
    #[error("the key of the Secret {name} that holds `{credential}` is not UTF-8 text")]
    #[diagnostic(help("a credential is text: store it as such"))]
    SecretNotText {
        /// Name of the Secret.
        name: Word,
        /// Name of the credential.
        credential: String,
    },
    /// A value that the grammar of a variable cannot carry. The value is not shown.
    #[error("`{value}` has a character that {grammar} cannot carry, in `{variable}`")]
    #[diagnostic(help("{fix}"))]
    Inexpressible {
        /// Name of the credential or fact.
        value: String,
        /// Name of the grammar, as a noun.
        grammar: &'static str,
        /// The variable that it goes into.
        variable: String,
        /// What can be done.
        fix: &'static str,
    },
    /// A customized key that renames nothing.
    #[error("{key} is not a key of this connection")]
    #[diagnostic(help("{choice}"))]
    UnknownKey {
        /// What was to be renamed.
        key: Word,
        /// The keys that there are.
        choice: Choice,
    },
    /// Two variables or files of one name.
    #[error("two {what} of this connection would be called {key}")]
    #[diagnostic(help("give each of them a name of its own"))]
    KeyCollision {
        /// What they are.
        what: &'static str,
        /// The name.
        key: Word,
    },
    /// A credential that is there but has no character.
    #[error("`{credential}` is empty")]
    #[diagnostic(help("write the credential, or a reference to where it is"))]
    EmptyCredential {
        /// Its name.
        credential: String,
    },
    /// A fact that was given, and that no variable shows.
    #[error("`{fact}` of the target is used by no variable of this client type")]
    #[diagnostic(help("remove it; where the client can take it, give it by `additionalConnectionStringProperties` or `additionalConfigurations`"))]
    UnusedFact {
        /// Its name.
        fact: String,
    },
    /// An option that the connection has no use for.
    #[error("{what} has no meaning for this connection")]
    #[diagnostic(help("remove it: {why}"))]
    Meaningless {
        /// The option.
        what: &'static str,
        /// Why it has none.
        why: &'static str,
    },
}

/// Ids and names of users are no secrets, and some of them must not be references.
fn how_to_write(credential: &str) -> &'static str {
    match credential {
        "clientId" | "tenantId" | "username" => "written out: it is no secret",
        _ => "best as `{secretKeyRef: {name: …, key: …}}` to a Secret in the namespace of the release",
    }
}

/// Problems as they are found, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes one more problem.
    pub fn add(&mut self, at: &At, kind: Kind) {
        self.0.push(Problem { at: at.clone(), kind: Box::new(kind) });
    }

    /// How many there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands them over: those of the document first, then those of each entry, in its order.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.at.entry);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_identifier_is_not_shown() {
        for secret in ["postgres://u:p@h", "", "a b", "x=y", &"a".repeat(64)] {
            assert_eq!(Word::new(secret).to_string(), "(not shown)");
        }
        assert_eq!(Word::new("postgress").to_string(), "`postgress`");
    }

    #[test]
    fn the_nearest_word_is_named_first() {
        let choice = Choice::of("postgress", ["keyvault", "postgres", "postgres-flexible"]);
        assert_eq!(choice.to_string(), "did you mean `postgres`? use one of: keyvault, postgres, postgres-flexible");
        assert_eq!(Choice::of("zzz", ["keyvault"]).to_string(), "use one of: keyvault");
    }

    #[test]
    fn a_place_reads_like_a_path() {
        assert_eq!(At::top().field("connections").item(2).field("target").to_string(), "connections[2].target");
        assert_eq!(At::top().to_string(), "the document");
    }
}
