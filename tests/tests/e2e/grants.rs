//! What the live Roles grant, held against what the audit log says that the job asked for.

use std::collections::BTreeSet;

use sc_tests::render::{Grant, grants_of};
use serde_json::json;

use crate::bed::{self, Bed, Helm};
use crate::connections::{CLIENT_ID, orders_admin, pictures, postgres, secret};
use crate::{audit, kube};

#[test]
fn each_verb_that_is_granted_is_used_and_each_that_is_used_is_granted() {
    bed::with(Helm::Four, "grants", 1, |bed| {
        let mut adopted = postgres("stock", bed.shop(), "stock");
        adopted["adopt"] = json!(true);
        kube::apply(&[orders_admin(&bed.system, "plain"), secret(bed.shop(), "sc-stock-secret", &json!({"mine": "yes"}))]);
        bed.upgraded(&[postgres("orders", bed.shop(), "orders"), pictures(bed.shop()), adopted.clone()], &[]);

        let mut changed = pictures(bed.shop());
        (changed["credentials"]["tenantId"], changed["target"]["account"]) = (json!(CLIENT_ID), json!("shoppictures2"));
        let added = postgres("books", bed.shop(), "books");
        bed.upgraded(&[postgres("orders", bed.shop(), "archive"), changed.clone(), adopted.clone(), added], &[]);
        bed.upgraded(&[postgres("orders", bed.shop(), "archive"), changed, adopted, postgres("books", bed.shop(), "library")], &[]);
        bed.helm(&["rollback", "sc", "2"]);

        let Some(requests) = audit::requests(bed) else { return };
        let (granted, used) = (granted(bed), requests.into_iter().map(grant).collect::<BTreeSet<Grant>>());
        assert!(used.len() > 20, "the audit log is read wrongly: {used:?}");
        assert_eq!(granted.difference(&used).collect::<Vec<_>>(), Vec::<&Grant>::new(), "granted, and never used");
        assert_eq!(used.difference(&granted).collect::<Vec<_>>(), Vec::<&Grant>::new(), "used, and not granted");
    });
}

fn granted(bed: &Bed) -> BTreeSet<Grant> {
    let roles = [&bed.system, &bed.namespaces[0]].map(|namespace| kube::list(namespace, "roles"));
    assert!(roles.iter().all(|roles| !roles.is_empty()), "each namespace has a Role");
    roles.iter().flatten().flat_map(grants_of).map(|grant| Grant { name: without_page(grant.name), ..grant }).collect()
}

/// RBAC limits no create by name.
fn grant(request: audit::Request) -> Grant {
    let audit::Request { verb, namespace, resource, name, .. } = request;
    let name = if verb == "create" { "*".to_owned() } else { without_page(name) };
    Grant { namespace, resource, name, verb }
}

/// The pages of the inventory are granted together, and a small release fills the first alone.
fn without_page(name: String) -> String {
    if name.starts_with("sc-inventory-") { "sc-inventory".to_owned() } else { name }
}
