//! What became of each connection, where a run over all has failed: by the record in `sc-status` of what it did not apply.
//!
//! Rule: no connection is called applied that the record does not prove to be.

use std::collections::BTreeSet;

use sc_core::connection::Connection;
use sc_core::object::ObjectId;
use sc_core::plan::objects_of;
use sc_job::cluster::status::version_in;
use sc_job::exit;

use crate::chart;
use crate::listed::Listed;
use crate::proof::State;

/// What a run that failed has applied all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    /// All objects that connections ask for and that it did not apply.
    except: BTreeSet<ObjectId>,
}

/// How the connections of the release are, each by itself.
pub(crate) struct States {
    /// How the release is.
    pub(crate) release: State,
    applied: Option<Applied>,
    /// The connection sets that the last run went by, as `name=version` with blanks between.
    sets: String,
}

impl Applied {
    /// By the texts of `sc-status`. Nothing if they do not have all: an older job wrote none, the run did not see all values, or there were too many to
    /// name. And what a job of another version than this program finds wrong with values may be right for this one.
    pub(crate) fn parse<'a>(text: impl Fn(&str) -> &'a str) -> Option<Self> {
        let all: usize = text("unappliedCount").parse().ok()?;
        let except: BTreeSet<ObjectId> = text("unapplied").lines().filter_map(ObjectId::parse).collect();
        let is_sound = text("exitCode") == exit::REFUSED.to_string() || text("chartVersion") == chart::VERSION;
        (except.len() == all && is_sound).then_some(Self { except })
    }

    /// Whether all of this connection was applied.
    fn has(&self, connection: &Connection) -> bool {
        let objects = objects_of(connection);
        !objects.is_empty() && !objects.iter().any(|id| self.except.contains(id))
    }
}

impl States {
    /// By the state of the release, and if that is Failed, what was applied all the same, as far as it is known; and the versions of the sets that the last
    /// run went by, as `name=version` with blanks between.
    pub(crate) fn of(release: State, applied: Option<Applied>, sets: String) -> Self {
        Self { release, applied: applied.filter(|_| release == State::Failed), sets }
    }

    /// How this connection is.
    pub(crate) fn state_of(&self, listed: &Listed) -> State {
        self.state(&listed.connection, listed.set.as_deref())
    }

    fn state(&self, connection: &Connection, set: Option<&str>) -> State {
        match (set.map_or(Some(true), |set| self.is_read(set)), &self.applied) {
            (Some(false), _) => State::Pending,
            (Some(true), Some(applied)) if applied.has(connection) => State::Succeeded,
            _ => self.release,
        }
    }

    /// Whether the last run went by the set as it is now; nothing if it is not known how it was then.
    fn is_read(&self, set: &str) -> Option<bool> {
        let (name, version) = set.split_once('=')?;
        version_in(&self.sets, name).map(|known| known == version)
    }

