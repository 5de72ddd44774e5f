//! The memory that items take, measured in a process that holds nothing else.
//!
//! What a process has given back to its allocator is taken again without a trace. So each sample
//! starts the program beside this one, `plimsoll-bench-memory`, which calls [`held_bytes`].

use std::fs;
use std::time::Duration;

use crate::areas::{keepalive, memory};
use crate::case::Case;
use crate::tool::Tool;

/// Items of one kind.
pub(crate) struct Held {
    /// Names them, once in all cases.
    pub(crate) name: &'static str,
    /// The name of what they are compared with.
    pub(crate) baseline: &'static str,
    /// The bytes that so many of them take.
    pub(crate) bytes: fn(usize) -> u64,
}

fn kinds() -> impl Iterator<Item = &'static Held> {
    memory::HELD.iter().flat_map(|(_, kinds)| *kinds).chain(&keepalive::HELD)
}

/// The bytes that this process has more while it holds so many items of the kind with that name;
/// `None` if there is no such kind, or no way to find out.
pub fn held_bytes(name: &str, items: usize) -> Option<u64> {
    resident()?;
    let kind = kinds().find(|kind| kind.name == name)?;
    Some((kind.bytes)(items))
}

/// A case of the memory that so many items of each kind take, divided by their number; `None` where
/// nobody can tell.
pub(crate) fn case(
    name: &'static str,
    unit: &'static str,
    items: u64,
    kinds: &[Held],
) -> Option<Case> {
    const ROUNDS_MAX: usize = 3;
    resident()?;
    let case = Case::new(name, unit, 1).counting("bytes");
    let add = |case: Case, kind: &Held| {
        case.subject(kind.name, kind.baseline, in_a_process_of_its_own(kind.name))
    };
    Some(kinds.iter().fold(case, add).fixed(items, ROUNDS_MAX))
}

fn in_a_process_of_its_own(name: &'static str) -> impl FnMut(u64) -> Duration {
    move |items| {
        let tool = Tool::beside("plimsoll-bench-memory");
        Duration::from_nanos(tool.args([name, &items.to_string()]).number())
    }
}

/// The bytes that this process has more with what `make` makes than without it.
pub(crate) fn more<T>(make: impl FnOnce() -> T) -> u64 {
    let before = resident().unwrap_or(0);
    let made = make();
    let held = resident().unwrap_or(0).saturating_sub(before);
    drop(made);
    held
}

/// The bytes of this process that are in memory; `None` where that cannot be told.
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        assert!(kinds().all(|kind| names.insert(kind.name)));
        assert_eq!(held_bytes("no such kind", 1), None);
    }

    #[test]
    fn what_is_made_is_seen() {
        if resident().is_none() {
            return;
        }
        let bytes = more(|| vec![1_u8; 64 << 20]);
        assert!((64 << 20..80 << 20).contains(&bytes), "{bytes}");
    }
}
