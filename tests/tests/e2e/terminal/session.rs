//! A session with `sc`: commands one after the other, and a transcript of all that was said.

use std::env;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sc_tests::helm::Answer;
use sc_tests::{built, canary, golden, tree};

use crate::bed::Bed;
use crate::held::Held;
use crate::kube;

/// So long a command may take to come to a point.
const LONG: Duration = Duration::from_secs(30);

/// The editor of a person, which a test puts on the PATH.
pub(crate) const EDITOR: &str = "edit-as-a-person";

/// When `sc` is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// When it was started.
    AtOnce,
    /// When it has made a Secret with credentials.
    OnceCredential,
    /// When Helm is at work.
    OncePending,
    /// The same, and Helm with it.
    OncePendingWithHelm,
    /// When the Job is there.
    OnceJob,
}

/// A session, with the release of a bed and its Helm.
pub(crate) struct Session<'a> {
    bed: &'a Bed,
    path: String,
    kubeconfig: Option<PathBuf>,
    transcript: String,
}

impl<'a> Session<'a> {
    /// A session whose `helm` is the bed's.
    pub(crate) fn of(bed: &'a Bed) -> Self {
        let folder = bed.folder().join("path");
        std::fs::create_dir_all(&folder).unwrap();
        symlink(bed.helm.program(), folder.join("helm")).unwrap();
        symlink(built("sc-cli", "sc"), folder.join("sc")).unwrap();
        let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap_or_default());
        Self { bed, path, kubeconfig: None, transcript: String::new() }
    }

    /// Takes another kubeconfig from here on.
    pub(crate) fn use_kubeconfig(&mut self, file: PathBuf) {
        self.kubeconfig = Some(file);
    }

    /// Puts a shell script on the PATH.
    pub(crate) fn put_on_path(&self, name: &str, script: &str) {
        let file = self.bed.folder().join("path").join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a command, and notes what it says. `SHOP` is the namespace of the connections.
    pub(crate) fn sc(&mut self, arguments: &str) -> Answer {
        self.sc_with(arguments, "")
    }

    /// The same with something on standard input.
    pub(crate) fn sc_with(&mut self, arguments: &str, input: &str) -> Answer {
        let (answer, code) = Self::ended(self.start(arguments, input));
        let said = format!("{}[standard error]\n{}[exit code]\n{code}\n\n", in_order(&answer.output), without_progress(&answer.errors));
        self.transcript.extend(["$ sc ", &shown(arguments), "\n", &self.normalised(&said)]);
        answer
    }

    /// Runs a command without noting it.
    pub(crate) fn run(&self, arguments: &str, input: &str) -> Answer {
        Self::ended(self.start(arguments, input)).0
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &str, input: &str) -> Child {
        let mut command = self.command("sc");
        command.args(self.filled_in(arguments).split_whitespace()).args(["--release-namespace", self.system()]);
        command.envs(self.kubeconfig.iter().map(|file| ("KUBECONFIG", file)));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child
    }

    /// A program on the session's PATH.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("env");
        command.arg(format!("PATH={}", self.path)).arg(program).current_dir(self.bed.folder());
        command
    }

    /// Arguments with the names that stand for others in them.
    pub(crate) fn filled_in(&self, arguments: &str) -> String {
        arguments.replace("SHOP", self.bed.shop()).replace("FOLDER", self.bed.folder().to_str().unwrap())
    }

    /// The namespace of the release.
    pub(crate) fn system(&self) -> &str {
        &self.bed.system
    }

    /// Runs a command and kills it at this point. Until then the run of the job stands, so that Helm waits for it.
    pub(crate) fn killed(&self, arguments: &str, input: &str, point: Point) {
        let lease = Held::by_somebody(self.bed);
        let mut child = self.start(arguments, input);
        match point {
            Point::AtOnce => {}
            Point::OnceCredential => self.wait_for_secret("a credential", "app.kubernetes.io/managed-by", |by| by == "sc"),
            Point::OncePending | Point::OncePendingWithHelm => self.wait_until_pending(),
            Point::OnceJob => kube::wait_for("the Job", LONG, || kube::get(&self.bed.system, "job", "sc-job").map(drop)),
        }
        if point == Point::OncePendingWithHelm {
            let helm = kube::wait_for("Helm", LONG, || children(child.id()).first().copied());
            signal(helm, "KILL");
        }
        let helms = children(child.id());
        // One that has ended meanwhile is another point to be killed at.
        let _ = child.kill();
        drop(lease);
        // Helm, which outlives it, may have written nothing yet.
        kube::wait_for("Helm to end", 2 * LONG, || (!helms.iter().any(|helm| is_at_work(*helm))).then_some(()));
        let output = child.wait_with_output().unwrap();
        canary::keep("sc", &String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }

    /// Runs a command, and interrupts it as soon as Helm has locked the release. The run of the job stands meanwhile, so that Helm waits for it.
    pub(crate) fn interrupted(&self, arguments: &str, input: &str) -> Answer {
        let lease = Held::by_somebody(self.bed);
        let child = self.start(arguments, input);
        self.wait_until_pending();
        signal(child.id(), "INT");
        let ended = Self::ended(child).0;
        drop(lease);
        ended
    }

    fn wait_until_pending(&self) {
        self.wait_for_secret("a pending release", "status", |status| status.starts_with("pending"));
    }

    /// Waits for a Secret in the namespace of the release whose label is such.
    fn wait_for_secret(&self, what: &str, label: &str, is: impl Fn(&str) -> bool) {
        let is_it = |secret: &serde_json::Value| secret["metadata"]["labels"][label].as_str().is_some_and(&is);
        kube::wait_for(what, LONG, || kube::list(&self.bed.system, "secrets").iter().any(is_it).then_some(()));
    }

    /// Runs a command of Helm's, as it was printed.
    pub(crate) fn helm(&self, command: &str) -> Answer {
        let arguments = command.split_whitespace().skip(1);
        kube::answer(&Command::new(self.bed.helm.program()).args(arguments).output().unwrap())
    }

    /// Runs a command line as a person would, with `sc`, `helm` and kubectl at hand, who types a credential when asked for one.
    pub(crate) fn shell(&self, command: &str) -> Answer {
        let mut shell = Command::new("bash");
        shell.args(["-ec", command]).env("PATH", &self.path).env("KUBE_EDITOR", EDITOR).current_dir(self.bed.folder());
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that asks for nothing may have ended.
        let _ = child.stdin.take().unwrap().write_all(b"hunter2-typed-hunter2\n");
        Self::ended(child).0
    }

    fn ended(child: Child) -> (Answer, i32) {
        let output = child.wait_with_output().unwrap();
        let answer = kube::answer(&output);
        canary::keep("sc", &[answer.output.as_str(), &answer.errors].concat());
        (answer, output.status.code().unwrap_or(-1))
    }

    /// Compares the transcript with the one that is kept. Both Helms give the same.
    pub(crate) fn end(self, name: &str) {
        golden::compare_one(&tree("tests/golden/terminal"), &format!("{name}.txt"), &self.transcript);
    }

    fn normalised(&self, text: &str) -> String {
        let text = without_times(text).replace(self.bed.shop(), "SHOP").replace(&self.bed.system, "SYSTEM");
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || "-:.+".contains(c);
        let mut words = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_of_word) {
            let end = rest[start..].find(|c| !is_of_word(c)).map_or(rest.len(), |length| start + length);
            words += &rest[..start];
            words += &constant(&rest[start..end]);
            rest = &rest[end..];
        }
        (words + rest).lines().map(|line| narrow(line) + "\n").collect()
    }
}

