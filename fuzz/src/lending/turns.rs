//! POOL-11: how often others are served while a principal waits.

use std::collections::{BTreeMap, BTreeSet};

/// Who has passed whom.
#[derive(Default)]
pub(super) struct Turns {
    /// By the one that waits and the one that was served meanwhile: how often.
    passed: BTreeMap<(usize, usize), usize>,
    /// Principals who may have had a turn since the last poll, and gave it up.
    given_up: BTreeSet<usize>,
}

impl Turns {
    /// A principal may have had a turn, and has nothing of it.
    pub(super) fn give_up(&mut self, who: usize) {
        self.passed.retain(|(waits, _), _| *waits != who);
        self.given_up.insert(who);
    }

    /// Everybody has been polled: what was granted until now has been seen.
    pub(super) fn all_seen(&mut self) {
        self.given_up.clear();
    }

    /// Who waits, and was not served, counts how often others were. Who does not wait any
    /// more comes last again.
    ///
    /// # Returns
    /// Who has passed whom for which time.
    pub(super) fn count(
        &mut self,
        waits: &BTreeSet<usize>,
        queued: &BTreeSet<usize>,
        grants: &[usize],
    ) -> Vec<(usize, usize, usize)> {
        let served: BTreeSet<_> = grants.iter().copied().collect();
        self.passed.retain(|(who, _), _| !served.contains(who) && queued.contains(who));
        let mut counted = Vec::new();
        for &who in waits.difference(&served).filter(|who| !self.given_up.contains(who)) {
            for &other in grants {
                let passed = self.passed.entry((who, other)).or_default();
                *passed += 1;
                counted.push((who, other, *passed));
            }
        }
        counted
    }
}
