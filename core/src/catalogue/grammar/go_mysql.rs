//! The DSN of go-sql-driver: `user:password@tcp(host:port)/database?key=value`.
//!
//! User and password are taken literally, split at the last `/`, the last `@` before it and the first `:`; database and properties are
//! percent-decoded. So a template writes the user with [`user_id`](super::user_id) and the database with [`url`](super::url).

use super::{Rules, url};

pub(super) const RULES: Rules = Rules {
    noun: "a DSN of go-sql-driver",
    way_out: super::NO_NUL,
    escape: |value| Some(value.to_owned()),
    property: Some(|text, key, value| {
        let (_, path) = text.rsplit_once('/')?;
        Some(format!("{text}{}{key}={}", url::joint(path), (url::RULES.escape)(value)?))
    }),
};
