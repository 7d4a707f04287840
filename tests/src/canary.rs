//! Credentials of tests are canaries: each carries a mark at both ends, so that half of it is still known. What is said anywhere is kept, and one
//! gate at the end of the suite looks for the mark in all of it.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tree;

/// What every credential of a test carries.
pub const MARK: &str = "hunter2";
/// Where outputs are kept until the gate reads them.
pub const FOLDER: &str = "target/test/outputs";

/// A credential for a test.
pub fn of(text: &str) -> String {
    if text.starts_with(MARK) { text.to_owned() } else { format!("{MARK}-{text}-{MARK}") }
}

/// Keeps what was said, for the gate. `source` is a word, such as `helm`.
pub fn keep(source: &str, said: &str) {
    let folder = tree(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{source}-{}.txt", std::process::id()));
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    // In one write, since tests run side by side.
    file.write_all(format!("{said}\n").as_bytes()).unwrap();
}

/// The lines of a text that show a credential, in one of its forms.
pub fn sightings(text: &str) -> Vec<String> {
    let forms = forms();
    let shows = |line: &&str| forms.iter().any(|form| line.contains(form.as_str()));
    // Base64 may be broken into lines.
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut seen: Vec<String> = text.lines().filter(shows).map(str::to_owned).collect();
    if seen.is_empty() && shows(&joined.as_str()) {
        seen.push("(broken into lines)".to_owned());
    }
    seen
}

/// The mark as it is, in percent and in hexadecimal digits, and within base64 and base64 of base64.
fn forms() -> BTreeSet<String> {
    let once = within_base64(MARK);
    let twice: Vec<String> = once.iter().flat_map(|form| within_base64(form)).collect();
    let hexadecimal = digits("");
    let percent = digits("%");
    [MARK.to_owned(), hexadecimal.to_uppercase(), hexadecimal, percent.to_uppercase(), percent].into_iter().chain(once).chain(twice).collect()
}

/// The mark in hexadecimal digits, two a byte.
fn digits(before_each: &str) -> String {
    MARK.bytes().fold(String::new(), |text, byte| text + before_each + &format!("{byte:02x}"))
}

/// What of the text shows within base64, by where it begins in a group of three bytes.
fn within_base64(text: &str) -> [String; 3] {
    [0, 1, 2].map(|before| {
        let encoded = STANDARD.encode([&"x".repeat(before), text].concat());
        // Each character carries six bits: those that carry bits of a neighbour go.
        let (first, last) = ((before * 8).div_ceil(6), (before + text.len()) * 8 / 6);
        encoded[first..last].to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_seen_in_each_of_its_forms() {
        let canary = of("it's");
        let (left, right) = canary.split_at(canary.len() / 2);
        let base64 = |before: &str, text: &str| STANDARD.encode([before, text, "tail"].concat());
        let inner = base64("host=x password=", &canary);
        let mut forms = vec![canary.clone(), left.to_owned(), right.to_owned(), canary.replace('h', "H").replace('H', "h")];
        for before in ["", "a", "ab"] {
            forms.extend([base64(before, &canary), base64(before, left), base64(before, right), base64(before, &inner)]);
        }
        forms.extend([digits("%"), digits("%").to_uppercase(), digits("")]);
        forms.push(base64("", &canary).chars().flat_map(|c| [c, '\n']).collect());
        for form in forms {
            assert!(!sightings(&format!("level=info said={form} and more")).is_empty(), "{form}");
        }
    }

    #[test]
    fn what_is_no_canary_is_not_seen() {
        for text in ["", "a hunter, 2 hares", "Secret shop/sc-orders-secret", &STANDARD.encode("password=something else")] {
            assert_eq!(sightings(text), [""; 0], "{text}");
        }
    }
}
