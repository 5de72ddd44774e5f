//! POOL-8: which instance is lent first, and which goes first.

use std::collections::BTreeMap;

use super::pair::Pair;

/// Which objects came back when, as far as that is known.
#[derive(Default)]
pub(super) struct Heat {
    returns: usize,
    returned: BTreeMap<usize, usize>,
}

impl Heat {
    pub(super) fn on_return(&mut self, id: usize) {
        self.returns += 1;
        self.returned.insert(id, self.returns);
    }
}

impl Pair<'_> {
    /// The idle objects, the coldest first: `None` where something else decides who gets which, or not all
    /// of them have been seen to come back.
    pub(super) fn by_heat(&self) -> Option<Vec<usize>> {
        if self.stand.setup.isolation != 2 || !self.is_line_empty() || self.is_closed {
            return None;
        }
        let mut idle = Vec::new();
        self.stand.pool.retain(|object| {
            idle.push(object.id);
            true
        });
        let returned = &self.heat.returned;
        if !idle.iter().all(|id| returned.contains_key(id)) {
            return None;
        }
        idle.sort_by_key(|id| returned[id]);
        Some(idle)
    }

    /// The warmest is lent.
    pub(super) fn assert_warmest(&mut self, before: Option<Vec<usize>>, id: usize) {
        let Some(before) = before else { return };
        if !self.stand.world.ailing.lock().expect("no panic").is_empty() {
            return;
        }
        if let Some(warmest) = before.last() {
            assert_eq!(id, *warmest, "POOL-8: the warmest of {before:?}");
            self.seen.note_if(before.len() > 1, "warmest of several");
        }
    }

    /// Those that are evicted are the coldest.
    pub(super) fn assert_coldest(&mut self, before: Option<Vec<usize>>) {
        let (Some(before), Some(after)) = (before, self.by_heat()) else { return };
        let gone = before.len() - after.len();
        assert_eq!(before[gone..], after, "POOL-8: the coldest of {before:?}");
        self.seen.note_if(gone > 0 && !after.is_empty(), "coldest of several");
    }
}
