//! The API server, as its administrator: objects by path, and the token of a ServiceAccount.

use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::AuthInfo;
use serde_json::{Value, json};

/// A client of the API server.
#[derive(Clone)]
pub(crate) struct Api {
    config: kube::Config,
    client: kube::Client,
}

impl Api {
    /// With the rights of `KUBECONFIG`. No default is taken: it might be somebody's own cluster.
    pub(crate) async fn of_administrator() -> Self {
        assert!(std::env::var_os("KUBECONFIG").is_some_and(|path| !path.is_empty()), "KUBECONFIG names no cluster: see `scripts/cluster --help`");
        let mut config = kube::Config::infer().await.unwrap();
        config.default_retry = false;
        Self { client: kube::Client::try_from(config.clone()).unwrap(), config }
    }

    /// A client with the rights of a ServiceAccount.
    pub(crate) async fn client_of(&self, namespace: &str, account: &str) -> kube::Client {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 14400}});
        let answer = self.create(&path, &asked).await;
        let token = answer["status"]["token"].as_str().unwrap().to_owned();
        let mut config = self.config.clone();
        config.auth_info = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
        kube::Client::try_from(config).unwrap()
    }

    /// An object that must be there, or a list.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, None).await
    }

    /// Creates an object in a collection.
    pub(crate) async fn create(&self, collection: &str, object: &Value) -> Value {
        self.done(Method::POST, collection, Some(object)).await
    }

    /// Puts an object in the place of the one that is there.
    pub(crate) async fn replace(&self, path: &str, object: &Value) -> Value {
        self.done(Method::PUT, path, Some(object)).await
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn change(&self, path: &str, change: &Value) -> Value {
        self.done(Method::PATCH, path, Some(change)).await
    }

    /// Deletes an object, or all of a collection.
    pub(crate) async fn delete(&self, path: &str) {
        self.done(Method::DELETE, path, None).await;
    }

    async fn done(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(&method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {answer}");
        answer
    }

    async fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let answer = match self.client.send(request(method, path, body)).await {
            // The API server ends connections that were idle for a while, and may do so in this very moment.
            Err(kube::Error::Service(_) | kube::Error::HyperError(_)) => self.client.send(request(method, path, body)).await.unwrap(),
            answered => answered.unwrap(),
        };
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

fn request(method: &Method, path: &str, body: Option<&Value>) -> Request<Body> {
    let content_type = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let body = body.map(|value| value.to_string().into_bytes()).unwrap_or_default();
    Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, content_type).body(Body::from(body)).unwrap()
}
