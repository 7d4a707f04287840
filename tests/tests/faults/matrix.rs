//! All cases, or a sample of them, and their way through the rooms.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use sc_tests::is_whole;
use tokio::sync::{Mutex, Semaphore};

use crate::api::Api;
use crate::case::{Case, Outcome};
use crate::fault::Fault;
use crate::room::{Names, Room};
use crate::scenarios::{self, Scenario};
use crate::script::Key;

/// What the sample is drawn by; any number will do.
const SEED: u64 = 7;
/// How many cases of each fault are in the sample.
const SAMPLE_OF_EACH: usize = 3;
/// How many rooms each scenario has where all cases are run.
const ROOMS: usize = 8;
/// How many cases are at work at once, beside those that only wait.
const AT_WORK: usize = 6;
/// How many second kills are tried for each first one.
const SECONDS: u64 = 3;
/// Of how many cases with a kill one is rerun by another pod.
const OTHER_POD: u64 = 16;

/// What became of the cases.
#[derive(Default)]
pub(crate) struct Tally {
    /// How many there were.
    pub(crate) cases: usize,
    /// How many without a kill needed another run.
    mended: usize,
    /// What should not be, for each case that failed.
    pub(crate) failures: Vec<String>,
}

/// A scenario with its rooms, and the cases that are still to come.
struct Stage {
    rooms: Vec<Room>,
    cases: VecDeque<Case>,
}

/// Runs the matrix with the namespaces of `names`, which are as many as [`rooms`] says.
pub(crate) async fn run(names: Vec<Names>) -> Tally {
    let begin = Instant::now();
    let stages = prepare(&Api::of_administrator().await, names).await;
    say(format_args!("{} rooms are ready after {:?}", stages.iter().map(|stage| stage.rooms.len()).sum::<usize>(), begin.elapsed()));
    let at_work = Arc::new(Semaphore::new(AT_WORK));
    let tallies = join_all(stages.into_iter().map(|stage| stage.run(&at_work))).await;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::and);
    let Tally { cases, mended, failures } = &tally;
    say(format_args!(
        "faults: {cases} cases, {} failures, {mended} faults that took another run, {:.0?}, seed {SEED}",
        failures.len(),
        begin.elapsed()
    ));
    tally
}

/// How many rooms are needed.
pub(crate) fn rooms() -> usize {
    scenarios().len() * rooms_of_each()
}

fn rooms_of_each() -> usize {
    if is_whole() { ROOMS } else { 1 }
}

fn scenarios() -> Vec<&'static Scenario> {
    scenarios::ALL.iter().filter(|scenario| is_whole() || !scenario.is_slow).collect()
}

async fn prepare(api: &Api, names: Vec<Names>) -> Vec<Stage> {
    let (of_each, few) = (rooms_of_each(), Semaphore::new(AT_WORK));
    let scenarios = scenarios().into_iter().flat_map(|scenario| std::iter::repeat_n(scenario, of_each));
    let prepared = join_all(names.into_iter().zip(scenarios).map(async |(names, scenario)| {
        let _permit = few.acquire().await.unwrap();
        Room::prepare(api, names, scenario).await
    }));
    let mut rooms: VecDeque<Room> = prepared.await.into();
    let mut stages: Vec<Stage> = Vec::new();
    while !rooms.is_empty() {
        stages.push(Stage::of(rooms.drain(..of_each).collect()));
    }
    if !is_whole() {
        sample(&mut stages);
    }
    stages
}

/// Leaves some cases of each fault, spread over the scenarios.
fn sample(stages: &mut [Stage]) {
    let mut all: Vec<(u64, usize, Case)> = Vec::new();
    for (stage, from) in stages.iter_mut().enumerate() {
        all.extend(from.cases.drain(..).filter(|case| !case.waits()).map(|case| (random(&format!("{stage} {case}")), stage, case)));
    }
    all.sort_by_key(|(random, ..)| *random);
    for fault in Fault::ALL {
        for (_, stage, case) in all.iter().filter(|(.., case)| case.fault == fault).take(SAMPLE_OF_EACH) {
            stages[*stage].cases.push_back(case.clone());
        }
    }
}

