//! `sc create`, `sc update` and `sc delete`: changes of the values, one connection at a time.

use anyhow::{Context, Result, anyhow};
use sc_core::names::{ConnectionName, Namespace};
use sc_core::problem::Problems;
use sc_core::values::{Settings, Values};
use serde_json::{Map, Value, json};

use crate::args::connection::{CreateArgs, DeleteArgs, Options, UpdateArgs};
use crate::args::words;
use crate::broken::Broken;
use crate::commands::show::{self, Seen};
use crate::credentials::CredentialSecret;
use crate::entry::{self, Asked, CONFLUENT, SCHEMA, SCHEMA_REGISTRY};
use crate::fault::{Fault, Problematic};
use crate::helm::Stored;
use crate::input;
use crate::listed::Listed;
use crate::listing::{Listing, Wanted};
use crate::output;
use crate::place::Place;
use crate::store::{Change, Store, values_of};

/// Makes a connection, or replaces the one of that name in that namespace.
pub(crate) async fn create(args: &CreateArgs, place: &Place) -> Result<u8> {
    entry::refuse_meaningless(&args.options.azure)?;
    let name = args.connection.clone().unwrap_or_else(|| entry::default_name(&args.target_service));
    if args.target_service == CONFLUENT && name.ends_with(SCHEMA) {
        return Err(Fault::invalid(format!("the name ends in `{SCHEMA}`, as that of the second connection will"), "take another name").into());
    }
    let store = Store::at(place).await?;
    let wanted = Wanted { name, namespace: Some(args.kube_namespace.clone()) };
    let what = format!("creating connection `{}` in namespace `{}`", wanted.name, args.kube_namespace);
    let is_there = store.has_namespace(&args.kube_namespace).await?;
    if !is_there && !args.create_namespace {
        return Err(store.no_namespace(&args.kube_namespace, "have it made by `--create-namespace`").into());
    }
    let mut parts: Vec<_> = parts(&args.target_service, with_input(&args.options)?)
        .into_iter()
        .map(|(suffix, service, options)| (new_entry(&format!("{}{suffix}", wanted.name), &args.kube_namespace, service), options))
        .collect();
    if input::is_terminal() {
        let edit = Edit::of(&store.stored().await?);
        for (entry, options) in &mut parts {
            edit.ask(entry.clone(), options).map_err(in_flags)?;
        }
    }
    let change = async |stored: &Stored| {
        let mut edit = Edit::of(stored);
        if !is_there {
            edit.create_namespace(&args.kube_namespace);
        }
        for (entry, options) in parts {
            edit.put_new(entry, &options)?;
        }
        Ok(edit.into_change(what, !args.options.no_wait))
    };
    store.change(change).await.map_err(in_flags)?;
    tell(&store, &wanted, &args.options, "created").await
}

/// Whether two entries have the same objects: their names differ in nothing that counts.
fn has_objects_of(one: &Value, other: &Value) -> bool {
    let place = |entry: &Value| {
        let name = ConnectionName::parse(entry["name"].as_str()?).ok()?;
        Some((entry["namespace"].as_str().unwrap_or(Namespace::DEFAULT).to_owned(), name.normalised().to_owned()))
    };
    place(one).is_some() && place(one) == place(other)
}

/// What an entry of the values begins with.
fn new_entry(name: &str, namespace: &str, service: &str) -> Map<String, Value> {
    [("name", name), ("namespace", namespace), ("targetService", service)].map(|(field, text)| (field.to_owned(), json!(text))).into_iter().collect()
}

/// The options with the credentials that standard input has.
fn with_input(options: &Options) -> Result<Options> {
    let mut options = options.clone();
    if options.auth.credentials_stdin {
        options.auth.typed = input::pairs()?;
    }
    Ok(options)
}

/// Changes a connection.
pub(crate) async fn update(args: &UpdateArgs, place: &Place) -> Result<u8> {
    entry::refuse_meaningless(&args.options.azure)?;
    let wanted = Wanted::of(&args.selection(), place)?;
    let store = Store::at(place).await?;
    let mut options = with_input(&args.options)?;
    if input::is_terminal() {
        let stored = store.stored().await?;
        let index = own_index(&Listing::read(&store, &stored).await?, &wanted)?;
        let edit = Edit::of(&stored);
        let mut asked = options_of(&edit.service(index)?, options.clone());
        edit.ask(edit.entry(index)?, &mut asked).map_err(in_flags)?;
        options.auth.typed = asked.auth.typed;
    }
    let change = async |stored: &Stored| {
        let index = own_index(&Listing::read(&store, stored).await?, &wanted)?;
        let mut edit = Edit::of(stored);
        let service = edit.service(index)?;
        say_other_target(args.target_service.as_deref(), &service);
        edit.put_over(index, &options_of(&service, options))?;
        Ok(edit.into_change(format!("updating connection `{}`", wanted.name), !args.options.no_wait))
    };
    store.change(change).await.map_err(in_flags)?;
    tell(&store, &wanted, &args.options, "updated").await
}

