//! Workload identity and Key Vault, as far as only Azure has them.
//!
//! `scripts/cluster up`, then `scripts/cluster run cargo test -p sc-tests --features azure --test azure`.
//!
//! Rule: only what Azure alone has is played, by `stand_in`, which is held against itself in `exchange`.

#[path = "../e2e/kube.rs"]
#[expect(dead_code, reason = "e2e has more tests")]
mod kube;

mod exchange;
mod stand_in;
