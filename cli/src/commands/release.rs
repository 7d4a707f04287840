//! `sc install`, `sc upgrade`, `sc uninstall` and `sc status`: the release itself.

use anyhow::Result;
use sc_job::exit;
use serde_json::{Value, json};

use crate::applied::States;
use crate::args::Pair;
use crate::args::release::{ChangeArgs, InstallArgs, StatusArgs, UninstallArgs};
use crate::broken::Broken;
use crate::fault::{Fault, Problematic};
use crate::helm::Stored;
use crate::listed::Listed;
use crate::listing::Listing;
use crate::output::{self, Shown};
use crate::place::Place;
use crate::proof::{Proof, State};
use crate::run::{self, LastJob};
use crate::store::{Change, Store, values_of};
use crate::{credentials, input, progress};

/// Installs the release.
pub(crate) async fn install(args: &InstallArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    if let Some(stored) = progress::during("reading the release", store.helm.status()).await? {
        store.refuse_pending(&stored)?;
        let what = format!("the release `{}` is there already, at revision {}", place.release, stored.revision);
        return Err(Fault::invalid(what, format!("change it by `{} upgrade`", place.command("sc"))).into());
    }
    let values = values(&args.change, json!({}))?;
    store.install(&values, args.create_namespace).await?;
    output::say(&format!("installed release `{}` in namespace `{}`", place.release, place.release_namespace));
    Ok(0)
}

/// Upgrades the release.
pub(crate) async fn upgrade(args: &ChangeArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let change = async |stored: &Stored| {
        let values = values(args, values_of(stored))?;
        Ok(Change { values, secrets: Vec::new(), what: format!("upgrading release `{}`", place.release), wait: true })
    };
    store.change(change).await?;
    output::say(&format!("upgraded release `{}`", place.release));
    Ok(0)
}

/// The values that the arguments ask for: those of a file, or these. The image stays if neither says another: it is where the cluster gets it.
fn values(args: &ChangeArgs, before: Value) -> Result<Value> {
    let mut values = match &args.values {
        None => before,
        Some(file) => {
            let mut values = sc_core::document::parse(&input::read(file)?).map_err(|kind| Problematic::one(&input::name(file), kind))?;
            if let Some(map) = values.as_object_mut().filter(|map| !map.contains_key("image") && before["image"].is_object()) {
                output::say("note: the image stays what it was, since the file names none");
                map.insert("image".to_owned(), before["image"].clone());
            }
            values
        }
    };
    if let Some(repository) = &args.image {
        set(&mut values, &Pair { key: "image.repository".to_owned(), value: json!(repository).to_string() })?;
    }
    args.set_json.iter().try_for_each(|pair| set(&mut values, pair))?;
    Ok(values)
}

/// Sets a field of the values. What is to be set is not quoted: it may be a credential.
fn set(values: &mut Value, Pair { key, value }: &Pair) -> Result<()> {
    let fix = "write `--set-json FIELD=JSON`, as in `--set-json job.activeDeadlineSeconds=600`";
    let value: Value = serde_json::from_str(value).map_err(|_| Fault::invalid(format!("what `{key}` is to be is no JSON"), fix))?;
    let mut place = values;
    for field in key.split('.') {
        if field.is_empty() || !(place.is_object() || place.is_null()) {
            return Err(Fault::invalid(format!("there is no place `{key}` in the values"), fix).into());
        }
        place = &mut place[field];
    }
    *place = value;
    Ok(())
}

/// Uninstalls the release.
pub(crate) async fn uninstall(args: &UninstallArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let Some(stored) = progress::during("reading the release", store.helm.status()).await? else {
        if args.yes {
            // An earlier end may have left them.
            credentials::forget(&store.cluster, &place.release()).await?;
        }
        return Err(store.no_release().into());
    };
    let listing = Listing::read(&store, &stored).await?;
    let valid = listing.present().map(|listed| (listed.connection.name.as_str(), listed.connection.namespace.as_str()));
    // What is wrong now may have been right, and in use since.
    let all = valid.chain(listing.named_broken().map(|(name, broken)| (name, broken.namespace())));
    let names: Vec<String> = all.map(|(name, namespace)| format!("{name} in namespace {namespace}")).collect();
    let (noun, verb) = if names.len() == 1 { ("connection", "becomes") } else { ("connections", "become") };
    output::problems_beside(&listing.problems);
    let least = if listing.is_whole { "" } else { "at least " };
    output::say(&format!("{least}{} {noun} {verb} unavailable{}", names.len(), if names.is_empty() { "" } else { ":" }));
    for name in &names {
        output::say(&format!("  {name}"));
    }
    if !names.is_empty() || !listing.is_whole {
        let goes = args.delete_objects || ["true", "\"true\""].contains(&values_of(&stored)["cleanup"]["enabled"].to_string().as_str());
        output::say(if goes { "their objects are deleted" } else { "their objects stay, and nothing keeps them up to date any more" });
    }
    if !args.yes && !confirmed(place)? {
        output::say("nothing was changed");
        return Ok(exit::REFUSED);
    }
    if args.delete_objects {
        let change = async |stored: &Stored| {
            let mut values = values_of(stored);
            values["cleanup"]["enabled"] = json!(true);
            Ok(Change { values, secrets: Vec::new(), what: "granting the job to delete the objects".into(), wait: true })
        };
        store.change(change).await?;
    }
    store.uninstall().await?;
    output::say(&format!("uninstalled release `{}`", place.release));
    Ok(0)
}

fn confirmed(place: &Place) -> Result<bool> {
    if !input::is_terminal() {
        let fix = "say so by `--yes`, since nobody can be asked here";
        return Err(Fault::refused(format!("uninstalling release `{}` was not confirmed", place.release), fix).into());
    }
    input::agrees(&format!("uninstall release `{}` in namespace `{}`?", place.release, place.release_namespace))
}

