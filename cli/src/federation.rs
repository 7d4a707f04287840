//! Whether the API server gives a connection's ServiceAccount a token that Entra would take.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use sc_core::azure::{self, AUDIENCE, MOST_CREDENTIALS, Need};
use sc_job::cluster::{Cluster, Failure};
use sc_job::token;
use serde_json::{Value, json};

use crate::listed::Listed;
use crate::listing::Listing;
use crate::proof::Proof;
use crate::store::Store;
use crate::validation::{CREDENTIALS, Checks, IDENTITY};

/// So long the token lives, in seconds: the shortest that Kubernetes gives. It is read here and thrown away.
const LIFE: u32 = 600;

/// Asks for the token as a pod would get it, and holds what it claims against what the federated credential must say.
pub(crate) async fn check(store: &Store<'_>, (listing, listed): (&Listing, &Listed), checks: &mut Checks) {
    let Some(need) = Need::of(&listed.connection).into_iter().find(|need| matches!(need, Need::Trust { .. })) else { return };
    let Need::Trust { subject, .. } = &need else { return };
    overfull(listing, &need, checks);
    let begun = Instant::now();
    let issuer = Proof::read(&store.cluster, &store.place.release_namespace).await.map(|proof| proof.issuer).unwrap_or_default();
    let sc = store.place.command("sc");
    match claims(&store.cluster, subject).await {
        Ok(claims) => match Mistake::of(&claims, (&issuer, subject)) {
            None => {
                let found = text(&claims["iss"]);
                let told =
                    format!("issuer {found}, subject {subject}, audience {AUDIENCE}: its federated credential must say the same, to the last slash");
                checks.success(IDENTITY, told, begun.elapsed());
            }
            Some(mistake) => checks.failure(IDENTITY, mistake.to_string(), mistake.fix(&need, &sc), begun.elapsed()),
        },
        Err(Failure::Absent) => checks.failure(IDENTITY, "its ServiceAccount is not there", format!("make it by `{sc} rerun`"), begun.elapsed()),
        Err(Failure::Forbidden { .. }) => {
            let fix = "ask for the right to `create` `serviceaccounts/token` in that namespace, or look at a pod of the workload";
            checks.warning(IDENTITY, "you have no right to ask for its token", fix, begun.elapsed());
        }
        Err(failure) => checks.warning(IDENTITY, format!("no token was to be had: {failure}"), "try again", begun.elapsed()),
    }
}

/// Warns of an identity that needs more federated credentials than it may have.
fn overfull(listing: &Listing, need: &Need, checks: &mut Checks) {
    let Need::Trust { client_id, .. } = need else { return };
    let all: BTreeSet<Need> = listing.present().flat_map(|listed| Need::of(&listed.connection)).collect();
    if let Some((_, count)) = azure::overfull(&all).find(|(id, _)| *id == client_id) {
        let what = format!("the identity needs {count} federated credentials, one for each namespace, and may have {MOST_CREDENTIALS}");
        checks.warning(CREDENTIALS, what, "have more identities, for fewer namespaces each", Duration::ZERO);
    }
}

async fn claims(cluster: &Cluster, subject: &str) -> Result<Value, Failure> {
    let mut parts = subject.split(':').skip(2);
    let (namespace, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let spec = json!({"audiences": [AUDIENCE], "expirationSeconds": LIFE});
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let answer = cluster.create(&path, request.to_string().into()).await?;
    token::claims(text(&answer["status"]["token"])).ok_or(Failure::Unreachable { cause: "the answer had no token" })
}

/// What a token claims that no federated credential would fit.
#[derive(Debug, PartialEq, Eq)]
enum Mistake {
    /// Another audience than the one that was asked for.
    Audience,
    /// Another ServiceAccount than the one that was asked for.
    Subject(String),
    /// Another issuer than that of the job's own token.
    Issuer { found: String, known: String },
}

impl Mistake {
    fn of(claims: &Value, (issuer, subject): (&str, &str)) -> Option<Self> {
        let is_for = claims["aud"].as_array().is_some_and(|audiences| audiences.iter().any(|audience| audience == AUDIENCE));
        let (found, sub) = (text(&claims["iss"]), text(&claims["sub"]));
        if !is_for {
            Some(Self::Audience)
        } else if sub != subject {
            Some(Self::Subject(sub.to_owned()))
        } else if !issuer.is_empty() && found != issuer {
            Some(Self::Issuer { found: found.to_owned(), known: issuer.to_owned() })
        } else {
            None
        }
    }

    fn fix(&self, need: &Need, sc: &str) -> String {
        match self {
            Self::Audience | Self::Subject(_) => {
                "the API server, or what stands before it, gives other tokens than it is asked for: look at its `--api-audiences` and its proxies"
                    .to_owned()
            }
            Self::Issuer { found, .. } => {
                format!("have the identity trust the new issuer by `{}`, and run `{sc} rerun`", need.command(Some(found)).unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audience => write!(f, "the token is not for {AUDIENCE}"),
            Self::Subject(found) => write!(f, "the token is for {found}, and not for the ServiceAccount of the connection"),
            Self::Issuer { found, known } => {
                write!(f, "the tokens are issued by {found}, and at the last run by {known}: the cluster has changed its issuer")
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_claims_must_be_what_the_credential_says() {
        let claims = |iss: &str, sub: &str, aud: &str| json!({"iss": iss, "sub": sub, "aud": [aud]});
        let expected = ("https://issuer.example/", "system:serviceaccount:shop:a");
        assert_eq!(Mistake::of(&claims(expected.0, expected.1, AUDIENCE), expected), None);
        assert_eq!(Mistake::of(&claims(expected.0, expected.1, AUDIENCE), ("", expected.1)), None, "no run has said whose the tokens are");
        for wrong in [
            claims("https://issuer.example", expected.1, AUDIENCE),
            claims(expected.0, "system:serviceaccount:shop:b", AUDIENCE),
            claims(expected.0, expected.1, "https://kubernetes.default.svc"),
        ] {
            assert!(Mistake::of(&wrong, expected).is_some(), "{wrong}");
        }
    }
}
