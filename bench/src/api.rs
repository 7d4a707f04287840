//! What the measurements themselves ask of the API server, between what is measured: as the administrator, on one connection.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http::{Method, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::connection::{Connection, Endpoint, Prepared, Protocol};
use crate::kubeconfig::Kubeconfig;

/// So many objects come with one answer to a LIST.
const PAGE: usize = 2000;
const LOOK: Duration = Duration::from_millis(50);

/// The API server, asked one request after another.
pub struct Api {
    runtime: Runtime,
    kubeconfig: Kubeconfig,
    endpoint: Endpoint,
    connection: Option<Connection>,
}

impl Api {
    /// Asks the server of this kubeconfig.
    ///
    /// # Errors
    /// If the kubeconfig is not usable.
    pub fn of(kubeconfig: &Kubeconfig) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, kubeconfig: kubeconfig.clone(), endpoint: Endpoint::of(kubeconfig, Protocol::Http1)?, connection: None })
    }

    /// Whose server is asked.
    #[must_use]
    pub fn kubeconfig(&self) -> &Kubeconfig {
        &self.kubeconfig
    }

    /// GET; nothing if there is no such object.
    ///
    /// # Errors
    /// If it is answered with neither 200 nor 404.
    pub fn get(&mut self, path: &str) -> Result<Option<Value>> {
        let (status, body) = self.send(Method::GET, path, Bytes::new())?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => Ok(Some(serde_json::from_slice(&body)?)),
            other => bail!("GET {path} was answered with {other}: {}", String::from_utf8_lossy(&body)),
        }
    }

    /// POST of an object to its collection.
    ///
    /// # Errors
    /// If it is not created.
    pub fn create(&mut self, collection: &str, object: &Value) -> Result<Value> {
        let (status, body) = self.send(Method::POST, collection, Bytes::from(object.to_string()))?;
        ensure!(status == StatusCode::CREATED, "POST {collection} was answered with {status}: {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    }

    /// PUT of an object, whatever was there.
    ///
    /// # Errors
    /// If it is not taken.
    pub fn replace(&mut self, path: &str, object: &Value) -> Result<()> {
        let (status, body) = self.send(Method::PUT, path, Bytes::from(object.to_string()))?;
        ensure!(status.is_success(), "PUT {path} was answered with {status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// DELETE; an object that is not there is as good as deleted.
    ///
    /// # Errors
    /// If it is refused.
    pub fn delete(&mut self, path: &str) -> Result<()> {
        let (status, body) = self.send(Method::DELETE, path, Bytes::new())?;
        let is_gone = status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
        ensure!(is_gone, "DELETE {path} was answered with {status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Hands each object of a collection to `take`, a page at a time; `query` is empty or a selector.
    ///
    /// # Errors
    /// If the collection cannot be read, or what takes an object fails.
    pub fn each(&mut self, collection: &str, query: &str, mut take: impl FnMut(&Value) -> Result<()>) -> Result<()> {
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{collection}?limit={PAGE}&{query}{next}"))?.context("the collection is not there")?;
            page["items"].as_array().into_iter().flatten().try_for_each(&mut take)?;
            match page["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={token}"),
                None => return Ok(()),
            }
        }
    }

    /// A token for a ServiceAccount, good for a day.
    ///
    /// # Errors
    /// If none is given.
    pub fn token(&mut self, namespace: &str, account: &str) -> Result<String> {
        let wanted = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86_400}});
        let made = self.create(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"), &wanted)?;
        Ok(made["status"]["token"].as_str().context("there is no token in the answer")?.to_owned())
    }

    /// Looks until it holds.
    ///
    /// # Errors
    /// If it does not within this time, or cannot be seen.
    pub fn wait(&mut self, what: &str, limit: Duration, mut holds: impl FnMut(&mut Self) -> Result<bool>) -> Result<()> {
        let begin = Instant::now();
        while !holds(self)? {
            ensure!(begin.elapsed() < limit, "waited {} s in vain for {what}", limit.as_secs());
            sleep(LOOK);
        }
        Ok(())
    }

    /// Sends a request, on the connection that there is or, where it was closed meanwhile, on a new one.
    fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Prepared { method, path: path.to_owned(), body };
        if let Some(connection) = &mut self.connection
            && let Ok(answer) = self.runtime.block_on(self.endpoint.send(connection, &request))
        {
            return Ok(answer);
        }
        let connection = self.connection.insert(self.runtime.block_on(self.endpoint.connect())?);
        self.runtime.block_on(self.endpoint.send(connection, &request))
    }
}
