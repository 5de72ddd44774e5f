//! One look at everything that is measured.

use std::path::PathBuf;

use super::cgroup::Cgroup;
use super::error::ProbeError;
use super::files::{Asked, Root};
use super::limit::{Origin, ProbeLimit};
use super::measured::Measured;
use super::parse::{self, SECOND_US};

/// Reads the files of a limit.
pub(super) fn measure(
    limit: ProbeLimit,
    root: &Root,
    cgroup: &Cgroup,
) -> Result<Measured, ProbeError> {
    let without_bound = |value| Measured { value, capacity: None };
    match limit.origin() {
        Origin::Memory => cgroup.memory(limit),
        Origin::Events(key) => cgroup.events(key, limit).map(without_bound),
        Origin::Rss => Asked { limit, file: &root.at("/proc/self/status") }
            .parsed("a line VmRSS in kB", parse::resident)
            .map(without_bound),
        Origin::Stall(resource, line) => {
            let value = stall_us(limit, root, cgroup, resource, line)?;
            Ok(Measured { value, capacity: Some(SECOND_US) })
        }
    }
}

/// The stalls of the cgroup, or else those of the whole system.
fn stall_us(
    limit: ProbeLimit,
    root: &Root,
    cgroup: &Cgroup,
    resource: &str,
    line: &str,
) -> Result<u64, ProbeError> {
    let read = |file: PathBuf| {
        let asked = Asked { limit, file: &file };
        asked.parsed("the averages of a pressure file", |text| parse::stall_us(text, line))
    };
    let own = cgroup.levels().first().map(|level| level.join(format!("{resource}.pressure")));
    match own.map(read) {
        None | Some(Err(ProbeError::NotHere { .. })) => {
            read(root.at(&format!("/proc/pressure/{resource}")))
        }
        Some(answer) => answer,
    }
}
