//! What a run writes down as it goes: each outcome in the ledger, in the sum of the report, and for people to read.

use sc_core::ledger::Ledger;
use sc_core::object::ObjectId;
use sc_core::report::{Outcome, Report};

use crate::output::Output;
use crate::stop::Reason;

/// The places where outcomes are written down.
pub struct Books<'a> {
    /// By object.
    pub ledger: &'a Ledger,
    /// By word.
    pub report: &'a mut Report,
    /// In words. Of what is as it should be only the number is told, now and then.
    pub output: &'a Output,
    /// Whether all rights are there that can be had: what may not be deleted now will not be later.
    pub has_all_rights: bool,
}

impl Books<'_> {
    /// Writes down what became of an object.
    pub fn settle(&mut self, id: &ObjectId, outcome: &Outcome) {
        tracing::debug!(object = %id, outcome = outcome.word(), "object done");
        self.report.add(id, outcome);
        if *outcome == Outcome::Unchanged {
            self.output.progress(|| format!("so far {}", self.report.summary()));
        } else {
            self.output.told(id, outcome);
        }
        self.ledger.settle(id, outcome, self.has_all_rights);
    }

    /// Writes down that an object has failed, unless the run was done with it.
    pub fn give_up(&mut self, id: &ObjectId, reason: Reason) {
        if !self.ledger.is_settled(id) {
            self.settle(id, &Outcome::Failed { reason: reason.to_string() });
        }
    }
}
