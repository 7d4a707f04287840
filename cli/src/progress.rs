//! Progress on whatever takes more than a second: a spinner on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, interval_at};

use crate::output;

/// What takes no longer than this is not announced.
const SHORT: Duration = Duration::from_secs(1);
/// So often a line says that it goes on, where there is no spinner.
const REMIND: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(120);

/// Does some work, and says what it is while it takes long.
pub(crate) async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = tokio::time::sleep(SHORT) => {}
    }
    if std::io::stderr().is_terminal() { spinning(what, work).await } else { telling(what, work).await }
}

async fn spinning<T>(what: &str, work: impl Future<Output = T>) -> T {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned()).with_elapsed(SHORT);
    spinner.enable_steady_tick(TICK);
    let done = work.await;
    spinner.finish_and_clear();
    done
}

async fn telling<T>(what: &str, work: impl Future<Output = T>) -> T {
    output::say(&format!("{what} …"));
    let begun = Instant::now();
    let mut reminders = interval_at(begun + REMIND, REMIND);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = reminders.tick() => output::say(&format!("{what}: still at it, {} s", begun.elapsed().as_secs())),
        }
    }
}
