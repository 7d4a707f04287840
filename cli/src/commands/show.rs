//! `sc list`, `sc show` and `sc list-configuration`: what there is.

use anyhow::Result;
use sc_core::azure::Need;
use sc_core::values::State;
use sc_job::exit;
use serde_json::{Value, json};

use crate::applied::States;
use crate::args::Form;
use crate::args::connection::{ListArgs, SelectArgs};
use crate::broken::Broken;
use crate::listed::Listed;
use crate::listing::{Listing, Wanted};
use crate::output::{self, Shown};
use crate::place::Place;
use crate::proof::{self, Proof};
use crate::store::Store;

/// The columns of a list of connections.
const HEADER: [&str; 7] = ["Name", "Namespace", "Target", "AuthType", "ClientType", "State", "Objects"];
/// The columns of a list of variables.
const VARIABLES: [&str; 2] = ["Name", "Value"];

/// All connections of the release, those that are wrong as they are written, too.
pub(crate) async fn list(args: &ListArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let Seen { listing, states, .. } = read(&store).await?;
    let is_in = |given: &str| args.kube_namespace.as_deref().is_none_or(|namespace| given == namespace);
    let found: Vec<&Listed> = listing.present().filter(|listed| is_in(listed.connection.namespace.as_str())).collect();
    let broken: Vec<&Broken> = listing.named_broken().map(|(_, broken)| broken).filter(|broken| is_in(broken.namespace())).collect();
    let form = args.output.form();
    // Of thousands, what is not printed is not made either.
    let (mut values, mut rows) = (Vec::new(), Vec::new());
    if form.is_whole() {
        values.extend(found.iter().map(|listed| listed.shown(states.state_of(listed), false)));
        values.extend(broken.iter().map(|broken| broken.shown()));
    } else {
        rows.extend(found.iter().map(|listed| row(listed, states.state_of(listed))));
        rows.extend(broken.iter().map(|broken| broken.row()));
    }
    if found.is_empty() && broken.is_empty() && listing.is_whole {
        output::say(&nothing(args, &listing, &place.command("sc")));
    }
    output::show(form, &Shown { value: Value::Array(values), header: &HEADER, rows })?;
    output::problems_beside(&listing.problems);
    Ok(if listing.is_whole { 0 } else { exit::FAILED })
}

/// Why nothing is listed.
fn nothing(args: &ListArgs, listing: &Listing, sc: &str) -> String {
    match &args.kube_namespace {
        Some(namespace) if listing.present().next().is_some() || listing.named_broken().next().is_some() => {
            format!("there are no connections in namespace `{namespace}`: without `--kube-namespace`, `{sc} list` has those of all namespaces")
        }
        _ if !listing.problems.is_empty() => "there are no connections that have a name".to_owned(),
        _ => format!("there are no connections yet: `{sc} create` makes one"),
    }
}

/// One connection.
pub(crate) async fn show(args: &SelectArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection, place)?;
    let store = Store::at(place).await?;
    let Seen { listing, states, issuer } = read(&store).await?;
    let listed = listing.find(&wanted)?;
    output::show(args.output.form(), &one(listed, states.state_of(listed), issuer.as_deref()))?;
    say_needs(listed, args.output.form(), place);
    Ok(0)
}

/// Says beside a table, which has no room for it, what must exist in Azure.
pub(crate) fn say_needs(listed: &Listed, form: Form, place: &Place) {
    let (sc, name) = (place.command("sc"), listed.connection.name.as_str());
    for need in Need::of(&listed.connection).iter().filter(|_| !form.is_whole()) {
        output::say(&format!("in Azure: {need}: `{sc} show {name} --output yaml` has the command"));
    }
}

/// The variables of one connection.
pub(crate) async fn list_configuration(args: &SelectArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection, place)?;
    let store = Store::at(place).await?;
    let listing = Listing::of_release(&store).await?;
    let configurations = listing.find(&wanted)?.configurations();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = configurations.as_array().into_iter().flatten().map(|row| vec![text(&row["name"]), text(&row["value"])]).collect();
    output::show(args.output.form(), &Shown { value: json!({"configurations": configurations}), header: &VARIABLES, rows })?;
    Ok(0)
}

/// The connections as they are now.
pub(crate) struct Seen {
    pub(crate) listing: Listing,
    /// Which of them were applied.
    pub(crate) states: States,
    /// Who issues the tokens of the cluster's ServiceAccounts, if a run has said so.
    pub(crate) issuer: Option<String>,
}

/// Reads the connections, and what became of them.
pub(crate) async fn read(store: &Store<'_>) -> Result<Seen> {
    let namespace = &store.place.release_namespace;
    let (stored, proof) = futures::future::join(store.stored(), Proof::read(&store.cluster, namespace)).await;
    let (stored, proof) = (stored?, proof?);
    let listing = Listing::read(store, &stored).await?;
    let states = proof.states_of(&stored);
    Ok(Seen { listing, states, issuer: Some(proof.issuer).filter(|issuer| !issuer.is_empty()) })
}

/// A connection with its variables, and with what it needs in Azure.
pub(crate) fn one(listed: &Listed, state: proof::State, issuer: Option<&str>) -> Shown<'static> {
    let mut value = listed.shown(state, true);
    let needs = listed.needs(issuer);
    if needs.as_array().is_some_and(|needs| !needs.is_empty()) {
        value["azureNeeds"] = needs;
    }
    Shown { value, header: &HEADER, rows: vec![row(listed, state)] }
}

fn row(listed: &Listed, state: proof::State) -> Vec<String> {
    let connection = &listed.connection;
    debug_assert!(connection.state == State::Present, "what is absent is not listed");
    vec![
        connection.name.as_str().to_owned(),
        connection.namespace.as_str().to_owned(),
        connection.service().name.clone(),
        connection.auth_type.name().to_owned(),
        connection.client_type.clone(),
        state.provisioning_state().to_owned(),
        listed.objects().join(", "),
    ]
}
