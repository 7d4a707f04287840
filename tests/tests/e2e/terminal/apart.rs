//! One connection that cannot be applied among others that were: each is shown as it is.

use serde_json::json;

use super::session::Session;
use crate::bed::{self, Helm};
use crate::connections::{orders_admin, postgres, secret};
use crate::kube;

#[test]
fn what_a_failed_run_has_applied_is_told_from_what_it_has_not() {
    bed::with(Helm::Four, "apart", 1, |bed| {
        let mut session = Session::of(bed);
        kube::apply(&[orders_admin(&bed.system, "plain"), secret(bed.shop(), "sc-stock-secret", &json!({"mine": "yes"}))]);
        let ran = bed.upgrade(&[postgres("orders", bed.shop(), "orders"), postgres("stock", bed.shop(), "stock")], &[]);
        assert!(!ran.answer.is_ok, "Helm took it for a success");

        session.sc("list -o tsv");
        session.sc("list --kube-namespace elsewhere -o tsv");
        session.sc("status -o tsv");
        session.sc("show orders -o tsv");
        session.sc("wait orders --created --timeout 30");
        session.sc("wait stock --created --timeout 30");
        session.sc("wait books --exists --timeout 1");

        kube::kubectl(&["-n", bed.shop(), "delete", "secret", "sc-stock-secret"]);
        session.sc("rerun");
        session.sc("list -o tsv");
        session.sc("wait stock --created --timeout 30");
        session.end("apart");
    });
}
