//! What the values call things, and the flags that set them.

use clap::builder::{StringValueParser, TypedValueParser};
use sc_core::catalogue::{AuthType, CLIENT_TYPES, Catalogue};

use super::connection::TargetArgs;

/// A part of a target, the flag that sets it, and where the arguments have it.
type Part = (&'static str, &'static str, fn(&TargetArgs) -> &Option<String>);

/// All parts of targets that have a flag of their own.
pub(crate) const PARTS: [Part; 16] = [
    ("id", "target-id", |target| &target.target_id),
    ("target_resource_group", "target-resource-group", |target| &target.target_resource_group),
    ("server", "server", |target| &target.server),
    ("database", "database", |target| &target.database),
    ("account", "account", |target| &target.account),
    ("key_space", "key-space", |target| &target.key_space),
    ("graph", "graph", |target| &target.graph),
    ("table", "table", |target| &target.table),
    ("vault", "vault", |target| &target.vault),
    ("config_store", "app-config", |target| &target.app_config),
    ("namespace", "namespace", |target| &target.namespace),
    ("signalr", "signalr", |target| &target.signalr),
    ("webpubsub", "webpubsub", |target| &target.webpubsub),
    ("appinsights", "app-insights", |target| &target.app_insights),
    ("bootstrapServer", "bootstrap-server", |target| &target.bootstrap_server),
    ("schemaRegistry", "schema-registry", |target| &target.schema_registry),
];

/// A text about values, in which fields are called by the flags that set them.
pub(crate) fn in_flags(text: &str) -> String {
    let told = PARTS.iter().fold(text.to_owned(), |told, (part, flag, _)| told.replace(&format!("`target.{part}`"), &format!("`--{flag}`")));
    told.replace("`target.", "`--target ").replace("`secrets`", "`--vault-object`")
}

/// A client type, which az takes in any case, as it is spelled in the values. What is none is refused later, with those that the target offers.
pub(crate) fn client_type() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|text| spelled(&text, CLIENT_TYPES))
}

/// The same for an auth type.
pub(crate) fn auth_type() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|text| spelled(&text, AuthType::ALL.map(AuthType::name)))
}

/// The same for a target service of the catalogue.
pub(crate) fn target_service() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|text| spelled(&text, Catalogue::builtin().names()))
}

/// The one of these that a word is in another case; else the word itself.
fn spelled<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known.into_iter().find(|name| name.eq_ignore_ascii_case(text)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    #[test]
    fn what_the_values_call_a_field_is_told_by_its_flag() {
        let told = in_flags("give `target.id`, or `target.config_store`, or `target.host`; add `secrets`");
        assert_eq!(told, "give `--target-id`, or `--app-config`, or `--target host`; add `--vault-object`");
    }

    #[test]
    fn each_part_is_set_by_the_flag_that_it_is_told_by() {
        for (part, _, _) in PARTS {
            let flag = in_flags(&format!("`target.{part}`"));
            let command = TargetArgs::augment_args(Command::new("sc"));
            let matches = command.try_get_matches_from(["sc", flag.trim_matches('`'), "x"]).unwrap();
            assert_eq!(TargetArgs::from_arg_matches(&matches).unwrap().given(), [(part, "x")], "{flag}");
        }
        let command = TargetArgs::augment_args(Command::new("sc"));
        let flags: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| *flag != "target").collect();
        assert_eq!(flags.len(), PARTS.len(), "a flag without a part: {flags:?}");
    }
}
