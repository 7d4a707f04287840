//! Azure resource ids: the form that a target service gives its own, and the parts of one that has it.

use std::collections::BTreeMap;

/// The form of a resource id: literal segments, and parts in braces.
///
/// For example `/subscriptions/{subscription}/…/vaults/{vault}`, as azure-cli spells it for each target.
#[derive(Debug, Clone)]
pub struct ResourceIdForm(String);

impl ResourceIdForm {
    /// Takes a form as it stands in a data file.
    #[must_use]
    pub fn new(form: String) -> Self {
        Self(form)
    }

    /// The form as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of its parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter_map(part_name)
    }

    /// The parts of `id`, or nothing if it has another form.
    ///
    /// Literal segments are compared without regard to case, as Azure does. What is longer than the form is cut to it, and literal segments at
    /// its end may be left out: portals show `…/storageAccounts/x`, not `…/storageAccounts/x/blobServices/default`.
    #[must_use]
    pub fn matched(&self, id: &str) -> Option<BTreeMap<String, String>> {
        let mut given = id.trim_end_matches('/').split('/');
        let mut parts = BTreeMap::new();
        for segment in self.0.split('/') {
            match (part_name(segment), given.next()) {
                (Some(name), Some(value)) if !value.is_empty() => drop(parts.insert(name.to_owned(), value.to_owned())),
                (None, Some(value)) if segment.eq_ignore_ascii_case(value) => {}
                (None, None) => {}
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
    fn literal_segments_at_the_end_may_be_left_out_but_no_part() {
        let blob = ResourceIdForm::new("/subscriptions/{subscription}/storageAccounts/{account}/blobServices/default".into());
        assert_eq!(blob.matched("/subscriptions/s/storageAccounts/x").unwrap()["account"], "x");
        assert!(blob.matched("/subscriptions/s/storageAccounts").is_none());
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
