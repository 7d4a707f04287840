//! `sc wait`: until a connection is as it should be.

use anyhow::Result;
use sc_core::values::State as Desired;
use tokio::time::{Instant, sleep};

use crate::args::connection::WaitArgs;
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
        let fix = "use `--created`, `--exists` or `--deleted`, or ask again and again by `sc show --output json`";
        return Err(Fault::invalid("`--custom` means nothing here: `sc` has no query language", fix).into());
    }
    let wanted = Wanted::of(&args.selection)?;
    let store = Store::at(place).await?;
    let what = format!("waiting for connection `{}`", wanted.name);
    progress::during(&what, until(args, &store, &wanted)).await
}

async fn until(args: &WaitArgs, store: &Store<'_>, wanted: &Wanted) -> Result<u8> {
    let end = Instant::now() + args.timeout;
    loop {
        let Seen { listing, state, .. } = show::read(store).await?;
        if is_met(args, &listing, wanted, state) {
            return Ok(0);
        }
        if state == State::Failed && !args.exists && !crate::run::is_under_way(&store.cluster, &store.place.release_namespace).await? {
            let failure = proof::failure(&store.cluster, &store.place.release_namespace).await;
            let reason = failure.map(|proof| proof.reason).unwrap_or_default();
            return Err(Fault::refused(format!("the last run has failed: {reason}"), "mend the cause, and run `sc rerun`").into());
        }
        if Instant::now() >= end {
            let fix = "see `sc status`, or give it more time by `--timeout`";
            return Err(Fault::failed(format!("connection `{}` is not so after {} s", wanted.name, args.timeout.as_secs()), fix).into());
        }
        sleep(args.interval).await;
    }
}

fn is_met(args: &WaitArgs, listing: &Listing, wanted: &Wanted, state: State) -> bool {
    let is_listed = listing.connections.iter().any(|listed| listed.connection.state == Desired::Present && wanted.means(&listed.connection));
    if args.exists {
        is_listed
    } else if args.deleted {
        !is_listed && state == State::Succeeded
    } else {
        is_listed && state == State::Succeeded
    }
}
