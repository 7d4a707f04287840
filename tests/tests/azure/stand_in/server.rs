//! Where the stand-in listens: for pods, behind a proxy that leads every host to it, and for the node.
//!
//! Rule: it lives as long as the test process, and no longer, however that ends.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::{env, io, thread};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sc_tests::tree;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Answer, METADATA, Question, answer, now};
use crate::kube;

/// Where the proxy listens; the cluster's provider for Key Vault has it as its `HTTPS_PROXY`.
const PROXY: &str = "127.0.0.1:9480";
/// The longest head of a request to the proxy.
const LONGEST_HEAD: usize = 8192;
/// How to get what a test wants of the cluster.
pub(crate) const MEND: &str = "start a cluster by `scripts/cluster up --with identity --with csi`, and run the tests by `scripts/cluster run`";

/// What somebody who connects speaks.
#[derive(Clone)]
enum Speech {
    Plain,
    Tls(TlsAcceptor),
    Proxy(TlsAcceptor),
}

/// Listens, from the first call on.
pub(crate) fn listen() {
    static LISTENING: LazyLock<()> = LazyLock::new(|| {
        let (pods, acceptor) = (format!("{}:443", variable("SC_CLUSTER_IP")), acceptor());
        accept_each(vec![(bound(&pods).unwrap(), Speech::Tls(acceptor.clone())), (bound(PROXY).unwrap(), Speech::Proxy(acceptor))]);
    });
    LazyLock::force(&LISTENING);
}

/// Listens where the node asks about itself, too, from the first call on. The address goes with the test process.
pub(crate) fn listen_on_node() {
    static ADDRESS: LazyLock<Child> = LazyLock::new(|| {
        let mut command = Command::new(tree("tests/azure/at-address"));
        command.args([METADATA, "lo", "sleep", "infinity"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        let listener = kube::wait_for("the address of the node's metadata", Duration::from_secs(10), || bound(&format!("{METADATA}:80")).ok());
        accept_each(vec![(listener, Speech::Plain)]);
        child
    });
    LazyLock::force(&ADDRESS);
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

fn bound(address: &str) -> Result<StdListener, String> {
    let listener = StdListener::bind(address).map_err(|error| format!("{address}: {error}; does another test process listen there? {MEND}"))?;
    listener.set_nonblocking(true).unwrap();
    Ok(listener)
}

fn accept_each(listeners: Vec<(StdListener, Speech)>) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (listener, speech) in listeners {
                tokio::spawn(accept(TcpListener::from_std(listener).unwrap(), speech));
            }
            std::future::pending::<()>().await;
        });
    });
}

async fn accept(listener: TcpListener, speech: Speech) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let speech = speech.clone();
        // Who hangs up in between is the client's business, and is seen there.
        tokio::spawn(async move {
            match speech {
                Speech::Plain => converse(stream).await,
                Speech::Tls(acceptor) => converse(acceptor.accept(stream).await?).await,
                Speech::Proxy(acceptor) => tunnel(stream, acceptor).await?,
            }
            io::Result::Ok(())
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)).await;
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
    converse(acceptor.accept(stream).await?).await;
    Ok(())
}

async fn respond(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let refused = || Response::builder().status(StatusCode::BAD_REQUEST).body(http_body_util::Full::default()).unwrap();
    Ok(body.collect().await.map_or_else(|_| refused(), |body| answer(&Question::from_parts(parts, body.to_bytes()), now())))
}
