//! All that can be wrong with values: for each, what it is and what to do about it, beside each other.

use miette::Diagnostic;
use thiserror::Error;

use super::{Choice, Word};
use crate::catalogue::template::Place;
use crate::connections::Unread;

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
    #[error("connection `{second}` and that at {first} would both write {object}")]
    #[diagnostic(help("give one of them another name, or another namespace"))]
    SameObject {
        /// The place of the earlier connection.
        first: String,
        /// The name of the later one.
        second: String,
        /// Kind and name of the object.
        object: String,
    },
    /// Two connections of one identity that disagree about its tenant.
    #[error("connection `{second}` and that at {first} disagree about the tenant of their one identity")]
    #[diagnostic(help("give both the same `credentials.tenantId` (`--tenant-id` of `sc update`)"))]
    TwoTenants {
        /// The place of the earlier connection.
        first: String,
        /// The name of the later one.
        second: String,
    },
    /// A set that was not to be had.
    #[error("the Secret {name} with connections {why}")]
    #[diagnostic(help("{}", why.fix()))]
    SetUnread {
        /// Name of the Secret.
        name: Word,
        /// Why.
        why: Unread,
    },
    /// What was not kept of very many problems.
    #[error("{more} more problems are not listed")]
    #[diagnostic(help("mend those that are, and run again"))]
    More {
        /// How many.
        more: usize,
        /// Whether one of them may pass.
        may_pass: bool,
    },
    /// Two sets of one Secret.
    #[error("two connection sets are the Secret {name}")]
    #[diagnostic(help("keep one of them, with the namespaces and Secrets of both"))]
    SetTwice {
        /// Name of the Secret.
        name: Word,
    },
    /// A connection of a set that reaches for what the set does not name.
    #[error("{what} {name} is not among the `{field}` of this connection set")]
    #[diagnostic(help("add it to `{field}` of the set, by which the job gets its rights; {choice}"))]
    OutsideOfSet {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: Word,
        /// The field of the set.
        field: &'static str,
        /// What the set names.
        choice: Choice,
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
    #[diagnostic(help("write the credential, or a reference to a key that holds it"))]
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
    /// A text that should be a template. Nothing of it is shown.
    #[error("the template is malformed{}: {what}", place.map_or_else(String::new, |place| format!(" at {place}")))]
    #[diagnostic(help("write `{{{{name}}}}`, or `{{{{grammar name}}}}`, and text around them"))]
    MalformedTemplate {
        /// What is wrong.
        what: &'static str,
        /// Where in the template.
        place: Option<Place>,
    },
    /// A name in a template that nothing gives.
    #[error("{place} of the template: {name} is not known, or needs itself")]
    #[diagnostic(help("{choice}"))]
    UnknownName {
        /// The name.
        name: Word,
        /// Where in the template.
        place: Place,
        /// The names that there are.
        choice: Choice,
    },
    /// A variable of no grammar, or of several.
    #[error("a variable has one grammar")]
    #[diagnostic(help("write the text itself, or `{{<grammar>: <text>}}`, with `exact` and `correction` beside it where it corrects something"))]
    OneGrammar,
    /// A correction that corrects nothing.
    #[error("no variable has this correction")]
    #[diagnostic(help("remove it, or name it as `correction` of a variable"))]
    UnusedCorrection,
    /// A target service of a name that is taken.
    #[error("there is a target service {name} already")]
    #[diagnostic(help("give yours another name: connections that ask for it must not get another one silently"))]
    ServiceExists {
        /// The name.
        name: Word,
    },
    /// A Secret that Kubernetes would not store.
    #[error("its Secret would have {size} bytes of data, more than the {limit} that Kubernetes stores")]
    #[diagnostic(help("shorten the credentials or `additionalConfigurations`"))]
    SecretTooLarge {
        /// The bytes of its data.
        size: usize,
        /// The limit in bytes.
        limit: usize,
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
