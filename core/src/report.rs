//! The report of a run: what became of each object, and what is wrong with the values.

use std::collections::BTreeMap;
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

    /// Whether it is about an object that is not ours although it has one of our names.
    #[must_use]
    pub fn is_strangers(&self) -> bool {
        matches!(self, Self::Refused { is_strangers: true, .. } | Self::Kept { why: Staying::NotOurs, .. })
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

/// What a run came to: the sum of all outcomes, and the problems. It stays small, however many objects there are.
#[derive(Debug, Default)]
pub struct Report {
    /// How many outcomes there are of each of [`Outcome::WORDS`].
    counts: BTreeMap<&'static str, usize>,
    /// The first refusals and failures.
    reasons: Vec<String>,
    /// The commands that delete what was kept, as far as it is ours: the first of them.
    pub deletions: Vec<String>,
    /// The problems of the values.
    pub problems: Vec<Problem>,
}

impl Report {
    /// So many refusals and failures are told as the reason of a failed run.
    const REASONS: usize = 3;
    /// So many objects that were kept are named.
    pub const DELETIONS: usize = 100;

    /// The report of values that were only looked at.
    #[must_use]
    pub fn of_problems(problems: Vec<Problem>) -> Self {
        Self { problems, ..Self::default() }
    }

    /// Adds what became of an object.
    pub fn add(&mut self, id: &ObjectId, outcome: &Outcome) {
        *self.counts.entry(outcome.word()).or_default() += 1;
        match outcome {
            Outcome::Refused { reason, .. } | Outcome::Failed { reason } if self.reasons.len() < Self::REASONS => {
                self.reasons.push(format!("{id}: {reason}"));
            }
            Outcome::Kept { why: Staying::Retained | Staying::NoRight, deletion } if self.deletions.len() < Self::DELETIONS => {
                self.deletions.push(deletion.clone());
            }
            _ => {}
        }
    }

    /// How many objects there are of which it is known what became of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.values().sum()
    }

    /// Whether something was done, or in a dry run would be.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        ["created", "updated", "deleted"].iter().any(|word| self.counts.contains_key(word))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it ended: of several, failed goes over invalid over refused.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let has = |word: &str| self.counts.contains_key(word);
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

    /// One line: `3 objects: 1 created, 2 unchanged; 1 problem`.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |word| self.counts.get(word).map(|count| format!("{count} {word}"));
        let counts: Vec<String> = Outcome::WORDS.into_iter().filter_map(count).collect();
        let objects = plural(self.len(), "object");
        let outcomes = if counts.is_empty() { objects } else { format!("{objects}: {}", counts.join(", ")) };
        let problems = self.problems.iter().map(Problem::count).sum();
        if problems == 0 { outcomes } else { format!("{outcomes}; {}", plural(problems, "problem")) }
    }

    /// Why it is no success: the summary, and the first of what went wrong.
    #[must_use]
    pub fn reason(&self) -> String {
        let problems = self.problems.iter().map(|problem| format!("{problem} (at {}; {})", problem.at, problem.fix()));
        let first: Vec<String> = problems.chain(self.reasons.iter().cloned()).take(Self::REASONS).collect();
        format!("{}: {}", self.summary(), first.join("; "))
    }
}

/// The end of a report: problems and summary. What became of each object is told as it happens, by [`Told`].
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "error: {problem}\n   at: {}\n  fix: {}", problem.at, problem.fix())?;
        }
        writeln!(f, "{}", self.summary())
    }
}

/// What became of one object, in words.
pub struct Told<'a>(pub &'a ObjectId, pub &'a Outcome);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(id, outcome) = self;
        write!(f, "{:<9} {id}", outcome.word())?;
        match outcome {
            Outcome::Created(changes) | Outcome::Updated(changes) if !changes.is_empty() => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                writeln!(f, " ({})", changes.join(" "))
            }
            Outcome::Refused { reason, fix, .. } => writeln!(f, "\n   why: {reason}\n   fix: {fix}"),
            Outcome::Kept { why: why @ Staying::NotOurs, .. } => writeln!(f, "\n   why: {why}\n   fix: nothing, it is left to whoever made it"),
            Outcome::Kept { why, deletion } => writeln!(f, "\n   why: {why}\n   fix: if nobody needs it, `{deletion}`"),
            Outcome::Failed { reason } => writeln!(f, "\n   why: {reason}"),
            _ => writeln!(f),
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
