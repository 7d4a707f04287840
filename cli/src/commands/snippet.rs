//! `sc snippet`: a workload that uses a connection, to start from.

use anyhow::Result;
use serde_json::json;

use crate::args::workload::SnippetArgs;
use crate::listing::{Listing, Wanted};
use crate::manifest::{Ordered, yaml};
use crate::output;
use crate::place::Place;
use crate::workload::{Needs, merged, nested};

/// The name of a workload of which none was given.
const NAME: &str = "your-workload";
/// The image of its container.
const IMAGE: &str = "your-registry.example/your-image:1.0";
/// What a person fills in: how the line begins, and what to say about it.
const TO_FILL_IN: [(&str, &str); 4] = [
    ("name: your-workload", "what you call it"),
    ("image: your-registry.example/", "the image of your program"),
    ("schedule: ", "when it runs, here at each full hour"),
    ("serviceName: ", "the headless Service of its pods"),
];

/// Prints it.
pub(crate) async fn run(args: &SnippetArgs, place: &Place) -> Result<u8> {
    let wanted = Wanted::of(&args.selection, place)?;
    let listing = Listing::of(args.values.as_deref(), place).await?;
    let others = || if listing.all_broken(&wanted).next().is_none() { &*listing.problems } else { &[] };
    let found = listing.find(&wanted).inspect_err(|_| output::problems_beside(others()))?;
    let container = json!({"name": args.container, "image": args.image.as_deref().unwrap_or(IMAGE)});
    let needed = Needs::of(&found.connection).missing(&json!({}), &container).unwrap_or_default();
    let example = args.kind.example(args.workload.as_deref().unwrap_or(NAME), found.connection.namespace.as_str());
    let whole = [json!({"spec": {"containers": [container]}}), needed].map(|pod| nested(args.kind.template(), pod)).iter().fold(example, merged);
    output::print(&commented(&yaml(&Ordered(&whole))?))?;
    Ok(0)
}

/// The text with a comment behind each line that is to be filled in.
fn commented(text: &str) -> String {
    let comment = |line: &str| TO_FILL_IN.iter().find(|(start, _)| line.trim_start_matches([' ', '-']).starts_with(start));
    let line = |line: &str| comment(line).map_or_else(|| format!("{line}\n"), |(_, comment)| format!("{line}  # {comment}\n"));
    text.lines().map(line).collect()
}
