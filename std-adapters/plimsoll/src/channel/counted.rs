//! The shared part of channels that count both sides, each on a cache line of its own: std's, which
//! has no length to ask for, and tokio's.

use plimsoll_core::{Credit, Level, SplitCount, Watermarks};

use super::totals::Sampled;
use super::{Blocked, Channel, ChannelReading, Tracked, thread_key};
use crate::registry::Registered;
use crate::telemetry::{AtRest, Seen, Source, SourceReading};
use crate::{Limit, RegisterError, Registry};

/// What the handles of one channel share.
pub(super) struct Counted {
    pub(super) tracked: Tracked,
    pub(super) count: SplitCount,
    /// Whether a receive is counted by a read-modify-write: see `count_received`.
    is_narrow: bool,
    /// Whether a reader can make an edge.
    settles: bool,
}

impl Counted {
    /// Registers a channel. `settles`: whether what is there is always counted, but for one item,
    /// so that a reader may judge it.
    pub(super) fn track(
        registry: &Registry,
        limit: Limit,
        watermarks: Watermarks,
        settles: bool,
    ) -> Result<Registered<Self>, RegisterError> {
        let channel = Self {
            tracked: Tracked::new(&limit, watermarks),
            count: SplitCount::new(),
            is_narrow: is_narrow(&watermarks),
            settles,
        };
        Ok(channel.register(registry.reserve(limit, watermarks)?))
    }

    /// Counts a receive, which has itself ended in a read-modify-write.
    ///
    /// A plain store is one that others can still miss, and then a depth is judged too high by it.
    /// By one item that matters only if the next lower depth is the low watermark already.
    #[inline(always)]
    fn count_received(&self, items: usize) {
        if items > 1 || self.is_narrow {
            self.count.on_received_shared(items as u64);
        } else {
            self.count.on_received(items as u64);
        }
    }

    /// There was no room for a send that does not wait.
    pub(super) fn refuse(&self) {
        self.tracked.refuse(|| self.depth());
    }

    /// There was no room for a send: the caller is blocked until the guard drops.
    pub(super) fn block(&self) -> Blocked<'_> {
        self.tracked.block(|| self.depth())
    }

    /// The reading that a handle returns of the channel.
    #[inline]
    pub(super) fn reading(&self) -> ChannelReading {
        self.tracked.reading(self.depth(), |_| self.count.totals())
    }

    /// Items in the channel. A receive that is not counted yet can make it look overfull.
    #[inline]
    fn depth(&self) -> u64 {
        let capacity = self.tracked.flow.gauge().watermarks().capacity();
        self.count.depth().min(capacity.unwrap_or(u64::MAX))
    }
}

impl Channel for Counted {
    fn tracked(&self) -> &Tracked {
        &self.tracked
    }
}

impl Sampled for Counted {
    fn sample(&self, now_us: u64) {
        self.tracked.note(now_us, |_| self.count.totals());
    }
}

impl Source for Counted {
    #[inline(always)]
    fn at_rest(&self) -> Option<AtRest> {
        self.tracked.at_rest(|| self.depth())
    }

    #[inline(always)]
    fn look(&self) -> Option<SourceReading> {
        let flow = &self.tracked.flow;
        let (reading, edge) = if self.settles {
            flow.reading(|| self.depth())
        } else {
            (flow.gauge().reading_at(self.depth()), None)
        };
        Some(self.tracked.source_reading(reading).with_edge(edge))
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(reading) = self.look() {
            let depth = reading.depth;
            seen.depth(reading);
            seen.flow(self.tracked.passed(depth, |_| self.count.totals()));
        }
    }

    fn take_high_water(&self) -> u64 {
        self.tracked.flow.take_high_water(|| self.depth())
    }

    fn waiting(&self) -> u64 {
        self.tracked.waiters.waiting()
    }
}

/// Whether the low watermark is the depth just below the high one.
fn is_narrow(watermarks: &Watermarks) -> bool {
    let (high, low) = (watermarks.high(Level::Elevated), watermarks.low(Level::Elevated));
    high.zip(low).is_some_and(|(high, low)| high - low <= 1)
}

/// One sending handle's part of the channel.
pub(super) struct SenderSide {
    credit: Credit,
    pub(super) shared: Registered<Counted>,
}

impl SenderSide {
    pub(super) fn new(shared: Registered<Counted>) -> Self {
        Self { credit: shared.tracked.flow.join_sender(), shared }
    }

    /// After an item went into the channel.
    #[inline(always)]
    pub(super) fn sent(&self) {
        self.shared.count.on_sent(1);
        let (flow, depth) = (&self.shared.tracked.flow, || self.shared.depth());
        self.shared.emit(flow.after_send(&self.credit, thread_key(), depth));
    }
}

impl Drop for SenderSide {
    fn drop(&mut self) {
        self.shared.tracked.flow.leave_sender(&mut self.credit);
    }
}

/// The receiving handle's part of the channel; ends after the upstream handle has been dropped.
pub(super) struct ReceiverSide {
    credit: Credit,
    pub(super) shared: Registered<Counted>,
}

impl ReceiverSide {
    pub(super) fn new(shared: Registered<Counted>) -> Self {
        Self { credit: shared.tracked.flow.join_receiver(), shared }
    }

    /// After items came out of the channel.
    #[inline(always)]
    pub(super) fn received(&self, items: usize) {
        if items == 0 {
            return;
        }
        self.shared.count_received(items);
        let (flow, depth) = (&self.shared.tracked.flow, || self.shared.depth());
        let (credit, thread) = (&self.credit, thread_key());
        self.shared.emit(match items {
            1 => flow.after_receive(credit, thread, depth),
            _ => flow.after_receive_many(credit, thread, items as u64, depth),
        });
    }
}

impl Drop for ReceiverSide {
    fn drop(&mut self) {
        let Counted { tracked, count, .. } = &*self.shared;
        tracked.flow.leave_receiver(&mut self.credit);
        count.close();
        self.shared.emit(tracked.flow.settle(|| 0));
    }
}
