//! Totals of a channel: how much has gone through, and the age of its oldest item.
//!
//! No item is wrapped and no sender reads a clock: a thread notes each channel's total once per
//! tick, and the tick in which the oldest item was sent is found by its number.

use ::std::collections::VecDeque;
use ::std::panic::{RefUnwindSafe, UnwindSafe};
#[cfg(feature = "crossbeam")]
use ::std::sync::atomic::Ordering;
use ::std::sync::{Arc, Weak};
use ::std::thread;
use ::std::time::Duration;

use parking_lot::Mutex;

use crate::clock;
use crate::registry::Handles;

/// The totals of one channel.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// Items received, where the channel itself is not counted.
    #[cfg(feature = "crossbeam")]
    pub(super) received: ::crossbeam_utils::CachePadded<::plimsoll_core::Tally>,
    /// Items that went with the last receiver, where the channel itself is not counted.
    #[cfg(feature = "crossbeam")]
    lost: ::std::sync::atomic::AtomicU64,
    ages: Mutex<Ages>,
}

// Nothing under the lock unwinds.
impl UnwindSafe for Totals {}
impl RefUnwindSafe for Totals {}

impl Totals {
    /// Items sent and received, of a channel that tells its `depth`.
    #[cfg(feature = "crossbeam")]
    pub(super) fn at(&self, depth: impl Fn() -> u64) -> (u64, u64) {
        let mut received = self.received.total();
        loop {
            // Relaxed: written once, after the last receive.
            let lost = self.lost.load(Ordering::Relaxed);
            let sent = received + lost + depth();
            let received_now = self.received.total();
            if received_now == received {
                return (sent, received);
            }
            received = received_now;
        }
    }

    /// `items` have gone with the last receiver.
    #[cfg(feature = "crossbeam")]
    pub(super) fn lose(&self, items: u64) {
        // Relaxed: the number is its own message.
        self.lost.fetch_add(items, Ordering::Relaxed);
    }

    /// Notes the totals of this tick.
    pub(super) fn note(&self, now_us: u64, (sent, received): (u64, u64)) {
        self.ages.lock().note(now_us, sent, received);
    }

    /// How long the item has been there that follows `received` others.
    pub(super) fn oldest_age(&self, received: u64) -> Duration {
        let since_us = self.ages.lock().since_us(received);
        // An item of this tick has no age yet.
        since_us.map_or(Duration::ZERO, |since_us| {
            Duration::from_micros(clock::now_us().saturating_sub(since_us))
        })
    }
}

/// The totals at the end of each tick in which something was sent that is still there.
#[derive(Debug, Default)]
struct Ages {
    marks: VecDeque<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at_us: u64,
    sent: u64,
}

impl Ages {
    /// More marks than this are thinned out: every second one of the older half goes, and with it
    /// the accuracy of old items, step by step.
    const MARKS_MAX: usize = 4_096;

    fn note(&mut self, at_us: u64, sent: u64, received: u64) {
        while self.marks.front().is_some_and(|mark| mark.sent <= received) {
            self.marks.pop_front();
        }
        // All that is there was received: nothing was sent in this tick that stays.
        let known = self.marks.back().map_or(received, |mark| mark.sent);
        if sent <= known {
            return;
        }
        if self.marks.len() >= Self::MARKS_MAX {
            self.thin_out();
        }
        self.marks.push_back(Mark { at_us, sent });
    }

    /// A mark that goes leaves its items to the next one, so that no age is reported too long.
    fn thin_out(&mut self) {
        let half = self.marks.len() / 2;
        let mut place = 0;
        self.marks.retain(|_| {
            place += 1;
            place > half || place % 2 == 0
        });
    }

    /// When the item was there that follows `received` others; `None` if it came after the last
    /// mark.
    fn since_us(&self, received: u64) -> Option<u64> {
        let place = self.marks.partition_point(|mark| mark.sent <= received);
        self.marks.get(place).map(|mark| mark.at_us)
    }
}

/// How often totals are noted.
const TICK: Duration = Duration::from_millis(10);

/// A channel whose totals are noted once per tick.
pub(super) trait Sampled: Send + Sync {
    /// Notes the totals now.
    fn sample(&self, now_us: u64);
}

/// A channel whose totals are noted as long as it has handles: the registry may keep it for longer.
struct Sampling {
    handles: Handles,
    channel: Weak<dyn Sampled>,
}

/// The channels of this process that ask for it. The thread lives as long as there is one.
struct Sampler {
    channels: Vec<Sampling>,
    is_running: bool,
}

static SAMPLER: Mutex<Sampler> = Mutex::new(Sampler { channels: Vec::new(), is_running: false });

/// Has the totals of `channel` noted for as long as there are `handles`.
pub(super) fn sample<S: Sampled + 'static>(handles: Handles, channel: &Arc<S>) {
    let weak: Weak<S> = Arc::downgrade(channel);
    let mut sampler = SAMPLER.lock();
    sampler.channels.push(Sampling { handles, channel: weak });
    if !sampler.is_running {
        // Without a thread there are no ages; the next channel tries again.
        let thread = thread::Builder::new().name("plimsoll-totals".into()).spawn(run);
        sampler.is_running = thread.is_ok();
    }
}

fn run() {
    let mut round = Vec::new();
    loop {
        thread::sleep(TICK);
        {
            let mut sampler = SAMPLER.lock();
            sampler.channels.retain(|sampling| sampling.handles.are_left());
            if sampler.channels.is_empty() {
                sampler.is_running = false;
                return;
            }
            round.extend(sampler.channels.iter().map(|sampling| sampling.channel.clone()));
        }
        // Outside the lock: this may be the last to hold a channel.
        for channel in round.drain(..) {
            if let Some(channel) = channel.upgrade() {
                channel.sample(clock::now_us());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chan_5_an_item_is_as_old_as_the_tick_that_found_it() {
        let mut ages = Ages::default();
        assert_eq!(ages.since_us(0), None);
        ages.note(10, 3, 0);
        ages.note(20, 3, 1);
        ages.note(30, 7, 1);
        assert_eq!(
            [0, 1, 2, 3, 6].map(|received| ages.since_us(received)),
            [10, 10, 10, 30, 30].map(Some)
        );
        assert_eq!(ages.since_us(7), None, "sent after the last tick");
        ages.note(40, 7, 3);
        assert_eq!(ages.marks.len(), 1, "the first tick's items are gone");
        ages.note(50, 9, 9);
        assert_eq!(ages.marks.len(), 0, "all are gone");
        ages.note(60, 9, 9);
        assert_eq!(ages.marks.len(), 0, "and nothing came");
    }

    #[test]
    fn chan_5_marks_are_bounded_and_no_age_is_too_long() {
        const TICKS: u64 = 50_000;
        let mut ages = Ages::default();
        for tick in 1..=TICKS {
            ages.note(tick * 10, tick, 0);
        }
        assert!(ages.marks.len() <= Ages::MARKS_MAX);
        let mut last_us = 0;
        for item in 0..TICKS {
            let since_us = ages.since_us(item).unwrap();
            assert!(since_us >= (item + 1) * 10 && since_us >= last_us, "{item}: {since_us}");
            last_us = since_us;
        }
        let newest = TICKS - 1_000;
        assert_eq!(ages.since_us(newest), Some((newest + 1) * 10), "new items are exact");
    }
}
