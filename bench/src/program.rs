//! Runs other programs: what they took, what they said, and never longer than they may.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// How often it is looked whether a program has ended; no time that is measured depends on it.
const LOOK: Duration = Duration::from_millis(5);
/// So much of what a failed program said is shown.
const SHOWN: usize = 2000;

/// What a program took, by the program `timed`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// From its start to its end.
    pub milliseconds: f64,
    /// CPU time, in user and system mode, of it and of what it started.
    pub cpu_microseconds: u64,
    /// The most memory that it, or a program that it started, had at a time.
    pub peak_kib: u64,
    /// Its exit code; nothing if a signal ended it.
    pub code: Option<i32>,
}

/// Where programs are, and how long one may run.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The binary of the job.
    pub job: PathBuf,
    /// The program `plan`, built as the job is.
    pub plan: PathBuf,
    /// The program for a terminal.
    pub sc: PathBuf,
    /// The image, as an OCI archive.
    pub archive: PathBuf,
    /// The folder of this crate's own programs.
    pub own: PathBuf,
    /// Where what programs say is kept until it is read.
    pub work: PathBuf,
    /// The longest that one may run.
    pub limit: Duration,
}

impl Programs {
    /// Runs a command by `timed`; it must end with 0.
    ///
    /// # Errors
    /// If it cannot be started, does not end in time, or ends otherwise.
    pub fn timed(&self, command: &Command) -> Result<Took> {
        let mut timed = Command::new(self.own.join("timed"));
        timed.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                timed.env(name, value);
            }
        }
        let took: Took = serde_json::from_str(&self.output(&mut timed)?).context("`timed` said nothing that can be read")?;
        ensure!(took.code == Some(0), "{} ended with {:?}: {}", described(command), took.code, self.errors());
        Ok(took)
    }

    /// Runs a command, which must end with 0; gives what it printed.
    ///
    /// # Errors
    /// If it cannot be started, does not end in time, or ends otherwise.
    pub fn output(&self, command: &mut Command) -> Result<String> {
        let status = self.wait(&mut self.start(command)?, command)?;
        ensure!(status.success(), "{} ended with {status}: {}", described(command), self.errors());
        fs::read_to_string(self.work.join("output")).context("the output cannot be read")
    }

    /// Starts a command whose output goes to a file; one at a time.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(&self, command: &mut Command) -> Result<Child> {
        let (output, errors) = (File::create(self.work.join("output"))?, File::create(self.work.join("errors"))?);
        let command = command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        command.spawn().with_context(|| format!("failed to start {}", described(command)))
    }

    /// Waits for the end of what [`Self::start`] started, and ends it and its children if it takes too long.
    ///
    /// # Errors
    /// If it takes too long.
    pub fn wait(&self, child: &mut Child, command: &Command) -> Result<ExitStatus> {
        let begin = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if begin.elapsed() > self.limit {
                killpg(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL)?;
                child.wait()?;
                bail!("{} did not end in {} s", described(command), self.limit.as_secs());
            }
            sleep(LOOK);
        }
    }

    /// The end of what the last command wrote to its standard error.
    #[must_use]
    pub fn errors(&self) -> String {
        let text = fs::read(self.work.join("errors")).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(SHOWN)..]).trim().to_owned()
    }

    /// A command with one of this crate's own programs.
    #[must_use]
    pub fn own(&self, name: &str) -> Command {
        Command::new(self.own.join(name))
    }

    /// A path for a file of one run.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }
}

fn described(command: &Command) -> String {
    let name = |path: &std::ffi::OsStr| Path::new(path).file_name().unwrap_or(path).to_string_lossy().into_owned();
    let arguments: Vec<String> = command.get_args().take(4).map(|argument| argument.to_string_lossy().into_owned()).collect();
    format!("`{} {}`", name(command.get_program()), arguments.join(" "))
}
