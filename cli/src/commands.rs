//! The commands, one file for each kind: what they ask, what they change, and what they say.

pub(crate) mod bind;
pub(crate) mod connection;
pub(crate) mod diagnosis;
pub(crate) mod diff;
pub(crate) mod lint;
pub(crate) mod manual;
pub(crate) mod release;
pub(crate) mod render;
pub(crate) mod runs;
pub(crate) mod show;
pub(crate) mod snippet;
pub(crate) mod support;
pub(crate) mod validate;
pub(crate) mod wait;
