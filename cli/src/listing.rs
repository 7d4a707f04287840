//! The connections of the release, wherever its values have them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use sc_core::connection::Connection;
use sc_core::connections::{ConnectionSet, Connections, Unread};
use sc_core::problem::{At, Choice, Problem, Problems};
use sc_core::values::{Settings, State};
use sc_job::cluster::{Cluster, references};
use serde_json::Value;

use crate::args::connection::Selection;
use crate::broken::Broken;
use crate::entry;
use crate::fault::{Fault, Problematic};
use crate::helm::Stored;
use crate::input;
use crate::listed::Listed;
use crate::place::Place;
use crate::store::Store;

/// All connections of the release.
pub(crate) struct Listing {
    /// The valid ones, in the order of the values, and then of the sets.
    pub(crate) connections: Vec<Listed>,
    /// What is wrong with the others.
    pub(crate) problems: Vec<Problem>,
    /// Whether all documents were read, so that none is missing.
    pub(crate) is_whole: bool,
    /// The sets that were read, each as `name=version`.
    pub(crate) sets: Vec<Arc<str>>,
    /// The others, in the order of their places.
    broken: Vec<Broken>,
    /// Where the release is.
    place: Place,
    /// The command of `sc` that applies what was mended in a set.
    again: &'static str,
}

impl Listing {
    /// Those of a values file, if there is one, and else those of the release at this place.
    ///
    /// # Errors
    /// If they cannot be read at all.
    pub(crate) async fn of(values: Option<&Path>, place: &Place) -> Result<Self> {
        match values {
            Some(file) => Self::of_file(file, place),
            None => Self::of_release(&Store::at(place).await?).await,
        }
    }

