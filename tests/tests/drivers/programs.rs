//! The programs of `tests/drivers/`, one for each ecosystem: cases go in as lines of JSON, and so do answers come out.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

/// The longest that a program may take.
const LIMIT: &str = "300";

/// Where clients come from; each has one program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ecosystem {
    Python,
    Node,
    Go,
    Java,
}

/// What a parser is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The parser.
    pub(crate) parser: &'static str,
    /// The name of the variable.
    pub(crate) key: String,
    /// The variable.
    pub(crate) text: String,
    /// All variables of its Secret.
    pub(crate) variables: BTreeMap<String, String>,
}

/// What a parser answers: the fields that it read, or what it says is wrong.
pub(crate) type Answer = Result<BTreeMap<String, String>, String>;

/// The answers, in the order of the questions, and the version of each parser.
pub(crate) struct Answers {
    pub(crate) answers: Vec<Answer>,
    pub(crate) versions: BTreeMap<String, String>,
}

/// What `scripts/drivers env` says.
static PLACES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| sc_tests::places::of_drivers(&[]));

/// What `scripts/drivers env` says of `SC_DRIVERS_<name>`.
pub(crate) fn place(name: &str) -> &'static str {
    &PLACES[name]
}

impl Ecosystem {
    pub(crate) const ALL: [Self; 4] = [Self::Python, Self::Node, Self::Go, Self::Java];

    fn command(self) -> Vec<String> {
        let program = |path: &str| sc_tests::tree(&format!("tests/drivers/{path}")).display().to_string();
        let words = match self {
            Self::Python => vec![place("PYTHON").to_owned(), "-B".into(), program("python/read.py")],
            Self::Node => vec![place("NODE").to_owned(), "--no-warnings".into(), program("node/read.js")],
            Self::Go => vec![place("GO").to_owned()],
            Self::Java => vec!["java".into(), "-cp".into(), format!("{}/*", place("JAVA")), program("java/Read.java")],
        };
        ["timeout", LIMIT].map(str::to_owned).into_iter().chain(words).collect()
    }

    /// Asks the program. `inside` is put before its command, to run it where the servers are; then it logs in instead of parsing.
    pub(crate) fn ask(self, questions: &[&Question], inside: &[String]) -> Answers {
        let command: Vec<String> = inside.iter().cloned().chain(self.command()).collect();
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env("NODE_PATH", place("NODE_MODULES"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command[0]));
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let lines: Vec<String> = questions.iter().enumerate().map(|(id, question)| question.line(id, !inside.is_empty())).collect();
        let found: Vec<Value> = std::thread::scope(|scope| {
            // A program that ends early is found by the answers that are missing.
            scope.spawn(move || lines.iter().try_for_each(|line| input.write_all(line.as_bytes())));
            BufReader::new(output).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
        });
        let status = child.wait().unwrap();
        assert_eq!(found.len(), questions.len() + 1, "{self:?} ended early ({status}): its last answer was {:?}", found.last());
        Answers { versions: texts(&found[0]["versions"]), answers: found[1..].iter().enumerate().map(|(id, line)| answer(id, line)).collect() }
    }
}

impl Question {
    fn line(&self, id: usize, login: bool) -> String {
        let Self { parser, key, text, variables } = self;
        json!({"id": id, "parser": parser, "key": key, "text": text, "variables": variables, "login": login}).to_string() + "\n"
    }
}

fn answer(id: usize, line: &Value) -> Answer {
    assert_eq!(line["id"], id, "answers come in the order of questions");
    match line["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(texts(&line["read"])),
    }
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    map.as_object()
        .unwrap_or_else(|| panic!("{map} is no answer"))
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}
