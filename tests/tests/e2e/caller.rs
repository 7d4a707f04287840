//! Requests as they are, with a token or as the administrator, and what the API server answers.

use http::{Method, Request};
use kube::config::AuthInfo;
use secrecy::SecretString;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::kube::kubectl;

/// Somebody who makes requests.
pub(crate) struct Caller {
    runtime: Runtime,
    client: kube::Client,
}

/// The code of an answer, and what it says.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) code: u16,
    /// The object; of a refusal the message, of what is no JSON nothing.
    pub(crate) said: Value,
}

/// A request without its body: `METHOD PATH`, or `METHOD PATH as USER`.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    method: &'a str,
    path: String,
    user: Option<String>,
}

impl Caller {
    /// Whoever the kubeconfig says.
    pub(crate) fn administrator() -> Self {
        Self::new(|_| ())
    }

    /// A ServiceAccount, by a token as its pods have.
    pub(crate) fn service_account(namespace: &str, name: &str) -> Self {
        Self::with_token(kubectl(&["-n", namespace, "create", "token", name]).trim())
    }

    /// Whoever has this token, and nothing else of the kubeconfig's user.
    pub(crate) fn with_token(token: &str) -> Self {
        Self::new(|user| *user = AuthInfo { token: Some(SecretString::from(token)), ..AuthInfo::default() })
    }

    fn new(change: impl FnOnce(&mut AuthInfo)) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut config = kube::Config::infer().await.unwrap();
            config.default_retry = false;
            change(&mut config.auth_info);
            kube::Client::try_from(config).unwrap()
        });
        Self { runtime, client }
    }

    /// Makes a request.
    pub(crate) fn call(&self, call: &Call, body: &Value) -> Answer {
        let content_type = if call.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let mut request = Request::builder().method(call.method.parse::<Method>().unwrap()).uri(&call.path).header("content-type", content_type);
        if let Some(user) = &call.user {
            request = request.header("impersonate-user", user);
        }
        let body = if call.method == "GET" { Vec::new() } else { body.to_string().into_bytes() };
        match self.runtime.block_on(self.client.request_text(request.body(body).unwrap())) {
            Ok(text) => Answer { code: 200, said: serde_json::from_str(&text).unwrap_or_default() },
            Err(kube::Error::Api(status)) => Answer { code: status.code, said: Value::from(status.message) },
            Err(error) => panic!("{call:?}: {error}"),
        }
    }
}

impl<'a> Call<'a> {
    /// Reads a call, with the words in braces replaced.
    pub(crate) fn parse(line: &'a str, words: &[(&str, &str)]) -> Self {
        let fill = |text: &str| words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value));
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, user) = rest.split_once(" as ").map_or((rest, None), |(path, user)| (path, Some(fill(user))));
        Self { method, path: fill(path), user }
    }

    /// The same, so that nothing comes of it.
    pub(crate) fn dry(mut self) -> Self {
        if self.method != "GET" {
            self.path += if self.path.contains('?') { "&dryRun=All" } else { "?dryRun=All" };
        }
        self
    }
}
