//! What is promised, what was measured, and the file that keeps both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Conditions;
use crate::statistics::Summary;

/// What is measured, in the order of the page.
pub const PROMISES: [Promise; 37] = [
    Promise::new("install-10000", "first install of 10,000 connections: rate against the plain POST loop", Unit::Times, Target::AtLeast(0.95)),
    Promise::new("create-1000", "first install of 1,000: as fast as `kubectl create`", Unit::Times, Target::AtLeast(4.0)),
    Promise::new("apply-1000", "first install of 1,000: as fast as `kubectl apply --server-side`", Unit::Times, Target::AtLeast(5.0)),
    Promise::new("helm-1000", "first install of 1,000: as fast as `helm install`", Unit::Times, Target::AtLeast(6.0)),
    Promise::new("loop-create-1000", "the plain POST loop, 1,000: as fast as `kubectl create`", Unit::Times, Target::None),
    Promise::new("loop-apply-1000", "the plain POST loop, 1,000: as fast as `kubectl apply --server-side`", Unit::Times, Target::None),
    Promise::new("loop-helm-1000", "the plain POST loop, 1,000: as fast as `helm install`", Unit::Times, Target::None),
    Promise::new("rerun-get-10000", "rerun of 10,000, by GET: rate against the plain GET loop", Unit::Times, Target::AtLeast(0.95)),
    Promise::new("rerun-list-10000", "rerun of 10,000, `list` granted: rate against the plain GET loop", Unit::Times, Target::AtLeast(8.0)),
    Promise::new("rerun-list-seconds-100000", "rerun of 100,000, `list` granted", Unit::Seconds, Target::AtMost(10.0)),
    Promise::new("upgrade-1000", "rerun of 1,000: as fast as `helm upgrade` without a change", Unit::Times, Target::AtLeast(15.0)),
    Promise::new("rerun-writes", "rerun of 10,000: writes outside of the release's namespace", Unit::Requests, Target::Exactly(0.0)),
    Promise::new("rerun-versions", "rerun of 10,000: Secrets whose resourceVersion changed", Unit::Objects, Target::Exactly(0.0)),
    Promise::new("changed-writes", "one changed of 10,000: writes outside of the release's namespace", Unit::Requests, Target::Exactly(1.0)),
    Promise::new("scale-1000", "first install of 1,000: rate against the plain POST loop", Unit::Times, Target::None),
    Promise::new("scale-10000", "first install of 10,000: rate against the plain POST loop", Unit::Times, Target::None),
    Promise::new("scale-100000", "first install of 100,000: rate against the plain POST loop", Unit::Times, Target::None),
    Promise::new("scale-spread", "how far these three medians are apart", Unit::Percent, Target::AtMost(10.0)),
    Promise::new("memory-10000", "peak memory of the process, 10,000 connections", Unit::Mebibytes, Target::AtMost(20.0)),
    Promise::new("memory-pod-10000", "peak memory of the Job's cgroup, 10,000 connections", Unit::Mebibytes, Target::AtMost(20.0)),
    Promise::new("memory-100000", "peak memory of the process, 100,000 connections", Unit::Mebibytes, Target::AtMost(40.0)),
    Promise::new("memory-1000", "peak memory of the process, 1,000 connections", Unit::Mebibytes, Target::None),
    Promise::new("cpu-install", "CPU on a first install of 10,000, of what API server and etcd use", Unit::Percent, Target::AtMost(15.0)),
    Promise::new("cpu-rerun", "CPU on a rerun of 10,000 by GET, of what API server and etcd use", Unit::Percent, Target::AtMost(15.0)),
    Promise::new("requests-install", "requests of a first install of 10,000, beyond the needed ones", Unit::Requests, Target::AtMost(20.0)),
    Promise::new("requests-rerun", "requests of a rerun of 10,000 by GET, beyond the needed ones", Unit::Requests, Target::AtMost(20.0)),
    Promise::new("image-unpacked", "image, unpacked", Unit::Megabytes, Target::AtMost(5.5)),
    Promise::new("image-packed", "image, compressed", Unit::Megabytes, Target::AtMost(2.4)),
    Promise::new("start", "from the start of the process to its first byte to the API server", Unit::Milliseconds, Target::AtMost(20.0)),
    Promise::new("one-seconds", "one connection: from `helm upgrade --install` to the Secret, and the Job gone", Unit::Seconds, Target::AtMost(4.0)),
    Promise::new("one-idle", "one connection: time against a hook Job that does nothing", Unit::Times, Target::AtMost(1.15)),
    Promise::new("sc-list-10000", "`sc list` of 10,000", Unit::Seconds, Target::AtMost(1.0)),
    Promise::new("sc-offline", "the slowest command of `sc` that asks no cluster", Unit::Milliseconds, Target::AtMost(20.0)),
    Promise::new("plan-10000", "planning of 10,000 connections of all kinds", Unit::Milliseconds, Target::AtMost(500.0)),
    Promise::new("plan-memory-10000", "peak memory of planning 10,000", Unit::Mebibytes, Target::AtMost(24.0)),
    Promise::new("wrk", "the plain loop against `wrk`, POST: rate", Unit::Times, Target::AtLeast(0.9)),
    Promise::new("wrk-get", "the plain loop against `wrk`, GET: rate", Unit::Times, Target::AtLeast(0.9)),
];

