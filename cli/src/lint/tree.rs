//! A YAML document as a tree in which each value knows its line.
//!
//! Rule: no text of a document is in an error, since it may be a credential.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Spanned};

/// A value, and the line where it is written: that of its name, if it has one. An alias is on the line of what it stands for, where that is mended.
/// No Debug: it may hold credentials.
pub(crate) struct Node {
    /// Counted from 1; 0 if the value is not there.
    pub(crate) line: u64,
    tree: Tree,
}

enum Tree {
    /// Null, or not there.
    Nothing,
    Text(String),
    Flag(bool),
    Number,
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// So many documents a file may have: all that `helm template` prints for a large chart, and more.
const MOST_DOCUMENTS: usize = 1_000_000;

static ABSENT: Node = Node { line: 0, tree: Tree::Nothing };

impl Node {
    /// The documents of a file, empty ones left out; and where what is no YAML is, if that is known. Behind an error of the syntax nothing is read.
    pub(crate) fn parse(mut bytes: &[u8]) -> (Vec<Self>, Vec<Option<Location>>) {
        // As kubectl reads them, `yes` and `on` are truth values.
        let budget = serde_yaml::budget! { max_documents: MOST_DOCUMENTS };
        let options = serde_yaml::options! { with_snippet: false, strict_booleans: false, budget: budget };
        let (mut documents, mut broken) = (Vec::new(), Vec::new());
        for document in serde_yaml::read_with_options::<_, Spanned<Tree>>(&mut bytes, options) {
            match document {
                Ok(document) => documents.push(Self::of(document)),
                Err(error) => broken.push(error.location()),
            }
        }
        (documents, broken)
    }

    fn of(Spanned { value, defined, .. }: Spanned<Tree>) -> Self {
        Self { line: defined.line(), tree: value }
    }

    /// A node without a value.
    pub(crate) fn absent() -> &'static Self {
        &ABSENT
    }

    /// The field of this name; one that is not there is a node without a value.
    pub(crate) fn get(&self, name: &str) -> &Self {
        let Tree::Map(fields) = &self.tree else { return &ABSENT };
        fields.iter().find(|(field, _)| field == name).map_or(&ABSENT, |(_, node)| node)
    }

    /// The field at the end of a path, as a JSON pointer writes it.
    pub(crate) fn at(&self, pointer: &str) -> &Self {
        pointer.split('/').skip(1).fold(self, |node, name| node.get(name))
    }

    /// The nodes at the ends of such a path, in which `*` is each item of a list.
    pub(crate) fn all_at(&self, pointer: &str) -> Vec<&Self> {
        pointer.split('/').skip(1).fold(vec![self], |nodes, name| match name {
            "*" => nodes.into_iter().flat_map(Self::items).collect(),
            name => nodes.into_iter().map(|node| node.get(name)).collect(),
        })
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> &[Self] {
        if let Tree::List(items) = &self.tree { items } else { &[] }
    }

    /// The items of a list, or what stands alone in its place.
    pub(crate) fn each(&self) -> &[Self] {
        if let Tree::Map(_) = &self.tree { std::slice::from_ref(self) } else { self.items() }
    }

    /// The text; nothing if it is something else, or is not known before something is filled in, as Argo Workflows does with `{{…}}`.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Tree::Text(text) = &self.tree { Some(text.as_str()).filter(|text| !text.contains("{{")) } else { None }
    }

    /// Whether it is a text that is not known before something is filled in.
    pub(crate) fn is_filled_in(&self) -> bool {
        matches!(self.tree, Tree::Text(_)) && self.text().is_none()
    }

    /// Whether it is `true`, and no text.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self.tree, Tree::Flag(true))
    }

    /// Whether there is a value.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.tree, Tree::Nothing)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = access.next_entry::<Spanned<String>, Spanned<Tree>>()? {
            fields.push((name.value, Node { line: name.defined.line(), tree: value.value }));
        }
        Ok(Tree::Map(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Tree>>()? {
            items.push(Node::of(item));
        }
        Ok(Tree::List(items))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Number)
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<Node> {
        let (documents, broken) = Node::parse(text.as_bytes());
        assert!(broken.is_empty(), "{broken:?}");
        documents
    }

    #[test]
    fn a_field_is_on_the_line_of_its_name_in_whichever_document() {
        let documents = parse("a: 1\n---\n# nothing\n---\nb:\n  c:\n    - d: x\n      e: yes\n");
        let [_, second] = documents.as_slice() else { panic!("{} documents", documents.len()) };
        let item = &second.at("/b/c").items()[0];
        assert_eq!([second.get("b").line, second.at("/b/c").line, item.line, item.get("e").line], [5, 6, 7, 8]);
        assert_eq!((item.get("d").text(), item.get("e").is_true()), (Some("x"), true));
    }

    #[test]
    fn what_an_alias_or_a_merge_stands_for_is_on_its_own_line() {
        let documents = parse("a: &a\n  x: 1\nb: *a\nc:\n  <<: *a\n  y: z\n");
        let lines = ["/b", "/b/x", "/c/x", "/c/y"].map(|pointer| documents[0].at(pointer).line);
        assert_eq!(lines, [3, 2, 2, 6]);
    }

    #[test]
    fn what_is_not_there_has_no_value_and_no_line() {
        let documents = parse("a: ~\n");
        let absent = documents[0].at("/a/b/c");
        assert!(!absent.is_there() && !documents[0].get("a").is_there() && absent.line == 0 && absent.items().is_empty());
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let (documents, broken) = Node::parse(b"a: 1\n---\nb: 1\nb: 2\n---\nc: 1\n");
        assert_eq!(documents.iter().map(|document| document.line).collect::<Vec<_>>(), [1, 6]);
        assert_eq!(broken.iter().flatten().map(Location::line).collect::<Vec<_>>(), [4]);
        assert_eq!(parse(&"a: 1\n---\n".repeat(2000)).len(), 2000);
    }

    #[test]
    fn text_that_is_no_yaml_is_refused_with_its_place_alone() {
        let place = Node::parse(b"a: b\nc: [hunter2\n").1.remove(0);
        assert!(place.is_some_and(|place| place.line() >= 2));
    }
}
