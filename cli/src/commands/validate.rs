//! `sc validate`: from the values to the first words of the target, whether a connection works.

use std::time::{Duration, Instant};

use anyhow::Result;
use sc_core::endpoint::Endpoint;
use sc_core::problem::{At, Problem, Problems};
use sc_core::report::{Outcome, Told};
use sc_core::values::Values;
use sc_job::exit;
use sc_job::output::Outcomes;
use sc_job::stop::Reason;
use sc_job::work::Done;
use serde_json::{Value, json};

use crate::args::connection::ValidateArgs;
use crate::certificate::Authorities;
use crate::dry_run::dry_run;
use crate::listed::Listed;
use crate::listing::{Listing, Wanted};
use crate::output::{self, Shown};
use crate::place::Place;
use crate::probe::{Line, Probe};
use crate::store::{Store, values_of};
use crate::validation::{CERTIFICATE, CONFIGURATION, Checks, DNS, GREETING, OBJECTS, POD, REFERENCES, TCP, TLS, VARIABLES};
use crate::{federation, progress, vault_driver};

/// Where a connection stands in values that have no other.
const ALONE: &str = "connections[0]";
/// The columns of the table.
const HEADER: [&str; 5] = ["Check", "Result", "Time", "Found", "Fix"];
/// The checks that the probe does.
const OF_PROBE: [&str; 7] = [POD, VARIABLES, DNS, TCP, TLS, CERTIFICATE, GREETING];

/// Validates a connection.
pub(crate) async fn run(args: &ValidateArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection, place)?;
    let authorities = Authorities::of(args.ca_file.as_deref())?;
    let store = Store::at(place).await?;
    let stored = store.stored().await?;
    let values = values_of(&stored);
    let listing = Listing::read(&store, &stored).await?;
    let mut checks = Checks::default();
    if let Some(broken) = listing.broken(&wanted)? {
        checks.failures(
            CONFIGURATION,
            broken.problems.iter().map(|problem| (told_at(problem, &problem.at.to_string()), problem.fix())),
            Duration::ZERO,
        );
        checks.skip(&[REFERENCES, OBJECTS], "an earlier check has failed");
        checks.skip(&OF_PROBE, "what is there is not as it should be: see above");
        show(args, &checks)?;
        if let Some(note) = listing.note(broken) {
            output::say(&note);
        }
        return Ok(exit::REFUSED);
    }
    let listed = listing.find(&wanted)?;
    let what = format!("validating connection `{}`", wanted.name);
    progress::during(&what, validate(&store, (&values, &listing, listed), &authorities, &mut checks)).await?;
    show(args, &checks)?;
    Ok(if checks.is_sound() { 0 } else { exit::REFUSED })
}

async fn validate(
    store: &Store<'_>,
    (values, listing, listed): (&Value, &Listing, &Listed),
    authorities: &Authorities,
    checks: &mut Checks,
) -> Result<()> {
    objects(store, (values, listed), checks).await?;
    let is_sound = checks.is_sound();
    federation::check(store, (listing, listed), checks).await;
    vault_driver::check(&store.cluster, listed, checks).await;
    if !is_sound {
        checks.skip(&OF_PROBE, "what is there is not as it should be: see above");
        return Ok(());
    }
    let endpoint = endpoint(values, listed);
    let probe = Probe { cluster: &store.cluster, place: store.place, listed, endpoint: endpoint.clone() };
    let begun = Instant::now();
    match probe.run().await {
        Ok(lines) => {
            let in_checks: u64 = lines.iter().map(|line| line.milliseconds).sum();
            checks.success(POD, "it started, with the Secret by envFrom", begun.elapsed().saturating_sub(Duration::from_millis(in_checks)));
            for line in lines {
                told(line, (endpoint.as_ref(), authorities, store.place), checks);
            }
        }
        Err(error) if error.is::<Reason>() => return Err(error.context("the validation was not finished")),
        Err(error) => {
            let fix = format!("look by `{} -n {} get events`", store.place.command("kubectl"), listed.connection.namespace);
            checks.failure(POD, format!("{error:#}"), fix, begun.elapsed());
        }
    }
    let why = if endpoint.is_none() { "the catalogue has no address to probe" } else { "an earlier check has failed" };
    checks.skip(&OF_PROBE, why);
    Ok(())
}

fn told_at(problem: &Problem, at: &str) -> String {
    format!("{problem} (at {at})")
}

/// A place in values that have but this connection, as it is in those where the connection is at home.
fn at_home(at: &At, home: &At) -> String {
    at.to_string().replacen(ALONE, &home.to_string(), 1)
}

/// Where the target is reached.
fn endpoint(values: &Value, listed: &Listed) -> Option<Endpoint> {
    let settings = Values::parse(values.to_string().as_bytes(), &mut Problems::default()).ok()?.settings;
    Endpoint::of(listed.entry.clone(), &settings)
}

