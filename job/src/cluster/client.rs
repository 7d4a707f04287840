//! The HTTP client: kube's own layers, on connections that send at once.

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

use super::NoCluster;

/// A client for the cluster of this configuration. It has no timeout but that to connect: [`Cluster`](super::Cluster) has one over each answer.
///
/// # Errors
/// If the configuration cannot be used.
pub(super) fn client(config: Config) -> Result<Client, NoCluster> {
    if config.proxy_url.is_some() {
        return through_proxy(config);
    }
    let mut tcp = connector();
    tcp.set_connect_timeout(config.connect_timeout);
    let tls = config.rustls_https_connector_with_connector(tcp).map_err(|_| NoCluster::Config)?;
    let http = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(tls);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(|_| NoCluster::Config)?)
        .layer(config.extra_headers_layer().map_err(|_| NoCluster::Config)?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}

/// The way through a proxy is kube's.
#[cfg(feature = "proxy")]
fn through_proxy(mut config: Config) -> Result<Client, NoCluster> {
    config.default_retry = false;
    (config.read_timeout, config.write_timeout) = (None, None);
    Client::try_from(config).map_err(|_| NoCluster::Config)
}

#[cfg(not(feature = "proxy"))]
fn through_proxy(_: Config) -> Result<Client, NoCluster> {
    Err(NoCluster::Proxy)
}

/// What opens connections. kube's own (5.0.0) leaves `TCP_NODELAY` off: then the first request of a connection waits for the API server's kernel to
/// acknowledge the end of the handshake, which it puts off for 40 ms.
fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_sends_at_once() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}", server.local_addr().unwrap()).parse().unwrap();
        let stream = connector().oneshot(address).await.unwrap();
        assert!(stream.inner().nodelay().unwrap());
    }
}
