//! Sequences of operations and runs, drawn from a seed, and whether each run comes to what the model says.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::api::Api;
use crate::fault::Fault;
use crate::matrix::say;
use crate::model::{Expected, Model};
use crate::operations::{add, operate};
use crate::pool;
use crate::random::Random;
use crate::room::{Names, Ran, Room};
use crate::scenarios::{PASSWORD, Scenario};
use crate::script::Target;
use crate::state::State;

/// How many sequences are in the sample, and how many where all are run.
const COUNTS: (u64, u64) = (12, 500);
/// How many rooms they have.
const ROOMS: (usize, usize) = (4, 8);
/// How many connections a sequence begins with.
const FIRST: usize = 4;
/// The largest number of a request that is killed; a run has some fewer or more.
const LAST_REQUEST: usize = 30;

static SCENARIO: Scenario =
    Scenario { name: "sequences", before: None, after: |names| pool::all(&names.shops), prepare: |_| Vec::new(), exit: 0, is_slow: false };

/// What sequences must have had, or they have shown little.
pub(crate) const THINGS: [&str; 12] =
    ["adopted", "created", "updated", "unchanged", "deleted", "absent", "kept", "refused", "killed", "exit 0", "exit 2", "exit 3"];

/// What became of the sequences.
#[derive(Default)]
pub(crate) struct Tally {
    /// How many there were.
    pub(crate) sequences: usize,
    /// How often each thing was seen: exit codes, kills, outcomes.
    pub(crate) seen: BTreeMap<String, usize>,
    /// What should not be, for each sequence that failed.
    pub(crate) failures: Vec<String>,
}

/// A sequence on its way.
struct Sequence<'a> {
    room: &'a mut Room,
    random: Random,
    model: Model,
    said: Vec<String>,
    seen: Vec<String>,
    problems: Vec<String>,
}

/// How many rooms are needed.
pub(crate) fn rooms() -> usize {
    if sc_tests::is_whole() { ROOMS.1 } else { ROOMS.0 }
}

/// The seeds: those of the sample, all, or the one that `SC_SEQUENCE` names.
pub(crate) fn seeds() -> Vec<u64> {
    match env::var("SC_SEQUENCE") {
        Ok(seed) => vec![seed.parse().expect("SC_SEQUENCE is the number of a sequence")],
        Err(_) => (1..=if sc_tests::is_whole() { COUNTS.1 } else { COUNTS.0 }).collect(),
    }
}

/// Runs all sequences with the namespaces of `names`, which are as many as [`rooms`] says.
pub(crate) async fn run(names: Vec<Names>) -> Tally {
    let (begin, api) = (Instant::now(), Api::of_administrator().await);
    let seeds = Mutex::new(VecDeque::from(seeds()));
    let rooms = join_all(names.into_iter().map(|names| open(&api, names))).await;
    say(format_args!("{} rooms for sequences are ready after {:?}", rooms.len(), begin.elapsed()));
    let tallies = join_all(rooms.into_iter().map(|room| work(room, &seeds))).await;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::and);
    say(format_args!("sequences: {}, {} failures, {:.0?}, {:?}", tally.sequences, tally.failures.len(), begin.elapsed(), tally.seen));
    tally
}

/// A room whose job may do all that sequences ask of it.
async fn open(api: &Api, names: Names) -> Room {
    let values = json!({"connections": pool::all(&names.shops), "cleanup": {"enabled": true}});
    let mut room = Room::open(api, names, &SCENARIO, &values).await;
    room.look().await;
    room.start = room.live.clone();
    room
}

/// Takes one sequence after another.
async fn work(mut room: Room, seeds: &Mutex<VecDeque<u64>>) -> Tally {
    let mut tally = Tally::default();
    loop {
        let Some(number) = seeds.lock().await.pop_front() else { return tally };
        room.reset().await;
        let objects = room.start.of_connections(&room.names);
        let model = Model::new(&room.names, objects);
        let (said, seen, problems) = (Vec::new(), Vec::new(), Vec::new());
        let mut sequence = Sequence { room: &mut room, random: Random::new(number), model, said, seen, problems };
        sequence.play().await;
        tally.note(number, sequence);
    }
}

