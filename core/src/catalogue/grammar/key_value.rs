//! `Key=Value;` of Storage, Service Bus, Event Hubs and the other Azure SDKs, which knows no quoting.

use super::Rules;

pub(super) const RULES: Rules = Rules {
    noun: "a `Key=Value;` connection string",
    way_out: "choose a value without blanks, `;` and control characters, or a client type that takes its parts one by one",
    escape: |value| {
        let is_lost = |c: char| c == ';' || c.is_whitespace() || c.is_control();
        (!value.contains(is_lost)).then(|| value.to_owned())
    },
    property: Some(|text, key, value| {
        let joint = if text.ends_with(';') { "" } else { ";" };
        Some(format!("{text}{joint}{key}={}", (RULES.escape)(value)?))
    }),
};
