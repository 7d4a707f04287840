//! StackExchange.Redis: `host:port,password=…,ssl=True`, split at every `,`, each part trimmed, without quotes or escapes (`ConfigurationOptions`).

use super::Rules;

pub(super) const RULES: Rules = Rules {
    noun: "a connection string of StackExchange.Redis",
    way_out: "choose a value without `,` and without blanks at its ends, or client type `none`, which gives the parts one by one",
    escape: |value| (!value.contains(',') && value.trim() == value).then(|| value.to_owned()),
    property: Some(|text, key, value| Some(format!("{text},{key}={}", (RULES.escape)(value)?))),
};
