//! What became of each connection, where a run over all has failed: by the record in `sc-status` of what it did not apply.
//!
//! Rule: no connection is called applied that the record does not prove to be.

use std::collections::BTreeSet;

use sc_core::object::ObjectId;
use sc_core::plan::objects_of;
use sc_job::exit;

use crate::chart;
use crate::listing::Listed;
use crate::proof::State;

/// What a run that failed has applied all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    /// All objects that connections ask for and that it did not apply.
    except: BTreeSet<ObjectId>,
    /// The connection sets that it went by, as `name=version`.
    sets: BTreeSet<String>,
}

/// How the connections of the release are, each by itself.
pub(crate) struct States {
    /// How the release is.
    pub(crate) release: State,
    applied: Option<Applied>,
}

impl Applied {
    /// By the texts of `sc-status`. Nothing if they do not have all: an older job wrote none, the run did not see all values, or there were too many to
    /// name. And what a job of another version than this program finds wrong with values may be right for this one.
    pub(crate) fn parse<'a>(text: impl Fn(&str) -> &'a str) -> Option<Self> {
        let all: usize = text("unappliedCount").parse().ok()?;
        let except: BTreeSet<ObjectId> = text("unapplied").lines().filter_map(ObjectId::parse).collect();
        let is_sound = text("exitCode") == exit::REFUSED.to_string() || text("chartVersion") == chart::VERSION;
        let sets = text("sets").split(' ').map(str::to_owned).collect();
        (except.len() == all && is_sound).then_some(Self { except, sets })
    }

    /// Whether all of this connection was applied, as it is now.
    fn has(&self, listed: &Listed) -> bool {
        let objects = objects_of(&listed.connection);
        let is_known = listed.set.as_deref().is_none_or(|set| self.sets.contains(set));
        is_known && !objects.is_empty() && !objects.iter().any(|id| self.except.contains(id))
    }
}

impl States {
    /// By the state of the release, and if that is Failed, what was applied all the same, as far as it is known.
    pub(crate) fn of(release: State, applied: Option<Applied>) -> Self {
        Self { release, applied: applied.filter(|_| release == State::Failed) }
    }

    /// How this connection is.
    pub(crate) fn state_of(&self, listed: &Listed) -> State {
        match &self.applied {
            Some(applied) if applied.has(listed) => State::Succeeded,
            _ => self.release,
        }
    }

    /// The objects of this connection that are known not to have been applied.
    pub(crate) fn unapplied(&self, listed: &Listed) -> Vec<String> {
        let is_named = |id: &ObjectId| self.applied.as_ref().is_some_and(|applied| applied.except.contains(id));
        objects_of(&listed.connection).into_iter().filter(is_named).map(|id| id.to_string()).collect()
    }
}
