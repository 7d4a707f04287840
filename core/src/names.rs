//! Names: of connections and namespaces as users write them, and of objects, labels and annotations as the job writes them.
//!
//! Rule: no other file of core or of the edges spells a label, or the name of a connection's object.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::object::{ObjectKind, Texts};
use crate::problem::{Kind, Word};

/// `app.kubernetes.io/managed-by`, on every object that the job makes.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const MANAGER: &str = "sc-job";
/// Label: the connection, in its normalised form.
pub const CONNECTION: &str = "sc-extension.dev/connection";
/// Label: the name of the release that the object belongs to.
pub const RELEASE: &str = "sc-extension.dev/release";
/// Label: the namespace of that release.
pub const RELEASE_NAMESPACE: &str = "sc-extension.dev/release-namespace";
/// Annotation: the connection's name as it was written, which may not be a legal label.
pub const CONNECTION_NAME: &str = "sc-extension.dev/connection-name";
/// Annotation of `sc-config`: the hash of the values in it.
pub const CONFIG_HASH: &str = "sc-extension.dev/config-hash";
/// Annotation of a Secret with credentials that were given to `sc`: the first revision of the release that does not refer to it.
pub const UNUSED_SINCE: &str = "sc-extension.dev/unused-since-revision";
/// Annotation that the workload identity webhook reads (azure-workload-identity, `pkg/webhook/consts.go`).
pub const WEBHOOK_CLIENT_ID: &str = "azure.workload.identity/client-id";
/// The same for the tenant.
pub const WEBHOOK_TENANT_ID: &str = "azure.workload.identity/tenant-id";
/// Label of the Secrets that the Secrets Store CSI driver hands to its providers.
pub const CSI_USED: &str = "secrets-store.csi.k8s.io/used";

/// A namespace's name: an RFC 1123 label. Its clones share one text, since thousands of objects may be in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Borrow<str> for Namespace {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Namespace {
    /// That of a connection which names none.
    pub const DEFAULT: &str = "default";

    /// Parses a name.
    ///
    /// # Errors
    /// If it is not an RFC 1123 label of at most 63 characters.
    pub fn parse(text: &str) -> Result<Self, Kind> {
        let rule = "1 to 63 of the characters a-z, 0-9 and `-`, a letter or digit first and last";
        if is_label(text) { Ok(Self(text.into())) } else { Err(invalid("namespace", text, rule)) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A connection's name, as written and in the normalised form that object names carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionName {
    written: String,
    normalised: String,
}

impl ConnectionName {
    /// The longest normalised form: it must fit into a label.
    const LONGEST: usize = 63;

    /// Parses a name: letters, digits, `.`, `_` and `-`.
    ///
    /// Azure allows `[A-Za-z0-9._]` (azure-cli, `validate_connection_name`); `-` is allowed beside, so that an RFC 1123 label is a name too.
    ///
    /// # Errors
    /// If it has another character, or its normalised form is empty or longer than 63 characters.
    pub fn parse(text: &str) -> Result<Self, Kind> {
        let rule = "letters, digits, `.`, `_` and `-`; 1 to 63 of them letters or digits";
        let normalised = normalised(text);
        let legal = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !legal || normalised.is_empty() || normalised.len() > Self::LONGEST {
            return Err(invalid("connection name", text, rule));
        }
        Ok(Self { written: text.to_owned(), normalised })
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The name without any character outside `[A-Za-z0-9]`, in lower case.
    #[must_use]
    pub fn normalised(&self) -> &str {
        &self.normalised
    }

    /// Name of the Secret with the configuration.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("sc-{}-secret", self.normalised)
    }

    /// Name of the Secret as servicebinding.io lays it out.
    #[must_use]
    pub fn binding(&self) -> String {
        format!("sc-{}-binding", self.normalised)
    }

    /// Name of the Secret by which the CSI provider logs in as a service principal.
    #[must_use]
    pub fn vault_login(&self) -> String {
        format!("sc-{}-vaultlogin", self.normalised)
    }

    /// Name of the `SecretProviderClass`.
    #[must_use]
    pub fn secret_provider_class(&self) -> String {
        format!("sc-{}-secretprovider", self.normalised)
    }
}

/// A GUID, as Azure's client and tenant ids are: kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guid(String);

impl Guid {
    /// The form, for messages.
    pub const FORM: &'static str = "a GUID, as in `00000000-0000-0000-0000-000000000000`";

    /// Parses a GUID in its common form of 36 characters; nothing else is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let hexadecimal = groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()));
        (lengths == [8, 4, 4, 4, 12] && hexadecimal).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The GUID, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Name of the ServiceAccount of this client id.
    #[must_use]
    pub fn service_account(&self) -> String {
        format!("sc-account-{}", self.0)
    }
}

/// The release whose job this is: what tells our objects from those of another release of the same chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace, `sc-system` by custom.
    pub namespace: String,
}

impl Release {
    /// The labels of every object of this release, the connection's own beside them where there is one.
    #[must_use]
    pub fn labels(&self, connection: Option<&ConnectionName>) -> Texts {
        let ours = [(MANAGED_BY, MANAGER.to_owned()), (RELEASE, self.name.clone()), (RELEASE_NAMESPACE, self.namespace.clone())];
        ours.into_iter().chain(connection.map(|name| (CONNECTION, name.normalised().to_owned()))).collect()
    }

