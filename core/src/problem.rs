//! What is wrong with the values: where, what, and how to mend it.
//!
//! Rule: no text here ever contains a value that could be a credential. Only words that look like identifiers are quoted, and only from fields
//! that hold identifiers ([`Word`]).

mod kind;

use std::fmt;

use miette::Diagnostic;

use crate::names;
pub use kind::Kind;

/// A place in the values, as a reader would write it: `connections[2].target.id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The document: the values, or a set by its number.
    document: usize,
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

    /// The top of the document that a set is in.
    #[must_use]
    pub fn of_set(number: usize, secret: &str) -> Self {
        Self { document: number, entry: None, text: format!("Secret {secret}{}", Self::WITHIN) }
    }

    /// The name of the Secret with the set that this is in, if it is in one.
    #[must_use]
    pub fn set(&self) -> Option<&str> {
        let (secret, _) = self.text.strip_prefix("Secret ")?.split_once(Self::WITHIN)?;
        (self.document > 0).then_some(secret)
    }

    /// What stands between the name of a document and a place in it.
    const WITHIN: &str = ": ";

    /// The field `name` of this place.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        // Not by `format!`: a place is made for each field of each connection, and is looked at only when there is a problem.
        let joint = if self.text.is_empty() || self.text.ends_with(Self::WITHIN) { "" } else { "." };
        let text = [&self.text, joint, name].concat();
        Self { text, ..*self }
    }

    /// The last field of this place.
    #[must_use]
    pub fn last(&self) -> &str {
        self.text.rsplit('.').next().unwrap_or_default()
    }

    /// The index of the outermost entry of a list that this place is in.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.entry
    }

    /// Whether it is this entry of a list, or within it.
    #[must_use]
    pub fn is_within(&self, entry: &Self) -> bool {
        let rest = self.text.strip_prefix(&entry.text).filter(|_| self.document == entry.document);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
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
        Self { document: self.document, entry: self.entry.or(Some(index)), text: format!("{}[{index}]", self.text) }
    }
}

impl At {
    /// The list that this item is in, and its index there.
    pub(crate) fn in_list(&self) -> (Self, usize) {
        let list = self.text.rsplit_once('[').map_or(self.text.as_str(), |(list, _)| list);
        (Self { document: self.document, entry: None, text: list.to_owned() }, self.entry.unwrap_or_default())
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "the document" } else { self.text.trim_end_matches(Self::WITHIN) })
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

    /// The word itself, if it may be shown.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        self.is_shown().then_some(&*self.0)
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
        Self::by(|word| word, given, all)
    }

    /// The same for the names of connections' objects, which are not alike by what their kind has in common.
    pub fn of_objects<'a>(given: &str, all: impl IntoIterator<Item = &'a str>) -> Self {
        Self::by(names::of_connection, given, all)
    }

    fn by<'a>(part: impl Fn(&str) -> &str, given: &str, all: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let likeness = |given: &str, word: &str| strsim::jaro_winkler(&given.to_lowercase(), &word.to_lowercase());
        let nearest = all
            .iter()
            .map(|word| (likeness(part(given), part(word)), likeness(given, word), word))
            .filter(|(of_part, ..)| *of_part >= Self::ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
            .map(|(.., word)| word.clone());
        Self { nearest, all }
    }

    /// The word that was likely meant.
    #[must_use]
    pub fn nearest(&self) -> Option<&str> {
        self.nearest.as_deref()
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
        matches!(
            *self.kind,
            Kind::SetUnread { .. }
                | Kind::SecretAbsent { .. }
                | Kind::SecretKeyAbsent { .. }
                | Kind::SecretForbidden { .. }
                | Kind::SecretUnread { .. }
                | Kind::More { may_pass: true, .. }
        )
    }

    /// For how many it stands.
    #[must_use]
    pub fn count(&self) -> usize {
        if let Kind::More { more, .. } = *self.kind { more } else { 1 }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// Problems as they are found, in the order in which they were found. The first thousand are kept, the rest is counted: a slip in a template can
/// be in a hundred thousand connections, and nobody reads them all.
#[derive(Debug, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    more: usize,
    /// Whether one of those that were not kept may pass.
    may_pass: bool,
}

impl Problems {
    const KEPT: usize = 1000;

