//! `sc create`, `sc update` and `sc delete`: changes of the values, one connection at a time.

use anyhow::{Context, Result, anyhow};
use sc_core::names::ConnectionName;
use sc_core::problem::Problems;
use sc_core::values::{Settings, Values};
use sc_job::cluster::{Cluster, Failure};
use serde_json::{Map, Value, json};

use crate::args::Pair;
use crate::args::connection::{CreateArgs, DeleteArgs, Options, UpdateArgs};
use crate::args::words;
use crate::commands::show::{self, Seen};
use crate::credentials::CredentialSecret;
use crate::entry::{self, Asked, CONFLUENT, SCHEMA, SCHEMA_REGISTRY};
use crate::fault::{Fault, Problematic};
use crate::helm::Stored;
use crate::input;
use crate::listing::{Listed, Listing, Wanted};
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
    let is_there = namespace_exists(&store.cluster, &args.kube_namespace).await?;
    if !is_there && !args.create_namespace {
        return Err(no_namespace(place, &args.kube_namespace).into());
    }
    let change = async |stored: &Stored| {
        let mut edit = Edit::of(stored);
        if !is_there {
            edit.create_namespace(&args.kube_namespace);
        }
        for (suffix, service, options) in parts(&args.target_service, &args.options)? {
            edit.put_new(&format!("{}{suffix}", wanted.name), &args.kube_namespace, service, &options)?;
        }
        Ok(edit.into_change(what, !args.options.no_wait))
    };
    store.change(change).await.map_err(in_flags)?;
    tell(&store, &wanted, &args.options, "created").await
}

/// Changes a connection.
pub(crate) async fn update(args: &UpdateArgs, place: &Place) -> Result<u8> {
    entry::refuse_meaningless(&args.options.azure)?;
    let wanted = Wanted::of(&args.selection())?;
    let store = Store::at(place).await?;
    let change = async |stored: &Stored| {
        let listing = Listing::read(&store.cluster, &place.release_namespace, stored).await?;
        let listed = listing.find(&wanted)?;
        let service = listed.connection.service().name.clone();
        say_other_target(args.target_service.as_deref(), &service);
        let index = own_index(listed)?;
        let mut edit = Edit::of(stored);
        edit.put_over(index, &options_of(&service, &args.options))?;
        Ok(edit.into_change(format!("updating connection `{}`", wanted.name), !args.options.no_wait))
    };
    store.change(change).await.map_err(in_flags)?;
    tell(&store, &wanted, &args.options, "updated").await
}

/// An error about the values, in the words of the flags that they are made from.
fn in_flags(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Problematic>() {
        Ok(found) => Problematic { words: words::in_flags, ..found }.into(),
        Err(other) => other,
    }
}

/// Deletes a connection and what was made for it.
pub(crate) async fn delete(args: &DeleteArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection)?;
    let store = Store::at(place).await?;
    if !args.yes {
        let Seen { listing, .. } = show::read(&store).await?;
        let listed = listing.find(&wanted)?;
        if !confirmed(listed)? {
            output::say("nothing was changed");
            return Ok(sc_job::exit::REFUSED);
        }
    }
    let change = async |stored: &Stored| {
        let listing = Listing::read(&store.cluster, &place.release_namespace, stored).await?;
        let index = own_index(listing.find(&wanted)?)?;
        let mut edit = Edit::of(stored);
        edit.retire(index);
        Ok(edit.into_change(format!("deleting connection `{}`", wanted.name), !args.no_wait))
    };
    store.change(change).await?;
    output::say(&format!("{} connection `{}`", if args.no_wait { "will be deleted by the run that has begun:" } else { "deleted" }, wanted.name));
    Ok(0)
}

