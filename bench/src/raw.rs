//! The plain loop: as many requests as a client can send that does nothing else, with so many in flight.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;

use crate::connection::{Connection, Endpoint, Prepared, Protocol};

/// Sends all requests, on one connection for each in flight, or with HTTP/2 on one connection for all. Gives the time from before the first
/// connection is opened to the last answer.
///
/// # Errors
/// If a request is not answered with a success.
pub async fn send_all(endpoint: &Endpoint, protocol: Protocol, requests: &[Prepared], in_flight: usize) -> Result<Duration> {
    let (begin, next) = (Instant::now(), Cell::new(0));
    let shared = if protocol == Protocol::Http2 { Some(endpoint.connect().await?) } else { None };
    let sender = || async {
        let connection = match shared.as_ref().and_then(Connection::another) {
            Some(stream) => stream,
            None => endpoint.connect().await?,
        };
        send_one_by_one(endpoint, connection, requests, &next).await
    };
    try_join_all((0..in_flight).map(|_| sender())).await?;
    Ok(begin.elapsed())
}

async fn send_one_by_one(endpoint: &Endpoint, mut connection: Connection, requests: &[Prepared], next: &Cell<usize>) -> Result<()> {
    while let Some(request) = requests.get(next.replace(next.get() + 1)) {
        let (status, _) = endpoint.send(&mut connection, request).await?;
        ensure!(status.is_success(), "{} {} was answered with {status}", request.method, request.path);
    }
    Ok(())
}
