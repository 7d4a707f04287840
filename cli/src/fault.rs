//! What went wrong, and how to mend it: errors that know their fix and their exit code.

use std::fmt;

use sc_core::problem::{At, Kind, Problem};

use sc_job::exit;

/// An error with a fix.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) fix: String,
    /// The exit code that it calls for.
    pub(crate) code: u8,
}

impl Fault {
    /// An error that calls for this exit code.
    pub(crate) fn of(code: u8, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), code }
    }

    /// Another try may help, after what `fix` says.
    pub(crate) fn failed(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(exit::FAILED, what, fix)
    }

    /// It was asked for wrongly.
    pub(crate) fn invalid(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(exit::INVALID, what, fix)
    }

    /// It is not as it should be.
    pub(crate) fn refused(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(exit::REFUSED, what, fix)
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// All that is wrong with values that were asked for.
#[derive(Debug)]
pub(crate) struct Problematic {
    pub(crate) problems: Vec<Problem>,
    /// The names of the connections that they are about, in the order of the values.
    pub(crate) names: Vec<String>,
    /// What a text about values is to whoever wrote something else, such as flags.
    pub(crate) words: fn(&str) -> String,
    /// What a place in the values is to them, with those names.
    pub(crate) place: fn(&At, &[String]) -> String,
    /// What is to be said after all of them.
    pub(crate) note: Option<String>,
}

impl Problematic {
    /// One thing that is wrong with an argument or a file.
    pub(crate) fn one(place: &str, kind: Kind) -> Self {
        Self::of(vec![Problem { at: At::top().field(place), kind: Box::new(kind) }])
    }

    /// These, as the values say it.
    pub(crate) fn of(problems: Vec<Problem>) -> Self {
        Self { problems, names: Vec::new(), words: str::to_owned, place: |at, _| at.to_string(), note: None }
    }
}

impl std::error::Error for Problematic {}

impl fmt::Display for Problematic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values would be wrong")
    }
}
