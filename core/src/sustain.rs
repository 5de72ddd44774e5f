//! The rule that a level is announced when it has lasted.

use crate::edge::{Edge, EdgeKind, Level};

/// Turns the edges of one gauge into announcements: a raise is announced when the level has held
/// for a time, again at an interval while it lasts, and its recovery with duration and peak. A
/// raise that is over before the hold is never announced, nor is its recovery.
///
/// A plain machine for one thread: whoever shares it brings the lock. Time is an argument, in
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
/// use plimsoll_core::{AnnouncementKind, Gauge, Level, Sustain, Watermarks};
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
/// assert_eq!((raised.kind, raised.duration_ms), (AnnouncementKind::Raised, Some(105)));
/// let cleared = sustain.on_edge(300, &gauge.sub(1).unwrap()).next().unwrap();
/// assert_eq!((cleared.kind, cleared.level), (AnnouncementKind::Cleared, Level::Normal));
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

/// What a [`Sustain`] has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What happened.
    pub kind: AnnouncementKind,
    /// The level that holds: entered, or fallen back to.
    pub level: Level,
    /// The depth that was seen last, in the gauge's own unit.
    pub depth: u64,
    /// The largest depth seen in the stretch that is announced, or that has ended.
    pub peak: u64,
    /// How long that stretch has lasted, as far as edges were seen; `None` for an edge as it is.
    pub duration_ms: Option<u64>,
    /// The number of the gauge's edge behind this; several announcements can share one.
    pub sequence: u64,
}

/// The kinds of [`Announcement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnnouncementKind {
    /// A level has held for as long as was asked.
    Raised,
    /// It still does.
    StillRaised {
        /// 1 for the first repetition.
        repeat: u32,
    },
    /// An announced level was left.
    Cleared,
}

/// What one edge leads to, in order: nothing, one announcement, or a raise that has held
/// unannounced and its recovery.
#[derive(Clone, Debug)]
#[must_use = "each announcement is made once only: deliver it, or nobody hears of it"]
pub struct Announcements([Option<Announcement>; 2]);

impl Announcements {
    /// Whether there is nothing to announce.
    pub const fn is_silent(&self) -> bool {
        self.0[0].is_none() && self.0[1].is_none()
    }
}

impl Iterator for Announcements {
    type Item = Announcement;

    fn next(&mut self) -> Option<Announcement> {
        self.0[0].take().or_else(|| self.0[1].take())
    }
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
    /// What is to be announced. With a hold of 0 that is exactly one announcement for each edge.
    pub fn on_edge(&mut self, now_ms: u64, edge: &Edge) -> Announcements {
        if edge.sequence() <= self.sequence {
            let late = (self.hold_ms == 0).then(|| unmeasured(edge));
            return Announcements([late, None]);
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
            return Announcements([held, cleared]);
        }
        if self.announced < self.level {
            self.transition_to_announced(self.level, now_ms);
        }
        let cleared = cleared.filter(|_| edge.kind() == EdgeKind::Cleared);
        Announcements([Some(cleared.unwrap_or_else(|| unmeasured(edge))), None])
    }

