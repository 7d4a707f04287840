//! The one printer: the report to standard output, the log to standard error, and one line for Kubernetes. Or the report is kept for another program.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use sc_core::azure::{self, Need};
use sc_core::object::ObjectId;
use sc_core::report::{Outcome, Report, Told};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Where Kubernetes looks for the reason of a container's end.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Starts the log. Only our own crates are heard: the HTTP client would log bodies.
pub fn start_log(verbose: bool) {
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let filter = Targets::new().with_target("sc_job", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // A log that is there already, as in tests, is as good.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}

/// Whoever waits hears something this often.
const SILENCE: Duration = Duration::from_secs(1);

/// Where the report goes.
pub struct Output {
    to: RefCell<Sink>,
    /// When something was printed last.
    last: Cell<Instant>,
}

enum Sink {
    Text(Box<dyn Write>),
    Outcomes(Outcomes),
}

/// What became of each object that was not as it should be, in the order in which that was known.
pub type Outcomes = Vec<(ObjectId, Outcome)>;

impl Output {
    /// To standard output.
    #[must_use]
    pub fn standard() -> Self {
        Self::to(std::io::stdout())
    }

    /// To this.
    #[must_use]
    pub fn to(write: impl Write + 'static) -> Self {
        Self::with(Sink::Text(Box::new(write)))
    }

    /// Into a list, and nothing but the outcomes.
    #[must_use]
    pub fn kept() -> Self {
        Self::with(Sink::Outcomes(Outcomes::new()))
    }

    fn with(sink: Sink) -> Self {
        Self { to: RefCell::new(sink), last: Cell::new(Instant::now()) }
    }

    /// The outcomes that were kept; none of what was printed.
    #[must_use]
    pub fn into_outcomes(self) -> Outcomes {
        match self.to.into_inner() {
            Sink::Outcomes(outcomes) => outcomes,
            Sink::Text(_) => Outcomes::new(),
        }
    }

    /// Prints how far the work has come, if nothing was printed for a while.
    pub fn progress(&self, text: impl FnOnce() -> String) {
        if self.last.get().elapsed() > SILENCE {
            self.line(&text());
        }
    }

    /// Tells what became of an object.
    pub fn told(&self, id: &ObjectId, outcome: &Outcome) {
        if let Sink::Outcomes(outcomes) = &mut *self.to.borrow_mut() {
            return outcomes.push((id.clone(), outcome.clone()));
        }
        self.print(&Told(id, outcome).to_string());
    }

    /// Prints the end of the report.
    pub fn report(&self, report: &Report) {
        self.print(&report.to_string());
    }

    /// Prints what must exist in Azure, and how to make it: nobody looks there.
    pub fn needs(&self, needs: &BTreeSet<Need>, issuer: Option<&str>) {
        for (client_id, count) in azure::overfull(needs) {
            let id = client_id.as_str();
            self.line(&format!("warning: identity {id} needs {count} federated credentials, and may have {}", azure::MOST_CREDENTIALS));
            self.line("    fix: use one identity for fewer namespaces");
        }
        for need in needs {
            let issuer = issuer.filter(|_| matches!(need, Need::Trust { .. }));
            let by_whom = issuer.map_or_else(String::new, |issuer| format!(", issuer {issuer}"));
            self.line(&format!("in Azure: {need}{by_whom}"));
            if let Some(command) = need.command(issuer) {
                self.line(&format!("      by: {command}"));
            }
        }
    }

    /// Prints one line.
    pub fn line(&self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// Prints why a run could not do its work: what, why and how to mend it.
    pub fn failure(&self, error: &anyhow::Error) {
        self.line(&format!("error: {error}"));
        for cause in error.chain().skip(1) {
            self.line(&format!("  why: {cause}"));
        }
    }

    /// A closed pipe is no reason to fail: what counts is in the cluster.
    fn print(&self, text: &str) {
        if let Sink::Text(write) = &mut *self.to.borrow_mut() {
            let _ = write.write_all(text.as_bytes());
        }
        self.last.set(Instant::now());
    }
}

/// An error with all its causes, in one line.
#[must_use]
pub fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Leaves one line where Kubernetes shows it as the reason of the container's end.
pub fn termination(line: &str) {
    // Outside of a container there is no such file, and nobody to read it.
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(TERMINATION_LOG) {
        let _ = writeln!(file, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_the_work_has_come_is_told_after_a_silence() {
        let output = Output::standard();
        output.progress(|| unreachable!("something was printed just now"));
        output.last.set(Instant::now().checked_sub(2 * SILENCE).unwrap());
        let told = Cell::new(0);
        let tell = || {
            told.set(told.get() + 1);
            "so far 7 objects".to_owned()
        };
        output.progress(tell);
        output.progress(tell);
        assert_eq!(told.get(), 1);
    }
}
