//! What the values call the parts of a target, and the flags that set them.

/// A text about values, in which fields are called by the flags that set them.
pub(crate) fn in_flags(text: &str) -> String {
    let flags = [
        ("id", "target-id"),
        ("target_resource_group", "target-resource-group"),
        ("server", "server"),
        ("database", "database"),
        ("account", "account"),
        ("key_space", "key-space"),
        ("graph", "graph"),
        ("table", "table"),
        ("vault", "vault"),
        ("config_store", "app-config"),
        ("namespace", "namespace"),
        ("signalr", "signalr"),
        ("webpubsub", "webpubsub"),
        ("appinsights", "app-insights"),
        ("bootstrapServer", "bootstrap-server"),
        ("schemaRegistry", "schema-registry"),
    ];
    let told = flags.iter().fold(text.to_owned(), |told, (part, flag)| told.replace(&format!("`target.{part}`"), &format!("`--{flag}`")));
    told.replace("`target.", "`--target ").replace("`secrets`", "`--vault-object`")
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    use super::*;
    use crate::args::connection::TargetArgs;

    #[test]
    fn what_the_values_call_a_field_is_told_by_its_flag() {
        let told = in_flags("give `target.id`, or `target.config_store`, or `target.host`; add `secrets`");
        assert_eq!(told, "give `--target-id`, or `--app-config`, or `--target host`; add `--vault-object`");
        let command = TargetArgs::augment_args(Command::new("sc"));
        let flags: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        for part in ["id", "server", "database", "account", "key_space", "vault", "config_store", "appinsights", "bootstrapServer", "schemaRegistry"]
        {
            let told = in_flags(&format!("`target.{part}`"));
            let flag = told.trim_matches('`').trim_start_matches("--");
            assert!(flags.contains(&flag), "{part}: {flag} is none of {flags:?}");
        }
    }
}
