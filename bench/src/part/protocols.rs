//! The plain loop by HTTP/1.1 with a connection for each request in flight, and by HTTP/2 with one connection for all.

use anyhow::Result;

use crate::figure::Figure;
use crate::output::say;
use crate::raw_runs::{IN_FLIGHT, Loop};
use crate::room::Rights;
use crate::statistics::rate;
use crate::tools::Tools;

const COUNT: usize = 2500;

/// Measures it.
///
/// # Errors
/// If a request fails.
pub fn run(tools: &mut Tools) -> Result<()> {
    let (room, _) = tools.installed(COUNT, Rights::Get)?;
    let bodies = tools.bodies_of(&room)?;
    let ways: Vec<(bool, usize)> = [false, true].into_iter().flat_map(|http2| IN_FLIGHT.map(|in_flight| (http2, in_flight))).collect();
    let mut rates = vec![(Vec::new(), Vec::new()); ways.len()];
    for run in 0..tools.bench.asked.runs {
        say(&format!("HTTP/1.1 beside HTTP/2, run {} of {}", run + 1, tools.bench.asked.runs));
        for ((http2, in_flight), (posts, gets)) in ways.iter().zip(&mut rates) {
            let room = tools.room(COUNT, Rights::Get)?;
            let how = Loop { work: "post", bodies: &bodies, in_flight: *in_flight, http2: *http2 };
            posts.push(rate(COUNT, tools.run_loop(&room, how)?));
            gets.push(rate(COUNT, tools.run_loop(&room, Loop { work: "get", ..how })?));
        }
    }
    for ((http2, in_flight), (posts, gets)) in ways.into_iter().zip(rates) {
        let way = if http2 { "http2" } else { "http1" };
        tools.bench.keep(&format!("protocol-{way}-{in_flight}-post"), Figure::of(posts))?;
        tools.bench.keep(&format!("protocol-{way}-{in_flight}-get"), Figure::of(gets))?;
    }
    Ok(())
}
