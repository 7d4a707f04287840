//! Workload identity and Key Vault from end to end: our chart and job, the real webhook, CSI driver and provider, real tokens, and real SDKs in pods.
//!
//! `scripts/cluster up --with identity --with csi`, `scripts/cluster load target/image/sc-job-amd64.tar` and `scripts/drivers fetch azure` once; then
//! `scripts/cluster run cargo test -p sc-tests --features azure --test azure`. See `tests/azure/README.md`.
//!
//! Rule: only what Azure alone has is played, by `stand_in`, which is held against itself in `exchange`.

#[path = "../e2e/bed.rs"]
#[expect(dead_code, reason = "e2e has more tests")]
mod bed;
#[path = "../e2e/held.rs"]
#[expect(dead_code, reason = "e2e has more tests")]
mod held;
#[path = "../e2e/kube.rs"]
#[expect(dead_code, reason = "e2e has more tests")]
mod kube;
#[path = "../e2e/terminal/session.rs"]
#[expect(dead_code, reason = "e2e has more tests")]
mod session;
#[path = "../e2e/size.rs"]
mod size;
#[path = "../e2e/traces.rs"]
#[expect(dead_code, reason = "e2e has more tests")]
mod traces;

mod azurite;
mod exchange;
mod identity;
mod key_vault;
mod mistakes;
mod part;
mod stand_in;
mod workload;
