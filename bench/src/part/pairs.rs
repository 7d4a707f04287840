//! First installs, each with the plain loop right beside it.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::audit::Requests;
use crate::figure::Pair;
use crate::output::say;
use crate::program::Took;
use crate::room::{Rights, Room};
use crate::statistics::rate;
use crate::tools::Tools;

/// What some pairs of first installs gave.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Milliseconds.
    pub times: Vec<Pair>,
    /// What each of our runs took.
    pub took: Vec<Took>,
    /// CPU time of each of our runs, beside that of the API server and etcd meanwhile, in milliseconds.
    pub cpu: Vec<Pair>,
    /// The requests of each of our runs.
    pub requests: Vec<Requests>,
    /// The last of our runs: its room has all Secrets.
    pub last: Option<Room>,
    /// What the job has sent.
    pub bodies: Option<PathBuf>,
}

impl Pairs {
    /// Runs so many pairs, which begin in turn with ours and with the plain loop.
    ///
    /// # Errors
    /// If either fails.
    pub fn run(tools: &mut Tools, count: usize, runs: usize) -> Result<Self> {
        tools.best()?;
        let mut pairs = Self::default();
        for run in 0..runs {
            say(&format!("first install of {count}, run {} of {runs}", run + 1));
            pairs.run_once(tools, count, run % 2 == 0)?;
        }
        Ok(pairs)
    }

    /// Runs one pair, which ours begins or not. The plain loop sends `bodies`, or else what ours has sent.
    ///
    /// # Errors
    /// If either fails.
    pub fn once(tools: &mut Tools, count: usize, bodies: Option<PathBuf>, begins: bool) -> Result<Self> {
        tools.best()?;
        let mut pairs = Self { bodies, ..Self::default() };
        pairs.run_once(tools, count, begins)?;
        Ok(pairs)
    }

    /// The room of the last run, and what was sent there.
    ///
    /// # Errors
    /// If there was none.
    pub fn end(self) -> Result<(Room, PathBuf)> {
        Ok((self.last.context("nothing was installed")?, self.bodies.context("nothing was sent")?))
    }

    /// The first run of all has to be ours, since the plain loop sends what ours has sent.
    fn run_once(&mut self, tools: &mut Tools, count: usize, begins: bool) -> Result<()> {
        let known = self.bodies.clone().filter(|_| !begins);
        let early = known.map(|bodies| tools.post_all(&bodies, count)).transpose()?;
        let ours = self.install(tools, count)?;
        let baseline = match (early, &self.bodies) {
            (Some(baseline), _) => baseline,
            (None, Some(bodies)) => tools.post_all(bodies, count)?,
            (None, None) => anyhow::bail!("nothing was sent"),
        };
        say(&format!("  ours {:.0}/s, the plain loop {:.0}/s", rate(count, ours), rate(count, baseline)));
        self.times.push(Pair { ours, baseline });
        Ok(())
    }

    fn install(&mut self, tools: &mut Tools, count: usize) -> Result<f64> {
        let room = tools.room(count, Rights::List)?;
        let measured = measured(tools, &room)?;
        room.check(&mut tools.api)?;
        if self.bodies.is_none() {
            self.bodies = Some(tools.bodies_of(&room)?);
        }
        self.took.push(measured.took);
        self.cpu.push(measured.cpu);
        self.requests.push(measured.requests);
        self.last = Some(room);
        Ok(measured.took.milliseconds)
    }
}

/// What one run of the job took, and what it asked of others.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Time, CPU and memory.
    pub took: Took,
    /// Its CPU time beside that of the API server and etcd meanwhile, in milliseconds.
    pub cpu: Pair,
    /// Its requests.
    pub requests: Requests,
}

/// Runs the job once in a room.
///
/// # Errors
/// If it fails.
pub fn measured(tools: &mut Tools, room: &Room) -> Result<Measured> {
    let asked_before = tools.audit.requests(&mut tools.api, &room.user(), &room.system)?;
    let cpu_before = tools.control_plane.cpu_microseconds()?;
    let took = tools.run_job(room)?;
    let spent = tools.control_plane.cpu_microseconds()? - cpu_before;
    let requests = tools.audit.requests(&mut tools.api, &room.user(), &room.system)?.since(asked_before);
    let cpu = Pair { ours: milliseconds(took.cpu_microseconds), baseline: milliseconds(spent) };
    Ok(Measured { took, cpu, requests })
}

#[expect(clippy::cast_precision_loss, reason = "a run takes far less than 2^53 microseconds")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
