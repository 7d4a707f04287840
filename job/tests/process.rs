//! The process itself: what Kubernetes and the kernel see of it.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs against an API server that takes connections and never answers.
struct Waiting {
    process: Child,
    silent: TcpListener,
}

impl Waiting {
    fn start() -> Self {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        silent.set_nonblocking(true).unwrap();
        let folder = format!("{}/{}", env!("CARGO_TARGET_TMPDIR"), silent.local_addr().unwrap().port());
        fs::create_dir_all(&folder).unwrap();
        let (kubeconfig, values) = (format!("{folder}/kubeconfig"), format!("{folder}/values.yaml"));
        let server = format!("http://{}", silent.local_addr().unwrap());
        let parts = format!("clusters: [{{name: x, cluster: {{server: '{server}'}}}}]\nusers: [{{name: x, user: {{}}}}]");
        fs::write(&kubeconfig, format!("{parts}\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\ncurrent-context: x\n")).unwrap();
        fs::write(&values, "connections: []").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sc-job"));
        command.args(["--values", &values, "--status-namespace", "sc-system"]).env("KUBECONFIG", kubeconfig);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let waiting = Self { process, silent };
        until("it has connected", || waiting.silent.accept().is_ok());
        waiting
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn no_core_dump_is_written() {
    let limits = Waiting::start().proc("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
}

#[test]
fn a_signal_ends_it_within_five_seconds_though_nobody_answers() {
    let mut waiting = Waiting::start();
    let begun = Instant::now();
    assert!(Command::new("kill").arg(waiting.process.id().to_string()).status().unwrap().success());
    until("it has ended", || waiting.process.try_wait().unwrap().is_some());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(waiting.process.wait().unwrap().code(), Some(1));
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        sleep(Duration::from_millis(20));
    }
}