    /// Notes one more problem.
    pub fn add(&mut self, at: &At, kind: Kind) {
        self.push(Problem { at: at.clone(), kind: Box::new(kind) });
    }

    /// Notes a problem that is whole already.
    pub fn push(&mut self, problem: Problem) {
        if self.kept.len() < Self::KEPT {
            self.kept.push(problem);
        } else {
            self.more += 1;
            self.may_pass |= problem.may_pass();
        }
    }

    /// How many there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len() + self.more
    }

    /// Whether there is none so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Hands them over: those of the document first, then those of each entry, in its order, and at last how many more there are.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        let Self { mut kept, more, may_pass } = self;
        kept.sort_by_key(|problem| (problem.at.document, problem.at.entry));
        kept.extend((more > 0).then(|| Problem { at: At::top(), kind: Box::new(Kind::More { more, may_pass }) }));
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_set_knows_the_secret_that_it_is_in() {
        assert_eq!(At::of_set(1, "shop-connections").item(2).field("target").set(), Some("shop-connections"));
        assert_eq!(At::top().field("connections").item(2).set(), None);
    }

    #[test]
    fn a_place_is_within_its_own_entry_of_its_own_document_alone() {
        let (values, set) = (At::top().field("connections"), At::of_set(1, "shop"));
        assert!(values.item(2).is_within(&values.item(2)));
        assert!(values.item(2).field("target").is_within(&values.item(2)));
        assert!(!values.item(21).is_within(&values.item(2)));
        assert!(!set.item(2).is_within(&At::of_set(2, "shop").item(2)));
        assert!(!At::top().field("connectionsDocument").item(2).is_within(&values.item(2)));
    }

    #[test]
    fn a_word_that_is_no_identifier_is_not_shown() {
        for secret in ["postgres://u:p@h", "", "a b", "x=y", &"a".repeat(64)] {
            assert_eq!((Word::new(secret).to_string(), Word::new(secret).shown()), ("(not shown)".to_owned(), None));
        }
        assert_eq!(Word::new("postgress").to_string(), "`postgress`");
    }

    #[test]
    fn what_names_of_objects_have_in_common_does_not_make_them_alike() {
        let known = ["sc-orders-secret", "sc-pictures-secret"];
        assert_eq!(Choice::of_objects("sc-unheard-of-secret", known).nearest(), None);
        assert_eq!(Choice::of_objects("sc-order-secret", known).nearest(), Some("sc-orders-secret"));
        assert_eq!(Choice::of_objects("SC_Pictures_Secret", known).nearest(), Some("sc-pictures-secret"));
        let accounts = ["1", "2"].map(|end| format!("sc-account-11111111-2222-3333-4444-55555555555{end}"));
        let known = || accounts.iter().map(String::as_str);
        assert_eq!(Choice::of_objects("sc-acount-11111111-2222-3333-4444-555555555551", known()).nearest(), Some(accounts[0].as_str()));
    }

    #[test]
    fn the_nearest_word_is_named_first() {
        let choice = Choice::of("postgress", ["keyvault", "postgres", "postgres-flexible"]);
        assert_eq!(choice.to_string(), "did you mean `postgres`? use one of: keyvault, postgres, postgres-flexible");
        assert_eq!(Choice::of("zzz", ["keyvault"]).to_string(), "use one of: keyvault");
    }

    #[test]
    fn of_very_many_the_first_are_kept_and_the_rest_is_counted() {
        let mut problems = Problems::default();
        for index in 0..2500 {
            problems.add(&At::top().item(index), Kind::MissingField { field: "name", meaning: "a name" });
        }
        assert_eq!(problems.len(), 2500);
        let listed = problems.into_vec();
        assert_eq!((listed.len(), listed.iter().map(Problem::count).sum::<usize>()), (1001, 2500));
        assert_eq!(listed.last().map(ToString::to_string).as_deref(), Some("1500 more problems are not listed"));
        assert!(!listed.iter().any(Problem::may_pass));
    }

    #[test]
    fn a_place_reads_like_a_path() {
        assert_eq!(At::top().field("connections").item(2).field("target").to_string(), "connections[2].target");
        assert_eq!(At::top().to_string(), "the document");
    }
}
