//! All that a part needs to measure: the API server, the programs, what is counted, and where results go.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::api::Api;
use crate::audit::Audit;
use crate::bodies::body_of;
use crate::figure::{Figure, Results};
use crate::kubeconfig::Kubeconfig;
use crate::machine::ControlPlane;
use crate::output::say;
use crate::program::{Programs, Took};
use crate::raw_runs::Best;
use crate::room::{Rights, Room};
use crate::statistics::Summary;

/// What is asked for at the command line.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// How many pairs of runs.
    pub runs: usize,
    /// Which run with 100,000 connections this is, counted from 1.
    pub nth: usize,
    /// By what numbers of connections are divided, to try things out.
    pub divisor: usize,
}

impl Asked {
    /// So many connections most parts have.
    #[must_use]
    pub fn count(self) -> usize {
        10_000 / self.divisor
    }

    /// So many connections are the most.
    #[must_use]
    pub fn large(self) -> usize {
        100_000 / self.divisor
    }

    /// Where results go.
    #[must_use]
    pub fn file(self) -> &'static str {
        if self.divisor == 1 { "target/bench.json" } else { "target/bench-tried.json" }
    }
}

/// What every part works with.
pub struct Bench {
    /// What is asked for.
    pub asked: Asked,
    /// The programs.
    pub programs: Programs,
    /// The tree of the project.
    pub tree: PathBuf,
    /// What was measured so far.
    pub results: Results,
    file: PathBuf,
}

/// What a part works with that needs a cluster.
pub struct Tools {
    /// What every part works with.
    pub bench: Bench,
    /// The administrator's way to the API server.
    pub api: Api,
    /// Requests by user.
    pub audit: Audit,
    /// CPU of the API server and etcd.
    pub control_plane: ControlPlane,
    /// How many requests in flight are best for the plain loop, once that is known.
    pub best: Option<Best>,
    rooms: usize,
    tag: String,
}

impl Bench {
    /// Goes on with the results of `target/bench.json`.
    ///
    /// # Errors
    /// If they cannot be read, or this machine cannot be looked at.
    pub fn of(asked: Asked, programs: Programs, tree: &Path) -> Result<Self> {
        let file = tree.join(asked.file());
        let mut results = Results::read(&file)?;
        results.conditions.look()?;
        Ok(Self { asked, programs, tree: tree.to_owned(), results, file })
    }

    /// Keeps what one run of several gave, beside what those before it did.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn keep_nth(&mut self, id: &str, figure: Figure) -> Result<()> {
        let before = Results::read(&self.file)?.figures.remove(id).filter(|_| self.asked.nth > 1).unwrap_or_default();
        self.keep(id, before.and(figure))
    }

    /// Keeps a figure, also in the file, beside what other parts that run meanwhile have kept there, and says what it is.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn keep(&mut self, id: &str, figure: Figure) -> Result<()> {
        if let Some(Summary { median, min, max }) = figure.summary {
            say(&format!("{id}: {median:.3} ({min:.3} to {max:.3})"));
        }
        self.results.take_over(Results::read(&self.file)?);
        self.results.keep(id, figure);
        self.results.write(&self.file)
    }
}

impl Tools {
    /// Finds everything that a cluster of `scripts/cluster` has.
    ///
    /// # Errors
    /// If the cluster does not answer, or is another.
    pub fn of(mut bench: Bench, kubeconfig: &Path) -> Result<Self> {
        let mut api = Api::of(&Kubeconfig::read(kubeconfig)?)?;
        let version = api.get("/version")?.context("the API server has no version")?;
        version["gitVersion"].as_str().unwrap_or("unknown").clone_into(&mut bench.results.conditions.kubernetes);
        let (audit, control_plane) = (Audit::beside(kubeconfig)?, ControlPlane::beside(kubeconfig)?);
        let tag = format!("b{}", jiff::Timestamp::now().as_second() % 100_000);
        Ok(Self { bench, api, audit, control_plane, best: None, rooms: 0, tag })
    }

    /// Fresh namespaces for so many connections, and their sets.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn bare_room(&mut self, count: usize) -> Result<Room> {
        self.rooms += 1;
        Room::bare(&mut self.api, &self.bench.programs, &format!("{}-{}", self.tag, self.rooms), count)
    }

    /// The same, and a user with these rights.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn room(&mut self, count: usize, rights: Rights) -> Result<Room> {
        let room = self.bare_room(count)?;
        room.admit(&mut self.api, rights)?;
        Ok(room)
    }

    /// Runs the job once in a room.
    ///
    /// # Errors
    /// If it fails.
    pub fn run_job(&self, room: &Room) -> Result<Took> {
        self.bench.programs.timed(&room.job(&self.bench.programs))
    }

    /// Runs the job in a fresh room, which then has all Secrets.
    ///
    /// # Errors
    /// If the job fails, or does other work than was asked.
    pub fn installed(&mut self, count: usize, rights: Rights) -> Result<(Room, Took)> {
        let room = self.room(count, rights)?;
        let took = self.run_job(&room)?;
        room.check(&mut self.api)?;
        Ok((room, took))
    }

    /// Writes what the job has sent to a file of bodies, in the order of the connections.
    ///
    /// # Errors
    /// If the Secrets cannot be read, or the file not be written.
    pub fn bodies_of(&mut self, room: &Room) -> Result<PathBuf> {
        let mut bodies = BTreeMap::new();
        room.each_secret(&mut self.api, |live| {
            bodies.insert(live["metadata"]["name"].as_str().unwrap_or_default().to_owned(), body_of(live).to_string());
            Ok(())
        })?;
        ensure!(bodies.len() == room.documents.count, "not every connection has a Secret of its own name");
        let path = self.bench.programs.file(&format!("bodies-{}", room.documents.count));
        let mut file = std::io::BufWriter::new(fs::File::create(&path)?);
        bodies.values().try_for_each(|body| writeln!(file, "{body}"))?;
        file.flush()?;
        Ok(path)
    }
}