fn confirmed(listed: &Listed) -> Result<bool> {
    let (name, namespace) = (listed.connection.name.as_str(), listed.connection.namespace.as_str());
    if !input::is_terminal() {
        let fix = "say so by `--yes`, since nobody can be asked here";
        return Err(Fault::refused(format!("deleting connection `{name}` was not confirmed"), fix).into());
    }
    input::agrees(&format!("delete connection `{name}` and {} in namespace `{namespace}`?", listed.objects().join(", ")))
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
    fn put_new(&mut self, name: &str, namespace: &str, service: &str, options: &Options) -> Result<()> {
        let mut entry = Map::new();
        for (field, text) in [("name", name), ("namespace", namespace), ("targetService", service)] {
            entry.insert(field.to_owned(), json!(text));
        }
        let entry = self.completed(entry, options)?;
        let is_same = |other: &Value| {
            let normalised = |name: &str| ConnectionName::parse(name).ok().map(|name| name.normalised().to_owned());
            let of_other = other["namespace"].as_str().unwrap_or("default") == namespace;
            of_other && other["name"].as_str().and_then(normalised) == normalised(name)
        };
        match self.connections.iter().position(is_same) {
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
        let entry = self.connections.get(index).and_then(Value::as_object).cloned().context("the connection is gone")?;
        self.connections[index] = self.completed(entry, options)?;
        Ok(())
    }

    /// The entry with what the arguments say, and references to the credentials that they bring.
    fn completed(&mut self, entry: Map<String, Value>, options: &Options) -> Result<Value> {
        let mut problems = Problems::default();
        let settings =
            Values::parse(self.values.to_string().as_bytes(), &mut problems).map_or_else(|_| Settings::default(), |values| values.settings);
        let service = entry::service(&settings.catalogue, entry["targetService"].as_str().unwrap_or_default())?;
        let Asked { mut entry, credentials } = entry::asked(entry, &service, options)?;
        let name = ConnectionName::parse(entry["name"].as_str().unwrap_or_default());
        let name = name.map_err(|kind| Problematic::one("--connection", kind))?;
        if !credentials.is_empty() {
            let secret = CredentialSecret::of(&name, credentials);
            let known = entry.entry("credentials").or_insert_with(|| json!({}));
            secret.references().for_each(|(credential, reference)| known[credential.name()] = reference);
            self.secrets.push(secret);
        }
        Ok(Value::Object(entry))
    }

    /// Says that an entry is to be absent, so that the job deletes what it made. Nothing else of it is needed for that.
    fn retire(&mut self, index: usize) {
        if let Some(entry) = self.connections.get_mut(index) {
            entry["state"] = json!("absent");
        }
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
fn parts<'a>(target_service: &'a str, options: &Options) -> Result<Vec<(&'static str, &'a str, Options)>> {
    let mut first = options_of(target_service, options);
    if target_service != CONFLUENT || options.target.schema_registry.is_none() {
        return Ok(vec![("", target_service, first)]);
    }
    let mut second = options_of(SCHEMA_REGISTRY, options);
    if options.auth.credentials_stdin {
        // Standard input is read once: what is for the registry has `schema-` before its key.
        let (of_second, of_first): (Vec<Pair>, Vec<Pair>) = input::pairs()?.into_iter().partition(|pair| pair.key.starts_with(SCHEMA_KEY));
        let key = |pair: Pair| Pair { key: pair.key.trim_start_matches(SCHEMA_KEY).to_owned(), ..pair };
        (first.auth.secret, second.auth.secret) = (Some(of_first), Some(of_second.into_iter().map(key).collect()));
        (first.auth.credentials_stdin, second.auth.credentials_stdin) = (false, false);
    }
    Ok(vec![("", target_service, first), (SCHEMA, SCHEMA_REGISTRY, second)])
}

/// What the keys of the schema registry's credentials begin with on standard input.
const SCHEMA_KEY: &str = "schema-";

/// The options as they are for one of the two.
fn options_of(service: &str, options: &Options) -> Options {
    let mut options = options.clone();
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

fn own_index(listed: &Listed) -> Result<usize> {
    listed.index.ok_or_else(|| {
        let what = format!(
            "connection `{}` does not stand in `connections` of the values, but at {}",
            listed.connection.name.as_str(),
            listed.connection.at
        );
        Fault::invalid(what, "change it there, and run `sc rerun`").into()
    })
}

async fn namespace_exists(cluster: &Cluster, name: &str) -> Result<bool> {
    match cluster.get(&format!("/api/v1/namespaces/{name}")).await {
        Ok(found) => Ok(found.is_some()),
        Err(Failure::NoNamespace) => Ok(false),
        // Who may not read it may still be allowed to use it: Helm says so if not.
        Err(Failure::Forbidden { .. }) => Ok(true),
        Err(failure) => Err(failure).with_context(|| format!("failed to read namespace `{name}`")),
    }
}

fn no_namespace(place: &Place, name: &str) -> Fault {
    Fault::invalid(
        format!("there is no namespace `{name}`"),
        format!("make it by `{} create namespace {name}`, or have it made by `--create-namespace`", place.command("kubectl")),
    )
}

/// Says what was done, and shows the connection as it is now.
async fn tell(store: &Store<'_>, wanted: &Wanted, options: &Options, verb: &str) -> Result<u8> {
    let Seen { listing, state, issuer } = show::read(store).await?;
    let listed = listing.find(wanted).map_err(|_| anyhow!("the connection was {verb}, but is gone since"))?;
    let place = format!("connection `{}` in namespace `{}`: {}", wanted.name, listed.connection.namespace, listed.objects().join(", "));
    let done = if options.no_wait { format!("will be {verb} by the run that has begun:") } else { verb.to_owned() };
    output::say(&format!("{done} {place}"));
    output::show(options.output.form(), &show::one(listed, state, issuer.as_deref()))?;
    show::say_needs(listed, options.output.form());
    Ok(0)
}
