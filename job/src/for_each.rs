//! Many pieces of work at once, as many as the API server bears.

use std::pin::pin;

use futures::stream::{FuturesUnordered, Stream, StreamExt};

use crate::stop::{Reason, Stop};

/// Does `work` for each item, `at_once` of them at a time, until all is done or `stop` comes, whose reason it returns. The next items are waited
/// for while work on those before them goes on, as long as there is room for more.
pub(crate) async fn for_each<T, R, F: Future<Output = R>>(
    items: impl Stream<Item = T>,
    work: impl Fn(T) -> F,
    at_once: impl Fn() -> usize,
    stop: &Stop,
    mut done: impl FnMut(R),
) -> Option<Reason> {
    let (mut items, mut running) = (pin!(items.fuse()), FuturesUnordered::new());
    let mut stopped = pin!(stop.wait());
    while !(items.is_done() && running.is_empty()) {
        let has_room = running.len() < at_once();
        tokio::select! {
            // In this order, so that nothing is begun after the end.
            biased;
            reason = &mut stopped => return Some(reason),
            next = items.next(), if has_room && !items.is_done() => running.extend(next.map(&work)),
            result = running.next(), if !running.is_empty() => result.into_iter().for_each(&mut done),
        }
    }
    None
}