/// One line of the page.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// Its name in the file of results.
    pub id: &'static str,
    /// What it is about.
    pub what: &'static str,
    /// What its numbers count.
    pub unit: Unit,
    /// What is promised.
    pub target: Target,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How often something goes into another.
    Times,
    /// Hundredths.
    Percent,
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// 1,048,576 bytes.
    Mebibytes,
    /// 1,000,000 bytes.
    Megabytes,
    /// Requests to the API server.
    Requests,
    /// Objects of the API server.
    Objects,
}

/// What is promised of a median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// Neither more nor less, in any sample.
    Exactly(f64),
    /// Nothing; the number explains others.
    None,
}

/// Two times, right beside each other, in milliseconds, or whatever else is compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// What ours took.
    pub ours: f64,
    /// What the baseline took.
    pub baseline: f64,
}

/// All that was measured for one promise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The number of each run, such as a ratio.
    pub samples: Vec<f64>,
    /// The times that ratios come from, in milliseconds; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
    /// Median, least and greatest of `samples`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// The file of results: parts that are measured again take the place of what was there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    /// On what it was measured, and when.
    pub conditions: Conditions,
    /// What else should be known, such as how many requests in flight were best for the plain loop, in words.
    pub notes: BTreeMap<String, String>,
    /// By the `id` of the promise, and others that only plots need.
    pub figures: BTreeMap<String, Figure>,
}

impl Promise {
    const fn new(id: &'static str, what: &'static str, unit: Unit, target: Target) -> Self {
        Self { id, what, unit, target }
    }
}

impl Target {
    /// Whether a figure keeps it; nothing where nothing is promised.
    #[must_use]
    pub fn is_kept(self, figure: &Figure) -> Option<bool> {
        let median = figure.summary?.median;
        match self {
            Self::AtLeast(limit) => Some(median >= limit),
            Self::AtMost(limit) => Some(median <= limit),
            Self::Exactly(number) => Some(figure.samples.iter().all(|sample| (sample - number).abs() < f64::EPSILON)),
            Self::None => None,
        }
    }
}

impl Figure {
    /// Plain numbers, one a run.
    #[must_use]
    pub fn of(samples: Vec<f64>) -> Self {
        Self { summary: Summary::of(&samples), samples, pairs: Vec::new() }
    }

    /// How many times as fast ours is, by the times of pairs of runs.
    #[must_use]
    pub fn speed(pairs: Vec<Pair>) -> Self {
        let samples: Vec<f64> = pairs.iter().map(|pair| pair.baseline / pair.ours).collect();
        Self { pairs, ..Self::of(samples) }
    }

