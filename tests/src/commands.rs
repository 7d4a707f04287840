//! The code blocks of the README and the guides, and what is to be done with each.
//!
//! The words after a fence say it. `sh`: it is run. `sh exit 3: REASON`: it is run and ends with that code. `sh not run: REASON`: it is not.
//! `yaml FILE`: it is written to that file. Whatever else: it is only shown.

use std::fs;

use crate::{files, stem, tree};

/// What is done with a block.
#[derive(Debug, PartialEq, Eq)]
pub enum Use {
    /// Its commands are run, and end with this code.
    Run(i32),
    /// They are not, for this reason.
    NotRun(String),
    /// It is the text of this file.
    File(String),
    /// It is there to be read.
    Shown,
}

/// A code block.
#[derive(Debug)]
pub struct Block {
    /// The line that its fence is in.
    pub line: usize,
    /// What is done with it.
    pub used: Use,
    /// What is in it.
    pub text: String,
}

/// The documents whose commands are run, by a short name, with their blocks in order.
pub fn documents() -> Vec<(String, Vec<Block>)> {
    let guides = files("docs/guides", "md").into_iter().map(|file| (stem(&file), file));
    let documents = guides.chain([("readme".to_owned(), tree("README.md"))]);
    documents.map(|(name, file)| (name, blocks(&fs::read_to_string(file).unwrap()))).collect()
}

/// The blocks of a text.
///
/// # Panics
/// If a block of commands is marked in a way that is not known.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(info), None) => open = Some(Block { line: index + 1, used: used(info), text: String::new() }),
            (None, Some(mut block)) => {
                block.text += line;
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end: {open:?}");
    blocks
}

fn used(info: &str) -> Use {
    let (language, mark) = info.split_once(' ').unwrap_or((info, ""));
    match (language, mark) {
        ("sh", "") => Use::Run(0),
        ("sh", _) => commands(mark).unwrap_or_else(|| panic!("`{info}`: write `not run: REASON` or `exit CODE: REASON`")),
        ("bash" | "shell" | "console", _) => panic!("`{info}`: write `sh`"),
        (_, "") => Use::Shown,
        (_, file) => Use::File(file.to_owned()),
    }
}

fn commands(mark: &str) -> Option<Use> {
    let (what, reason) = mark.split_once(": ").filter(|(_, reason)| !reason.is_empty())?;
    match what.strip_prefix("exit ") {
        Some(code) => Some(Use::Run(code.parse().ok()?)),
        None => (what == "not run").then(|| Use::NotRun(reason.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_after_a_fence_say_what_is_done() {
        for (info, expected) in [
            ("sh", Use::Run(0)),
            ("sh exit 3: why", Use::Run(3)),
            ("sh not run: why", Use::NotRun("why".to_owned())),
            ("yaml values.yaml", Use::File("values.yaml".to_owned())),
            ("yaml", Use::Shown),
        ] {
            let found = blocks(&format!("text\n```{info}\na\nb\n```\n"));
            assert_eq!((&found[0].used, found[0].line, found[0].text.as_str()), (&expected, 2, "a\nb\n"), "{info}");
        }
    }

    #[test]
    fn a_mark_that_gives_no_reason_is_refused() {
        for info in ["sh not run", "sh not run: ", "sh exit 3", "sh exit x: why", "sh later", "bash"] {
            assert!(std::panic::catch_unwind(|| blocks(&format!("```{info}\n```\n"))).is_err(), "{info}");
        }
    }
}
