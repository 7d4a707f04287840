//! Writes Secrets as fast as a plain loop of requests can: what `scripts/bench` measures the job against.
//!
//! `raw_loop NAMESPACE COUNT IN_FLIGHT` prints the milliseconds from the first request to the last answer.
#![expect(clippy::print_stdout, reason = "a program for scripts/bench, which reads its output")]

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: raw_loop NAMESPACE COUNT IN_FLIGHT");
    let (namespace, count, in_flight) = (next()?, next()?.parse::<usize>()?, next()?.parse::<usize>()?);
    let client = Client::try_default().await.context("failed to read the kubeconfig")?;
    let begin = Instant::now();
    stream::iter(0..count).map(|number| post(client.clone(), &namespace, number)).buffer_unordered(in_flight).try_collect::<Vec<()>>().await?;
    println!("{:.1}", begin.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

async fn post(client: Client, namespace: &str, number: usize) -> Result<()> {
    let request = Request::post(format!("/api/v1/namespaces/{namespace}/secrets"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(secret(number)))?;
    let answer = client.send(request).await.context("failed to post a Secret")?;
    ensure!(answer.status() == StatusCode::CREATED, "failed to post a Secret: {}", answer.status());
    answer.into_body().collect().await?;
    Ok(())
}

/// Like those of the job, in size too.
fn secret(number: usize) -> Vec<u8> {
    let labels = json!({
        "app.kubernetes.io/managed-by": "raw-loop", "sc-extension.dev/connection": format!("raw{number:04}"),
        "sc-extension.dev/release": "raw", "sc-extension.dev/release-namespace": "sc-system",
    });
    let metadata = json!({"name": format!("raw-{number:04}-secret"), "labels": labels});
    let line = format!("dbname=orders host=db.internal.example port=5432 sslmode=require user=app password=pass-{number:04}");
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"AZURE_POSTGRESQL_CONNECTIONSTRING": line}})
        .to_string()
        .into_bytes()
}
