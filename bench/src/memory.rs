//! The most memory that a pod of the job has had, by its cgroup; by that of its container where pods have none, as where the kubelet has
//! `cgroupsPerQOS: false`. What the runtime needs to start the container is in it.

use std::fs;
use std::path::{Path, PathBuf};

/// What has the peak, in version 1 of cgroups and in version 2.
const PEAKS: [&str; 2] = ["memory.max_usage_in_bytes", "memory.peak"];

/// The file with the peak of the job that runs in a pod of this namespace; nothing as long as there is none.
#[must_use]
pub fn peak_file(namespace: &str) -> Option<PathBuf> {
    let process = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path()).find(|process| is_job_of(process, namespace))?;
    let folder = folder(&fs::read_to_string(process.join("cgroup")).ok()?)?;
    PEAKS.iter().map(|peak| folder.join(peak)).find(|file| file.exists())
}

/// Reads such a file, in bytes; nothing when the pod is gone.
#[must_use]
pub fn peak(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The chart tells the job its namespace by the environment.
fn is_job_of(process: &Path, namespace: &str) -> bool {
    let is_job = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "sc-job");
    let told = format!("POD_NAMESPACE={namespace}");
    is_job && fs::read(process.join("environ")).is_ok_and(|text| text.split(|byte| *byte == 0).any(|variable| variable == told.as_bytes()))
}

/// The folder of the memory cgroup by the lines of cgroups(7), `<id>:<controllers>:<path>`: that of the pod, if the container's is in one.
fn folder(lines: &str) -> Option<PathBuf> {
    let named = |controller: &str| lines.lines().find_map(|line| line.split_once(&format!(":{controller}:"))).map(|(_, path)| path);
    let (root, path) = named("memory").map(|path| ("/sys/fs/cgroup/memory", path)).or_else(|| Some(("/sys/fs/cgroup", named("")?)))?;
    let container = Path::new(root).join(path.trim_start_matches('/'));
    let is_pod = |folder: &&Path| folder.file_name().is_some_and(|name| name.to_string_lossy().contains("pod") && name != "kubepods");
    Some(container.parent().filter(is_pod).map(Path::to_owned).unwrap_or(container))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cgroup_of_a_pod_is_that_around_its_container() {
        assert_eq!(folder("0::/kubepods/burstable/pod1-2/abc\n").unwrap(), Path::new("/sys/fs/cgroup/kubepods/burstable/pod1-2"));
        assert_eq!(folder("5:cpu:/x\n7:memory:/kubepods/pod1/abc\n0::/x\n").unwrap(), Path::new("/sys/fs/cgroup/memory/kubepods/pod1"));
    }

    #[test]
    fn a_container_without_a_pod_stands_for_itself() {
        assert_eq!(folder("7:memory:/k8s.io/abc\n0::/\n").unwrap(), Path::new("/sys/fs/cgroup/memory/k8s.io/abc"));
        assert_eq!(folder("7:memory:/kubepods/abc\n").unwrap(), Path::new("/sys/fs/cgroup/memory/kubepods/abc"));
    }
}