    /// Those of the release.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(crate) async fn of_release(store: &Store<'_>) -> Result<Self> {
        Self::read(store, &store.stored().await?).await
    }

    /// Reads those of the values, and of the sets that the values name.
    ///
    /// # Errors
    /// Never of a single connection: what is wrong with it is among the problems.
    pub(crate) async fn read(store: &Store<'_>, stored: &Stored) -> Result<Self> {
        let values = crate::store::values_of(stored);
        let (mut listing, sets, settings) = match Self::of_values(&values, store.place) {
            Ok(read) => read,
            Err(problem) => {
                let place = store.place.clone();
                return Ok(Self {
                    connections: Vec::new(),
                    problems: vec![problem],
                    is_whole: false,
                    sets: Vec::new(),
                    broken: Vec::new(),
                    place,
                    again: "rerun",
                });
            }
        };
        listing.again = stored.again();
        let mut problems = Problems::default();
        for (set, read) in sets.iter().zip(read_versions(&store.cluster, &store.place.release_namespace, &sets).await) {
            listing.add_set(set, read, &settings, &mut problems);
        }
        listing.problems.extend(problems.into_vec());
        Ok(listing)
    }

    /// Those of its sets are in a cluster, which is not asked.
    fn of_file(file: &Path, place: &Place) -> Result<Self> {
        let unreadable = |kind| Problematic::one(&input::name(file), kind);
        let values = sc_core::document::parse(&input::read(file)?).map_err(unreadable)?;
        let (mut listing, sets, _) = Self::of_values(&values, place).map_err(|problem| unreadable(*problem.kind))?;
        listing.problems.extend(sets.iter().map(|set| set.unread(Unread::Unasked)));
        listing.is_whole &= sets.is_empty();
        Ok(listing)
    }

    /// Those that stand in the values, and where there are more.
    fn of_values(values: &Value, place: &Place) -> Result<(Self, Vec<ConnectionSet>, Settings), Problem> {
        let mut problems = Problems::default();
        let Connections { listed, sets, settings } = Connections::parse(values.to_string().as_bytes(), &mut problems)?;
        let problems = problems.into_vec();
        let mut entries = entries_of(values);
        let of_entry = |connection: Connection| {
            let entry = entries.remove(&connection.at).unwrap_or_default();
            Listed { entry, index: index_of(&connection.at), set: None, connection }
        };
        let connections = listed.into_iter().map(of_entry).collect();
        // Of very many the last says that there are more.
        let of_place = |at: &At| {
            let own: Vec<Problem> = problems.iter().filter(|problem| problem.at.is_within(at)).cloned().collect();
            if own.is_empty() { problems.last().cloned().into_iter().collect() } else { own }
        };
        let broken = entries.into_iter().map(|(at, entry)| Broken { problems: of_place(&at), entry, at }).collect();
        let lists =
            [At::top().field("connections"), At::top().field("connectionsDocument"), At::top().field("connectionsDocument").field("connections")];
        let is_whole = !problems.iter().any(|problem| lists.contains(&problem.at));
        Ok((Self { connections, problems, is_whole, sets: Vec::new(), broken, place: place.clone(), again: "rerun" }, sets, settings))
    }

    /// Adds those of a set; what is wrong with the others is in `problems`, too.
    fn add_set(&mut self, set: &ConnectionSet, read: Result<(Vec<u8>, String), Unread>, settings: &Settings, problems: &mut Problems) {
        let (bytes, version) = match read {
            Ok(read) => read,
            Err(why) => {
                self.is_whole = false;
                return problems.push(set.unread(why));
            }
        };
        let version: Arc<str> = format!("{}={version}", set.secret).into();
        self.sets.push(Arc::clone(&version));
        let before = problems.len();
        let entries = set.entries(&bytes, problems);
        self.is_whole &= !entries.is_empty() || problems.len() == before;
        for (at, entry) in entries {
            let mut own = Problems::default();
            if let Some(connection) = set.connection((at.clone(), entry.clone()), settings, &mut own) {
                self.connections.push(Listed { connection, entry, index: None, set: Some(Arc::clone(&version)) });
                continue;
            }
            let own = own.into_vec();
            own.iter().cloned().for_each(|problem| problems.push(problem));
            self.broken.push(Broken { entry, at, problems: own });
        }
    }

    /// Those that should be there.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Listed> {
        self.connections.iter().filter(|listed| listed.connection.state == State::Present)
    }

    /// The one that is meant.
    ///
    /// # Errors
    /// If there is none, or several.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<&Listed> {
        match self.meant(wanted)? {
            // Of several in one namespace, which the job refuses, the last is what was added to the others.
            (Some(valid), _) => Ok(valid),
            (None, Some(broken)) => Err(self.fault(broken).into()),
            (None, None) => Err(self.none(wanted).into()),
        }
    }

    /// The one that is meant, if it is no connection as it is written. What `sc` can change comes first, and then a valid one.
    ///
    /// # Errors
    /// If there are several.
    pub(crate) fn broken(&self, wanted: &Wanted) -> Result<Option<&Broken>> {
        Ok(self.meant(wanted)?.1)
    }

    /// All that are meant and are no connections as they are written.
    pub(crate) fn all_broken(&self, wanted: &Wanted) -> impl Iterator<Item = &Broken> {
        let is_meant = |broken: &&Broken| wanted.is_of(broken.name(), broken.namespace());
        let is_valid = |broken: &Broken| self.valid(wanted).any(|listed| listed.connection.namespace.as_str() == broken.namespace());
        self.broken.iter().filter(is_meant).filter(move |broken| broken.index().is_some() || !is_valid(broken))
    }

    fn valid(&self, wanted: &Wanted) -> impl Iterator<Item = &Listed> {
        self.present().filter(|listed| wanted.means(&listed.connection))
    }

    /// The one that is meant, as a valid one and as one that is wrong: a namespace may have both.
    fn meant(&self, wanted: &Wanted) -> Result<(Option<&Listed>, Option<&Broken>)> {
        let valid = self.valid(wanted).map(|listed| listed.connection.namespace.as_str());
        let all: Vec<&str> = valid.chain(self.all_broken(wanted).map(Broken::namespace)).collect();
        let namespaces: BTreeSet<&str> = all.iter().copied().collect();
        if namespaces.len() > 1 {
            // That of a broken one may be no word to be shown.
            let known: Vec<&str> = namespaces.into_iter().filter(|namespace| !namespace.is_empty()).collect();
            let fix = format!("say which by `--kube-namespace`: {}", known.join(", "));
            return Err(Fault::invalid(format!("there are {} connections `{}`", all.len(), wanted.name), fix).into());
        }
        Ok((self.valid(wanted).last(), self.all_broken(wanted).min_by_key(|broken| broken.index().is_none())))
    }

    /// Those that are no connections as they are written and have a name, by which people look for them.
    pub(crate) fn named_broken(&self) -> impl Iterator<Item = (&str, &Broken)> {
        self.broken.iter().filter_map(|broken| Some((broken.name()?, broken)))
    }

    /// All that is wrong with it, and where to mend it if not by `sc`.
    fn fault(&self, broken: &Broken) -> Problematic {
        Problematic { note: self.note(broken), ..Problematic::of(broken.problems.clone()) }
    }

    /// Where to mend it if not by `sc`.
    pub(crate) fn note(&self, broken: &Broken) -> Option<String> {
        let Fault { what, fix, .. } = self.elsewhere(broken.name()?, &broken.at)?;
        Some(format!("note: {what}: {fix}"))
    }

    /// Says that the connection at this place stands where `sc` does not change it, if it does, and how a person does.
    pub(crate) fn elsewhere(&self, name: &str, at: &At) -> Option<Fault> {
        let place = &self.place;
        let (document, fix) = match (at.set(), index_of(at)) {
            (Some(secret), _) => (
                format!("Secret `{}/{secret}`", place.release_namespace),
                format!("change it there by `{}`", place.change_of_set(secret, self.again)),
            ),
            (None, None) => {
                let upgrade = format!("{} upgrade --values FILE", place.command("sc"));
                ("`connectionsDocument` of the values".to_owned(), format!("change it in your file of values, and hand that over by `{upgrade}`"))
            }
            (None, Some(_)) => return None,
        };
        Some(Fault::invalid(format!("connection `{name}` stands in {document}, where `sc` does not change it"), fix))
    }

    fn none(&self, wanted: &Wanted) -> Fault {
        let place = wanted.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace `{namespace}`"));
        let sc = self.place.command("sc");
        let named = self.present().filter(|listed| listed.connection.name.as_str() == wanted.name);
        let broken = self.named_broken().filter(|(name, _)| *name == wanted.name).map(|(_, broken)| broken.namespace());
        let elsewhere: Vec<&str> = named.map(|listed| listed.connection.namespace.as_str()).chain(broken).collect();
        let fix = if !elsewhere.is_empty() {
            format!("name its namespace by `--kube-namespace`: {}", elsewhere.join(", "))
        } else if !self.is_whole {
            let what = format!("there is no connection `{}`{place} in what could be read", wanted.name);
            return Fault::failed(what, format!("`{sc} list` says what could not be read, and how to mend that"));
        } else if self.present().next().is_none() && self.named_broken().next().is_none() {
            format!("there are none yet: `{sc} create` makes one")
        } else {
            let broken = self.named_broken().map(|(name, _)| name);
            let known: BTreeSet<&str> = self.present().map(|listed| listed.connection.name.as_str()).chain(broken).collect();
            Choice::of(&wanted.name, known).to_string()
        };
        Fault::refused(format!("there is no connection `{}`{place}", wanted.name), fix)
    }
}