/// An error about the values, in the words of the flags that they are made from. No flag is about what stands elsewhere.
fn in_flags(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Problematic>() {
        Ok(found) if found.note.is_some() => found.into(),
        Ok(found) => Problematic { words: words::in_flags, place: words::place, ..found }.into(),
        Err(other) => other,
    }
}

/// Deletes a connection and what was made for it.
pub(crate) async fn delete(args: &DeleteArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection, place)?;
    let store = Store::at(place).await?;
    if !args.yes {
        let Seen { listing, .. } = show::read(&store).await?;
        if !confirmed(&listing, &wanted)? {
            output::say("nothing was changed");
            return Ok(sc_job::exit::REFUSED);
        }
    }
    let change = async |stored: &Stored| {
        let listing = Listing::read(&store, stored).await?;
        let mut edit = Edit::of(stored);
        edit.retire(&listing, &wanted, place)?;
        Ok(edit.into_change(format!("deleting connection `{}`", wanted.name), !args.no_wait))
    };
    store.change(change).await?;
    output::say(&format!("{} connection `{}`", if args.no_wait { "will be deleted by the run that has begun:" } else { "deleted" }, wanted.name));
    Ok(0)
}

fn confirmed(listing: &Listing, wanted: &Wanted) -> Result<bool> {
    let name = &wanted.name;
    own_index(listing, wanted)?;
    let what = if let Some(broken) = listing.broken(wanted)?.filter(|broken| broken.index().is_some()) {
        format!("connection `{name}`{}, which is wrong as it stands in the values,", in_namespace(broken))
    } else {
        let listed = listing.find(wanted)?;
        format!("connection `{name}` and {} in namespace `{}`", listed.objects().join(", "), listed.connection.namespace)
    };
    if !input::is_terminal() {
        let fix = "say so by `--yes`, since nobody can be asked here";
        return Err(Fault::refused(format!("deleting connection `{name}` was not confirmed"), fix).into());
    }
    input::agrees(&format!("delete {what}?"))
}

/// Where it would be, if that may be shown.
fn in_namespace(broken: &Broken) -> String {
    let namespace = broken.namespace();
    if namespace.is_empty() { String::new() } else { format!(" in namespace `{namespace}`") }
}

/// The values while they are changed, with the credentials that go with the change.
struct Edit {
    /// All but the connections.
    values: Value,
    connections: Vec<Value>,
    secrets: Vec<CredentialSecret>,
}

impl Edit {
    /// The values as they are.
    fn of(stored: &Stored) -> Self {
        let mut values = values_of(stored);
        let connections = values["connections"].take().as_array().cloned().unwrap_or_default();
        Self { values, connections, secrets: Vec::new() }
    }

    /// Makes an entry, in the place of one with the same name if there is one.
    fn put_new(&mut self, new: Map<String, Value>, options: &Options) -> Result<()> {
        let entry = self.completed(new, options)?;
        let name = entry["name"].as_str().unwrap_or_default();
        match self.connections.iter().position(|other| has_objects_of(other, &entry)) {
            Some(index) if self.connections[index]["name"] == name => self.connections[index] = entry,
            Some(index) => {
                let other = self.connections[index]["name"].as_str().unwrap_or_default();
                let fix = "take another name: only letters and digits count, in lower case";
                return Err(Fault::invalid(format!("the objects of `{name}` would be those of connection `{other}`"), fix).into());
            }
            None => self.connections.push(entry),
        }
        Ok(())
    }

