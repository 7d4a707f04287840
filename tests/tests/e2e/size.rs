//! Tests of many cases: all of them, or without `--include-ignored` a fixed sample.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sc_tests::is_whole;

/// How many cases of one test run at once.
const LANES: usize = 4;

/// The first cases, or everything.
pub(crate) fn sample<T>(cases: &[T], count: usize) -> &[T] {
    if is_whole() { cases } else { &cases[..count] }
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