/// The documents of sets, as they are in the cluster.
pub(crate) async fn read_sets(cluster: &Cluster, namespace: &str, sets: &[ConnectionSet]) -> Vec<Result<Vec<u8>, Unread>> {
    let read = read_versions(cluster, namespace, sets).await;
    read.into_iter().map(|read| read.map(|(bytes, _)| bytes)).collect()
}

/// The same, each with the resourceVersion that it was read at.
async fn read_versions(cluster: &Cluster, namespace: &str, sets: &[ConnectionSet]) -> Vec<Result<(Vec<u8>, String), Unread>> {
    futures::future::join_all(sets.iter().map(|set| references::set(cluster, namespace, set))).await
}

/// Which connection is meant.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
}

impl Wanted {
    /// By the arguments.
    ///
    /// # Errors
    /// If they name none.
    pub(crate) fn of(selection: &Selection, place: &Place) -> Result<Self> {
        let namespace = selection.kube_namespace.clone();
        if let Some(id) = &selection.id {
            let (_, of_id, name) = entry::parts_of_id(id)?;
            return Ok(Self { name: name.to_owned(), namespace: namespace.or_else(|| of_id.map(str::to_owned)) });
        }
        let name = selection.positional.clone().or_else(|| selection.connection.clone());
        let fix = || format!("give its name; `{} list` has them all", place.command("sc"));
        let name = name.ok_or_else(|| Fault::invalid("it is not said which connection", fix()))?;
        Ok(Self { name, namespace })
    }

