//! The parts of Azure's that the cluster has: most tests share them, and one takes each away.

use std::sync::{PoisonError, RwLock, TryLockError};
use std::time::Duration;

use crate::bed::{self, Bed, Helm};
use crate::kube;
use crate::stand_in::{self, MEND, variable};

/// So long the tests that share a part may take together.
const LONG: Duration = Duration::from_mins(10);

/// A part of Azure's in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The webhook of workload identity.
    Webhook,
    /// The Secrets Store CSI driver, with its provider.
    Driver,
}

impl Part {
    /// Does a test that needs it, with a bed for a release.
    pub(crate) fn with(self, name: &str, namespaces: usize, test: impl FnOnce(&Bed)) {
        let _others = self.lock().read().unwrap_or_else(PoisonError::into_inner);
        self.on_bed(name, namespaces, test);
    }

    /// The same while no other test needs it. It does not wait in line: behind it the others would wait, too.
    pub(crate) fn alone(self, name: &str, namespaces: usize, test: impl FnOnce(&Bed)) {
        let _alone = kube::wait_for("the other tests to be done", LONG, || match self.lock().try_write() {
            Ok(alone) => Some(alone),
            Err(TryLockError::Poisoned(alone)) => Some(alone.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        self.on_bed(name, namespaces, test);
    }

    /// Read by tests that share it, written by one that takes it away.
    fn lock(self) -> &'static RwLock<()> {
        static LOCKS: [RwLock<()>; 2] = [const { RwLock::new(()) }; 2];
        &LOCKS[self as usize]
    }

    fn on_bed(self, name: &str, namespaces: usize, test: impl FnOnce(&Bed)) {
        let part = match self {
            Self::Webhook => "identity",
            Self::Driver => "csi",
        };
        assert!(variable("SC_CLUSTER_WITH").split(' ').any(|with| with == part), "the cluster has no part `{part}`: {MEND}");
        stand_in::listen();
        bed::with(Helm::Four, name, namespaces, test);
    }
}
