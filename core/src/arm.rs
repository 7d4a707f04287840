//! Azure resource ids: the form that a target service gives its own, and the parts of one that has it.

use std::collections::BTreeMap;

/// The form of a resource id: literal segments, and parts in braces.
///
/// For example `/subscriptions/{subscription}/…/vaults/{vault}`, as azure-cli spells it for each target.
#[derive(Debug, Clone)]
pub struct ResourceIdForm {
    text: String,
    parts: Vec<String>,
}

impl ResourceIdForm {
    /// Takes a form as it stands in a data file.
    #[must_use]
    pub fn new(form: String) -> Self {
        Self { parts: form.split('/').filter_map(part_name).map(str::to_owned).collect(), text: form }
    }

    /// The form as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(String::as_str)
    }

    /// The parts of `id`, or nothing if it has another form.
    ///
    /// Literal segments are compared without regard to case, as Azure does. What is longer than the form is cut to it. What comes after the
    /// first resource may be left out, and its parts are then not known: portals show `…/storageAccounts/x`, not
    /// `…/storageAccounts/x/blobServices/default`, and `…/flexibleServers/x` where the form goes on to a database.
    #[must_use]
    pub fn matched(&self, id: &str) -> Option<BTreeMap<String, String>> {
        let mut given = id.trim_end_matches('/').split('/');
        let mut parts = BTreeMap::new();
        let (mut is_in_provider, mut may_end) = (false, false);
        for segment in self.text.split('/') {
            match (part_name(segment), given.next()) {
                (Some(name), Some(value)) if !value.is_empty() => {
                    parts.insert(name.to_owned(), value.to_owned());
                    may_end = is_in_provider;
                }
                (None, Some(value)) if segment.eq_ignore_ascii_case(value) => {
                    is_in_provider |= segment == "providers";
                    may_end = false;
                }
                (_, None) if may_end => break,
                _ => return None,
            }
        }
        Some(parts)
    }
}

fn part_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> ResourceIdForm {
        ResourceIdForm::new("/subscriptions/{subscription}/resourceGroups/{target_resource_group}/providers/Microsoft.KeyVault/vaults/{vault}".into())
    }

    #[test]
    fn an_id_is_matched_without_regard_to_case_and_cut_to_the_form() {
        let parts = vault().matched("/SUBSCRIPTIONS/s/resourcegroups/g/providers/microsoft.keyvault/Vaults/Kv1/secrets/x").unwrap();
        assert_eq!(parts["vault"], "Kv1");
        assert_eq!(parts["target_resource_group"], "g");
    }

    #[test]
    fn what_comes_after_the_first_resource_may_be_left_out() {
        let server = ResourceIdForm::new("/subscriptions/{subscription}/providers/Microsoft.Sql/servers/{server}/databases/{database}".into());
        let parts = |id: &str| server.matched(id).map(|parts| parts.into_keys().collect::<Vec<_>>());
        assert_eq!(parts("/subscriptions/s/providers/Microsoft.Sql/servers/x").unwrap(), ["server", "subscription"]);
        assert_eq!(parts("/subscriptions/s/providers/Microsoft.Sql/servers/x/databases/d").unwrap(), ["database", "server", "subscription"]);
        for id in
            ["/subscriptions/s", "/subscriptions/s/providers/Microsoft.Sql/servers", "/subscriptions/s/providers/Microsoft.Sql/servers/x/databases"]
        {
            assert_eq!(parts(id), None, "{id}");
        }
    }

    #[test]
    fn another_resource_a_short_id_and_an_empty_part_are_refused() {
        for id in [
            "",
            "kv1",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults",
            "/subscriptions/s/resourceGroups//providers/Microsoft.KeyVault/vaults/x",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x",
        ] {
            assert!(vault().matched(id).is_none(), "{id}");
        }
    }
}
