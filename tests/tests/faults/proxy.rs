//! A proxy between the job and the API server, which breaks one request of a run as its script says.

use std::future::pending;
use std::io::{ErrorKind, Write as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt as _;
use http::request::Parts;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::sleep;

use crate::fault::{Answer, Way};
use crate::script::Script;

/// So long nobody listens: longer than the job's first pause, which is 300 ms at most.
const OUTAGE: Duration = Duration::from_millis(400);
/// So long the slow write takes: longer than the Lease is left alone.
const HOLD: Duration = Duration::from_secs(11);
/// More than are ever under way.
const MANY: u32 = 1024;
/// Below the ports that the kernel gives to others.
const FIRST_PORT: u16 = 20_000;

/// The proxy.
pub(crate) struct Proxy {
    /// Where it listens, on loopback.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    client: kube::Client,
    script: Mutex<Script>,
    kill: Notify,
    outages: watch::Sender<()>,
    under_way: Arc<Semaphore>,
}

impl Proxy {
    /// Listens, and forwards by this client.
    pub(crate) async fn start(client: kube::Client) -> Self {
        let under_way = Arc::new(Semaphore::new(MANY as usize));
        let shared = Arc::new(Shared { client, script: Mutex::default(), kill: Notify::new(), outages: watch::Sender::new(()), under_way });
        let listener = free_port().await;
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(shared.clone().listen(listener, port));
        Self { port, shared }
    }

    /// What is to happen from now on.
    pub(crate) fn begin(&self, script: Script) {
        // An earlier process may have ended in the very moment when it was to be killed.
        let _ = self.shared.kill.notified().now_or_never();
        *self.shared.script() = script;
    }

    /// Waits until the script wants the process killed.
    pub(crate) async fn wants_kill(&self) {
        self.shared.kill.notified().await;
    }

    /// Waits until the API server has answered all that was forwarded; gives the script with what was seen.
    pub(crate) async fn end(&self) -> Script {
        drop(self.shared.under_way.acquire_many(MANY).await.unwrap());
        std::mem::take(&mut *self.shared.script())
    }
}

async fn free_port() -> TcpListener {
    for port in FIRST_PORT..FIRST_PORT + 10_000 {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            bound => return bound.unwrap(),
        }
    }
    panic!("no port is free");
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    async fn listen(self: Arc<Self>, mut listener: TcpListener, port: u16) {
        let mut outages = self.outages.subscribe();
        loop {
            tokio::select! {
                accepted = listener.accept() => drop(tokio::spawn(self.clone().converse(accepted.unwrap().0))),
                _ = outages.changed() => {
                    drop(listener);
                    until_refused(port).await;
                    sleep(OUTAGE).await;
                    listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
                }
            }
        }
    }

    /// Serves one connection until it ends or a fault ends it.
    async fn converse(self: Arc<Self>, socket: TcpStream) {
        let (breaks, mut broken) = mpsc::channel(1);
        let shared = self.clone();
        let service = service_fn(move |request| shared.clone().serve(request, breaks.clone()));
        let mut connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        let mut outages = self.outages.subscribe();
        loop {
            tokio::select! {
                _ = &mut connection => return,
                Some(last) = broken.recv() => return end(connection.into_parts().io.into_inner(), last),
                _ = outages.changed() => Pin::new(&mut connection).graceful_shutdown(),
            }
        }
    }

    /// Answers a request, or sends the last words of its connection and never answers.
    async fn serve(self: Arc<Self>, request: Request<Incoming>, breaks: mpsc::Sender<Option<Vec<u8>>>) -> Result<Answer, hyper::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let (is_held, fault) = self.script().arrives(&parts);
        if is_held {
            sleep(HOLD).await;
        }
        let way = match fault {
            Some(fault) if !fault.acts() => fault.way(StatusCode::default(), &Bytes::new()),
            other => self.forwarded(parts, body).await.map_or(Way::Reset, |(status, body)| match other {
                Some(fault) => fault.way(status, &body),
                None => Way::Answer(answer(status, body)),
            }),
        };
        match way {
            Way::Answer(answer) => return Ok(answer),
            Way::Reset => drop(breaks.send(None).await),
            Way::Outage => drop((breaks.send(None).await, self.outages.send(()))),
            Way::Bytes(bytes) => drop(breaks.send(Some(bytes)).await),
            Way::Silence => {}
            Way::Kill => self.kill.notify_one(),
        }
        pending().await
    }

    /// What the API server says, unless it breaks the connection. It is asked to the end, even when the job does not wait for it.
    async fn forwarded(self: &Arc<Self>, parts: Parts, body: Bytes) -> Option<(StatusCode, Bytes)> {
        let shared = self.clone();
        let permit = self.under_way.clone().acquire_owned().await.unwrap();
        let asked = tokio::spawn(async move {
            let answer = shared.forward(parts, body).await;
            drop(permit);
            answer
        });
        asked.await.unwrap()
    }

    async fn forward(&self, mut parts: Parts, body: Bytes) -> Option<(StatusCode, Bytes)> {
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
            parts.headers.remove(name);
        }
        let answer = self.client.send(Request::from_parts(parts, Body::from(body.to_vec()))).await.ok()?;
        Some((answer.status(), answer.into_body().collect().await.ok()?.to_bytes()))
    }
}

fn answer(status: StatusCode, body: Bytes) -> Answer {
    Response::builder().status(status).header(header::CONTENT_TYPE, "application/json").body(Full::from(body)).unwrap()
}

/// Waits until nobody listens: a process that is just being started holds what this one has open for a moment.
async fn until_refused(port: u16) {
    let is_refused = |error: std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
    while !TcpStream::connect(("127.0.0.1", port)).await.is_err_and(is_refused) {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Ends a connection: with these bytes, or by a reset.
fn end(socket: TcpStream, last: Option<Vec<u8>>) {
    let Some(bytes) = last else { return socket.set_zero_linger().unwrap() };
    let mut socket = socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    // Who was told nonsense may have hung up already.
    let _ = socket.write_all(&bytes);
}