/// Prints at once, also where the output of tests is kept back.
pub(crate) fn say(line: fmt::Arguments) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "{line}").unwrap();
}

/// A number that follows from a text and the seed (FNV-1a, with a last stir).
fn random(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ SEED, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 8
}

impl Stage {
    fn of(rooms: Vec<Room>) -> Self {
        let requests = &rooms[0].requests;
        for room in &rooms {
            let differ = room.requests.iter().find(|key| !requests.contains(key));
            assert!(differ.is_none() && room.requests.len() == requests.len(), "{}: two runs ask differently: {differ:?}", room.scenario.name);
        }
        let scenario = rooms[0].scenario;
        let broken: Vec<&Key> = requests.iter().filter(|key| !scenario.is_slow || key.is_about_lease()).collect();
        let mut cases: Vec<Case> = broken.iter().flat_map(|key| cases_of(key, requests.len())).collect();
        cases.sort_by_key(|case| !case.waits());
        say(format_args!("{}: {} requests, {} cases", scenario.name, requests.len(), cases.len()));
        Self { rooms, cases: cases.into() }
    }

    async fn run(self, at_work: &Arc<Semaphore>) -> Tally {
        let cases = Mutex::new(self.cases);
        let tallies = join_all(self.rooms.into_iter().map(|room| work(room, &cases, at_work))).await;
        tallies.into_iter().fold(Tally::default(), Tally::and)
    }
}

/// The cases of one request.
fn cases_of(key: &Key, requests: usize) -> Vec<Case> {
    let faults = Fault::ALL.into_iter().filter(|fault| fault.can_meet(&key.method));
    faults.flat_map(|fault| if fault.kills() { killed(key, fault, requests) } else { vec![once(key, fault)] }).collect()
}

fn once(key: &Key, fault: Fault) -> Case {
    Case { key: key.clone(), fault, second: None, is_other_pod: false }
}

/// Kills with a second kill somewhere in the rerun, before and after the server acts.
fn killed(key: &Key, fault: Fault, requests: usize) -> Vec<Case> {
    let case = |index: u64| {
        let drawn = random(&format!("{fault:?} {key} {index}"));
        let number = usize::try_from(drawn).unwrap_or_default() % requests + 1;
        let second = if index.is_multiple_of(2) { Fault::KilledBefore } else { Fault::KilledAfter };
        Case { second: Some((number, second)), is_other_pod: (drawn / 1024).is_multiple_of(OTHER_POD), ..once(key, fault) }
    };
    (0..SECONDS).map(case).collect()
}

/// Takes one case after another.
async fn work(mut room: Room, cases: &Mutex<VecDeque<Case>>, at_work: &Arc<Semaphore>) -> Tally {
    let mut tally = Tally::default();
    loop {
        let Some(case) = cases.lock().await.pop_front() else { return tally };
        let waits = case.waits() || room.scenario.is_slow;
        let permit = if waits { None } else { Some(at_work.acquire().await.unwrap()) };
        let begin = Instant::now();
        let outcome = case.run(&mut room).await;
        drop(permit);
        tally.note(room.scenario.name, &case, &outcome, begin.elapsed());
    }
}

impl Tally {
    fn note(&mut self, scenario: &str, case: &Case, outcome: &Outcome, took: Duration) {
        self.cases += 1;
        let mut problems = outcome.problems.clone();
        if outcome.runs > 1 && !case.fault.kills() {
            say(format_args!("took another run: {scenario}: {case}"));
            self.mended += 1;
            if !case.may_take_another_run() {
                problems.push("took another run".to_owned());
            }
        }
        if !problems.is_empty() {
            let failure = format!("{scenario}: {case} ({took:.0?})\n    {}", problems.join("\n    "));
            say(format_args!("FAILED {failure}"));
            self.failures.push(failure);
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.cases += other.cases;
        self.mended += other.mended;
        self.failures.extend(other.failures);
        self
    }
}
