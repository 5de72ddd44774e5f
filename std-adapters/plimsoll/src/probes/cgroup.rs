//! Where the cgroup of this process is, and what it and those above it may have.

use std::path::{Path, PathBuf};

use super::error::ProbeError;
use super::files::{Asked, Root, text};
use super::limit::ProbeLimit;
use super::measured::Measured;
use super::parse;

/// The cgroup of this process in the tree of cgroup v2.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cgroup {
    /// The folders of the cgroup and of those above it that are mounted here, the lowest first.
    /// Never empty.
    Found(Vec<PathBuf>),
    /// The file that does not tell where it is.
    NotHere(PathBuf),
}

impl Cgroup {
    /// The text by which it is known whether the process has moved to another cgroup.
    pub(super) fn membership(root: &Root) -> Option<String> {
        text(&root.at("/proc/self/cgroup")).ok()
    }

    pub(super) fn find(root: &Root, membership: Option<&str>) -> Self {
        let Some(path) = membership.and_then(parse::cgroup_path) else {
            return Self::NotHere(root.at("/proc/self/cgroup"));
        };
        let info = root.at("/proc/self/mountinfo");
        let mounts = text(&info).unwrap_or_default();
        let mut folders = parse::cgroup_mounts(&mounts).filter_map(|(top, point)| {
            // A cgroup outside of what this process may see has `..` in its path.
            let path = Path::new(path).strip_prefix(&top).ok()?;
            let is_below = path.components().all(|part| part.as_os_str() != "..");
            is_below.then(|| levels(&root.at(&point), path))
        });
        folders.next().map_or(Self::NotHere(info), Self::Found)
    }

    /// The folders, the lowest first.
    pub(super) fn levels(&self) -> &[PathBuf] {
        match self {
            Self::Found(levels) => levels,
            Self::NotHere(_) => &[],
        }
    }

    /// The lowest folder that has such a file: a cgroup without a controller of its own is
    /// accounted by the one above it.
    fn lowest_with(&self, file: &str, limit: ProbeLimit) -> Result<usize, ProbeError> {
        let levels = match self {
            Self::Found(levels) => levels,
            Self::NotHere(file) => return Err(Asked { limit, file }.not_here()),
        };
        let found = levels.iter().position(|level| level.join(file).exists());
        found.ok_or_else(|| Asked { limit, file: &levels[0].join(file) }.not_here())
    }

    /// A counter of `memory.events`.
    pub(super) fn events(&self, key: &str, limit: ProbeLimit) -> Result<u64, ProbeError> {
        let file = self.levels_from("memory.events", limit)?[0].join("memory.events");
        Asked { limit, file: &file }.parsed("a count of each event", |text| parse::field(text, key))
    }

    /// The memory that is in use, and how much there may be: the least of what the cgroup and those
    /// above it may have, and what is left of none of them. So the capacity less the depth is what
    /// may be had still.
    pub(super) fn memory(&self, limit: ProbeLimit) -> Result<Measured, ProbeError> {
        let levels = self.levels_from("memory.current", limit)?;
        let own = used(&levels[0], limit)?;
        let (mut ceiling, mut left) = (None::<u64>, u64::MAX);
        for level in levels {
            let file = level.join("memory.max");
            let asked = Asked { limit, file: &file };
            let max = match asked.parsed("a number of bytes or `max`", parse::bound) {
                // The root of the tree has none.
                Err(ProbeError::NotHere { .. }) => continue,
                max => max?,
            };
            let Some(max) = max else { continue };
            let used = if level == &levels[0] { own } else { used(level, limit)? };
            ceiling = Some(ceiling.map_or(max, |least| least.min(max)));
            left = left.min(max.saturating_sub(used));
        }
        Ok(match ceiling {
            Some(ceiling) => {
                Measured { value: ceiling - left.min(ceiling), capacity: Some(ceiling) }
            }
            None => Measured { value: own, capacity: None },
        })
    }

    fn levels_from(&self, file: &str, limit: ProbeLimit) -> Result<&[PathBuf], ProbeError> {
        let lowest = self.lowest_with(file, limit)?;
        Ok(&self.levels()[lowest..])
    }
}

/// The folder of a cgroup, and those above it up to the mount.
fn levels(mount: &Path, path: &Path) -> Vec<PathBuf> {
    path.ancestors().map(|path| mount.join(path)).collect()
}

/// What a cgroup uses, without the file cache that the kernel takes back first when memory is
/// short.
fn used(level: &Path, limit: ProbeLimit) -> Result<u64, ProbeError> {
    let file = level.join("memory.current");
    let current = Asked { limit, file: &file }.parsed("a number of bytes", parse::count)?;
    let stat = text(&level.join("memory.stat")).ok();
    let cache = stat.and_then(|stat| parse::field(&stat, "inactive_file")).unwrap_or(0);
    Ok(current.saturating_sub(cache))
}