    /// Whether it is this one.
    pub(crate) fn means(&self, connection: &Connection) -> bool {
        self.is_of(Some(connection.name.as_str()), connection.namespace.as_str())
    }

    fn is_of(&self, name: Option<&str>, namespace: &str) -> bool {
        name == Some(self.name.as_str()) && self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }
}

/// The entries of the values, and of the document in them, as they are written: each by its place.
fn entries_of(values: &Value) -> BTreeMap<At, Value> {
    let document = values["connectionsDocument"].as_str().and_then(|text| sc_core::document::parse(text.as_bytes()).ok()).unwrap_or_default();
    let at = At::top().field("connectionsDocument");
    let of_document = if document.is_array() { (at, &document) } else { (at.field("connections"), &document["connections"]) };
    let lists = [(At::top().field("connections"), &values["connections"]), of_document];
    let placed = |(at, list): (At, &Value)| {
        let entries = list.as_array().into_iter().flatten().enumerate();
        entries.map(|(index, entry)| (at.item(index), entry.clone())).collect::<Vec<_>>()
    };
    lists.into_iter().flat_map(placed).collect()
}

/// The index of an entry at this place in `connections` of the values; nothing if it stands elsewhere.
pub(crate) fn index_of(at: &At) -> Option<usize> {
    at.index().filter(|index| *at == At::top().field("connections").item(*index))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: &str = "namespace: shop, targetService: storage-blob, authType: workload-identity, target: {account: a}, credentials: {clientId: 11111111-2222-3333-4444-555555555555, tenantId: 99999999-8888-7777-6666-555555555555}";
    const WRONG: &str = "namespace: shop, targetService: postgres-flexibel, authType: secret, credentials: {password: hunter2-kept-hunter2}";

    /// The connections of these texts: of the values, of the document in them, and of the one set, if that could be read.
    fn listing(values: &str, document: &str, set: Result<&str, Unread>) -> Listing {
        let mut values = sc_core::document::parse(values.as_bytes()).unwrap();
        values["connectionsDocument"] = json!(document);
        values["connectionSets"] = json!([{"secretName": "more", "namespaces": ["shop"]}]);
        let Ok((mut listing, sets, settings)) = Listing::of_values(&values, &Place::default()) else { panic!("it is not read at all") };
        let mut problems = Problems::default();
        listing.add_set(&sets[0], set.map(|text| (text.as_bytes().to_vec(), "7".to_owned())), &settings, &mut problems);
        listing.problems.extend(problems.into_vec());
        listing
    }

    fn whole() -> Listing {
        let values = format!("connections: [{{name: a, {GOOD}}}, {{name: b, {WRONG}}}, {{name: c, {WRONG}}}]");
        let document = format!("[{{name: d, {WRONG}}}, {{name: e, {GOOD}}}]");
        listing(&values, &document, Ok(&format!("connections: [{{name: f, {GOOD}}}, {{name: g, {WRONG}}}]")))
    }

    #[test]
    fn what_is_wrong_is_listed_wherever_it_stands() {
        let listing = whole();
        assert_eq!(listing.present().map(|listed| listed.connection.name.as_str()).collect::<Vec<_>>(), ["a", "e", "f"]);
        assert!(listing.present().all(|listed| listed.entry["targetService"] == "storage-blob"));
        let shown = |(name, broken): (&str, &Broken)| {
            (name.to_owned(), broken.index(), broken.problems.iter().map(|problem| problem.at.to_string()).collect())
        };
        let found: Vec<(String, Option<usize>, Vec<String>)> = listing.named_broken().map(shown).collect();
        let at = |name: &str, index, place: &str| (name.to_owned(), index, vec![format!("{place}.targetService")]);
        assert_eq!(
            found,
            [
                at("d", None, "connectionsDocument[0]"),
                at("b", Some(1), "connections[1]"),
                at("c", Some(2), "connections[2]"),
                at("g", None, "Secret more: connections[1]"),
            ]
        );
        assert_eq!(listing.problems.len(), 4);
        assert!(listing.is_whole);
    }

    #[test]
    fn of_two_of_one_name_that_are_wrong_the_one_that_can_be_changed_is_meant() {
        let wrong = format!("[{{name: a, {WRONG}}}, {{name: b, {WRONG}}}]");
        let listing = listing(&format!("connections: [{{name: a, {GOOD}}}, {{name: b, {WRONG}}}]"), &wrong, Ok(&wrong));
        let wanted = |namespace: Option<&str>| Wanted { name: "b".to_owned(), namespace: namespace.map(str::to_owned) };
        let broken = |wanted: &Wanted| listing.broken(wanted).unwrap();
        assert_eq!(broken(&wanted(None)).and_then(Broken::index), Some(1));
        assert!(broken(&Wanted { name: "a".to_owned(), namespace: None }).is_none(), "a valid one is meant before one that cannot be changed");
        assert!(broken(&wanted(Some("shop"))).is_some());
        assert!(broken(&wanted(Some("media"))).is_none());
    }

    #[test]
    fn of_two_in_different_namespaces_none_is_meant_be_they_wrong_or_not() {
        let (in_media, nowhere) = (WRONG.replace("shop", "media"), WRONG.replace("shop", "{}"));
        let listing = |other: &str| listing(&format!("connections: [{{name: a, {GOOD}}}, {{name: a, {other}}}]"), "[]", Ok("[]"));
        let wanted = |namespace: Option<&str>| Wanted { name: "a".to_owned(), namespace: namespace.map(str::to_owned) };
        for (other, known) in [(&in_media, "media, shop"), (&GOOD.replace("shop", "media"), "media, shop"), (&nowhere, "shop")] {
            let listing = listing(other);
            for refused in [listing.find(&wanted(None)).err(), listing.broken(&wanted(None)).err()] {
                let fault = refused.unwrap().downcast::<Fault>().unwrap();
                assert_eq!((&*fault.what, &*fault.fix), ("there are 2 connections `a`", &*format!("say which by `--kube-namespace`: {known}")));
            }
            assert_eq!(listing.find(&wanted(Some("shop"))).unwrap().index, Some(0));
        }
        assert_eq!(listing(&in_media).broken(&wanted(Some("media"))).unwrap().and_then(Broken::index), Some(1));
    }

    #[test]
    fn it_is_said_where_that_stands_which_sc_does_not_change() {
        let listing = whole();
        let note = |name: &str| listing.named_broken().find(|(known, _)| *known == name).and_then(|(_, broken)| listing.note(broken));
        assert_eq!(note("b"), None);
        let in_set = "note: connection `g` stands in Secret `sc-system/more`, where `sc` does not change it: change it there by `kubectl -n sc-system edit secret more && sc rerun`";
        assert_eq!(note("g").as_deref(), Some(in_set));
        assert!(note("d").is_some_and(|note| note.contains("stands in `connectionsDocument` of the values") && note.ends_with("by `sc upgrade --values FILE`")));
    }

    #[test]
    fn a_set_that_cannot_be_read_may_have_more() {
        let of_set = |set| listing("connections: []", "[]", set).is_whole;
        assert!(of_set(Ok("[]")) && of_set(Ok("- {name: a}")));
        assert!(!of_set(Err(Unread::Forbidden)) && !of_set(Ok("- name: [")) && !of_set(Ok("hunter2")));
    }
}