/// Holds the objects against the values, by a run of the job that writes nothing.
///
/// # Errors
/// If they could not be looked at: that says nothing of them.
async fn objects(store: &Store<'_>, (values, listed): (&Value, &Listed), checks: &mut Checks) -> Result<()> {
    let begun = Instant::now();
    let mut document = values.clone();
    document["connections"] = json!([listed.entry]);
    for other in ["connectionSets", "connectionsDocument"] {
        document.as_object_mut().map(|fields| fields.remove(other));
    }
    let (Done { report, cut_short, .. }, outcomes) = dry_run(store, document.to_string().as_bytes(), None).await;
    let took = begun.elapsed();
    let is_reference = |problem: &&Problem| problem.at.to_string().contains("credentials");
    if let Some(error) = cut_short {
        return Err(error.context("failed to look at the objects"));
    }
    let (references, others): (Vec<_>, Vec<_>) = report.problems.iter().partition(is_reference);
    let at = |problem: &Problem| at_home(&problem.at, &listed.connection.at);
    if !checks.failures(CONFIGURATION, others.into_iter().map(|problem| (told_at(problem, &at(problem)), problem.fix())), took) {
        checks.success(CONFIGURATION, "it fits the catalogue", Duration::ZERO);
    }
    if !checks.failures(REFERENCES, references.into_iter().map(|problem| (problem.to_string(), problem.fix())), took) {
        checks.success(REFERENCES, count(listed.connection.references().count(), "reference"), Duration::ZERO);
    }
    if !report.problems.is_empty() {
        checks.skip(&[OBJECTS], "an earlier check has failed");
        return Ok(());
    }
    let obstacles = outcomes.iter().filter_map(|(id, outcome)| match outcome {
        Outcome::Refused { reason, fix, .. } => Some((format!("{id}: {reason}"), fix.clone())),
        Outcome::Failed { reason } => Some((format!("{id}: {reason}"), "try again".to_owned())),
        _ => None,
    });
    if checks.failures(OBJECTS, obstacles, took) {
        return Ok(());
    }
    let namespace = listed.connection.namespace.as_str();
    if report.has_changes() && !store.has_namespace(namespace).await? {
        let create = store.place.creation_of(namespace, values).map_or_else(String::new, |create| create + " && ");
        let fix = format!("make it by `{create}{} upgrade`", store.place.command("sc"));
        checks.failure(OBJECTS, format!("namespace `{namespace}` is not there"), fix, took);
    } else if report.has_changes() {
        checks.failure(OBJECTS, format!("a run would change it: {}", told_of(&outcomes)), put_back("them", store.place), took);
    } else {
        checks.success(OBJECTS, format!("{}: unchanged", listed.objects().join(", ")), took);
    }
    Ok(())
}

/// The checks of the probe that are about the target: what it calls them, and how to mend a failure.
const TOLD: [(&str, &str, &str); 4] = [
    ("dns", DNS, "is the target there, and its name right? in a private network: is its DNS zone linked?"),
    ("tcp", TCP, "let the cluster's outgoing address through the target's firewall, and see the network policies of the namespace"),
    ("tls", TLS, "turn TLS on at the target, and see whether a proxy stands in between"),
    ("greeting", GREETING, "is it the right port?"),
];

/// Takes down a line of the probe.
fn told(line: Line, (endpoint, authorities, place): (Option<&Endpoint>, &Authorities, &Place), checks: &mut Checks) {
    if let (Some(endpoint), false) = (endpoint, line.certificates.is_empty()) {
        return authorities.judge(endpoint, &line.certificates, checks);
    }
    let Some((name, fix)) = name_and_fix(&line, place) else { return };
    let took = Duration::from_millis(line.milliseconds);
    if line.result == "success" { checks.success(name, line.found, took) } else { checks.failure(name, line.found, fix, took) }
}

/// What a check of the probe is called, and how to mend a failure.
fn name_and_fix(line: &Line, place: &Place) -> Option<(&'static str, String)> {
    if line.check == "variables" {
        return Some((VARIABLES, put_back("the Secret", place)));
    }
    let (_, name, fix) = TOLD.into_iter().find(|(check, ..)| *check == line.check)?;
    Some((name, fix.to_owned()))
}

fn put_back(what: &str, place: &Place) -> String {
    format!("put {what} back by `{} rerun`", place.command("sc"))
}

fn show(args: &ValidateArgs, checks: &Checks) -> Result<()> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let row = |check: &crate::validation::Check| {
        vec![check.name.to_owned(), check.result.word().to_owned(), format!("{} ms", check.milliseconds), text(&check.description), text(&check.fix)]
    };
    let shown = Shown { value: serde_json::to_value(&checks.0)?, header: &HEADER, rows: checks.0.iter().map(row).collect() };
    output::show(args.output.form(), &shown)
}

/// What a run would do about objects that are not as they should be.
fn told_of(outcomes: &Outcomes) -> String {
    let lines = outcomes.iter().flat_map(|(id, outcome)| Told(id, outcome).to_string().lines().map(str::to_owned).collect::<Vec<_>>());
    // Without the blanks that align them.
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("; ")
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_where_the_connection_is_at_home() {
        let alone = At::top().field("connections").item(0);
        let home = At::of_set(1, "more").item(3);
        assert_eq!(at_home(&alone.field("target"), &home), "Secret more: [3].target");
        assert_eq!(at_home(&At::top().field("targetServices").item(0), &home), "targetServices[0]");
        assert_eq!(at_home(&alone, &alone), ALONE);
    }
}
