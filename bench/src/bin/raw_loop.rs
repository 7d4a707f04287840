//! The plain loop of requests that `scripts/bench` measures the job against, as a program: prints the milliseconds from the first connection to
//! the last answer. Bodies are made before.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use http::Method;
use sc_bench::connection::{Endpoint, Protocol};
use sc_bench::kubeconfig::Kubeconfig;
use sc_bench::{bodies, output, raw};

/// Sends one request for each Secret of a file, as fast as it goes.
#[derive(Debug, Parser)]
struct Args {
    /// What to do with the Secrets.
    #[arg(value_enum)]
    work: Work,
    /// Whose server it is, and who asks.
    #[arg(long, env = "KUBECONFIG", value_name = "FILE")]
    kubeconfig: PathBuf,
    /// One Secret as JSON a line.
    #[arg(long, value_name = "FILE")]
    bodies: PathBuf,
    /// How the namespaces begin, before `-<number>`.
    #[arg(long, value_name = "PREFIX")]
    namespaces: String,
    /// How many of the Secrets.
    #[arg(long)]
    count: usize,
    /// How many requests at a time.
    #[arg(long)]
    in_flight: usize,
    /// All on one connection by HTTP/2, instead of HTTP/1.1 with a connection for each in flight.
    #[arg(long)]
    http2: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    Post,
    Get,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let protocol = if args.http2 { Protocol::Http2 } else { Protocol::Http1 };
    let method = if args.work == Work::Post { Method::POST } else { Method::GET };
    let endpoint = Endpoint::of(&Kubeconfig::read(&args.kubeconfig)?, protocol)?;
    let requests = bodies::requests(&bodies::read(&args.bodies, args.count, &args.namespaces)?, &method);
    let elapsed = raw::send_all(&endpoint, protocol, &requests, args.in_flight).await?;
    output::print(&format!("{:.1}", elapsed.as_secs_f64() * 1000.0))?;
    Ok(())
}