    /// The objects of this connection that are known not to have been applied as it is now.
    pub(crate) fn unapplied(&self, listed: &Listed) -> Vec<String> {
        let applied = self.applied.as_ref().filter(|_| self.state_of(listed) == State::Failed);
        let is_named = |id: &ObjectId| applied.is_some_and(|applied| applied.except.contains(id));
        objects_of(&listed.connection).into_iter().filter(is_named).map(|id| id.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use sc_core::connections::Connections;
    use sc_core::problem::Problems;

    use super::*;

    const VALUES: &str = "connections:
  - {name: orders, namespace: shop, targetService: postgres-flexible, authType: secret, target: {server: a, database: a}, credentials: {username: a, password: {secretKeyRef: {name: admin, key: p}}}}
  - {name: stock, namespace: shop, targetService: postgres-flexible, authType: secret, target: {server: a, database: a}, credentials: {username: a, password: {secretKeyRef: {name: admin, key: p}}}}
  - {name: pictures, namespace: shop, targetService: storage-blob, authType: workload-identity, target: {account: a}, credentials: {clientId: 11111111-2222-3333-4444-555555555555, tenantId: 99999999-8888-7777-6666-555555555555}}
";
    const ORDERS: &str = "shop/secrets/sc-orders-secret\n";
    const ACCOUNT: &str = "shop/serviceaccounts/sc-account-11111111-2222-3333-4444-555555555555\n";

    /// What `sc-status` says; of a key that is not here, nothing.
    type Texts<'a> = &'a [(&'a str, &'a str)];

    fn parse(texts: Texts<'_>) -> Option<Applied> {
        Applied::parse(|key| texts.iter().find(|(known, _)| *known == key).map_or("", |(_, text)| *text))
    }

    /// Which connections were applied, by these texts.
    fn applied(texts: Texts<'_>) -> Vec<String> {
        let connections = connections();
        let Some(applied) = parse(texts) else { return Vec::new() };
        let has = connections.iter().filter(|connection| applied.has(connection));
        has.map(|connection| connection.name.as_str().to_owned()).collect()
    }

    fn connections() -> Vec<Connection> {
        let connections = Connections::parse(VALUES.as_bytes(), &mut Problems::default()).unwrap().listed;
        assert_eq!(connections.len(), 3);
        connections
    }

    #[test]
    fn what_was_refused_is_failed_and_the_rest_was_applied() {
        let refused = |named, count| [("exitCode", "3"), ("unapplied", named), ("unappliedCount", count)];
        assert_eq!(applied(&refused(ORDERS, "1")), ["stock", "pictures"]);
        assert_eq!(applied(&refused(ACCOUNT, "1")), ["orders", "stock"], "one of several objects is enough");
        assert_eq!(applied(&refused(&[ORDERS, ACCOUNT].concat(), "2")), ["stock"]);
    }

    #[test]
    fn without_a_whole_record_nothing_was_applied() {
        let none = [""; 0];
        assert_eq!(applied(&[("exitCode", "3")]), none, "a job that is older, or that did not see all values");
        assert_eq!(applied(&[("exitCode", "3"), ("unapplied", ORDERS)]), none);
        assert_eq!(applied(&[("exitCode", "3"), ("unapplied", ORDERS), ("unappliedCount", "101")]), none, "more than could be named");
        assert_eq!(applied(&[("exitCode", "3"), ("unapplied", "shop/secrets/x\n"), ("unappliedCount", "1")]), none, "no name of ours");
    }

    #[test]
    fn what_is_wrong_by_a_job_of_another_version_may_be_listed_and_was_not_applied() {
        for code in ["1", "2"] {
            let texts = |version| [("exitCode", code), ("chartVersion", version), ("unapplied", ORDERS), ("unappliedCount", "1")];
            assert_eq!(applied(&texts(chart::VERSION)), ["stock", "pictures"], "exit code {code}");
            assert_eq!(applied(&texts("0.0.1")), [""; 0], "exit code {code}");
        }
    }

    #[test]
    fn what_stands_in_a_set_that_has_changed_since_is_not_applied_yet() {
        use State::{Failed, Pending, Succeeded};
        let record = || parse(&[("exitCode", "3"), ("unapplied", ORDERS), ("unappliedCount", "1")]);
        let states = |release, applied, set| {
            let states = States::of(release, applied, "media=7 shop=42".to_owned());
            connections().iter().map(|connection| states.state(connection, set)).collect::<Vec<_>>()
        };
        assert_eq!(states(Failed, record(), Some("shop=42")), [Failed, Succeeded, Succeeded]);
        assert_eq!(states(Succeeded, None, Some("shop=42")), [Succeeded; 3]);
        for (release, applied) in [(Failed, record()), (Failed, None), (Succeeded, None)] {
            assert_eq!(states(release, applied, Some("shop=43")), [Pending; 3], "{release:?}");
        }
        assert_eq!(states(Failed, record(), Some("other=42")), [Failed; 3], "the last run could not read it, which may be why it has failed");
        assert_eq!(states(Succeeded, None, Some("other=42")), [Succeeded; 3], "an older job has not said which it read");
        assert_eq!(states(Failed, record(), None), [Failed, Succeeded, Succeeded], "what stands in the values");
    }

    #[test]
    fn only_a_release_that_failed_has_connections_of_different_states() {
        let record = || parse(&[("exitCode", "3"), ("unappliedCount", "0")]);
        assert!(record().is_some());
        for state in [State::Succeeded, State::Running, State::Pending] {
            assert_eq!(States::of(state, record(), String::new()).applied, None, "{state:?}");
        }
        assert_eq!(States::of(State::Failed, record(), String::new()).applied, record());
    }
}
