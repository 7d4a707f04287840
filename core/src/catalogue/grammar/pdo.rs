//! A libpq string behind PDO's `pgsql:`, where PHP turns each `;` into a blank, in quotes too (seen with PHP 8.2).

use super::{Rules, libpq};

pub(super) const RULES: Rules = Rules {
    noun: "a PDO DSN",
    way_out: "choose a value without `;`, or hand user and password to PDO as arguments of their own",
    escape: |value| if value.contains(';') { None } else { (libpq::RULES.escape)(value) },
    property: Some(|text, key, value| Some(format!("{text};{key}={}", (RULES.escape)(value)?))),
};
