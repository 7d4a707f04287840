//! What happens between two runs: somebody changes the values, or an object by hand.

use serde_json::{Value, json};

use crate::api::Api;
use crate::model::Model;
use crate::pool::{self, Connection};
use crate::random::Random;
use crate::room::Names;

/// The kinds of operations; what stands here twice is drawn twice as often.
const KINDS: [Kind; 17] = [
    Kind::Add,
    Kind::Add,
    Kind::Retarget,
    Kind::Reformat,
    Kind::TakeOut,
    Kind::TakeOut,
    Kind::TakeOut,
    Kind::Absent,
    Kind::Mistake,
    Kind::Stranger,
    Kind::Stranger,
    Kind::Stranger,
    Kind::Stranger,
    Kind::Hand,
    Kind::Hand,
    Kind::Hand,
    Kind::Delete,
];

/// A kind of operation.
#[derive(Clone, Copy)]
enum Kind {
    Add,
    Retarget,
    Reformat,
    TakeOut,
    Absent,
    Mistake,
    Stranger,
    Hand,
    Delete,
}

/// Draws an operation and does it, to the model and by the API; says what it was.
pub(crate) async fn operate(random: &mut Random, model: &mut Model, names: &Names, api: &Api) -> String {
    match random.pick(&KINDS) {
        Kind::Stranger => stranger(random, model, names, api).await,
        Kind::Hand => change(random, model, api).await,
        Kind::Delete => delete(random, model, api).await,
        kind => rewrite(kind, random, model, names),
    }
}

/// Adds a connection, or puts it in the place of one of its name.
pub(crate) fn add(random: &mut Random, model: &mut Model, names: &Names) -> String {
    let [often, seldom] = pool::IDENTITIES;
    let connection = Connection {
        namespace: namespace(random, names).clone(),
        name: random.pick(&pool::NAMES),
        identity: random.once_in(2).then(|| random.pick(&[often, often, often, seldom])),
        target: random.pick(&pool::TARGETS),
        format: random.pick(&pool::FORMATS),
        is_retained: random.once_in(2),
        adopts: random.once_in(2),
        is_absent: false,
    };
    let said = format!("add {}", connection.entry());
    model.connections.insert((connection.namespace.clone(), connection.name), connection);
    said
}

/// Changes the values.
fn rewrite(kind: Kind, random: &mut Random, model: &mut Model, names: &Names) -> String {
    if let Kind::Mistake = kind {
        model.has_mistake ^= true;
        return format!("the values are {}", if model.has_mistake { "wrong" } else { "right" });
    }
    let keys: Vec<_> = model.connections.keys().cloned().collect();
    if keys.is_empty() || matches!(kind, Kind::Add) {
        return add(random, model, names);
    }
    let key = &keys[random.below(keys.len())];
    let said = format!("{}/{}", key.0, key.1);
    if let Kind::TakeOut = kind {
        model.connections.remove(key);
        return format!("take out {said}");
    }
    let connection = model.connections.get_mut(key).unwrap();
    match kind {
        Kind::Retarget => connection.target = random.pick(&pool::TARGETS),
        Kind::Reformat => connection.format = random.pick(&pool::FORMATS),
        _ => connection.is_absent = true,
    }
    format!("change {said} to {}", connection.entry())
}

/// Somebody else makes an object of a name that is planned, or may be one day; what has that name now is deleted.
async fn stranger(random: &mut Random, model: &mut Model, names: &Names, api: &Api) -> String {
    let (planned, possible) = (model.planned(), pool::paths(namespace(random, names)));
    let paths = if planned.is_empty() || random.once_in(3) { possible } else { planned };
    let path = &paths[random.below(paths.len())];
    if model.objects.0.contains_key(path) {
        api.delete(path).await;
    }
    let (collection, name) = path.rsplit_once('/').unwrap();
    let object = json!({"metadata": {"name": name, "annotations": {"example.com/note": "kept"}}});
    let made = api.create(collection, &object).await;
    model.objects.0.insert(path.clone(), made);
    format!("a stranger makes {path}")
}

/// A hand changes an object, be it ours or a stranger's, and leaves a label.
async fn change(random: &mut Random, model: &mut Model, api: &Api) -> String {
    let Some(path) = existing(random, model) else { return "nothing to change".to_owned() };
    let mut drift = drift(random, &path, &model.objects.0[&path]);
    drift["metadata"]["labels"]["example.com/theirs"] = json!("kept");
    let changed = api.change(&path, &drift).await;
    model.objects.0.insert(path.clone(), changed);
    format!("change {path} by {drift}")
}

async fn delete(random: &mut Random, model: &mut Model, api: &Api) -> String {
    let Some(path) = existing(random, model) else { return "nothing to delete".to_owned() };
    api.delete(&path).await;
    model.objects.0.remove(&path);
    format!("delete {path}")
}

/// A change of what the job has to put back, to keep, or to see as a stranger's from then on.
fn drift(random: &mut Random, path: &str, object: &Value) -> Value {
    let labels = |key: &str, value: Value| json!({"metadata": {"labels": {key: value}}});
    match random.below(7) {
        0 => json!({}),
        1 => json!({"metadata": {"annotations": {"example.com/theirs": "kept"}}}),
        2 => labels("sc-extension.dev/connection", json!("drifted")),
        3 => labels(random.pick(&["app.kubernetes.io/managed-by", "sc-extension.dev/release", "sc-extension.dev/release-namespace"]), json!("other")),
        _ if path.contains("/serviceaccounts/") => json!({"metadata": {"annotations": {"azure.workload.identity/client-id": "drifted"}}}),
        4 => json!({"data": {"MORE": "AAAA"}}),
        _ => {
            let keys: Vec<&str> = object["data"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
            let key = if keys.is_empty() { "MORE" } else { keys[random.below(keys.len())] };
            json!({"data": {key: if random.once_in(2) { Value::Null } else { json!("AAAA") }}})
        }
    }
}

/// An object that is there, but for those that no connection could ask for.
fn existing(random: &mut Random, model: &Model) -> Option<String> {
    let paths: Vec<&String> = model.objects.0.keys().filter(|path| !path.ends_with("/of-a-stranger")).collect();
    (!paths.is_empty()).then(|| random.pick(&paths).clone())
}

/// One more often than the others, so that connections meet there.
fn namespace<'a>(random: &mut Random, names: &'a Names) -> &'a String {
    let [a, b, c] = &names.shops;
    random.pick(&[a, a, a, b, c])
}