/// The log of a run: its result, and then what it has logged, without how far it has come after a while. A container has two streams, which are joined as
/// they are come upon.
fn in_order(output: &str) -> String {
    let lines = output.split_inclusive('\n').filter(|line| !["so far ", "looking at connection set "].iter().any(|begin| line.starts_with(begin)));
    let (logged, told): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.contains("  INFO "));
    told.concat() + &logged.concat()
}

/// A word of a transcript, without what differs from run to run.
fn constant(word: &str) -> String {
    let is_time = word.len() > 18 && word.starts_with("20") && word.as_bytes()[10] == b'T';
    if is_time {
        return if word.ends_with('.') { "TIME.".to_owned() } else { "TIME".to_owned() };
    }
    let is_version = word.starts_with('v') && word[1..].starts_with(|c: char| c.is_ascii_digit()) && word.matches('.').count() == 2;
    if is_version {
        return "VERSION".to_owned();
    }
    match word.strip_prefix("sc-credentials-").and_then(|rest| rest.rsplit_once('-')) {
        Some((name, _)) => format!("sc-credentials-{name}-RANDOM"),
        None => word.to_owned(),
    }
}

/// The text with `N ms` for how long something took.
fn without_times(text: &str) -> String {
    let mut parts = text.split(" ms");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.truncate(whole.trim_end_matches(|c: char| c.is_ascii_digit()).len());
        whole += "N ms";
        whole += part;
    }
    whole
}

/// A line with gaps of two blanks at most, since those of a table depend on the names in it.
fn narrow(line: &str) -> String {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let cells: Vec<&str> = text.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    indent.to_owned() + &cells.join("  ")
}

/// How the command is shown: a credential on it is one of the test's.
pub(crate) fn shown(arguments: &str) -> String {
    let words = arguments
        .split_whitespace()
        .map(|word| word.split_once("hunter2").map_or_else(|| word.to_owned(), |(before, _)| format!("{before}CREDENTIAL")));
    words.collect::<Vec<_>>().join(" ")
}

/// What was said but for what is said only when it takes long.
fn without_progress(errors: &str) -> String {
    errors.lines().filter(|line| !line.ends_with(" …") && !line.contains(": still at it, ")).flat_map(|line| [line, "\n"]).collect()
}

/// The processes that a process has started.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Whether there is such a process, and it has not ended.
fn is_at_work(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap();
    assert!(sent.success(), "{process} has ended");
}
