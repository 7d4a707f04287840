//! What the values call things, and the flags that set them.

use clap::builder::{StringValueParser, TypedValueParser};
use sc_core::catalogue::{AuthType, CLIENT_TYPES, Catalogue};
use sc_core::problem::{At, Word};

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

/// The other fields of a connection, and the arguments that set them.
const FIELDS: [(&str, &str); 12] = [
    ("name", "`--connection`"),
    ("namespace", "`--kube-namespace`"),
    ("targetService", "TARGET"),
    ("target", "`--target-id` or the target's parts"),
    ("authType", "how the workload logs in"),
    ("credentials", "how the workload logs in"),
    ("clientType", "`--client-type`"),
    ("customizedKeys", "`--customized-keys`"),
    ("additionalConnectionStringProperties", "`--connstr-props`"),
    ("additionalConfigurations", "`--additional-configurations`"),
    ("secrets", "`--vault-object`"),
    ("optOut", "`--opt-out`"),
];

/// A place in the values, for whoever wrote flags: which connection, of these names, and which argument of it.
pub(crate) fn place(at: &At, names: &[String]) -> String {
    let text = at.to_string();
    let field = text.strip_prefix("connections[").and_then(|rest| Some(rest.split_once(']')?.1.trim_start_matches('.')));
    let (Some(field), Some(name)) = (field, at.index().and_then(|index| names.get(index))) else { return text };
    let part = field.split(['.', '[']).next().unwrap_or_default();
    let known = FIELDS.iter().find(|(known, _)| *known == part && !field.starts_with("target."));
    let argument = known.map_or_else(|| in_flags(&format!("`{field}`")), |(_, flag)| (*flag).to_owned());
    let joint = if field.is_empty() { String::new() } else { format!(", {argument}") };
    format!("connection {}{joint}", Word::new(name))
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
    fn a_place_in_the_values_is_told_by_the_connection_and_its_flag() {
        let names = ["orders", "pass word"].map(str::to_owned);
        let entry = |index: usize| At::top().field("connections").item(index);
        let cases = [
            (entry(0), "connection `orders`"),
            (entry(0).field("target"), "connection `orders`, `--target-id` or the target's parts"),
            (entry(0).field("target").field("key_space"), "connection `orders`, `--key-space`"),
            (entry(0).field("target").field("host"), "connection `orders`, `--target host`"),
            (entry(1).field("credentials").field("password"), "connection (not shown), how the workload logs in"),
            (entry(0).field("secrets").item(3).field("name"), "connection `orders`, `--vault-object`"),
            (entry(2).field("clientType"), "connections[2].clientType"),
            (At::top().field("namespaces"), "namespaces"),
        ];
        for (at, told) in cases {
            assert_eq!(place(&at, &names), told);
        }
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
