//! The most memory that a pod has had, by its cgroup.

use std::fs;
use std::path::{Path, PathBuf};

/// Where cgroups are: version 1 has a tree for memory alone.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"];
/// What has the peak, in version 1 and in version 2.
const PEAKS: [&str; 2] = ["memory.max_usage_in_bytes", "memory.peak"];
/// So deep below the root a pod may be.
const DEPTH: usize = 5;

/// The file with the peak of the pod of this UID; nothing as long as there is none.
#[must_use]
pub fn peak_file(uid: &str) -> Option<PathBuf> {
    let names = [uid.to_owned(), uid.replace('-', "_")];
    let folder = ROOTS.iter().find_map(|root| find(Path::new(root), &names, DEPTH))?;
    PEAKS.iter().map(|peak| folder.join(peak)).find(|file| file.exists())
}

/// Reads such a file, in bytes; nothing when the pod is gone.
#[must_use]
pub fn peak(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn find(folder: &Path, names: &[String], depth: usize) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    let is_it = |path: &&PathBuf| path.file_name().is_some_and(|name| names.iter().any(|wanted| name.to_string_lossy().contains(wanted)));
    if let Some(found) = folders.iter().find(is_it) {
        return Some(found.clone());
    }
    folders.iter().filter(|_| depth > 0).find_map(|folder| find(folder, names, depth - 1))
}
