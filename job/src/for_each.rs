//! Many pieces of work at once, as many as the API server bears.

use futures::stream::{FuturesUnordered, StreamExt};

use crate::stop::{Reason, Stop};

/// Does `work` for each item, `at_once` of them at a time, until all is done or `stop` comes, whose reason it returns.
pub(crate) async fn for_each<T: Copy, R, F: Future<Output = R>>(
    mut items: impl Iterator<Item = T>,
    work: impl Fn(T) -> F,
    at_once: impl Fn() -> usize,
    stop: &Stop,
    mut done: impl FnMut(T, R),
) -> Option<Reason> {
    let begin = |item| {
        let work = work(item);
        async move { (item, work.await) }
    };
    let mut running = FuturesUnordered::new();
    loop {
        let room = at_once().saturating_sub(running.len());
        running.extend(items.by_ref().take(room).map(begin));
        tokio::select! {
            // In this order, so that nothing is begun after the end.
            biased;
            reason = stop.wait() => return Some(reason),
            next = running.next() => match next {
                Some((item, result)) => done(item, result),
                None => return None,
            },
        }
    }
}