    /// Lets time pass. `level` and `depth` are what the gauge reads now: while it reads lower than
    /// the edges so far tell, the edge that says so is under way and nothing is announced.
    ///
    /// # Returns
    /// What is to be announced.
    #[must_use = "each announcement is made once only: deliver it, or nobody hears of it"]
    pub fn on_tick(&mut self, now_ms: u64, level: Level, depth: u64) -> Option<Announcement> {
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
    /// [`Level::Normal`]. For whoever has not heard of it.
    pub fn standing(&self, now_ms: u64) -> Option<Announcement> {
        (self.announced > Level::Normal)
            .then(|| self.announcement_of_raise(AnnouncementKind::Raised, now_ms))
    }

    /// The level as the edges so far tell.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The level as the announcements so far tell.
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
    fn announce_held(&mut self, now_ms: u64) -> Option<Announcement> {
        let held = (self.announced as usize..self.level as usize)
            .rev()
            .find(|i| now_ms.saturating_sub(self.stretches[*i].since_ms) >= self.hold_ms)?;
        self.transition_to_announced(Level::ALL[held + 1], now_ms);
        Some(self.announcement_of_raise(AnnouncementKind::Raised, now_ms))
    }

    /// 4: announces once more, once however many intervals have passed.
    fn announce_repeat(&mut self, now_ms: u64) -> Option<Announcement> {
        let repeat_ms = self.repeat_ms?;
        if self.announced == Level::Normal || now_ms < self.repeat_at_ms {
            return None;
        }
        self.repeats = self.repeats.saturating_add(1);
        self.repeat_at_ms = now_ms.saturating_add(repeat_ms);
        let kind = AnnouncementKind::StillRaised { repeat: self.repeats };
        Some(self.announcement_of_raise(kind, now_ms))
    }

    fn transition_to_announced(&mut self, level: Level, now_ms: u64) {
        self.announced = level;
        self.repeats = 0;
        self.repeat_at_ms = now_ms.saturating_add(self.repeat_ms.unwrap_or(0));
    }

    /// 3 and 5: leaves the levels above `level`.
    fn fall_to(&mut self, level: Level, now_ms: u64) -> Option<Announcement> {
        self.level = self.level.min(level);
        if self.announced <= self.level {
            return None;
        }
        self.announced = self.level;
        let longest = self.stretches[self.level as usize];
        Some(self.announcement(AnnouncementKind::Cleared, longest, now_ms))
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
    fn announcement_of_raise(&self, kind: AnnouncementKind, now_ms: u64) -> Announcement {
        self.announcement(kind, self.stretches[self.announced as usize - 1], now_ms)
    }

    fn announcement(&self, kind: AnnouncementKind, of: Stretch, now_ms: u64) -> Announcement {
        Announcement {
            kind,
            level: self.announced,
            depth: self.depth,
            peak: of.peak,
            duration_ms: Some(now_ms.saturating_sub(of.since_ms)),
            sequence: self.sequence,
        }
    }
}

/// An edge as it is, where nothing is known of the stretch before it.
fn unmeasured(edge: &Edge) -> Announcement {
    Announcement {
        kind: match edge.kind() {
            EdgeKind::Raised => AnnouncementKind::Raised,
            EdgeKind::Cleared => AnnouncementKind::Cleared,
        },
        level: edge.to(),
        depth: edge.depth(),
        peak: edge.peak(),
        duration_ms: None,
        sequence: edge.sequence(),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use super::AnnouncementKind::{Cleared, Raised, StillRaised};
    use super::*;
    use crate::{Hysteresis, Watermarks};
    use Level::{Critical, Elevated, Normal};

    fn edge(sequence: u64, from: Level, to: Level, depth: u64, peak: u64) -> Edge {
        Edge { from, to, depth, peak, capacity: Some(10), sequence }
    }

    fn raise(sequence: u64) -> Edge {
        edge(sequence, Normal, Elevated, 8, 8)
    }

    fn clear(sequence: u64) -> Edge {
        edge(sequence, Elevated, Normal, 5, 9)
    }

    fn kinds(announcements: Announcements) -> Vec<AnnouncementKind> {
        announcements.map(|announcement| announcement.kind).collect()
    }

    /// A machine with a hold of 100 ms, in each of its states: the last edge was number 2 or 3.
    fn idle() -> Sustain {
        let mut sustain = Sustain::new(100, Some(1_000));
        assert!(sustain.on_edge(0, &raise(1)).is_silent());
        assert!(sustain.on_edge(1, &clear(2)).is_silent());
        sustain
    }

    fn pending() -> Sustain {
        let mut sustain = idle();
        assert!(sustain.on_edge(10, &raise(3)).is_silent());
        sustain
    }

    fn announced() -> Sustain {
        let mut sustain = pending();
        assert_eq!(sustain.on_tick(110, Elevated, 8).unwrap().kind, Raised);
        sustain
    }

    /// Two levels are pending when edges are missing: perhaps both were left in between.
    #[test]
    fn a_gap_begins_every_pending_level_anew() {
        for (to, at) in [(Normal, "the lower"), (Elevated, "the upper")] {
            let mut sustain = Sustain::new(100, None);
            assert!(sustain.on_edge(0, &raise(1)).is_silent());
            assert!(sustain.on_edge(50, &edge(2, Elevated, Critical, 9, 9)).is_silent());
            assert!(sustain.on_edge(90, &edge(5, Critical, Level::Full, 10, 10)).is_silent());
            assert_eq!(sustain.due_ms(), Some(190), "{at}");
            for now_ms in [100, 149, 151, 189] {
                assert_eq!(sustain.on_tick(now_ms, Level::Full, 10), None, "{at} at {now_ms}");
            }
            let raised = sustain.on_tick(190, Level::Full, 10).unwrap();
            assert_eq!((raised.kind, raised.level), (Raised, Level::Full));
            let cleared = sustain.on_edge(250, &edge(6, Level::Full, to, 1, 10)).next().unwrap();
            assert_eq!((cleared.kind, cleared.duration_ms), (Cleared, Some(160)), "{at}");
        }
    }

    #[test]
    fn every_state_and_every_edge() {
        type Made = fn() -> Sustain;
        let states: [(&str, Made); 3] =
            [("idle", idle), ("pending", pending), ("announced", announced)];
        // What is announced, and which level is pending or announced afterwards.
        let table = [
            // An edge older than one seen.
            ("idle", 20, raise(1), vec![], Normal, Normal),
            ("pending", 20, clear(2), vec![], Elevated, Normal),
            ("announced", 120, clear(2), vec![], Elevated, Elevated),
            // The next edge.
            ("idle", 20, raise(3), vec![], Elevated, Normal),
            ("pending", 109, clear(4), vec![], Normal, Normal),
            ("pending", 110, clear(4), vec![Raised, Cleared], Normal, Normal),
            ("announced", 120, clear(4), vec![Cleared], Normal, Normal),
            // One whose predecessor is missing.
            ("idle", 20, clear(4), vec![], Normal, Normal),
            ("pending", 500, raise(5), vec![], Elevated, Normal),
            ("announced", 120, raise(5), vec![Cleared], Elevated, Normal),
            // One that lacks two: it may have been left in between.
            ("idle", 20, raise(5), vec![], Elevated, Normal),
            ("pending", 500, clear(6), vec![], Normal, Normal),
            ("announced", 120, clear(6), vec![Cleared], Normal, Normal),
        ];
        for (name, now_ms, edge, expected, level, announced) in table {
            let (_, made) = states.iter().find(|(state, _)| *state == name).unwrap();
            let mut sustain = made();
            let case = std::format!("{name}, {edge:?} at {now_ms}");
            assert_eq!(kinds(sustain.on_edge(now_ms, &edge)), expected, "{case}");
            assert_eq!((sustain.level(), sustain.announced()), (level, announced), "{case}");
        }
    }

    #[test]
    fn every_state_and_every_tick() {
        for now_ms in [20, 10_000] {
            assert_eq!(idle().on_tick(now_ms, Normal, 0), None);
            assert_eq!(idle().on_tick(now_ms, Elevated, 8), None, "its edge is under way");
            assert_eq!(pending().on_tick(now_ms, Normal, 0), None, "its edge is under way");
            assert_eq!(announced().on_tick(now_ms, Normal, 0), None, "its edge is under way");
        }
        assert_eq!(pending().on_tick(109, Elevated, 8), None);
        assert_eq!(pending().on_tick(110, Critical, 9).unwrap().level, Elevated);
        assert_eq!(announced().on_tick(1_109, Elevated, 8), None);
        let still = announced().on_tick(1_110, Elevated, 7).unwrap();
        assert_eq!((still.kind, still.depth, still.peak), (StillRaised { repeat: 1 }, 7, 8));
        assert_eq!((still.duration_ms, still.sequence), (Some(1_100), 3));
    }

    #[test]
    fn what_stands_is_what_was_announced() {
        assert_eq!((idle().standing(500), pending().standing(500)), (None, None));
        let standing = announced().standing(500).unwrap();
        assert_eq!((standing.kind, standing.level, standing.peak), (Raised, Elevated, 8));
        assert_eq!((standing.duration_ms, standing.sequence), (Some(490), 3));
    }

    #[test]
    fn due_is_when_a_tick_has_something_to_say() {
        assert_eq!(idle().due_ms(), None);
        assert_eq!(pending().due_ms(), Some(110));
        let mut sustain = announced();
        for repeat in 1..4 {
            let due_ms = sustain.due_ms().unwrap();
            assert_eq!(sustain.on_tick(due_ms - 1, Elevated, 8), None);
            let still = sustain.on_tick(due_ms + 5, Elevated, 8).unwrap();
            assert_eq!(still.kind, StillRaised { repeat });
        }
        assert_eq!(Sustain::new(u64::MAX, None).due_ms(), None);
    }

    #[test]
    fn missed_intervals_are_announced_once() {
        let mut sustain = announced();
        assert!(sustain.on_tick(50_000, Elevated, 8).is_some());
        assert_eq!(sustain.due_ms(), Some(51_000));
    }

    #[test]
    fn a_recovery_tells_duration_and_peak() {
        let mut sustain = announced();
        assert_eq!(sustain.on_tick(500, Elevated, 10), None);
        let cleared = sustain.on_edge(2_010, &clear(4)).next().unwrap();
        assert_eq!((cleared.duration_ms, cleared.peak, cleared.depth), (Some(2_000), 10, 5));
        assert_eq!((cleared.level, cleared.sequence), (Normal, 4));
    }

    #[test]
    fn each_level_holds_on_its_own() {
        let mut sustain = Sustain::new(100, None);
        assert!(sustain.on_edge(0, &raise(1)).is_silent());
        assert!(sustain.on_edge(90, &edge(2, Elevated, Critical, 10, 10)).is_silent());
        let elevated = sustain.on_tick(100, Critical, 10).unwrap();
        assert_eq!((elevated.level, elevated.peak), (Elevated, 10));
        assert_eq!(sustain.due_ms(), Some(190));
        assert_eq!(sustain.on_tick(195, Critical, 9).unwrap().level, Critical);

        // Back to elevated, and up for a moment: the upper level was left, and does not hold again.
        let cleared = sustain.on_edge(200, &edge(3, Critical, Elevated, 7, 10)).next().unwrap();
        assert_eq!((cleared.level, cleared.duration_ms), (Elevated, Some(110)));
        assert!(sustain.on_edge(210, &edge(4, Elevated, Critical, 10, 10)).is_silent());
        let cleared = sustain.on_edge(250, &edge(5, Critical, Normal, 0, 10)).next().unwrap();
        assert_eq!((cleared.level, cleared.duration_ms), (Normal, Some(250)));
    }

    #[test]
    fn a_ping_pong_that_loses_every_clear_edge_to_a_race_is_silent() {
        let mut sustain = Sustain::new(100, None);
        for turn in 0..10_000 {
            assert!(sustain.on_edge(turn, &raise(2 * turn + 1)).is_silent());
            assert_eq!(sustain.on_tick(turn, Elevated, 1), None);
            // The clear edge of the turn before comes late.
            assert!(sustain.on_edge(turn, &clear(2 * turn)).is_silent());
        }
    }

    #[test]
    fn without_a_hold_each_edge_is_announced_once_in_any_order() {
        let mut sustain = Sustain::new(0, Some(50));
        let edges = [raise(1), raise(3), clear(2), clear(6), raise(5), clear(4), raise(7)];
        let made: Vec<_> =
            edges.iter().flat_map(|edge| sustain.on_edge(edge.sequence, edge)).collect();
        for (made, edge) in made.iter().zip(&edges) {
            assert_eq!((made.sequence, made.level), (edge.sequence, edge.to));
            assert_eq!(made.kind == Cleared, edge.kind() == EdgeKind::Cleared);
        }
        assert_eq!(made.len(), edges.len());
        // 6 ends what was last heard raised, by 3; nothing is known of what 2 and 4 cleared.
        let durations: Vec<_> = made.iter().map(|made| made.duration_ms).collect();
        assert_eq!(durations, [None, None, None, Some(3), None, None, None]);
        assert_eq!(sustain.due_ms(), Some(57));
        assert_eq!(sustain.on_tick(57, Elevated, 8).unwrap().kind, StillRaised { repeat: 1 });
    }

    /// Random depths of a gauge with three levels, their edges handed over in a random order within
    /// a few steps of each other, ticks in between.
    #[test]
    fn random_histories_keep_the_promises() {
        let watermarks = Watermarks::counts(10, 4, 1).with_level(7, 5).with_level(10, 8);
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..400 {
            let (hold_ms, reorder) = ([0, 5, 40][round % 3], round % 4);
            let mut gauge = Hysteresis::new(watermarks);
            let mut sustain = Sustain::new(hold_ms, Some(30));
            let mut under_way: Vec<Edge> = vec![];
            let (mut now_ms, mut heard, mut edges) = (0, Normal, 0);
            let mut check = |said: Announcement, heard: &mut Level| {
                match said.kind {
                    Raised if hold_ms > 0 => {
                        assert!(
                            said.level > *heard && said.duration_ms >= Some(hold_ms),
                            "{said:?}"
                        );
                    }
                    Cleared if hold_ms > 0 => assert!(said.level < *heard, "{said:?}"),
                    Raised | Cleared => edges += 1,
                    StillRaised { .. } => {
                        let expected = if hold_ms > 0 { *heard } else { said.level };
                        assert!(said.level == expected && said.level > Normal, "{said:?}");
                    }
                }
                *heard = said.level;
            };
            for step in 0..300 {
                now_ms += random(10);
                let depth = if step == 299 { 0 } else { random(11) };
                under_way.extend(gauge.on_depth(depth));
                while under_way.len() > reorder || (step == 299 && !under_way.is_empty()) {
                    let edge = under_way.remove(random(under_way.len() as u64) as usize);
                    sustain.on_edge(now_ms, &edge).for_each(|said| check(said, &mut heard));
                }
                let said = sustain.on_tick(now_ms, gauge.level(), depth);
                if let Some(said) = said {
                    assert!(said.level <= gauge.level(), "{said:?} at {depth}");
                    check(said, &mut heard);
                }
                assert!(hold_ms == 0 || heard == sustain.announced());
            }
            assert_eq!((sustain.level(), sustain.announced()), (Normal, Normal));
            assert_eq!(sustain.due_ms(), None);
            assert_eq!(edges, if hold_ms == 0 { gauge.edges() } else { 0 });
        }
    }

    #[test]
    fn a_clock_that_runs_backwards_counts_as_no_time() {
        let mut sustain = pending();
        assert_eq!(sustain.on_tick(0, Elevated, 8), None);
        let mut sustain = announced();
        let cleared = sustain.on_edge(0, &clear(4)).next().unwrap();
        assert_eq!(cleared.duration_ms, Some(0));
    }
}
