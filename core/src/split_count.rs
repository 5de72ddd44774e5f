//! A depth counted in two halves, for a channel that cannot be asked for its length.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// What was sent and what was received, each on a cache line of its own, so that the two sides of a
/// channel do not slow each other down. The depth is the difference.
///
/// ```text
/// sent      0..64  items sent; counted after the send
/// received  0..63  items received, counted after the receive
///           63     gone: the receiver, and with it all that was in the channel
/// ```
///
/// # Invariants
/// - GAUGE-1: with no operation in flight, the depth is the number of items in the channel; 0 when
///   the receiver is gone, for nobody can receive what is left.
/// - GAUGE-5: a depth that is read is one that was counted at some moment of the look. It differs
///   from the true one by no more than the operations that had moved an item and not counted it.
///
/// # Progress
/// Wait-free, but for [`depth`](Self::depth) and [`totals`](Self::totals).
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `on_sent`: sent `fetch_add` | Release | | `depth` | receives before it | `split_count_5` |
/// | `on_received`: received load | Relaxed | | | one receiver only | `split_count_1` |
/// | `on_received`: received store | Release | | `depth` | sends before it | `split_count_5` |
/// | `on_received_shared` | Release | | `depth` | sends before it | `split_count_5` |
/// | `close`: received `fetch_or` | Relaxed | | | the word is its own message | `split_count_5` |
/// | `is_closed`: received load | Relaxed | | | the word is its own message | `split_count_5` |
/// | `look`: received loads | Acquire | | `on_received` | | `split_count_5` |
/// | `look`: sent load | Acquire | | `on_sent` | | `split_count_5` |
///
/// # Example
/// ```
/// use plimsoll_core::SplitCount;
///
/// let count = SplitCount::new();
/// count.on_sent(3);
/// count.on_received(1);
/// assert_eq!((count.depth(), count.totals()), (2, (3, 1)));
/// count.close();
/// assert_eq!((count.depth(), count.totals()), (0, (3, 1)));
/// ```
#[derive(Debug)]
pub struct SplitCount {
    sent: CachePadded<AtomicU64>,
    received: CachePadded<AtomicU64>,
}

const GONE: u64 = 1 << 63;

impl SplitCount {
    const_unless_loom! {
        /// Nothing sent, nothing received.
        pub const fn new() -> SplitCount {
            SplitCount {
                sent: CachePadded::new(AtomicU64::new(0)),
                received: CachePadded::new(AtomicU64::new(0)),
            }
        }
    }

    /// Counts `items` sent, by any number of senders.
    #[inline]
    pub fn on_sent(&self, items: u64) {
        // Release: a look that sees this sees what its caller has received before.
        self.sent.fetch_add(items, Ordering::Release);
    }

    /// Counts `items` received, by the only receiver there is, who does not call this from two
    /// threads at once. Not a read-modify-write: no ground for
    /// [`FlowGauge::after_receive`](crate::FlowGauge::after_receive) to stand on.
    #[inline]
    pub fn on_received(&self, items: u64) {
        // Relaxed: the receiver alone writes.
        let received = self.received.load(Ordering::Relaxed);
        // Release: a look that sees this sees what its caller has sent before.
        self.received.store(received.wrapping_add(items), Ordering::Release);
    }

    /// Counts `items` received, by a read-modify-write.
    #[inline]
    pub fn on_received_shared(&self, items: u64) {
        // Release: a look that sees this sees what its caller has sent before.
        self.received.fetch_add(items, Ordering::Release);
    }

    /// The receiver is gone, and with it all that was in the channel.
    pub fn close(&self) {
        // Relaxed: the word is its own message.
        self.received.fetch_or(GONE, Ordering::Relaxed);
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        // Relaxed: the word is its own message.
        self.received.load(Ordering::Relaxed) & GONE != 0
    }

    /// What is in the channel; 0 while a receive is counted and its send not yet.
    ///
    /// # Progress
    /// Lock-free: the look is repeated only if something was received meanwhile. Without that, a
    /// thread that is stopped between the two halves would add up items that were never there at
    /// once, and a high-water mark would keep the sum for life.
    #[inline]
    pub fn depth(&self) -> u64 {
        let (sent, received) = self.look();
        if received & GONE != 0 { 0 } else { sent.saturating_sub(received) }
    }

    /// How many items were sent and how many received, at one moment. What went with the receiver was
    /// not received.
    ///
    /// # Progress
    /// As [`depth`](Self::depth).
    pub fn totals(&self) -> (u64, u64) {
        let (sent, received) = self.look();
        let received = received & !GONE;
        // A receive may be counted before its send.
        (sent.max(received), received)
    }

    /// `sent`, and `received` with its flag.
    #[inline(always)]
    fn look(&self) -> (u64, u64) {
        // Acquire: what was sent before, `sent` shows below.
        let mut received = self.received.load(Ordering::Acquire);
        loop {
            // Acquire: what was received before, `received` shows below.
            let sent = self.sent.load(Ordering::Acquire);
            // Acquire: as the first one, for the next round.
            let received_now = self.received.load(Ordering::Acquire);
            if received_now == received {
                return (sent, received);
            }
            received = received_now;
        }
    }
}

impl Default for SplitCount {
    fn default() -> Self {
        Self::new()
    }
}
