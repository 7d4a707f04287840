//! Kept-alive connections to the API server: plain hyper over rustls, with nothing in between.

use std::sync::Arc;

use anyhow::{Context, Result};
use futures::FutureExt;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use tokio_rustls::{TlsConnector, rustls};

use crate::kubeconfig::{Kubeconfig, User};

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1: one request at a time on a connection.
    Http1,
    /// HTTP/2: many requests at a time on one connection.
    Http2,
}

/// The API server, and how a client says who it is.
#[derive(Clone)]
pub struct Endpoint {
    server: String,
    host: ServerName<'static>,
    tls: TlsConnector,
    authorization: Option<HeaderValue>,
    protocol: Protocol,
}

/// One request, made before the clock starts.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body; empty for a GET.
    pub body: Bytes,
}

/// One connection, open.
pub enum Connection {
    /// HTTP/1.1.
    Http1(http1::SendRequest<Full<Bytes>>),
    /// HTTP/2; a clone is another stream on the same connection.
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Endpoint {
    /// The endpoint of a kubeconfig.
    ///
    /// # Errors
    /// If its certificates, key or token are not what they should be.
    pub fn of(kubeconfig: &Kubeconfig, protocol: Protocol) -> Result<Self> {
        let host = kubeconfig.server.rsplit_once(':').map_or(kubeconfig.server.as_str(), |(host, _)| host);
        let authorization = match &kubeconfig.user {
            User::Token(token) => Some(HeaderValue::from_str(&format!("Bearer {token}")).context("the token is no header")?),
            User::Certificate(..) => None,
        };
        let mut config = tls(kubeconfig)?;
        config.alpn_protocols = vec![if protocol == Protocol::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Ok(Self {
            server: kubeconfig.server.clone(),
            host: ServerName::try_from(host.to_owned()).context("the server has no name or address")?,
            tls: TlsConnector::from(Arc::new(config)),
            authorization,
            protocol,
        })
    }

    /// Opens a connection; it lives until it is dropped.
    ///
    /// # Errors
    /// If the server does not take it.
    pub async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.server).await.context("failed to connect to the API server")?;
        stream.set_nodelay(true)?;
        let stream = TokioIo::new(self.tls.connect(self.host.clone(), stream).await.context("failed to agree on TLS with the API server")?);
        match self.protocol {
            Protocol::Http1 => first(stream).await,
            Protocol::Http2 => second(stream).await,
        }
    }

    /// Sends a request, and gives the answer's status and body.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn send(&self, connection: &mut Connection, request: &Prepared) -> Result<(StatusCode, Bytes)> {
        let answer = match connection {
            Connection::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(self.request(request, "")?).await
            }
            Connection::Http2(sender) => {
                let origin = format!("https://{}", self.server);
                sender.send_request(self.request(request, &origin)?).await
            }
        };
        let answer = answer.with_context(|| format!("{} {} was not answered", request.method, request.path))?;
        let status = answer.status();
        Ok((status, whole(answer.into_body()).await?))
    }

    fn request(&self, prepared: &Prepared, origin: &str) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(prepared.method.clone()).uri(format!("{origin}{}", prepared.path));
        if self.protocol == Protocol::Http1 {
            request = request.header(header::HOST, &self.server);
        }
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value.clone());
        }
        Ok(request.header(header::CONTENT_TYPE, "application/json").body(Full::new(prepared.body.clone()))?)
    }
}

impl Connection {
    /// Another stream on this connection; nothing where it has but one.
    #[must_use]
    pub fn another(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }
}

async fn whole(body: Incoming) -> Result<Bytes> {
    Ok(body.collect().await.context("the answer was cut off")?.to_bytes())
}

async fn first(stream: TokioIo<TlsStream<TcpStream>>) -> Result<Connection> {
    let (sender, driver) = http1::handshake(stream).await?;
    tokio::spawn(driver.map(drop));
    Ok(Connection::Http1(sender))
}

async fn second(stream: TokioIo<TlsStream<TcpStream>>) -> Result<Connection> {
    let (sender, driver) = http2::handshake(TokioExecutor::new(), stream).await?;
    tokio::spawn(driver.map(drop));
    Ok(Connection::Http2(sender))
}

fn tls(kubeconfig: &Kubeconfig) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&kubeconfig.authority)? {
        roots.add(certificate).context("the authority of the kubeconfig is no certificate")?;
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?.with_root_certificates(roots);
    Ok(match &kubeconfig.user {
        User::Token(_) => builder.with_no_client_auth(),
        User::Certificate(certificate, key) => {
            let key = PrivateKeyDer::from_pem_slice(key).context("the client's key is not PEM")?;
            builder.with_client_auth_cert(certificates(certificate)?, key)?
        }
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, rustls::pki_types::pem::Error>>().context("a certificate is not PEM")
}
