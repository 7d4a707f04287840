//! `sc wait`: until a connection is as it should be.

use std::fmt;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::applied::States;
use crate::args::connection::WaitArgs;
use crate::broken::Broken;
use crate::commands::show::{self, Seen};
use crate::fault::Fault;
use crate::listing::{Listing, Wanted};
use crate::place::Place;
use crate::progress;
use crate::proof::{self, State};
use crate::store::Store;

/// Waits as the arguments say.
pub(crate) async fn run(args: &WaitArgs, place: &Place) -> Result<u8> {
    if args.custom.is_some() {
        let sc = place.command("sc");
        let fix = format!("use `--created`, `--exists` or `--deleted`, or ask again and again by `{sc} show --output json`");
        return Err(Fault::invalid("`--custom` means nothing here: `sc` has no query language", fix).into());
    }
    let wanted = Wanted::of(&args.selection, place)?;
    let store = Store::at(place).await?;
    let what = format!("waiting for connection `{}`", wanted.name);
    progress::during(&what, until(args, &store, &wanted)).await
}

async fn until(args: &WaitArgs, store: &Store<'_>, wanted: &Wanted) -> Result<u8> {
    let (end, sc) = (Instant::now() + args.timeout, store.place.command("sc"));
    loop {
        let Seen { listing, states, .. } = show::read(store).await?;
        let now = Now::of(&listing, &states, wanted);
        if now.is_met(args) {
            return Ok(0);
        }
        if !args.exists && !args.deleted && listing.all_broken(wanted).next().is_some() {
            // No run will apply it.
            listing.find(wanted)?;
        }
        let of = if args.deleted { now.release } else { now.state };
        if of == State::Failed && !args.exists && !crate::run::is_under_way(&store.cluster, &store.place.release_namespace).await? {
            let failure = proof::failure(&store.cluster, &store.place.release_namespace).await;
            let reason = failure.map(|proof| proof.reason).unwrap_or_default();
            return Err(Fault::refused(format!("the last run has failed: {reason}"), format!("mend the cause, and run `{sc} rerun`")).into());
        }
        if Instant::now() >= end {
            let fix = format!("see `{sc} status`, or give it more time by `--timeout`");
            let (what, seconds) = (wanted_of(args), args.timeout.as_secs());
            return Err(Fault::failed(format!("waited {seconds} s for connection `{}` to be {what}: {now}", wanted.name), fix).into());
        }
        sleep(args.interval).await;
    }
}

/// What is waited for, in words.
fn wanted_of(args: &WaitArgs) -> &'static str {
    match (args.exists, args.deleted) {
        (true, _) => "in the values",
        (_, true) => "gone with its objects",
        _ => "applied",
    }
}

/// How it is with a connection.
struct Now {
    is_listed: bool,
    release: State,
    /// Its own state, of several the one that has come least far; of one that is not listed, that of the release.
    state: State,
}

impl Now {
    fn of(listing: &Listing, states: &States, wanted: &Wanted) -> Self {
        let found: Vec<State> = listing.present().filter(|listed| wanted.means(&listed.connection)).map(|listed| states.state_of(listed)).collect();
        let unlike = found.iter().copied().find(|state| *state != State::Succeeded);
        let broken = listing.all_broken(wanted).next().map(|_| Broken::STATE);
        let is_listed = !found.is_empty() || broken.is_some();
        Self { is_listed, release: states.release, state: broken.or(unlike).or(found.first().copied()).unwrap_or(states.release) }
    }

    fn is_met(&self, args: &WaitArgs) -> bool {
        match (args.exists, args.deleted) {
            (true, _) => self.is_listed,
            (_, true) => !self.is_listed && self.state == State::Succeeded,
            _ => self.is_listed && self.state == State::Succeeded,
        }
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.provisioning_state();
        if self.is_listed { write!(f, "it is in the values, and {state}") } else { write!(f, "it is not in the values, and the release is {state}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_what_is_there_instead_of_what_is_waited_for() {
        let now = |is_listed, state| Now { is_listed, release: state, state }.to_string();
        assert_eq!(now(true, State::Running), "it is in the values, and Accepted");
        assert_eq!(now(false, State::Succeeded), "it is not in the values, and the release is Succeeded");
    }
}