    /// Changes an entry.
    fn put_over(&mut self, index: usize, options: &Options) -> Result<()> {
        self.connections[index] = self.completed(self.entry(index)?, options)?;
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<Map<String, Value>> {
        self.connections.get(index).and_then(Value::as_object).cloned().context("the connection is gone")
    }

    fn service(&self, index: usize) -> Result<String> {
        Ok(self.entry(index)?.get("targetService").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Has a person type what no option has. That may take long: it is done before the release is locked, with the values as they are then.
    fn ask(&self, entry: Map<String, Value>, options: &mut Options) -> Result<()> {
        let typed = self.asked(entry, options)?.typed;
        options.auth.typed.extend(typed);
        Ok(())
    }

    /// The entry with what the arguments say, and what they bring beside it.
    fn asked(&self, entry: Map<String, Value>, options: &Options) -> Result<Asked> {
        let mut problems = Problems::default();
        let settings =
            Values::parse(self.values.to_string().as_bytes(), &mut problems).map_or_else(|_| Settings::default(), |values| values.settings);
        let service = entry::service(&settings.catalogue, entry.get("targetService").and_then(Value::as_str).unwrap_or_default())?;
        entry::asked(entry, &service, options)
    }

    /// The entry with what the arguments say, and references to the credentials that they bring.
    fn completed(&mut self, entry: Map<String, Value>, options: &Options) -> Result<Value> {
        let Asked { mut entry, credentials, .. } = self.asked(entry, options)?;
        let name = ConnectionName::parse(entry.get("name").and_then(Value::as_str).unwrap_or_default());
        let name = name.map_err(|kind| Problematic::one("--connection", kind))?;
        if !credentials.is_empty() {
            let secret = CredentialSecret::of(&name, credentials);
            let known = entry.entry("credentials").or_insert_with(|| json!({}));
            secret.references().for_each(|(credential, reference)| known[credential.name()] = reference);
            self.secrets.push(secret);
        }
        Ok(Value::Object(entry))
    }

    /// Says that an entry is to be absent, so that the job deletes what it made. One that is no connection as it is written is taken out: the job
    /// cannot tell from it what to delete, and goes by its inventory.
    fn retire(&mut self, listing: &Listing, wanted: &Wanted, place: &Place) -> Result<()> {
        let index = own_index(listing, wanted)?;
        if listing.broken(wanted)?.and_then(Broken::index).is_some() {
            let sc = place.command("sc");
            output::say(&format!(
                "note: of what was made for it before, the first run that finds nothing wrong deletes what had `deletionPolicy: Delete` then; the rest stays, and `{sc} doctor` names it"
            ));
            self.connections.remove(index);
        } else if self.connections.iter().enumerate().any(|(other, entry)| other != index && has_objects_of(entry, &self.connections[index])) {
            output::say("note: its objects stay, since another connection of the values has the same");
            self.connections.remove(index);
        } else {
            self.connections[index]["state"] = json!("absent");
        }
        Ok(())
    }

    fn create_namespace(&mut self, name: &str) {
        let create = &mut self.values["namespaces"]["create"];
        let mut names = create.as_array().cloned().unwrap_or_default();
        names.push(json!(name));
        *create = Value::Array(names);
    }

    fn into_change(mut self, what: String, wait: bool) -> Change {
        self.values["connections"] = Value::Array(self.connections);
        Change { values: self.values, secrets: self.secrets, what, wait }
    }
}

/// The connections that az makes for a target, by what their names end with: for Confluent two, else one.
fn parts(target_service: &str, options: Options) -> Vec<(&'static str, &str, Options)> {
    if target_service != CONFLUENT || options.target.schema_registry.is_none() {
        return vec![("", target_service, options_of(target_service, options))];
    }
    let (mut first, mut second) = (options_of(target_service, options.clone()), options_of(SCHEMA_REGISTRY, options));
    // Of what is typed, that which is for the registry has `schema-` before its key.
    first.auth.typed.retain(|pair| !pair.key.starts_with(SCHEMA_KEY));
    second.auth.typed.retain(|pair| pair.key.starts_with(SCHEMA_KEY));
    for pair in &mut second.auth.typed {
        pair.key = pair.key.trim_start_matches(SCHEMA_KEY).to_owned();
    }
    vec![("", target_service, first), (SCHEMA, SCHEMA_REGISTRY, second)]
}

/// What the keys of the schema registry's credentials begin with on standard input.
const SCHEMA_KEY: &str = "schema-";

/// The options as they are for one of the two.
fn options_of(service: &str, mut options: Options) -> Options {
    if service == SCHEMA_REGISTRY {
        (options.auth.kafka_key, options.auth.kafka_secret) = (options.auth.schema_key.take(), options.auth.schema_secret.take());
        options.target.bootstrap_server = None;
    } else {
        options.target.schema_registry = None;
    }
    options
}

/// az never looks at the target that an update names, so scripts may name another one. What was given for another does not fit in then.
fn say_other_target(given: Option<&str>, service: &str) {
    // az updates the schema registry by the name of the other.
    let is_other = |given: &&str| *given != service && !(*given == CONFLUENT && service == SCHEMA_REGISTRY);
    if let Some(given) = given.filter(is_other) {
        output::say(&format!("note: the connection is one to `{service}`, and stays so: `{given}` is passed over, as by az"));
    }
}

/// Where it stands in `connections` of the values, be it a connection as it is written or not.
fn own_index(listing: &Listing, wanted: &Wanted) -> Result<usize> {
    if let Some(index) = listing.broken(wanted)?.and_then(Broken::index) {
        return Ok(index);
    }
    let Listed { connection, index, .. } = listing.find(wanted)?;
    index.ok_or_else(|| match listing.elsewhere(connection.name.as_str(), &connection.at) {
        Some(fault) => fault.into(),
        None => anyhow!("the connection is gone"),
    })
}

/// Says what was done, and shows the connection as it is now.
async fn tell(store: &Store<'_>, wanted: &Wanted, options: &Options, verb: &str) -> Result<u8> {
    let Seen { listing, states, issuer } = show::read(store).await?;
    let listed = listing.find(wanted).map_err(|_| anyhow!("the connection was {verb}, but is gone since"))?;
    let place = format!("connection `{}` in namespace `{}`: {}", wanted.name, listed.connection.namespace, listed.objects().join(", "));
    let done = if options.no_wait { format!("will be {verb} by the run that has begun:") } else { verb.to_owned() };
    output::say(&format!("{done} {place}"));
    output::show(options.output.form(), &show::one(listed, states.state_of(listed), issuer.as_deref()))?;
    show::say_needs(listed, options.output.form(), store.place);
    Ok(0)
}
