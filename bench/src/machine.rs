//! The machine that is measured on, and the CPU time of the API server and of etcd.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::{SysconfVar, sysconf};
use serde::{Deserialize, Serialize};

/// What a reader has to know to judge the numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Of the last measurement, as in `2026-11-25`.
    pub date: String,
    /// How many cores the cluster and what is measured share.
    pub cores: usize,
    /// The memory of the machine, in GiB, rounded.
    pub memory_gib: u64,
    /// Version of the API server.
    pub kubernetes: String,
}

impl Conditions {
    /// Looks at this machine, and at the date.
    ///
    /// # Errors
    /// If Linux does not say.
    pub fn look(&mut self) -> Result<()> {
        let text = fs::read_to_string("/proc/meminfo")?;
        let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).context("/proc/meminfo has no MemTotal")?;
        let kib: u64 = total.trim().trim_end_matches(" kB").parse()?;
        self.memory_gib = (kib + (1 << 19)) >> 20;
        self.date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        self.cores = std::thread::available_parallelism()?.get();
        Ok(())
    }
}

/// How many processes wanted to run in the last minute, on average; beyond 1, something else runs.
///
/// # Errors
/// If Linux does not say.
pub fn load() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().context("/proc/loadavg is empty")?.parse()?)
}

/// The processes of the control plane that do the work of a request.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    stats: Vec<PathBuf>,
    ticks_in_a_second: u64,
}

impl ControlPlane {
    /// That of the cluster whose kubeconfig this is.
    ///
    /// # Errors
    /// If it is not one of `scripts/cluster`, which keeps the process ids beside the kubeconfig.
    pub fn beside(kubeconfig: &Path) -> Result<Self> {
        let stat = |part| {
            let path = kubeconfig.with_file_name("pids").join(part);
            let text =
                fs::read_to_string(&path).with_context(|| format!("failed to read the process id of {part}: is it a cluster of scripts/cluster?"))?;
            let id = text.split_whitespace().next().context("there is no process id")?;
            anyhow::Ok(PathBuf::from(format!("/proc/{id}/stat")))
        };
        let ticks = sysconf(SysconfVar::CLK_TCK)?.context("the clock has no ticks")?;
        Ok(Self { stats: vec![stat("kube-apiserver")?, stat("etcd")?], ticks_in_a_second: u64::try_from(ticks)? })
    }

    /// CPU time since they were started, in microseconds; as exact as the kernel's ticks.
    ///
    /// # Errors
    /// If a process is gone.
    pub fn cpu_microseconds(&self) -> Result<u64> {
        let mut ticks = 0;
        for path in &self.stats {
            ticks += ticks_of(&fs::read_to_string(path)?).context("a stat of /proc has another form than proc(5) says")?;
        }
        Ok(ticks * 1_000_000 / self.ticks_in_a_second)
    }
}

/// `utime` and `stime`, fields 14 and 15 of proc_pid_stat(5), which follow a name that may hold blanks itself.
fn ticks_of(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_shifts_no_field() {
        assert_eq!(ticks_of("7 (a) b c) S 1 2 3 4 5 6 7 8 9 10 30 12 13 14"), Some(42));
    }
}
