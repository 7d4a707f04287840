//! What ends a run before its work is done: the deadline, a signal, a lost Lease.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Why a run must end now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Kubernetes would end it soon.
    Deadline,
    /// It was asked to.
    Signal,
    /// Another run has the Lease.
    LeaseLost,
}

impl std::error::Error for Reason {}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Deadline => "the time that the Job may run was nearly over",
            Self::Signal => "the run was told to end",
            Self::LeaseLost => "another run took the Lease",
        })
    }
}

/// Tells all parts of a run that it must end.
#[derive(Debug, Clone)]
pub struct Stop {
    sender: watch::Sender<Option<Reason>>,
    /// Whether there was a signal, before or after another reason.
    signal: watch::Sender<bool>,
}

impl Stop {
    /// Never ends a run by itself.
    #[must_use]
    pub fn new() -> Self {
        Self { sender: watch::Sender::new(None), signal: watch::Sender::new(false) }
    }

    /// Ends the run on SIGTERM and SIGINT.
    ///
    /// # Errors
    /// If the process may not listen to signals.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = self.clone();
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
            stop.now(Reason::Signal);
        });
        Ok(())
    }

    /// Ends the run after a while.
    pub fn after(&self, time: Duration) {
        let stop = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            stop.now(Reason::Deadline);
        });
    }

    /// Ends the run now; the first reason counts.
    pub fn now(&self, reason: Reason) {
        if reason == Reason::Signal {
            self.signal.send_replace(true);
        }
        self.sender.send_if_modified(|current| current.is_none() && current.replace(reason).is_none());
    }

    /// Why the run must end, if it must.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        *self.sender.borrow()
    }

    /// Does something, unless the run must end before it is done.
    ///
    /// # Errors
    /// The reason why it must end.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Reason> {
        tokio::select! {
            biased;
            reason = self.wait() => Err(reason),
            done = work => Ok(done),
        }
    }

    /// Waits for a signal, also when the run must end for another reason already.
    pub async fn signal(&self) {
        // The sender is in `self`, so that waiting cannot fail.
        let _ = self.signal.subscribe().wait_for(|came| *came).await;
    }

    /// Waits until the run must end.
    pub async fn wait(&self) -> Reason {
        let mut receiver = self.sender.subscribe();
        loop {
            if let Some(reason) = *receiver.borrow_and_update() {
                return reason;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
