//! The checks of a connection, and what they found: as `az aks connection validate` lists them, with what each took and how to mend it.

use std::time::Duration;

use serde::Serialize;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Success,
    Warning,
    Failure,
    /// What it rests on has failed, or there is nothing to check.
    Skipped,
}

impl Outcome {
    /// Its word, as az has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }
}

/// One check. The fields are az's, and two of our own.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Check {
    /// What was checked, in az's words where az checks it, too.
    pub(crate) name: &'static str,
    pub(crate) result: Outcome,
    /// What was found.
    pub(crate) description: Option<String>,
    /// How to mend it.
    pub(crate) fix: Option<String>,
    /// What it took.
    pub(crate) milliseconds: u64,
}

/// What is checked, in this order.
pub(crate) const CONFIGURATION: &str = "Configured connection information validated.";
pub(crate) const REFERENCES: &str = "Referenced Secrets validated.";
pub(crate) const OBJECTS: &str = "Kubernetes objects validated.";
pub(crate) const IDENTITY: &str = "Token of the identity validated.";
pub(crate) const CREDENTIALS: &str = "Number of federated credentials validated.";
pub(crate) const ROTATION: &str = "Rotation of the vault's secrets validated.";
pub(crate) const POD: &str = "Probe pod validated.";
pub(crate) const VARIABLES: &str = "Variables in the pod validated.";
pub(crate) const DNS: &str = "Target resource existence validated.";
pub(crate) const TCP: &str = "Target service firewall validated.";
pub(crate) const TLS: &str = "TLS handshake validated.";
pub(crate) const CERTIFICATE: &str = "TLS certificate validated.";
pub(crate) const GREETING: &str = "Protocol greeting validated.";

/// The checks that were done so far.
#[derive(Debug, Default)]
pub(crate) struct Checks(pub(crate) Vec<Check>);

impl Checks {
    /// Adds one that succeeded.
    pub(crate) fn success(&mut self, name: &'static str, description: impl Into<String>, took: Duration) {
        self.add(name, Outcome::Success, (Some(description.into()), None), took);
    }

    /// Adds one that failed.
    pub(crate) fn failure(&mut self, name: &'static str, description: impl Into<String>, fix: impl Into<String>, took: Duration) {
        self.add(name, Outcome::Failure, (Some(description.into()), Some(fix.into())), took);
    }

    /// Adds one for each of these failures, with its fix; returns whether there is any.
    pub(crate) fn failures(&mut self, name: &'static str, found: impl IntoIterator<Item = (String, String)>, took: Duration) -> bool {
        let before = self.0.len();
        for (description, fix) in found {
            self.failure(name, description, fix, took);
        }
        self.0.len() > before
    }

    /// Adds one that should be looked at.
    pub(crate) fn warning(&mut self, name: &'static str, description: impl Into<String>, fix: impl Into<String>, took: Duration) {
        self.add(name, Outcome::Warning, (Some(description.into()), Some(fix.into())), took);
    }

    /// Adds those of these that were not done, and why.
    pub(crate) fn skip(&mut self, names: &[&'static str], why: &str) {
        for name in names {
            if self.0.iter().all(|check| check.name != *name) {
                self.add(name, Outcome::Skipped, (Some(why.to_owned()), None), Duration::ZERO);
            }
        }
    }

    fn add(&mut self, name: &'static str, result: Outcome, (description, fix): (Option<String>, Option<String>), took: Duration) {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.0.push(Check { name, result, description, fix, milliseconds });
    }

    /// Whether all of them went well.
    pub(crate) fn is_sound(&self) -> bool {
        self.0.iter().all(|check| check.result != Outcome::Failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_in_several_ways_says_each_with_its_fix() {
        let mut checks = Checks::default();
        assert!(!checks.failures(CONFIGURATION, [], Duration::ZERO));
        assert!(checks.is_sound());
        let two = [("no server", "give one"), ("no database", "create it")].map(|(what, fix)| (what.to_owned(), fix.to_owned()));
        assert!(checks.failures(CONFIGURATION, two, Duration::ZERO));
        checks.skip(&[CONFIGURATION, POD], "an earlier check has failed");
        let told: Vec<_> = checks.0.iter().map(|check| (check.name, check.result, check.fix.as_deref())).collect();
        let failure = |fix| (CONFIGURATION, Outcome::Failure, Some(fix));
        assert_eq!(told, [failure("give one"), failure("create it"), (POD, Outcome::Skipped, None)]);
    }
}
