//! The user in `user:password`, which ends at the first `:` (RFC 7617, section 2).

use super::Rules;

pub(super) const RULES: Rules = Rules {
    noun: "the user part of `user:password`",
    way_out: "choose a user without `:`",
    escape: |value| (!value.contains(':')).then(|| value.to_owned()),
    property: None,
};
