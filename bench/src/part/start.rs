//! From the start of the process to its first byte to the API server, whom this part plays.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::json;

use crate::documents::Documents;
use crate::figure::Figure;
use crate::output::say;
use crate::tools::Bench;

/// Starts are so short that there are more of them.
const STARTS_OF_A_RUN: usize = 4;
const ARRIVES: Duration = Duration::from_secs(30);

/// Measures it.
///
/// # Errors
/// If the job does not call.
pub fn run(bench: &mut Bench) -> Result<()> {
    let starts = bench.asked.runs * STARTS_OF_A_RUN;
    say(&format!("{starts} starts of the binary"));
    let documents = Documents { prefix: "shop".into(), count: 1 };
    let (values, kubeconfig) = (bench.programs.file("start.values"), bench.programs.file("start.kubeconfig"));
    std::fs::write(&values, json!({"connections": [documents.connection(0, "orders")]}).to_string())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    write_kubeconfig(&listener, &kubeconfig)?;
    let mut command = Command::new(&bench.programs.job);
    command.arg("--values").arg(&values).env("KUBECONFIG", &kubeconfig);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    first_byte(&listener, &mut command)?;
    let samples: Result<Vec<f64>> = (0..starts).map(|_| first_byte(&listener, &mut command)).collect();
    bench.keep("start", Figure::of(samples?))
}

fn first_byte(listener: &TcpListener, command: &mut Command) -> Result<f64> {
    let begin = Instant::now();
    let mut child = command.spawn().context("failed to start the job")?;
    let read = accept(listener).and_then(|mut connection| Ok(connection.read_exact(&mut [0])?));
    let elapsed = begin.elapsed().as_secs_f64() * 1000.0;
    child.kill()?;
    child.wait()?;
    read.context("the job has sent nothing")?;
    Ok(elapsed)
}

/// The next connection: std waits for one without end.
fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let mut calls = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    ensure!(poll(&mut calls, PollTimeout::try_from(ARRIVES)?)? > 0, "the job has not called");
    let (connection, _) = listener.accept()?;
    connection.set_read_timeout(Some(ARRIVES))?;
    Ok(connection)
}

/// HTTPS, so that TLS is set up as it is before a real request.
fn write_kubeconfig(listener: &TcpListener, path: &Path) -> Result<()> {
    let cluster = json!({"server": format!("https://{}", listener.local_addr()?), "insecure-skip-tls-verify": true});
    let tree = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": cluster}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "users": [{"name": "it", "user": {"token": "none"}}],
    });
    Ok(std::fs::write(path, tree.to_string())?)
}