    /// The label selector of its objects, as kubectl reads it.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{RELEASE}={},{RELEASE_NAMESPACE}={}", self.name, self.namespace)
    }

    /// Whether an object with these labels is one of this release's.
    #[must_use]
    pub fn owns(&self, labels: &Value) -> bool {
        labels[MANAGED_BY] == MANAGER && labels[RELEASE] == self.name.as_str() && labels[RELEASE_NAMESPACE] == self.namespace.as_str()
    }
}

/// Whether the job gives such a name to objects of this kind.
#[must_use]
pub fn has_form(kind: ObjectKind, name: &str) -> bool {
    let is_connections = |end: &str| {
        let normalised = name.strip_prefix("sc-").and_then(|rest| rest.strip_suffix(end));
        normalised.and_then(|found| ConnectionName::parse(found).ok()).is_some_and(|found| found.written == found.normalised)
    };
    match kind {
        ObjectKind::ServiceAccount => {
            name.strip_prefix("sc-account-").and_then(Guid::parse).is_some_and(|client_id| client_id.service_account() == name)
        }
        ObjectKind::Secret => is_connections("-secret"),
        ObjectKind::Binding => is_connections("-binding"),
        ObjectKind::VaultLogin => is_connections("-vaultlogin"),
        ObjectKind::SecretProviderClass => is_connections("-secretprovider"),
    }
}

/// Whether a Secret of this name could be one that the job makes.
#[must_use]
pub fn may_be_ours(secret: &str) -> bool {
    secret.starts_with("sc-") && ["-secret", "-binding", "-vaultlogin"].iter().any(|end| secret.ends_with(end))
}

/// The part of an object's name that is its connection's, though it be a slip of one; all of it, if it has not the form.
#[must_use]
pub fn of_connection(object: &str) -> &str {
    let is_between = |c: char| !c.is_ascii_alphanumeric();
    match (object.find(is_between), object.rfind(is_between)) {
        (Some(start), Some(end)) if start < end && begins_as_ours(object) => object[start..end].trim_start_matches(is_between),
        _ => object,
    }
}

/// A name without any character outside `[A-Za-z0-9]`, in lower case.
#[must_use]
pub fn normalised(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a name begins as those of connections' objects do, in whatever case and with whichever separator: then it can be a slip of one.
#[must_use]
pub fn begins_as_ours(name: &str) -> bool {
    let is_between = |rest: &str| rest.starts_with(|c: char| !c.is_ascii_alphanumeric());
    name.split_at_checked(2).is_some_and(|(start, rest)| start.eq_ignore_ascii_case("sc") && is_between(rest))
}

/// Whether `text` can be the name of a variable: what a Secret's key may be made of (Kubernetes, "Secrets", restrictions on names).
#[must_use]
pub fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text != "."
        && !text.starts_with("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Whether `text` is an RFC 1123 label.
#[must_use]
pub fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next()) && edge(text.chars().last()) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Whether `text` is the name of a Secret: an RFC 1123 subdomain, of which Kubernetes limits only the whole length.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label_of_any_length)
}

fn invalid(what: &'static str, given: &str, rule: &'static str) -> Kind {
    Kind::InvalidName { what, given: Word::new(given), rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_names_follow_the_recorded_rule() {
        // Recorded: connection `postgresflexible_bft3u` has the Secret `sc-postgresflexiblebft3u-secret`.
        assert_eq!(ConnectionName::parse("postgresflexible_bft3u").unwrap().secret(), "sc-postgresflexiblebft3u-secret");
        assert_eq!(ConnectionName::parse("Orders.DB-1").unwrap().secret(), "sc-ordersdb1-secret");
    }

    #[test]
    fn names_without_a_letter_or_with_others_are_refused() {
        for name in ["", "...", "a b", "ö", "a/b", &"x".repeat(64)] {
            assert!(ConnectionName::parse(name).is_err(), "{name}");
        }
        assert!(ConnectionName::parse(&"x".repeat(63)).is_ok());
    }

    #[test]
    fn a_namespace_is_an_rfc_1123_label() {
        for name in ["", "-a", "a-", "A", "a.b", &"x".repeat(64)] {
            assert!(Namespace::parse(name).is_err(), "{name}");
        }
        assert!(Namespace::parse("shop-1").is_ok());
    }

    #[test]
    fn a_secret_may_have_a_long_name_and_a_key_no_two_periods_first() {
        assert!(is_subdomain(&"a".repeat(253)) && is_subdomain("a.b-c.0"));
        for name in ["", "a..b", ".a", "A", "a_b", &"a".repeat(254)] {
            assert!(!is_subdomain(name), "{name}");
        }
        assert!(is_key(".env") && is_key("spring.datasource.url"));
        for key in ["", ".", "..", "..x", "a b", "ä"] {
            assert!(!is_key(key), "{key}");
        }
    }

    #[test]
    fn a_slip_begins_as_the_name_that_was_meant() {
        assert!(["sc-orders-secret", "SC_orders", "sc.orders", "sc-"].into_iter().all(begins_as_ours));
        assert!(!["orders-secret", "scheduler-orders", "scylla", "sc0-orders", "sc", "s", "", "ö"].into_iter().any(begins_as_ours));
    }

    #[test]
    fn a_guid_is_kept_in_lower_case() {
        assert_eq!(Guid::parse("AAAAAAAA-0000-0000-0000-00000000000F").unwrap().service_account(), "sc-account-aaaaaaaa-0000-0000-0000-00000000000f");
        assert!(Guid::parse("aaaaaaaa-0000-0000-0000-00000000000").is_none());
        assert!(Guid::parse("aaaaaaaa00000000000000000000000f").is_none());
    }
}
