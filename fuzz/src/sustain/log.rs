//! What is said of a log of edges and ticks.

use plimsoll_core::{Edge, EdgeKind, Level, Notice, NoticeKind};

/// What has happened. Nothing is derived before it is asked for.
pub(super) struct Log {
    hold_ms: u64,
    repeat_ms: Option<u64>,
    entries: Vec<Entry>,
    announced: usize,
    repeats: u32,
    repeat_at_ms: u64,
}

struct Entry {
    at_ms: u64,
    depth: u64,
    peak: u64,
    /// The lowest level that can have held in between, and the one that holds now.
    trough: usize,
    level: usize,
    sequence: u64,
    /// Edges are missing before this one; so many levels were announced then.
    gap_over: Option<usize>,
}

impl Log {
    pub(super) fn new(hold_ms: u64, repeat_ms: Option<u64>) -> Log {
        let repeat_ms = repeat_ms.map(|repeat| repeat.max(1));
        Log { hold_ms, repeat_ms, entries: Vec::new(), announced: 0, repeats: 0, repeat_at_ms: 0 }
    }

    pub(super) fn sequence(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.sequence)
    }

    pub(super) fn level(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.level)
    }

    /// The level that was announced last.
    pub(super) fn announced(&self) -> usize {
        self.announced
    }

    /// Where the stretch of a level that holds began.
    fn beginning(&self, level: usize) -> usize {
        let begins = |entry: &Entry| entry.trough < level && level <= entry.level;
        self.entries.iter().rposition(begins).expect("a level that holds was reached")
    }

    fn since_ms(&self, level: usize) -> u64 {
        let stretch = &self.entries[self.beginning(level)..];
        let restart = |entry: &&Entry| entry.gap_over.is_some_and(|announced| announced < level);
        stretch[1..].iter().rfind(restart).unwrap_or(&stretch[0]).at_ms
    }

    fn peak(&self, level: usize) -> u64 {
        let stretch = &self.entries[self.beginning(level)..];
        let later = stretch[1..].iter().map(|entry| entry.peak);
        later.fold(stretch[0].depth, u64::max)
    }

    fn held_ms(&self, level: usize, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_ms(level))
    }

    pub(super) fn on_edge(&mut self, now_ms: u64, edge: &Edge) -> Vec<Notice> {
        let as_it_is = Notice {
            kind: match edge.kind() {
                EdgeKind::Raised => NoticeKind::Raised,
                EdgeKind::Cleared => NoticeKind::Cleared,
            },
            level: edge.to(),
            depth: edge.depth(),
            peak: edge.peak(),
            duration_ms: None,
            sequence: edge.sequence(),
        };
        if edge.sequence() <= self.sequence() {
            return if self.hold_ms == 0 { vec![as_it_is] } else { Vec::new() };
        }
        let gap = edge.sequence() > self.sequence() + 1;
        // A gap makes what is pending begin anew, so nothing of it has held.
        let mut said = match gap {
            true => Vec::new(),
            false => Vec::from_iter(self.announce_held(now_ms)),
        };
        let (from, to) = (edge.from() as usize, edge.to() as usize);
        let trough = self.level().min(from).min(to);
        let cleared = (self.announced > trough).then(|| {
            let lowest = trough + 1;
            self.say(NoticeKind::Cleared, trough, lowest, now_ms, edge)
        });
        self.entries.push(Entry {
            at_ms: now_ms,
            depth: edge.depth(),
            peak: edge.peak(),
            trough,
            level: to,
            sequence: edge.sequence(),
            gap_over: gap.then_some(self.announced),
        });
        self.announced = self.announced.min(trough);
        if self.hold_ms > 0 {
            said.extend(cleared);
            return said;
        }
        if self.announced < to {
            self.announce(to, now_ms);
        }
        let fell = edge.kind() == EdgeKind::Cleared;
        vec![cleared.filter(|_| fell).unwrap_or(as_it_is)]
    }

    /// What is said of the stretch of `level` that `edge` ends.
    fn say(&self, kind: NoticeKind, to: usize, level: usize, now_ms: u64, edge: &Edge) -> Notice {
        let within = level <= edge.from() as usize;
        Notice {
            kind,
            level: Level::ALL[to],
            depth: edge.depth(),
            peak: self.peak(level).max(if within { edge.peak() } else { 0 }),
            duration_ms: Some(self.held_ms(level, now_ms)),
            sequence: edge.sequence(),
        }
    }

    pub(super) fn on_tick(&mut self, now_ms: u64, level: Level, depth: u64) -> Option<Notice> {
        if (level as usize) < self.level() {
            return None;
        }
        self.entries.push(Entry {
            at_ms: now_ms,
            depth,
            peak: depth,
            trough: self.level(),
            level: self.level(),
            sequence: self.sequence(),
            gap_over: None,
        });
        self.announce_held(now_ms).or_else(|| self.announce_repeat(now_ms))
    }

    fn announce_held(&mut self, now_ms: u64) -> Option<Notice> {
        let mut pending = self.announced + 1..=self.level();
        let held = pending.rfind(|level| self.held_ms(*level, now_ms) >= self.hold_ms)?;
        self.announce(held, now_ms);
        Some(self.say_of_announced(NoticeKind::Raised, now_ms))
    }

    fn announce_repeat(&mut self, now_ms: u64) -> Option<Notice> {
        let repeat_ms = self.repeat_ms.filter(|_| self.announced > 0)?;
        if now_ms < self.repeat_at_ms {
            return None;
        }
        self.repeats += 1;
        self.repeat_at_ms = now_ms.saturating_add(repeat_ms);
        Some(self.say_of_announced(NoticeKind::StillRaised { repeat: self.repeats }, now_ms))
    }

    fn announce(&mut self, level: usize, now_ms: u64) {
        self.announced = level;
        self.repeats = 0;
        self.repeat_at_ms = now_ms.saturating_add(self.repeat_ms.unwrap_or(0));
    }

    fn say_of_announced(&self, kind: NoticeKind, now_ms: u64) -> Notice {
        Notice {
            kind,
            level: Level::ALL[self.announced],
            depth: self.entries.last().map_or(0, |entry| entry.depth),
            peak: self.peak(self.announced),
            duration_ms: Some(self.held_ms(self.announced, now_ms)),
            sequence: self.sequence(),
        }
    }

    pub(super) fn due_ms(&self) -> Option<u64> {
        let held = (self.announced < self.level())
            .then(|| self.since_ms(self.announced + 1).saturating_add(self.hold_ms));
        let repeat = self.repeat_ms.filter(|_| self.announced > 0).map(|_| self.repeat_at_ms);
        held.into_iter().chain(repeat).min()
    }
}
