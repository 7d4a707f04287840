//! The report of a run: what became of each object, and what is wrong with the values.

use std::fmt;

use crate::object::{Change, ObjectId};
use crate::problem::Problem;

/// What became of one object. In a dry run, what would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there. In a dry run, with the keys that it would have.
    Created(Vec<Change>),
    /// It differed in these ways.
    Updated(Vec<Change>),
    /// It was as it should be.
    Unchanged,
    /// It was there and should not be.
    Deleted,
    /// It is not there, as it should be.
    Absent,
    /// It is no longer asked for, and stays all the same.
    Kept {
        /// Why.
        why: Staying,
        /// The command that deletes it, unless it is somebody else's.
        deletion: String,
    },
    /// It cannot be written, and trying again will not help.
    Refused {
        /// Whether there is one of that name which is not ours.
        is_strangers: bool,
        /// Why, without any value.
        reason: String,
        /// What to do.
        fix: String,
    },
    /// It was not written; trying again may help.
    Failed {
        /// Why, without any value.
        reason: String,
    },
}

impl Outcome {
    /// All words that outcomes are counted by.
    pub const WORDS: [&'static str; 8] = ["created", "updated", "unchanged", "deleted", "absent", "kept", "refused", "failed"];

    /// The outcome in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Updated(_) => "updated",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Absent => "absent",
            Self::Kept { .. } => "kept",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Why an object stays that is no longer asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staying {
    /// Its deletion policy says so.
    Retained,
    /// The job may not delete it; a later run may have the right.
    NoRight,
    /// Another release made it, or nobody of ours.
    NotOurs,
}

impl fmt::Display for Staying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retained => "no connection asks for it any more, and its `deletionPolicy` was Retain",
            Self::NoRight => "the job has no right to delete it",
            Self::NotOurs => "it was not made by this release",
        })
    }
}

/// How a run ended, over all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it should be.
    Applied,
    /// Some objects were refused.
    Refused,
    /// Some values are wrong.
    Invalid,
    /// Something failed that may pass by itself.
    Failed,
}

/// All outcomes and problems of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The outcomes, in the order of the plan.
    pub outcomes: Vec<(ObjectId, Outcome)>,
    /// The problems of the values.
    pub problems: Vec<Problem>,
}

impl Report {
    /// How it ended: of several, failed goes over invalid over refused.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let has = |word: &str| self.outcomes.iter().any(|(_, outcome)| outcome.word() == word);
        if has("failed") || self.problems.iter().any(Problem::may_pass) {
            Verdict::Failed
        } else if !self.problems.is_empty() {
            Verdict::Invalid
        } else if has("refused") {
            Verdict::Refused
        } else {
            Verdict::Applied
        }
    }

    /// How many outcomes there are of each word, in the order of [`Outcome::WORDS`], those with none left out.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let count = |word| self.outcomes.iter().filter(|(_, outcome)| outcome.word() == word).count();
        Outcome::WORDS.into_iter().map(|word| (word, count(word))).filter(|(_, count)| *count > 0).collect()
    }

    /// The objects that are not ours although they have our names.
    pub fn strangers(&self) -> impl Iterator<Item = &ObjectId> {
        let is_strangers =
            |outcome: &Outcome| matches!(outcome, Outcome::Refused { is_strangers: true, .. } | Outcome::Kept { why: Staying::NotOurs, .. });
        self.outcomes.iter().filter(move |(_, outcome)| is_strangers(outcome)).map(|(id, _)| id)
    }

    /// The commands that delete what was kept, as far as it is ours.
    pub fn deletions(&self) -> impl Iterator<Item = &str> {
        self.outcomes.iter().filter_map(|(_, outcome)| match outcome {
            Outcome::Kept { why: Staying::Retained | Staying::NoRight, deletion } => Some(deletion.as_str()),
            _ => None,
        })
    }

    /// One line: `3 objects: 1 created, 2 unchanged; 1 problem`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts: Vec<String> = self.counts().into_iter().map(|(word, count)| format!("{count} {word}")).collect();
        let objects = plural(self.outcomes.len(), "object");
        let outcomes = if counts.is_empty() { objects } else { format!("{objects}: {}", counts.join(", ")) };
        if self.problems.is_empty() { outcomes } else { format!("{outcomes}; {}", plural(self.problems.len(), "problem")) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, outcome) in &self.outcomes {
            write!(f, "{:<9} {id}", outcome.word())?;
            match outcome {
                Outcome::Created(changes) | Outcome::Updated(changes) if !changes.is_empty() => {
                    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                    writeln!(f, " ({})", changes.join(" "))?;
                }
                Outcome::Refused { reason, fix, .. } => writeln!(f, "\n   why: {reason}\n   fix: {fix}")?,
                Outcome::Kept { why: why @ Staying::NotOurs, .. } => writeln!(f, "\n   why: {why}\n   fix: nothing, it is left to whoever made it")?,
                Outcome::Kept { why, deletion } => writeln!(f, "\n   why: {why}\n   fix: if nobody needs it, `{deletion}`")?,
                Outcome::Failed { reason } => writeln!(f, "\n   why: {reason}")?,
                _ => writeln!(f)?,
            }
        }
        for problem in &self.problems {
            writeln!(f, "error: {problem}\n   at: {}\n  fix: {}", problem.at, problem.fix())?;
        }
        writeln!(f, "{}", self.summary())
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
