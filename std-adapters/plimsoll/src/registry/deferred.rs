//! The queue of deferred delivery: a ring of records, and a list for events with text.

use plimsoll_core::{Level, Notice, NoticeKind, Ring, RingSlot};

use super::backlog::Backlog;
use super::entry::{Entries, Entry};
use crate::sync::Mutex;
use crate::telemetry::{BuildError, Event, Report};

const CAPACITY_MAX: usize = 1 << 24;

/// The events that deferred delivery still has to deliver. The hot path puts a record in a
/// lock-free ring (REG-4); warnings of exhausted limits and silences, which carry text and are
/// rare, wait in a list of their own.
///
/// A thread that stops for ever in the middle of its push holds up the records behind it; other
/// threads go on, and what then finds no room is counted.
pub(crate) struct Queue {
    ring: Ring<Box<[RingSlot]>>,
    backlog: Mutex<Backlog>,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Result<Self, BuildError> {
        if capacity > CAPACITY_MAX {
            return Err(BuildError::RingTooLarge { capacity });
        }
        let slots: Box<[RingSlot]> = (0..capacity).map(|_| RingSlot::new()).collect();
        Ok(Self {
            ring: Ring::with_slots(slots).map_err(BuildError::Ring)?,
            backlog: Mutex::new(Backlog::new(capacity)),
        })
    }

    /// # Returns
    /// Whether there was room.
    pub(crate) fn push(&self, entry: &Entry, report: &Report) -> bool {
        entry.enqueue();
        let is_pushed = self.ring.push(pack(entry.id(), report)).is_ok();
        if !is_pushed {
            entry.dequeue();
        }
        is_pushed
    }

    pub(crate) fn push_event(&self, event: Event) {
        self.backlog.lock().push(event);
    }

    pub(crate) fn pop(&self, entries: &Entries) -> Option<Event> {
        if let Some(record) = self.ring.pop() {
            let (id, report) = unpack(record);
            // An entry with a record in the ring is live or departed.
            let entry = entries.dequeue(id)?;
            return Some(Event::reported(entry.tag().clone(), report, entry.standing()));
        }
        self.backlog.lock().pop()
    }

    /// How much one round delivers, so that it ends however much is pushed meanwhile.
    pub(crate) fn round(&self) -> usize {
        self.ring.capacity() + self.backlog.lock().len().max(self.ring.capacity())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.ring.dropped() + self.backlog.lock().dropped()
    }
}

/// A record of the ring, low bit of the first word first; fields can straddle two words:
///
/// ```text
/// id        40  the entry
/// sequence  48
/// depth     57  a larger one is cut (a budget holds 2^56)
/// peak      57  likewise
/// duration  34  ms; all ones: not known
/// level      2
/// kind       2  0 raised, 1 cleared, 2 sustained, 3 cleared since the limit is gone
/// count     16  sustained: the repetition; otherwise the changes before it that were not reported;
///               a larger one is cut
/// ```
struct Bits {
    words: [u64; 4],
    at: u32,
}

const ID: u32 = 40;
const SEQUENCE: u32 = 48;
const AMOUNT: u32 = 57;
const DURATION: u32 = 34;
const LEVEL: u32 = 2;
const KIND: u32 = 2;
const COUNT: u32 = 16;

const RAISED: u64 = 0;
const CLEARED: u64 = 1;
const SUSTAINED: u64 = 2;
const GONE: u64 = 3;

const _: () = assert!(ID + SEQUENCE + 2 * AMOUNT + DURATION + LEVEL + KIND + COUNT <= 256);

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

fn pack(id: u64, report: &Report) -> [u64; 4] {
    let Report { notice, suppressed, is_gone } = report;
    let (kind, count) = match notice.kind {
        NoticeKind::StillRaised { repeat } => (SUSTAINED, u64::from(repeat)),
        NoticeKind::Raised => (RAISED, *suppressed),
        NoticeKind::Cleared if *is_gone => (GONE, *suppressed),
        NoticeKind::Cleared => (CLEARED, *suppressed),
    };
    let duration_ms = notice.duration_ms.map_or(u64::MAX, |ms| ms.min(max_of(DURATION) - 1));
    let mut bits = Bits { words: [0; 4], at: 0 };
    bits.put(ID, id);
    bits.put(SEQUENCE, notice.sequence);
    bits.put(AMOUNT, notice.depth);
    bits.put(AMOUNT, notice.peak);
    bits.put(DURATION, duration_ms);
    bits.put(LEVEL, notice.level as u64);
    bits.put(KIND, kind);
    bits.put(COUNT, count);
    bits.words
}

fn unpack(words: [u64; 4]) -> (u64, Report) {
    let mut bits = Bits { words, at: 0 };
    let id = bits.take(ID);
    let (sequence, depth, peak) = (bits.take(SEQUENCE), bits.take(AMOUNT), bits.take(AMOUNT));
    let duration_ms = Some(bits.take(DURATION)).filter(|ms| *ms < max_of(DURATION));
    let level = Level::ALL[bits.take(LEVEL) as usize];
    let (code, count) = (bits.take(KIND), bits.take(COUNT));
    let (kind, suppressed) = match code {
        RAISED => (NoticeKind::Raised, count),
        SUSTAINED => (NoticeKind::StillRaised { repeat: count as u32 }, 0),
        _ => (NoticeKind::Cleared, count),
    };
    let notice = Notice { kind, level, depth, peak, duration_ms, sequence };
    (id, Report { notice, suppressed, is_gone: code == GONE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_carries_every_field_to_its_bounds() {
        let values = |max: u64| [0, 1, max / 3, max];
        let repeat = NoticeKind::StillRaised { repeat: max_of(COUNT) as u32 };
        let kinds = [NoticeKind::Raised, NoticeKind::Cleared, repeat];
        for i in 0..4 {
            for (kind, is_gone) in
                kinds.map(|kind| (kind, false)).into_iter().chain([(kinds[1], true)])
            {
                let notice = Notice {
                    kind,
                    level: Level::ALL[i],
                    depth: values(max_of(AMOUNT))[i],
                    peak: values(max_of(AMOUNT))[3 - i],
                    duration_ms: [None, Some(0), Some(1_234), Some(max_of(DURATION) - 1)][i],
                    sequence: values(max_of(SEQUENCE))[i],
                };
                let suppressed = if kind == repeat { 0 } else { values(max_of(COUNT))[i] };
                let report = Report { notice, suppressed, is_gone };
                let id = values(max_of(ID))[3 - i];
                assert_eq!(unpack(pack(id, &report)), (id, report));
            }
        }
    }

    #[test]
    fn what_is_too_large_saturates() {
        let notice = Notice {
            kind: NoticeKind::Raised,
            level: Level::Normal,
            depth: u64::MAX,
            peak: u64::MAX,
            duration_ms: Some(u64::MAX),
            sequence: 1,
        };
        let report = Report { notice, suppressed: u64::MAX, is_gone: false };
        let (_, cut) = unpack(pack(0, &report));
        assert_eq!(cut.suppressed, max_of(COUNT));
        let cut = cut.notice;
        assert_eq!((cut.depth, cut.peak), (max_of(AMOUNT), max_of(AMOUNT)));
        assert_eq!(cut.duration_ms, Some(max_of(DURATION) - 1));
    }
}