    /// How many times as much ours is, by pairs of runs.
    #[must_use]
    pub fn share(pairs: Vec<Pair>) -> Self {
        let samples: Vec<f64> = pairs.iter().map(|pair| pair.ours / pair.baseline).collect();
        Self { pairs, ..Self::of(samples) }
    }

    /// How many hundredths ours is of the baseline, by pairs of runs.
    #[must_use]
    pub fn percent(pairs: Vec<Pair>) -> Self {
        let samples: Vec<f64> = pairs.iter().map(|pair| 100.0 * pair.ours / pair.baseline).collect();
        Self { pairs, ..Self::of(samples) }
    }

    /// All runs of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (samples, pairs): (Vec<f64>, _) = ([self.samples, other.samples].concat(), [self.pairs, other.pairs].concat());
        Self { summary: Summary::of(&samples), samples, pairs }
    }

    /// How far ours is above the baseline, by pairs of runs.
    #[must_use]
    pub fn excess(pairs: Vec<Pair>) -> Self {
        let samples: Vec<f64> = pairs.iter().map(|pair| pair.ours - pair.baseline).collect();
        Self { pairs, ..Self::of(samples) }
    }
}

impl Results {
    /// Reads the file; empty if there is none.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(text) => {
                serde_json::from_slice(&text).with_context(|| format!("failed to read results from {}: delete it to begin anew", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("failed to read results from {}", path.display())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_string_pretty(self)? + "\n").with_context(|| format!("failed to write results to {}", path.display()))
    }

    /// Keeps a figure under its name.
    pub fn keep(&mut self, id: &str, figure: Figure) {
        self.figures.insert(id.to_owned(), figure);
    }

    /// Takes the figures of others over, and their notes as far as there are none of this name.
    pub fn take_over(&mut self, others: Self) {
        self.figures.extend(others.figures);
        for (name, note) in others.notes {
            self.notes.entry(name).or_insert(note);
        }
    }

    /// The promises that were not measured yet.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        PROMISES.iter().map(|promise| promise.id).filter(|id| !self.figures.contains_key(*id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_time_is_twice_the_speed() {
        assert_eq!(Figure::speed(vec![Pair { ours: 50.0, baseline: 100.0 }]).samples, [2.0]);
    }

    #[test]
    fn a_target_is_held_against_the_median() {
        let figure = Figure::of(vec![0.5, 1.0, 1.1]);
        assert_eq!(Target::AtLeast(0.95).is_kept(&figure), Some(true));
        assert_eq!(Target::AtMost(0.95).is_kept(&figure), Some(false));
        assert_eq!(Target::None.is_kept(&figure), None);
    }

    #[test]
    fn an_exact_target_is_held_against_each_sample() {
        assert_eq!(Target::Exactly(0.0).is_kept(&Figure::of(vec![0.0, 0.0, 1.0])), Some(false));
        assert_eq!(Target::Exactly(1.0).is_kept(&Figure::of(vec![1.0, 1.0])), Some(true));
    }

    #[test]
    fn runs_of_one_figure_add_up() {
        let figure = |ours| Figure::speed(vec![Pair { ours, baseline: 100.0 }]);
        let both = figure(50.0).and(figure(25.0));
        assert_eq!((both.samples.as_slice(), both.pairs.len(), both.summary.unwrap().median), ([2.0, 4.0].as_slice(), 2, 3.0));
    }

    #[test]
    fn what_was_not_measured_keeps_nothing() {
        assert_eq!(Target::AtMost(1.0).is_kept(&Figure::default()), None);
        assert_eq!(Results::default().missing().len(), PROMISES.len());
    }

    #[test]
    fn each_promise_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = PROMISES.iter().map(|promise| promise.id).collect();
        assert_eq!(names.len(), PROMISES.len());
    }

    #[test]
    fn results_survive_the_file() {
        let mut results = Results::default();
        results.keep("start", Figure::speed(vec![Pair { ours: 1.0, baseline: 2.0 }]));
        let text = serde_json::to_string(&results).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&text).unwrap().figures, results.figures);
    }
}
