//! What somebody asked of the API server, by the audit log of a cluster of `scripts/cluster`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::api::Api;

const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];
const WRITTEN: Duration = Duration::from_mins(1);

/// How many requests there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// All that were answered.
    pub all: usize,
    /// Those that write, outside of the namespace of the release.
    pub writes_outside: usize,
}

impl Requests {
    /// What there is here beyond an earlier count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { all: self.all - earlier.all, writes_outside: self.writes_outside - earlier.writes_outside }
    }
}

/// The audit log of a cluster.
#[derive(Debug, Clone)]
pub struct Audit {
    folder: PathBuf,
}

impl Audit {
    /// That of the cluster whose kubeconfig this is.
    ///
    /// # Errors
    /// If there is none beside the kubeconfig.
    pub fn beside(kubeconfig: &Path) -> Result<Self> {
        let folder = kubeconfig.parent().context("the kubeconfig lies in no folder")?.to_owned();
        let missing = "there is no audit.log beside the kubeconfig: run this on a cluster of scripts/cluster";
        anyhow::ensure!(folder.join("audit.log").exists(), missing);
        Ok(Self { folder })
    }

    /// The requests of a user that had been answered when this was called.
    ///
    /// # Errors
    /// If the log cannot be read, or is not written in time.
    pub fn requests(&self, api: &mut Api, user: &str, system: &str) -> Result<Requests> {
        self.wait_for_the_end(api)?;
        let mut requests = Requests::default();
        for file in self.files()? {
            for line in BufReader::new(File::open(file)?).split(b'\n') {
                requests.count(&String::from_utf8_lossy(&line?), user, system);
            }
        }
        Ok(requests)
    }

    /// The log is written in batches: a request that is made now is the mark that all earlier ones are in.
    fn wait_for_the_end(&self, api: &mut Api) -> Result<()> {
        let mark = format!("mark-{}", fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim());
        api.get(&format!("/api/v1/namespaces/default/configmaps/{mark}"))?;
        api.wait("the audit log", WRITTEN, |_| {
            let log = fs::read(self.folder.join("audit.log"))?;
            let end = &log[log.len().saturating_sub(1 << 20)..];
            Ok(String::from_utf8_lossy(end).contains(&mark))
        })
    }

    /// The log, and what was put aside of it when it had grown.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let paths = fs::read_dir(&self.folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
        let is_log = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("audit") && name.ends_with(".log")
        };
        Ok(paths.into_iter().filter(is_log).collect())
    }
}

impl Requests {
    fn count(&mut self, line: &str, user: &str, system: &str) {
        if !line.contains(user) {
            return;
        }
        let entry: Value = serde_json::from_str(line).unwrap_or_default();
        if entry["user"]["username"] != user || entry["stage"] != "ResponseComplete" {
            return;
        }
        self.all += 1;
        let is_write = entry["verb"].as_str().is_some_and(|verb| WRITES.contains(&verb));
        self.writes_outside += usize::from(is_write && entry["objectRef"]["namespace"] != system);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn counted(user: &str, verb: &str, namespace: &str) -> Requests {
        let entry = json!({"stage": "ResponseComplete", "verb": verb, "user": {"username": user}, "objectRef": {"namespace": namespace}});
        let mut requests = Requests::default();
        requests.count(&entry.to_string(), "job", "system");
        requests
    }

    #[test]
    fn only_writes_outside_of_the_release_are_counted_as_such() {
        assert_eq!(counted("job", "create", "shop"), Requests { all: 1, writes_outside: 1 });
        assert_eq!(counted("job", "get", "shop"), Requests { all: 1, writes_outside: 0 });
        assert_eq!(counted("job", "update", "system"), Requests { all: 1, writes_outside: 0 });
    }

    #[test]
    fn requests_of_others_are_not_counted() {
        assert_eq!(counted("job-of-another", "create", "shop"), Requests::default());
    }
}
