//! Events on their way to another thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use plimsoll_core::{Announcement, AnnouncementKind, Level, Ring, RingSlot};

use super::entry::{Entries, Entry};
use crate::error::BuildError;
use crate::event::Event;

const CAPACITY_MAX: usize = 1 << 24;

/// What deferred delivery has to deliver. The hot path puts a record in a lock-free ring (REG-4);
/// the warnings of exhausted limits, which carry text and are rare, wait in a list of their own.
///
/// A thread that stops for ever in the middle of its push holds up the records behind it; other
/// threads go on, and what then finds no room is counted.
pub(crate) struct Queue {
    ring: Ring<Box<[RingSlot]>>,
    warnings: Mutex<VecDeque<Event>>,
    warnings_dropped: AtomicU64,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Result<Self, BuildError> {
        if capacity > CAPACITY_MAX {
            return Err(BuildError::RingTooLarge { capacity });
        }
        let slots: Box<[RingSlot]> = (0..capacity).map(|_| RingSlot::new()).collect();
        Ok(Self {
            ring: Ring::with_slots(slots).map_err(BuildError::Ring)?,
            warnings: Mutex::new(VecDeque::new()),
            warnings_dropped: AtomicU64::new(0),
        })
    }

    pub(crate) fn push(&self, entry: &Entry, announcement: &Announcement) {
        entry.enqueue();
        if self.ring.push(pack(entry.id(), announcement)).is_err() {
            entry.dequeue();
        }
    }

    pub(crate) fn push_warning(&self, warning: Event) {
        let mut warnings = self.warnings.lock();
        if warnings.len() < self.ring.capacity() {
            warnings.push_back(warning);
        } else {
            // Relaxed: the count carries no other data.
            self.warnings_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn pop(&self, entries: &Entries) -> Option<Event> {
        if let Some(record) = self.ring.pop() {
            let (id, announcement) = unpack(record);
            // An entry with a record in the ring is live or departed.
            let entry = entries.dequeue(id)?;
            return Some(Event::announced(entry.tag().clone(), announcement, entry.waiting()));
        }
        self.warnings.lock().pop_front()
    }

    /// How much one round delivers, so that it ends however much is pushed meanwhile.
    pub(crate) fn round(&self) -> usize {
        2 * self.ring.capacity()
    }

    pub(crate) fn dropped(&self) -> u64 {
        // Relaxed: the count carries no other data.
        self.ring.dropped() + self.warnings_dropped.load(Ordering::Relaxed)
    }
}

/// A record of the ring, low bit of the first word first; fields can straddle two words:
///
/// ```text
/// id        54  the entry
/// sequence  64
/// depth     47  a larger one is cut (a gauge holds 2^46)
/// peak      47  likewise
/// duration  40  ms; all ones: not known
/// level      2
/// cleared    1  raised otherwise; repetitions do not pass through the ring
/// ```
struct Bits {
    words: [u64; 4],
    at: u32,
}

const ID: u32 = 54;
const SEQUENCE: u32 = 64;
const AMOUNT: u32 = 47;
const DURATION: u32 = 40;
const LEVEL: u32 = 2;
const CLEARED: u32 = 1;

const _: () = assert!(ID + SEQUENCE + 2 * AMOUNT + DURATION + LEVEL + CLEARED <= 256);

const fn max_of(width: u32) -> u64 {
    u64::MAX >> (64 - width)
}

impl Bits {
    /// Adds a field; what is too large for it becomes the largest that is not.
    fn put(&mut self, width: u32, value: u64) {
        let value = value.min(max_of(width));
        let (word, shift) = (self.at as usize / 64, self.at % 64);
        self.words[word] |= value << shift;
        if shift + width > 64 {
            self.words[word + 1] |= value >> (64 - shift);
        }
        self.at += width;
    }

    fn take(&mut self, width: u32) -> u64 {
        let (word, shift) = (self.at as usize / 64, self.at % 64);
        let mut value = self.words[word] >> shift;
        if shift + width > 64 {
            value |= self.words[word + 1] << (64 - shift);
        }
        self.at += width;
        value & max_of(width)
    }
}

fn pack(id: u64, announcement: &Announcement) -> [u64; 4] {
    let mut bits = Bits { words: [0; 4], at: 0 };
    bits.put(ID, id);
    bits.put(SEQUENCE, announcement.sequence);
    bits.put(AMOUNT, announcement.depth);
    bits.put(AMOUNT, announcement.peak);
    bits.put(
        DURATION,
        announcement.duration_ms.map_or(u64::MAX, |ms| ms.min(max_of(DURATION) - 1)),
    );
    bits.put(LEVEL, announcement.level as u64);
    bits.put(CLEARED, (announcement.kind == AnnouncementKind::Cleared) as u64);
    bits.words
}

fn unpack(words: [u64; 4]) -> (u64, Announcement) {
    let mut bits = Bits { words, at: 0 };
    let id = bits.take(ID);
    let (sequence, depth, peak) = (bits.take(SEQUENCE), bits.take(AMOUNT), bits.take(AMOUNT));
    let duration_ms = Some(bits.take(DURATION)).filter(|ms| *ms < max_of(DURATION));
    let level = Level::ALL[bits.take(LEVEL) as usize];
    let kind = match bits.take(CLEARED) {
        0 => AnnouncementKind::Raised,
        _ => AnnouncementKind::Cleared,
    };
    (id, Announcement { kind, level, depth, peak, duration_ms, sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_carries_every_field_to_its_bounds() {
        let values = |max: u64| [0, 1, max / 3, max];
        for i in 0..4 {
            for kind in [AnnouncementKind::Raised, AnnouncementKind::Cleared] {
                let announcement = Announcement {
                    kind,
                    level: Level::ALL[i],
                    depth: values(max_of(AMOUNT))[i],
                    peak: values(max_of(AMOUNT))[3 - i],
                    duration_ms: [None, Some(0), Some(1_234), Some(max_of(DURATION) - 1)][i],
                    sequence: values(u64::MAX)[i],
                };
                let id = values(max_of(ID))[3 - i];
                assert_eq!(unpack(pack(id, &announcement)), (id, announcement));
            }
        }
    }

    #[test]
    fn what_is_too_large_saturates() {
        let announcement = Announcement {
            kind: AnnouncementKind::Raised,
            level: Level::Normal,
            depth: u64::MAX,
            peak: u64::MAX,
            duration_ms: Some(u64::MAX),
            sequence: 1,
        };
        let (_, cut) = unpack(pack(0, &announcement));
        assert_eq!((cut.depth, cut.peak), (max_of(AMOUNT), max_of(AMOUNT)));
        assert_eq!(cut.duration_ms, Some(max_of(DURATION) - 1));
    }
}
