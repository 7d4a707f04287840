//! Runs of the plain loop, as the baseline of a part.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use crate::output::say;
use crate::room::{Rights, Room};
use crate::statistics::median;
use crate::tools::Tools;

/// The numbers in flight of which the best is taken.
pub const IN_FLIGHT: [usize; 3] = [16, 32, 64];
/// Which number is best is found out with so many Secrets, and in so many rounds.
const TRIED: usize = 1000;
const ROUNDS: usize = 3;

/// How many requests in flight are best for the plain loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Best {
    /// For POST.
    pub post: usize,
    /// For GET.
    pub get: usize,
}

/// One run of the plain loop.
#[derive(Debug, Clone, Copy)]
pub struct Loop<'a> {
    /// `post` or `get`.
    pub work: &'a str,
    /// What the job had sent.
    pub bodies: &'a Path,
    /// Requests in flight.
    pub in_flight: usize,
    /// By HTTP/2, on one connection.
    pub http2: bool,
}

impl Tools {
    /// Runs the plain loop in a room, as its user; gives milliseconds.
    ///
    /// # Errors
    /// If a request fails.
    pub fn run_loop(&self, room: &Room, how: Loop<'_>) -> Result<f64> {
        let mut command = self.bench.programs.own("raw_loop");
        command.arg(how.work).arg("--kubeconfig").arg(&room.kubeconfig).arg("--bodies").arg(how.bodies);
        command.args(["--namespaces", &room.documents.prefix, "--count", &room.documents.count.to_string()]);
        command.args(["--in-flight", &how.in_flight.to_string()]);
        if how.http2 {
            command.arg("--http2");
        }
        Ok(self.bench.programs.output(&mut command)?.trim().parse()?)
    }

    /// POSTs the Secrets into a fresh room by the plain loop; gives milliseconds.
    ///
    /// # Errors
    /// If a request fails.
    pub fn post_all(&mut self, bodies: &Path, count: usize) -> Result<f64> {
        let in_flight = self.best()?.post;
        let room = self.room(count, Rights::Get)?;
        self.run_loop(&room, Loop { work: "post", bodies, in_flight, http2: false })
    }

    /// GETs the Secrets of a room by the plain loop; gives milliseconds.
    ///
    /// # Errors
    /// If a request fails.
    pub fn get_all(&mut self, room: &Room, bodies: &Path) -> Result<f64> {
        let in_flight = self.best()?.get;
        self.run_loop(room, Loop { work: "get", bodies, in_flight, http2: false })
    }

    /// Finds out how many requests in flight are best, once; this also warms up what is measured.
    ///
    /// # Errors
    /// If a request fails.
    pub fn best(&mut self) -> Result<Best> {
        if let Some(best) = self.best {
            return Ok(best);
        }
        say(&format!("{ROUNDS} rounds of {TRIED} requests with {IN_FLIGHT:?} in flight, to find the best for the plain loop"));
        let (room, _) = self.installed(TRIED, Rights::Get)?;
        let bodies = self.bodies_of(&room)?;
        let (mut posts, mut gets) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..ROUNDS {
            for in_flight in IN_FLIGHT {
                let room = self.room(TRIED, Rights::Get)?;
                let time = |work| self.run_loop(&room, Loop { work, bodies: &bodies, in_flight, http2: false });
                posts.entry(in_flight).or_insert_with(Vec::new).push(time("post")?);
                gets.entry(in_flight).or_insert_with(Vec::new).push(time("get")?);
            }
        }
        let best = Best { post: fastest(&posts).context("no POST was tried")?, get: fastest(&gets).context("no GET was tried")? };
        say(&format!("best: {} in flight for POST, {} for GET", best.post, best.get));
        self.bench.results.notes.insert("in-flight".into(), format!("{} for POST, {} for GET", best.post, best.get));
        Ok(*self.best.insert(best))
    }
}

/// The key with the least median.
fn fastest(times: &BTreeMap<usize, Vec<f64>>) -> Option<usize> {
    let medians = times.iter().filter_map(|(key, samples)| Some((*key, median(samples)?)));
    medians.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_is_that_of_the_least_median() {
        let times = BTreeMap::from([(16, vec![1.0, 9.0, 9.0]), (32, vec![5.0, 5.0, 5.0])]);
        assert_eq!(fastest(&times), Some(32));
        assert_eq!(fastest(&BTreeMap::new()), None);
    }
}
