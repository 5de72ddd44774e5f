//! The rule that a raised level is announced once it has lasted.

mod notice;

pub use notice::{Notice, NoticeKind, Notices};

use crate::edge::{Edge, EdgeKind, Level};

/// Turns the edges of one gauge into notices: a raise is announced when the level has held
/// for a time, again at an interval while it lasts, and its recovery with duration and peak. A
/// raise that is over before the hold is never announced, nor is its recovery.
///
/// A plain machine for one thread: to share it, put it under a lock. Time is an argument, in
/// milliseconds from any one origin; a `now_ms` that lies before an earlier one counts as no time.
///
/// Each level above [`Level::Normal`] has its stretch, from the edge that reached it to the edge
/// that leaves it. The hold is counted for each stretch on its own.
///
/// ```text
///           1 on_edge: reached             2 on_tick, on_edge: held -> Raised
/// out of it ------------------> pending ------------------------> announced --+ 4 on_tick: repeat
///     ^  ^                         |                                | ^       |   -> StillRaised
///     |  +-------------------------+                                | +-------+
///     |    3 on_edge: left, silently                                |
///     +-------------------------------------------------------------+
///                              5 on_edge: left -> Cleared
/// ```
///
/// With a hold of 0 nothing is ever pending, and each edge is announced at once.
///
/// # Edges out of order
/// Two threads can bring their edges in another order than they happened. An edge older than one
/// seen changes nothing (with a hold of 0 it is announced all the same). A gap before an edge says
/// that the level may have been left in between: what is pending then begins anew, and what the
/// edge shows to have been left is over.
///
/// # Example
/// ```
/// use plimsoll_core::{Gauge, Level, NoticeKind, Sustain, Watermarks};
///
/// let gauge = Gauge::new(Watermarks::counts(1, 1, 0));
/// let mut sustain = Sustain::new(100, None);
///
/// // A quick item: nothing to say.
/// assert!(sustain.on_edge(0, &gauge.add(1).unwrap()).is_silent());
/// assert!(sustain.on_edge(2, &gauge.sub(1).unwrap()).is_silent());
///
/// // One that stays.
/// assert!(sustain.on_edge(10, &gauge.add(1).unwrap()).is_silent());
/// assert_eq!(sustain.due_ms(), Some(110));
/// let raised = sustain.on_tick(115, gauge.level(), gauge.depth()).unwrap();
/// assert_eq!((raised.kind, raised.duration_ms), (NoticeKind::Raised, Some(105)));
/// let cleared = sustain.on_edge(300, &gauge.sub(1).unwrap()).next().unwrap();
/// assert_eq!((cleared.kind, cleared.level), (NoticeKind::Cleared, Level::Normal));
/// assert_eq!((cleared.duration_ms, cleared.peak), (Some(290), 1));
/// ```
#[derive(Clone, Debug)]
pub struct Sustain {
    hold_ms: u64,
    repeat_ms: Option<u64>,
    /// The newest edge seen.
    sequence: u64,
    level: Level,
    /// At most `level`; always `level` with a hold of 0.
    announced: Level,
    /// The depth that was seen last.
    depth: u64,
    /// Of `Elevated`, `Critical`, `Full`; meaningful up to `level`.
    stretches: [Stretch; 3],
    repeats: u32,
    repeat_at_ms: u64,
}

/// A level that holds.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    since_ms: u64,
    peak: u64,
}

impl Sustain {
    /// A machine at [`Level::Normal`]. A raise is announced after `hold_ms`, at once if that is 0,
    /// and again every `repeat_ms` (at least 1) while it lasts.
    pub const fn new(hold_ms: u64, repeat_ms: Option<u64>) -> Self {
        let repeat_ms = match repeat_ms {
            Some(0) => Some(1),
            repeat => repeat,
        };
        Self {
            hold_ms,
            repeat_ms,
            sequence: 0,
            level: Level::Normal,
            announced: Level::Normal,
            depth: 0,
            stretches: [Stretch { since_ms: 0, peak: 0 }; 3],
            repeats: 0,
            repeat_at_ms: 0,
        }
    }

    /// Takes an edge.
    ///
    /// # Returns
    /// What is to be announced. With a hold of 0 that is exactly one notice for each edge.
    pub fn on_edge(&mut self, now_ms: u64, edge: &Edge) -> Notices {
        if edge.sequence() <= self.sequence {
            let late = (self.hold_ms == 0).then(|| Notice::unmeasured(edge));
            return Notices::new(late, None);
        }
        if edge.sequence() > self.sequence + 1 {
            self.restart_pending(now_ms);
        }
        let held = self.announce_held(now_ms);
        self.sequence = edge.sequence();
        self.depth = edge.depth();
        self.note_peak(edge.peak(), edge.from());
        // If edges are missing, the level before this one can be lower than the last that was seen.
        let cleared = self.fall_to(edge.from().min(edge.to()), now_ms);
        self.rise_to(edge.to(), edge.depth(), now_ms);
        if self.hold_ms > 0 {
            return Notices::new(held, cleared);
        }
        if self.announced < self.level {
            self.transition_to_announced(self.level, now_ms);
        }
        let cleared = cleared.filter(|_| edge.kind() == EdgeKind::Cleared);
        Notices::new(Some(cleared.unwrap_or_else(|| Notice::unmeasured(edge))), None)
    }

