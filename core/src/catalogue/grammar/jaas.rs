//! Kafka's JAAS configuration: `… username='…' password='…';`. Templates write the quotes, this writes what stands between them.

use super::Rules;

pub(super) const RULES: Rules = Rules {
    noun: "a JAAS configuration",
    way_out: super::NO_NUL,
    escape: |value| Some(value.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r")),
    property: None,
};
