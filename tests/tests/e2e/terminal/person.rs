//! A person at a terminal: asked without echo, asked before something is taken away, and told what takes long.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sc_tests::canary;

use super::session::{Session, children};
use super::{CREATE, PAIRS};
use crate::bed::{self, Helm};
use crate::kube;

#[test]
fn who_types_is_asked_without_echo_and_before_anything_is_taken_away() {
    bed::with(Helm::Four, "person", 1, |bed| {
        let session = Session::of(bed);
        assert!(session.run("install", "").is_ok);
        let made =
            talk(&session, session.at_terminal(&format!("{CREATE} --secret name=app")), &[("password (not shown): ", "hunter2-kept-hunter2\n")]);
        assert!(made.contains("created connection `orders`"), "{made}");
        assert!(!made.contains("hunter2"), "what is typed is not shown: {made}");
        assert!(made.contains("creating connection `orders`") && made.contains('\u{1b}'), "a spinner says what takes long: {made}");
        assert_eq!(super::password(bed), "hunter2-kept-hunter2");

        let kept = talk(&session, session.at_terminal("delete orders"), &[("(y/N): ", "n\n")]);
        assert!(kept.contains("nothing was changed"), "{kept}");
        kube::existing(bed.shop(), "secret", "sc-orders-secret");
        let deleted = talk(&session, session.at_terminal("delete orders"), &[("(y/N): ", "y\n")]);
        assert!(deleted.contains("deleted connection `orders`"), "{deleted}");
        assert!(kube::get(bed.shop(), "secret", "sc-orders-secret").is_none());
        assert!(session.run(&format!("{CREATE} --secret --credentials-stdin"), PAIRS).is_ok, "and it can be made again");
    });
}

/// Whether the release is free to be changed by others.
fn is_free(namespace: &str) -> bool {
    let lease = kube::get(namespace, "lease", "sc-cli");
    lease.is_none_or(|lease| lease["spec"]["holderIdentity"].as_str().unwrap_or_default().is_empty())
}

/// Answers each prompt when it comes, while nobody else is kept waiting; returns all that was shown.
fn talk(session: &Session<'_>, mut child: Child, answers: &[(&str, &str)]) -> String {
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut byte) = (Vec::new(), [0]);
    let mut answers = answers.iter();
    let mut next = answers.next();
    while output.read(&mut byte).unwrap() == 1 {
        shown.push(byte[0]);
        if let Some((prompt, answer)) = next.filter(|(prompt, _)| shown.ends_with(prompt.as_bytes())) {
            assert!(is_free(session.system()), "whoever thinks about an answer holds the release");
            // Nobody types in the moment between the prompt and the end of the echo.
            if prompt.contains("not shown") {
                kube::wait_for("the echo to end", Duration::from_secs(10), || is_without_echo(child.id()).then_some(()));
            }
            input.write_all(answer.as_bytes()).unwrap();
            next = answers.next();
        }
    }
    let code = child.wait().unwrap();
    let shown = String::from_utf8_lossy(&shown).into_owned();
    canary::keep("sc", &shown);
    assert!(next.is_none(), "it was asked: {shown} ({code})");
    shown
}

/// Whether the terminal of the program that `script` runs shows what is typed no more.
fn is_without_echo(script: u32) -> bool {
    let terminal = children(script).first().and_then(|program| std::fs::read_link(format!("/proc/{program}/fd/0")).ok());
    let modes = terminal.map(|terminal| Command::new("stty").arg("-F").arg(terminal).arg("-a").output().unwrap().stdout);
    modes.is_some_and(|modes| String::from_utf8_lossy(&modes).split_whitespace().any(|mode| mode == "-echo"))
}

impl Session<'_> {
    /// Starts a command at a terminal of its own, by `script` of util-linux.
    fn at_terminal(&self, arguments: &str) -> Child {
        let mut command = self.command("script");
        let line = format!("sc {} --release-namespace {}", self.filled_in(arguments), self.system());
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}
