//! The suspicion that the host has fallen silent, and not its guests (LIVE-9).

use std::collections::HashMap;

use plimsoll_core::keepalive::SlotKey;

use super::attended::Attended;
use super::windows::Windows;

/// Runs whose window has passed, and which are not reported yet.
///
/// A stall of the host ends all notifications at one moment, and runs expire when their window has
/// passed since *their* last one: spread over as much time as their notifications are. So each is
/// held back for as long as the slack of its window allows. If more than so many are held at one
/// time, that is a crowd. Guests that notify seldom come too slowly for that; for them the others
/// are asked, when the hold of one ends: see [`Others`].
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// By place: its key, and until which tick it is held.
    held: HashMap<usize, (SlotKey, u64)>,
}

impl Crowd {
    /// Holds a run that has expired when `expired` came, if it is not held already.
    ///
    /// # Returns
    /// Until which tick.
    pub(super) fn hold(
        &mut self,
        key: SlotKey,
        expired: u64,
        window_ns: u64,
        of: &Attended,
    ) -> u64 {
        let until = expired.saturating_add(hold_ticks(window_ns, of));
        self.held.entry(key.index()).or_insert((key, until)).1
    }

    /// It has given a sign of life, has left, or was reported.
    pub(super) fn release(&mut self, place: usize) {
        self.held.remove(&place);
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Drops those that are not silent any more.
    pub(super) fn retain(&mut self, mut is_due: impl FnMut(SlotKey) -> bool) {
        self.held.retain(|_, (key, _)| is_due(*key));
    }

    pub(super) fn take(&mut self) -> Vec<SlotKey> {
        self.held.drain().map(|(_, (key, _))| key).collect()
    }
}

/// Ticks for which a silence can be held back within the slack of its window: it is found three
/// ticks after the window at the latest, and a step may be one late.
pub(super) fn hold_ticks(window_ns: u64, of: &Attended) -> u64 {
    let slack = Windows::slack_ns(window_ns, of.length()) / of.length().as_nanos().max(1) as u64;
    slack.saturating_sub(4)
}

/// What the other runs do while one is silent.
///
/// While a host stands still no guest notifies. Among guests that do, some have done so just now:
/// even of those that notify once per window, one in twenty has within a twentieth of it.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Those without a notification for half of their window.
    quiet: usize,
    /// Those with one just now.
    fresh: usize,
}

impl Others {
    pub(super) fn add(&mut self, age: u64, window: u64, just_now: u64) {
        self.quiet += usize::from(age.saturating_mul(2) >= window);
        self.fresh += usize::from(age <= just_now);
    }

    /// How many are quiet, if these are more than `max`, and next to none of the others are not.
    pub(super) fn all_quiet(&self, max: usize) -> Option<usize> {
        let Self { quiet, fresh } = *self;
        (quiet > max && fresh.saturating_mul(20) < quiet).then_some(quiet)
    }
}
