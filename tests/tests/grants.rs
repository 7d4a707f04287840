//! What the chart grants is what the job needs: chart and core must agree about the name of every object, or a run is refused by the API server.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sc_core::object::ObjectKind;
use sc_tests::helm::{Helm, for_each};
use sc_tests::planning::Planned;
use sc_tests::render::{Grant, Render, name_of};
use sc_tests::{files, stem};

#[test]
fn exactly_what_the_plan_needs_is_granted() {
    let cases = [files("values", "yaml"), files("tests/chart", "yaml")].concat();
    for helm in Helm::both() {
        for_each(&cases, |file| {
            let render = rendered(&helm, file).unwrap_or_else(|errors| panic!("{}: {errors}", file.display()));
            let document = fs::read(file).unwrap();
            let planned = Planned::of(&document);
            let needed = needed(&document, &planned);
            assert!(planned.problems.is_empty(), "{}: {}", file.display(), planned.report());
            assert_same(&stem(file), &render.grants(), &needed);
        });
    }
}

/// A refused connection may be granted what it would have needed: the chart cannot know. The others need all of theirs.
#[test]
fn what_is_left_of_a_bad_document_is_granted_too() {
    let rejects = files("tests/rejects", "yaml");
    let [_, four] = Helm::both();
    let rendered = for_each(&rejects, |file| rendered(&four, file).map(|render| (file, render)));
    let rendered: Vec<_> = rendered.into_iter().flatten().collect();
    assert!(rendered.len() > 10, "the schema refuses nearly all");
    for (file, render) in rendered {
        let document = fs::read(file).unwrap();
        let (needed, granted) = (needed(&document, &Planned::of(&document)), render.grants());
        let missing: Vec<&Grant> = needed.difference(&granted).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", file.display());
    }
}

#[test]
fn nothing_is_granted_beyond_namespaces() {
    for file in files("values", "yaml") {
        let render = rendered(&Helm::both()[1], &file).unwrap();
        let wide: Vec<String> = render.objects().map(name_of).filter(|name| name.starts_with("Cluster")).collect();
        assert!(wide.is_empty(), "{wide:?}");
        let bindings = render.objects().filter(|tree| tree["kind"] == "RoleBinding").count();
        let roles = render.objects().filter(|tree| tree["kind"] == "Role").count();
        assert_eq!(bindings, roles, "a Role that nobody has, or a binding to no Role");
    }
}

fn rendered(helm: &Helm, file: &Path) -> Result<Render, String> {
    let answer = helm.template(&[file]);
    if answer.is_ok { Ok(Render::of(&answer.output)) } else { Err(answer.errors) }
}

/// Every request that the job makes for the plan of this document.
fn needed(document: &[u8], planned: &Planned) -> BTreeSet<Grant> {
    let cleans_up = ["true", "\"true\""].contains(&sc_core::document::parse(document).unwrap_or_default()["cleanup"]["enabled"].to_string().as_str());
    let in_sets: BTreeSet<&str> = planned.sets.iter().flat_map(|set| &set.namespaces).map(String::as_str).collect();
    let mut needed = of_release(planned);
    for (id, _) in planned.plan.objects().filter(|(id, _)| !in_sets.contains(id.namespace.as_str())) {
        needed.extend(grants(id.namespace.as_str(), &resource(id.kind), &["*"], &["create"]));
        needed.extend(grants(id.namespace.as_str(), &resource(id.kind), &[&id.name], changes(cleans_up)));
    }
    for (namespace, kind) in in_sets.iter().flat_map(|namespace| ObjectKind::ALL.map(|kind| (namespace, kind))) {
        needed.extend(grants(namespace, &resource(kind), &["*"], &["create", "get", "list", "update", "delete"]));
    }
    for id in planned.plan.removals() {
        needed.extend(grants(id.namespace.as_str(), &resource(id.kind), &[&id.name], &["get", "delete"]));
    }
    needed
}

fn changes(cleans_up: bool) -> &'static [&'static str] {
    if cleans_up { &["get", "update", "delete"] } else { &["get", "update"] }
}

/// What a run needs in the namespace of the release.
fn of_release(planned: &Planned) -> BTreeSet<Grant> {
    let mut needed = BTreeSet::new();
    let referenced = planned.plan.connections().flat_map(|connection| connection.referenced_secrets());
    let sets = planned.sets.iter().flat_map(|set| set.referenced.iter().chain([&set.secret])).map(String::as_str);
    let pages: Vec<String> = (0..3 + 4 * planned.sets.len()).map(|page| format!("sc-inventory-{page}")).collect();
    let maps: Vec<&str> = pages.iter().map(String::as_str).chain(["sc-status"]).collect();
    let own = "sc-system";
    needed.extend(grants(own, "/secrets", &referenced.chain(sets).chain(["sc-config"]).collect::<Vec<_>>(), &["get"]));
    needed.extend(grants(own, "coordination.k8s.io/leases", &["*"], &["create"]));
    needed.extend(grants(own, "coordination.k8s.io/leases", &["sc-job"], &["get", "update"]));
    needed.extend(grants(own, "/configmaps", &["*"], &["create"]));
    needed.extend(grants(own, "/configmaps", &maps, &["get", "update"]));
    needed.extend(grants(own, "batch/jobs", &["sc-job", "sc-job-rollback"], &["get", "patch"]));
    needed.extend(grants(own, "/events", &["*"], &["create"]));
    needed
}

fn resource(kind: ObjectKind) -> String {
    let group = kind.api_version().rsplit_once('/').map_or("", |(group, _)| group);
    format!("{group}/{}", kind.plural())
}

fn grants(namespace: &str, resource: &str, names: &[&str], verbs: &[&str]) -> Vec<Grant> {
    let grant = |name: &str, verb: &str| Grant {
        namespace: namespace.to_owned(),
        resource: resource.to_owned(),
        name: name.to_owned(),
        verb: verb.to_owned(),
    };
    names.iter().flat_map(|name| verbs.iter().map(|verb| grant(name, verb))).collect()
}

fn assert_same(case: &str, granted: &BTreeSet<Grant>, needed: &BTreeSet<Grant>) {
    let missing: Vec<&Grant> = needed.difference(granted).collect();
    let needless: Vec<&Grant> = granted.difference(needed).collect();
    assert!(missing.is_empty() && needless.is_empty(), "{case}: not granted: {missing:#?}\nnot needed: {needless:#?}");
}
