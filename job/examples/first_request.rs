//! Measures how long a program takes from its start to its first connection to the API server, for `scripts/bench`.
//!
//! `first_request RUNS PROGRAM [ARGUMENT]...` plays the API server: it names itself in a kubeconfig, starts the program, and waits for it to
//! call. Prints the milliseconds of each run.
#![expect(clippy::print_stdout, reason = "a program for scripts/bench, which reads its output")]

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: first_request RUNS PROGRAM [ARGUMENT]...";
    let runs: usize = arguments.next().context(usage)?.parse().context(usage)?;
    let program = arguments.next().context(usage)?;
    let rest: Vec<String> = arguments.collect();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let kubeconfig = env::temp_dir().join(format!("first-request-{}", std::process::id()));
    fs::write(&kubeconfig, text_of_kubeconfig(&listener)?)?;
    for _ in 0..runs {
        println!("{:.2}", milliseconds_to_call(&listener, Command::new(&program).args(&rest), &kubeconfig)?);
        std::io::stdout().flush()?;
    }
    fs::remove_file(&kubeconfig)?;
    Ok(())
}

fn milliseconds_to_call(listener: &TcpListener, command: &mut Command, kubeconfig: &Path) -> Result<f64> {
    let command = command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().context("failed to start the program")?;
    let (connection, _) = listener.accept()?;
    let elapsed = begin.elapsed().as_secs_f64() * 1000.0;
    child.kill()?;
    child.wait()?;
    drop(connection);
    Ok(elapsed)
}

/// HTTPS, so that TLS is set up as it is before a real request.
fn text_of_kubeconfig(listener: &TcpListener) -> Result<String> {
    let server = listener.local_addr()?;
    Ok(format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
         clusters: [{{name: it, cluster: {{server: 'https://{server}', insecure-skip-tls-verify: true}}}}]\n\
         contexts: [{{name: it, context: {{cluster: it, user: it}}}}]\nusers: [{{name: it, user: {{token: none}}}}]\n"
    ))
}