impl Sequence<'_> {
    async fn play(&mut self) {
        for _ in 0..FIRST {
            self.said.push(add(&mut self.random, &mut self.model, &self.room.names));
        }
        let steps = 6 + self.random.below(7);
        for step in 1..=steps {
            if step == steps || self.random.once_in(3) {
                self.run().await;
            } else {
                let said = operate(&mut self.random, &mut self.model, &self.room.names, &self.room.api).await;
                self.said.push(said);
            }
            if !self.problems.is_empty() {
                return;
            }
        }
        self.room.look().await;
    }

    /// A run, or one that is killed and another after it. Values that were wrong are mended then.
    async fn run(&mut self) {
        self.run_or_kill().await;
        self.model.has_mistake = false;
    }

    async fn run_or_kill(&mut self) {
        self.write_values().await;
        self.room.look().await;
        let before = self.room.live.clone();
        let expected = self.model.run();
        let untouched = self.untouched(&before);
        let kill = self.random.once_in(3).then(|| {
            let fault = self.random.pick(&[Fault::KilledBefore, Fault::KilledAfter]);
            (Target::Number(1 + self.random.below(LAST_REQUEST)), fault)
        });
        self.said.push(format!("run, exit {}, {}, {kill:?}", expected.exit, expected.summary()));
        let ran = self.room.run("pod", kill).await;
        self.check_any(&ran, &before, &untouched).await;
        if ran.ended.code.is_some() {
            self.check_summary(&expected);
            self.seen.extend(expected.outcomes.values().map(ToString::to_string));
            self.seen.extend(std::iter::repeat_n("adopted".to_owned(), expected.adopted));
            return self.check_end(&ran, expected.exit);
        }
        self.seen.push("killed".to_owned());
        self.check_claim(&before);
        let expected = self.model.run();
        let ran = self.room.run("pod", None).await;
        self.check_any(&ran, &before, &untouched).await;
        self.check_end(&ran, expected.exit);
    }

    /// Puts the connections into `sc-config`, as an installer would.
    async fn write_values(&self) {
        let values = STANDARD.encode(self.model.values().to_string());
        let path = self.of_system("secrets/sc-config");
        self.room.api.change(&path, &json!({"data": {"values.json": values}})).await;
    }

    /// What a run has no reason to write: strangers' objects, and what is as it should be.
    fn untouched(&self, before: &State) -> Vec<String> {
        let is_same = |path: &&String| before.only(path).differences(&self.model.objects.only(path)).is_empty();
        self.model.objects.0.keys().filter(is_same).cloned().collect()
    }

    /// What must hold after each run, killed or not: nothing was touched without need, and nothing was made anew that could be changed.
    async fn check_any(&mut self, ran: &Ran, before: &State, untouched: &[String]) {
        self.room.look().await;
        let (room, problems) = (&self.room, &mut self.problems);
        let touched = untouched.iter().filter(|path| room.live.0.get(*path) != before.0.get(*path));
        problems.extend(touched.map(|path| format!("{path} was touched")));
        let is_new = |(path, object): &(&String, &Value)| before.0.get(*path).is_some_and(|old| old["metadata"]["uid"] != object["metadata"]["uid"]);
        let objects = room.live.of_connections(&room.names);
        problems.extend(objects.0.iter().filter(is_new).map(|(path, _)| format!("{path} was deleted and made anew")));
        if ran.ended.output.contains(PASSWORD) {
            problems.push("the password was printed".to_owned());
        }
    }

    /// A run that was killed may have said that it succeeded only if all is done.
    fn check_claim(&mut self, before: &State) {
        let status = self.of_system("configmaps/sc-status");
        let is_written = self.room.live.0.get(&status) != before.0.get(&status);
        if is_written && self.room.live.claims_success(&self.room.names) {
            self.check_objects();
        }
    }

    fn check_objects(&mut self) {
        self.problems.extend(self.room.live.of_connections(&self.room.names).differences(&self.model.objects));
    }

    /// What must hold when a run has come to its end.
    fn check_end(&mut self, ran: &Ran, exit: i32) {
        self.check_objects();
        self.seen.push(format!("exit {exit}"));
        let live = &self.room.live;
        let mut lines: Vec<&str> = self.text("configmaps/sc-inventory-0", "objects").lines().collect();
        lines.sort_unstable();
        let ttl = &live.0[&format!("/apis/batch/v1/namespaces/{}/jobs/sc-job", self.room.names.system)]["spec"]["ttlSecondsAfterFinished"];
        let result = if exit == 0 { "Succeeded" } else { "Failed" };
        let claims = [
            (ran.ended.code == Some(exit), format!("exit code {:?} instead of {exit}: {}", ran.ended.code, ran.ended.output)),
            (lines == self.model.inventory(), format!("the inventory is {lines:?} instead of {:?}", self.model.inventory())),
            (live.claims_success(&self.room.names) == (exit == 0), "sc-status proves something else".to_owned()),
            (self.text("configmaps/sc-status", "result") == result, format!("the result is not {result}")),
            (*ttl == if exit == 0 { json!(60) } else { Value::Null }, format!("the Job's time to live is {ttl}")),
        ];
        self.problems.extend(claims.into_iter().filter(|(holds, _)| !holds).map(|(_, problem)| problem));
    }

    fn check_summary(&mut self, expected: &Expected) {
        let (found, expected) = (self.text("configmaps/sc-status", "summary"), expected.summary());
        if found != expected {
            self.problems.push(format!("the summary is `{found}` instead of `{expected}`"));
        }
    }

    /// A text in the data of an object in the namespace of the release.
    fn text(&self, path: &str, key: &str) -> &str {
        self.room.live.0.get(&self.of_system(path)).and_then(|object| object["data"][key].as_str()).unwrap_or_default()
    }

    fn of_system(&self, path: &str) -> String {
        format!("/api/v1/namespaces/{}/{path}", self.room.names.system)
    }
}

impl Tally {
    fn note(&mut self, number: u64, sequence: Sequence) {
        self.sequences += 1;
        sequence.seen.into_iter().for_each(|thing| *self.seen.entry(thing).or_default() += 1);
        if env::var_os("SC_SEQUENCE").is_some() {
            say(format_args!("{}", sequence.said.join("\n")));
        }
        if !sequence.problems.is_empty() {
            let steps = sequence.said.join("\n    ");
            let failure = format!("SC_SEQUENCE={number}\n    {steps}\n  {}", sequence.problems.join("\n  "));
            say(format_args!("FAILED {failure}"));
            self.failures.push(failure);
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.sequences += other.sequences;
        other.seen.into_iter().for_each(|(thing, count)| *self.seen.entry(thing).or_default() += count);
        self.failures.extend(other.failures);
        self
    }
}
