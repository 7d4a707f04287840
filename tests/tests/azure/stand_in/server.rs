//! Where the stand-in listens: for pods, and behind a proxy that leads every host to it.
//!
//! Rule: it lives as long as the test process, and no longer, however that ends.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::{env, io, thread};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Answer, Question, answer, now};

/// Where the proxy listens; the cluster's provider for Key Vault has it as its `HTTPS_PROXY`.
const PROXY: &str = "127.0.0.1:9480";
/// The longest head of a request to the proxy.
const LONGEST_HEAD: usize = 8192;
const MEND: &str = "start a cluster by `scripts/cluster up --with identity --with csi`, and run the tests by `scripts/cluster run`";

/// What somebody who connects speaks.
#[derive(Clone, Copy)]
enum Speech {
    Tls,
    Proxy,
}

/// Listens, from the first call on.
pub(crate) fn listen() {
    static LISTENING: LazyLock<()> = LazyLock::new(|| {
        let acceptor = acceptor();
        let listeners = [(format!("{}:443", variable("SC_CLUSTER_IP")), Speech::Tls), (PROXY.to_owned(), Speech::Proxy)];
        let listeners = listeners.map(|(address, speech)| (bound(&address), speech));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let [first, second] = listeners.map(|(listener, speech)| accept(TcpListener::from_std(listener).unwrap(), acceptor.clone(), speech));
                tokio::join!(first, second);
            });
        });
    });
    LazyLock::force(&LISTENING);
}

/// A variable that `scripts/cluster run` sets.
pub(crate) fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: {MEND}"))
}

/// A file of the certificates that the cluster has for names of Azure.
pub(crate) fn certificate(name: &str) -> PathBuf {
    PathBuf::from(variable("SC_CLUSTER_AZURE")).join(name)
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(certificate("server.crt")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    TlsAcceptor::from(Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

fn bound(address: &str) -> StdListener {
    let listener = StdListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}; does another test process listen there? {MEND}"));
    listener.set_nonblocking(true).unwrap();
    listener
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, speech: Speech) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        // Who hangs up in between is the client's business, and is seen there.
        tokio::spawn(async move {
            match speech {
                Speech::Tls => serve(stream, acceptor).await,
                Speech::Proxy => tunnel(stream, acceptor).await,
            }
        });
    }
}

/// Serves one who speaks TLS.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    let stream = acceptor.accept(stream).await?;
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)).await;
    Ok(())
}

/// Serves one who asks for a tunnel to any host.
async fn tunnel(mut stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    let mut head = Vec::new();
    // Byte by byte, since what comes after the head belongs to who is at the other end.
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(Method::CONNECT.as_str().as_bytes()) {
        return stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").await;
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    serve(stream, acceptor).await
}

async fn respond(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let refused = || Response::builder().status(StatusCode::BAD_REQUEST).body(http_body_util::Full::default()).unwrap();
    Ok(body.collect().await.map_or_else(|_| refused(), |body| answer(&Question::from_parts(parts, body.to_bytes()), now())))
}
