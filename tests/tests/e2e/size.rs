//! How much is tried: a fixed sample, or with `SC_E2E=all`, as `scripts/test --all` sets it, everything.

use std::env;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many cases of one test run at once.
const LANES: usize = 4;

/// Whether all cases are run.
pub(crate) fn is_whole() -> bool {
    match env::var("SC_E2E").as_deref() {
        Ok("all") => true,
        Err(_) => false,
        Ok(other) => panic!("SC_E2E is `{other}`: it may be `all`, or not be set"),
    }
}

/// Does a test with each case, some side by side, and names all that failed.
pub(crate) fn for_each<T: Debug + Sync>(cases: &[T], test: impl Fn(&T) + Sync) {
    assert!(!cases.is_empty(), "there is no case");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let lane = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if catch_unwind(AssertUnwindSafe(|| test(case))).is_err() {
                failed.lock().unwrap().push(format!("{case:?}"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..LANES.min(cases.len()) {
            scope.spawn(lane);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), cases.len());
}