    /// Lets time pass. `level` and `depth` are what the gauge reads now: while it reads lower than
    /// the edges so far tell, the edge that says so is under way and nothing is announced.
    ///
    /// # Returns
    /// What is to be announced.
    #[must_use = "each notice is given once only: deliver it, or it is lost"]
    pub fn on_tick(&mut self, now_ms: u64, level: Level, depth: u64) -> Option<Notice> {
        if level < self.level {
            return None;
        }
        self.depth = depth;
        self.note_peak(depth, self.level);
        self.announce_held(now_ms).or_else(|| self.announce_repeat(now_ms))
    }

    /// When [`on_tick`](Self::on_tick) will next have something to say, if no edge comes before.
    pub fn due_ms(&self) -> Option<u64> {
        let held = (self.announced < self.level)
            .then(|| self.stretches[self.announced as usize].since_ms.saturating_add(self.hold_ms));
        let repeat = (self.announced > Level::Normal && self.repeat_ms.is_some())
            .then_some(self.repeat_at_ms);
        held.into_iter().chain(repeat).min()
    }

    /// The raise that holds as it was announced, with what is known of it now; `None` at
    /// [`Level::Normal`]. For a subscriber that comes late.
    pub fn standing(&self, now_ms: u64) -> Option<Notice> {
        (self.announced > Level::Normal).then(|| self.notice_of_raise(NoticeKind::Raised, now_ms))
    }

    /// The level as the edges so far tell.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The level as the notices so far tell.
    pub const fn announced(&self) -> Level {
        self.announced
    }

    /// 1, once more: what is pending has perhaps not held all the time.
    fn restart_pending(&mut self, now_ms: u64) {
        for stretch in &mut self.stretches[self.announced as usize..self.level as usize] {
            stretch.since_ms = now_ms;
        }
    }

    /// 2: announces the highest pending level that has held.
    fn announce_held(&mut self, now_ms: u64) -> Option<Notice> {
        let held = (self.announced as usize..self.level as usize)
            .rev()
            .find(|i| now_ms.saturating_sub(self.stretches[*i].since_ms) >= self.hold_ms)?;
        self.transition_to_announced(Level::ALL[held + 1], now_ms);
        Some(self.notice_of_raise(NoticeKind::Raised, now_ms))
    }

    /// 4: announces once more, once however many intervals have passed.
    fn announce_repeat(&mut self, now_ms: u64) -> Option<Notice> {
        let repeat_ms = self.repeat_ms?;
        if self.announced == Level::Normal || now_ms < self.repeat_at_ms {
            return None;
        }
        self.repeats = self.repeats.saturating_add(1);
        self.repeat_at_ms = now_ms.saturating_add(repeat_ms);
        let kind = NoticeKind::StillRaised { repeat: self.repeats };
        Some(self.notice_of_raise(kind, now_ms))
    }

    fn transition_to_announced(&mut self, level: Level, now_ms: u64) {
        self.announced = level;
        self.repeats = 0;
        self.repeat_at_ms = now_ms.saturating_add(self.repeat_ms.unwrap_or(0));
    }

    /// 3 and 5: leaves the levels above `level`.
    fn fall_to(&mut self, level: Level, now_ms: u64) -> Option<Notice> {
        self.level = self.level.min(level);
        if self.announced <= self.level {
            return None;
        }
        self.announced = self.level;
        let longest = self.stretches[self.level as usize];
        Some(self.notice(NoticeKind::Cleared, longest, now_ms))
    }

    /// 1: reaches the levels up to `level`.
    fn rise_to(&mut self, level: Level, depth: u64, now_ms: u64) {
        while self.level < level {
            self.stretches[self.level as usize] = Stretch { since_ms: now_ms, peak: depth };
            self.level = Level::ALL[self.level as usize + 1];
        }
    }

    /// Notes a depth for the stretches that hold, up to that of `level`.
    fn note_peak(&mut self, depth: u64, level: Level) {
        for stretch in &mut self.stretches[..self.level.min(level) as usize] {
            stretch.peak = stretch.peak.max(depth);
        }
    }

    /// About the announced level, which is above `Normal`.
    fn notice_of_raise(&self, kind: NoticeKind, now_ms: u64) -> Notice {
        self.notice(kind, self.stretches[self.announced as usize - 1], now_ms)
    }

    fn notice(&self, kind: NoticeKind, of: Stretch, now_ms: u64) -> Notice {
        Notice {
            kind,
            level: self.announced,
            depth: self.depth,
            peak: of.peak,
            duration_ms: Some(now_ms.saturating_sub(of.since_ms)),
            sequence: self.sequence,
        }
    }
}

#[cfg(test)]
mod tests;
