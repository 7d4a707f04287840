//! The page docs/performance.md, made from what was measured.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::figure::{Figure, PROMISES, Promise, Results, Target, Unit};
use crate::raw_runs::IN_FLIGHT;

/// Writes the page, if all that it promises was measured.
///
/// # Errors
/// If something is missing, or the file cannot be written.
pub fn write(results: &Results, path: &Path) -> Result<()> {
    let missing = results.missing();
    ensure!(missing.is_empty(), "not measured yet, so no page is written: {}; run those parts of scripts/bench", missing.join(", "));
    fs::write(path, page(results)).with_context(|| format!("failed to write {}", path.display()))
}

/// The text of the page.
#[must_use]
pub fn page(results: &Results) -> String {
    let conditions = &results.conditions;
    let mut text = format!(
        "# Performance\n\n\
         `scripts/bench` wrote this page on {}. API server ({}), etcd, and what is measured shared {} cores and {} GiB of memory of one machine.\n\n",
        conditions.date, conditions.kubernetes, conditions.cores, conditions.memory_gib
    );
    text.push_str(METHOD);
    if let Some(best) = results.notes.get("in-flight") {
        let _ = writeln!(
            text,
            "Before each part the best number of requests in flight for the plain loop is looked for, of {}. The last time it was {best}.\n",
            listed(&IN_FLIGHT)
        );
    }
    text.push_str("## Promised and reached\n\n| what | promised | median | least to greatest | runs | |\n|---|---|---|---|---|---|\n");
    text.extend(PROMISES.iter().filter_map(|promise| Some(row(promise, results.figures.get(promise.id)?))));
    text.push_str(PLOTS);
    text.push_str(&protocols(results));
    text
}

const METHOD: &str = "The machine is shared and drifts, so all speeds are ratios: ours and the baseline run right beside each other, take turns in who begins (beside kubectl and Helm ours begins), and each pair gives one ratio. \
A ratio above 1 says that ours is faster, but for the Job that does nothing, where it says how much longer ours takes. Times on another machine will differ; ratios should not.\n\n\
- **Ours** is the process `sc-job` from its start to its end, with connections in sets of 1,000, each of which names the namespaces of its own, 50 fresh ones in all, and with the rights that the chart grants, but for the reruns by GET, which may not `list`.\n\
- **The plain loop** sends the very same requests and does nothing else: bodies made beforehand, one kept-alive TLS connection for each request in flight, as the same user. Its clock runs from the first \
connection to the last answer. It is held against `wrk`.\n\
- **kubectl** and **Helm** 4 get the same Secrets as manifests, and as templates of a chart.\n\
- **Needed** requests are one for each object and each referenced Secret, two for each set, and one for each page of the inventory.\n\
- **The Job that does nothing** is a hook of the same image with the same Pod settings, which prints its version.\n\n\
Where the time goes, what was tried, and why some of it is not kept is in [decision 0008](decisions/0008-what-a-connection-costs.md).\n\n";

const PLOTS: &str = "\n## By number of connections\n\n![Objects a second by number of connections](performance/rate.svg)\n\n\
![Peak memory by number of connections](performance/memory.svg)\n\n## Beside kubectl and Helm\n\n![Seconds for 1,000 connections](performance/peers.svg)\n";

fn row(promise: &Promise, figure: &Figure) -> String {
    let Some(summary) = figure.summary else { return String::new() };
    let unit = promise.unit;
    let kept = match promise.target.is_kept(figure) {
        Some(true) => "kept",
        Some(false) => "**not kept**",
        None => "",
    };
    let spread = format!("{} to {}", unit.number(summary.min), unit.number(summary.max));
    let spread = if figure.samples.len() > 1 { spread } else { String::new() };
    format!("| {} | {} | {} | {spread} | {} | {kept} |\n", promise.what, target(promise), unit.amount(summary.median), figure.samples.len())
}

fn target(promise: &Promise) -> String {
    match promise.target {
        Target::AtLeast(limit) => format!("≥ {}", promise.unit.limit(limit)),
        Target::AtMost(limit) => format!("≤ {}", promise.unit.limit(limit)),
        Target::Exactly(number) => promise.unit.limit(number),
        Target::None => String::new(),
    }
}

/// Both protocols side by side; nothing if they were not measured.
fn protocols(results: &Results) -> String {
    let mut rows = String::new();
    for (way, name) in [("http1", "HTTP/1.1, a connection for each"), ("http2", "HTTP/2, one connection")] {
        for in_flight in IN_FLIGHT {
            let cell = |verb| Some(cell(results.figures.get(&format!("protocol-{way}-{in_flight}-{verb}"))?));
            if let (Some(post), Some(get)) = (cell("post"), cell("get")) {
                let _ = writeln!(rows, "| {name} | {in_flight} | {post} | {get} |");
            }
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "\n## HTTP/1.1 and HTTP/2\n\nRequests a second of the plain loop: median, least and greatest.\n\n| protocol | in flight | POST | GET |\n|---|---|---|---|\n{rows}"
    )
}

fn cell(figure: &Figure) -> String {
    figure.summary.map_or_else(String::new, |summary| format!("{:.0} ({:.0} to {:.0})", summary.median, summary.min, summary.max))
}

fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Unit {
    /// A number as it is shown.
    fn number(self, number: f64) -> String {
        match self {
            Self::Requests | Self::Objects => format!("{number:.0}"),
            Self::Percent | Self::Milliseconds | Self::Mebibytes => format!("{number:.1}"),
            Self::Times | Self::Seconds | Self::Megabytes => format!("{number:.2}"),
        }
    }

    /// The same with its unit.
    fn amount(self, number: f64) -> String {
        format!("{}{}", self.number(number), self.name())
    }

    /// A limit, which was given with few digits.
    fn limit(self, number: f64) -> String {
        format!("{number}{}", self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Times => " times",
            Self::Percent => " %",
            Self::Seconds => " s",
            Self::Milliseconds => " ms",
            Self::Mebibytes => " MiB",
            Self::Megabytes => " MB",
            Self::Requests | Self::Objects => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_promise_median_spread_and_verdict() {
        let promise = PROMISES.iter().find(|promise| promise.id == "install-10000").unwrap();
        let row = row(promise, &Figure::of(vec![0.9, 1.0, 1.1]));
        assert!(row.ends_with("| ≥ 0.95 times | 1.00 times | 0.90 to 1.10 | 3 | kept |\n"), "{row}");
        assert!(super::row(promise, &Figure::of(vec![0.5])).ends_with("| **not kept** |\n"));
    }

    #[test]
    fn no_page_is_written_of_half_the_figures() {
        let refused = write(&Results::default(), Path::new("/nowhere/page.md")).unwrap_err().to_string();
        assert!(refused.starts_with("not measured yet") && refused.contains("install-10000"), "{refused}");
    }

    #[test]
    fn protocols_that_were_not_measured_are_not_shown() {
        assert_eq!(protocols(&Results::default()), "");
    }
}