/// Shows how the release is.
pub(crate) async fn status(args: &StatusArgs, place: &Place) -> Result<u8> {
    let store = Store::at(place).await?;
    let stored = store.stored().await?;
    let namespace = &place.release_namespace;
    let proof = Proof::read(&store.cluster, namespace).await?;
    let LastJob { name: job_name, now } = LastJob::find(&store.cluster, namespace, &proof.job_name).await?;
    let listing = Listing::read(&store, &stored).await?;
    let states = proof.states_of(&stored);
    let state = states.release;
    let job = now.unwrap_or(if state == State::Succeeded { "gone, as after a success" } else { "gone" });
    let lines = [
        ("release", format!("{} in namespace {namespace}, revision {}, {}", place.release, stored.revision, stored.info.status)),
        ("chart", stored.chart_version().unwrap_or("unknown").to_owned()),
        ("job", if now.is_none() || job_name == run::JOB { job.to_owned() } else { format!("{job}: {job_name}") }),
        ("result", format!("{state:?}")),
        ("reason", proof.reason.clone()),
        ("summary", proof.summary.clone()),
        ("started", proof.started_at.clone()),
        ("finished", proof.finished_at.clone()),
        ("last success", proof.last_success_at.clone()),
        ("connections", count(&listing, &states)),
    ];
    let broken = listing.named_broken().map(|(_, broken)| broken.shown());
    let connections: Vec<Value> = listing.present().map(|listed| listed.shown(states.state_of(listed), false)).chain(broken).collect();
    let value = json!({
        "release": place.release, "namespace": namespace, "revision": stored.revision, "status": stored.info.status,
        "chartVersion": stored.chart_version(), "job": job, "jobName": job_name, "result": state, "reason": proof.reason, "summary": proof.summary,
        "startedAt": proof.started_at, "finishedAt": proof.finished_at, "lastSuccessAt": proof.last_success_at, "connections": connections,
    });
    let lines = lines.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| vec![name.to_owned(), text]);
    let rows = lines.chain(each(&listing, &states)).collect();
    output::show(args.output.form(), &Shown { value, header: &["What", "Now"], rows })?;
    output::problems_beside(&listing.problems);
    Ok(if state == State::Succeeded { 0 } else { exit::REFUSED })
}

/// How many connections there are, and if it is not the same of all, how many have failed.
fn count(listing: &Listing, states: &States) -> String {
    let (valid, broken) = (listing.present().count(), listing.named_broken().count());
    let failed = broken + listing.present().filter(|listed| states.state_of(listed) == State::Failed).count();
    let all = valid + broken;
    if failed == 0 || failed == all { all.to_string() } else { format!("{all}, {failed} of them Failed") }
}

/// A row for each connection: those that are wrong as they are written, those that have failed with the objects that were not applied, and the others.
fn each(listing: &Listing, states: &States) -> Vec<Vec<String>> {
    let mut found: Vec<&Listed> = listing.present().collect();
    found.sort_by_key(|listed| states.state_of(listed) != State::Failed);
    let row = |namespace: &str, name: &str, state: State, why: &str| {
        let joint = if why.is_empty() { "" } else { ": " };
        vec![format!("{namespace}/{name}"), [state.provisioning_state(), joint, why].concat()]
    };
    let of_valid = |listed: &Listed| {
        let (connection, objects) = (&listed.connection, states.unapplied(listed));
        row(connection.namespace.as_str(), connection.name.as_str(), states.state_of(listed), &objects.join(", "))
    };
    let broken = listing.named_broken().map(|(name, broken)| row(broken.namespace(), name, Broken::STATE, "wrong as it is written"));
    broken.chain(found.into_iter().map(of_valid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_of_the_file_and_the_image_stays() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let of = |text: &str, image: Option<&str>, before: Value| {
            std::fs::write(&file, text).unwrap();
            let args = ChangeArgs { values: Some(file.path().to_owned()), image: image.map(str::to_owned), set_json: Vec::new() };
            values(&args, before).map_err(|error| error.to_string())
        };
        let before = json!({"image": {"repository": "registry.example/sc-job"}, "cloud": "AzureChinaCloud"});
        assert_eq!(of("connections: []", None, before.clone()), Ok(json!({"connections": [], "image": before["image"]})));
        assert_eq!(of("image: {tag: b}", None, before.clone()), Ok(json!({"image": {"tag": "b"}})));
        assert_eq!(of("image: {tag: b}", Some("a"), before.clone()), Ok(json!({"image": {"tag": "b", "repository": "a"}})));
        assert_eq!(of("connections: []", None, json!({})), Ok(json!({"connections": []})));
        for wrong in ["- name: orders", "image: hunter2"] {
            assert_eq!(of(wrong, Some("a"), before.clone()), Err("there is no place `image.repository` in the values".to_owned()));
        }
    }

    #[test]
    fn a_field_is_set_where_it_belongs_and_nowhere_else() {
        let set = |mut values: Value, key: &str, value: &str| {
            let pair = Pair { key: key.to_owned(), value: value.to_owned() };
            set(&mut values, &pair).map(|()| values).map_err(|error| error.to_string())
        };
        assert_eq!(set(json!({}), "job.nodeSelector", r#"{"a": "b"}"#), Ok(json!({"job": {"nodeSelector": {"a": "b"}}})));
        assert_eq!(set(json!({"job": {"x": 1}}), "job.y", "[2]"), Ok(json!({"job": {"x": 1, "y": [2]}})));
        for (key, value) in [("job", "hunter2"), ("", "1"), ("cloud.x", "1"), ("job..x", "1")] {
            let refused = set(json!({"cloud": "AzurePublicCloud"}), key, value).unwrap_err();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
