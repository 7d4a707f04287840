//! Azure clouds: the DNS suffixes that hosts are derived with.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::problem::{At, Choice, Kind, Problems, Word};

/// Each cloud's suffixes, by the name that Azure CLI gives the cloud. A file that does not parse counts as empty; a test parses it.
static CLOUDS: LazyLock<BTreeMap<String, BTreeMap<String, String>>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("../clouds.yaml")).unwrap_or_default());
/// The cloud of values that name none.
const DEFAULT: &str = "AzurePublicCloud";

/// A cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    /// Its name, unless it is given by its suffixes.
    name: Option<String>,
    suffixes: BTreeMap<String, String>,
}

impl Default for Cloud {
    fn default() -> Self {
        Self { name: Some(DEFAULT.to_owned()), suffixes: CLOUDS.get(DEFAULT).cloned().unwrap_or_default() }
    }
}

impl Cloud {
    /// Reads `cloud` of the values: a known cloud's name, or own suffixes.
    pub(crate) fn parse(value: Option<Value>, at: &At, problems: &mut Problems) -> Self {
        match value {
            None => Self::default(),
            Some(Value::String(name)) => Self::named(&name, at, problems),
            Some(Value::Object(own)) => Self::own(own, at, problems),
            Some(other) => {
                let fix = "write the name of a cloud, or own suffixes as `name: suffix`";
                problems.add(at, crate::fields::wrong_shape(&other, "a text or a mapping", fix));
                Self::default()
            }
        }
    }

    fn named(name: &str, at: &At, problems: &mut Problems) -> Self {
        if let Some(suffixes) = CLOUDS.get(name) {
            return Self { name: Some(name.to_owned()), suffixes: suffixes.clone() };
        }
        let choice = Choice::of(name, CLOUDS.keys().map(String::as_str));
        problems.add(at, Kind::UnknownWord { what: "cloud", given: Word::new(name), list: "one that is known".into(), choice });
        Self::default()
    }

    fn own(own: serde_json::Map<String, Value>, at: &At, problems: &mut Problems) -> Self {
        let mut suffixes = BTreeMap::new();
        for (name, value) in own {
            if !is_suffix(&name) {
                let choice = Choice::of(&name, suffix_names());
                problems.add(at, Kind::UnknownField { field: Word::new(name), choice });
                continue;
            }
            let is_suffix = |text: &str| !text.is_empty() && text.len() <= 200 && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
            match value {
                Value::String(suffix) if is_suffix(&suffix) => drop(suffixes.insert(name, suffix)),
                _ => {
                    let rule = "a suffix is a text of letters, digits, `.` and `-`, such as `core.windows.net`".to_owned();
                    problems.add(&at.field(&name), Kind::InvalidFact { what: format!("the suffix `{name}`"), rule });
                }
            }
        }
        Self { name: None, suffixes }
    }

    /// What the CSI provider of Azure Key Vault (v1.8.2, `pkg/provider`) calls it; nothing for a cloud that is given by its suffixes.
    #[must_use]
    pub(crate) fn provider_name(&self) -> Option<String> {
        self.name.as_ref().map(|name| if name.ends_with("Cloud") { name.clone() } else { format!("{name}Cloud") })
    }

    /// Whether it is one of those that are known by name.
    pub(crate) fn is_named(&self) -> bool {
        self.name.is_some()
    }

    /// The suffix of that name, if this cloud has it.
    #[must_use]
    pub fn suffix(&self, name: &str) -> Option<&str> {
        self.suffixes.get(name).map(String::as_str)
    }
}

/// Whether some cloud has a suffix of that name: the public cloud has them all.
pub(crate) fn is_suffix(name: &str) -> bool {
    suffix_names().any(|known| known == name)
}

fn suffix_names() -> impl Iterator<Item = &'static str> {
    CLOUDS.get(DEFAULT).into_iter().flat_map(|suffixes| suffixes.keys()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> (Cloud, Vec<String>) {
        let mut problems = Problems::default();
        let cloud = Cloud::parse(Some(value), &At::top().field("cloud"), &mut problems);
        (cloud, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_cloud_has_suffixes_of_known_names() {
        assert_eq!(CLOUDS.len(), 3);
        for (cloud, suffixes) in &*CLOUDS {
            assert!(suffixes.len() > 15, "{cloud}");
            assert!(suffixes.keys().all(|name| is_suffix(name)), "{cloud}");
        }
    }

    #[test]
    fn a_cloud_is_known_by_name_or_given_by_its_suffixes() {
        assert_eq!(parse("AzureChinaCloud".into()).0.suffix("keyVault"), Some("vault.azure.cn"));
        let (own, problems) = parse(serde_json::json!({"storage": "core.contoso.example"}));
        assert_eq!((own.suffix("storage"), own.suffix("sql"), problems.len()), (Some("core.contoso.example"), None, 0));
    }

    #[test]
    fn a_slip_is_named() {
        assert!(parse("AzureChina".into()).1[0].contains("cloud `AzureChina` is not"));
        assert!(parse(serde_json::json!({"storrage": "x"})).1[0].contains("`storrage`"));
        assert!(parse(serde_json::json!({"storage": "a b"})).1[0].contains("suffix `storage`"));
        assert_eq!(parse(serde_json::json!(7)).1.len(), 1);
    }
}
