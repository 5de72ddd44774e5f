//! The reporter of one limit: decides which of its changes become events.

use plimsoll_core::{Edge, Level, Notice, NoticeKind, Sustain};

use super::rate::Rate;
use super::share::{Condition, Share};
use crate::clock;
use crate::telemetry::{PressureRule, Report, SourceReading};

/// Decides what becomes an event of one limit, by its [`PressureRule`].
///
/// There is a level that subscribers *should* know ([`target`](Self::target)), and the one of the
/// last accepted report, `reported`. Each report that is accepted moves the second to the first. A
/// change that the rate held back, or that found no room on its way, is reported by a later tick:
/// the picture of a subscriber converges (REG-6).
///
/// ```text
/// edges, time --> Sustain: level that has held --+
///                                                +--> target --> Rate --> report --> reported
/// ticks --------> Share: level most of the time -+
/// ```
///
/// A rule without a rate makes one report of each edge.
///
/// A plain state machine for one thread; its [entry](super::entry::Entry) locks it.
#[derive(Debug)]
pub(super) struct Reporter {
    sustain: Sustain,
    share: Option<Share>,
    rate: Option<Rate>,
    reported: Level,
    /// The last of all edges that were reported, by which subscribers go where each edge is an event.
    reported_sequence: u64,
    /// Whether the share alone has raised it. A level that has held clears as soon as it falls.
    is_raised_by_share: bool,
    repeats: Repeats,
    /// The latest notice of the limit.
    latest: Notice,
    /// How many changes were not reported since the last report.
    suppressed: u64,
    /// The limit is gone: the target is `Normal` for ever.
    is_gone: bool,
}

/// The repetitions of what the share has raised; those of a level that holds are `Sustain`'s.
#[derive(Debug)]
struct Repeats {
    interval_ms: Option<u64>,
    count: u32,
    due_ms: u64,
}

/// Takes a report, and returns whether there was room for it.
pub(super) type Accept<'a> = dyn FnMut(Report) -> bool + 'a;

impl Reporter {
    pub(super) fn new(rule: PressureRule) -> Self {
        Self {
            sustain: rule.sustain(),
            // Where each edge is an event there is nothing left for a share to say.
            share: rule.share.filter(|_| rule.rate.is_some()).map(Share::new),
            rate: rule.rate.map(Rate::new),
            reported: Level::Normal,
            reported_sequence: 0,
            is_raised_by_share: false,
            repeats: Repeats { interval_ms: rule.repeat.map(clock::ceil_ms), count: 0, due_ms: 0 },
            latest: Notice {
                kind: NoticeKind::Cleared,
                level: Level::Normal,
                depth: 0,
                peak: 0,
                duration_ms: None,
                sequence: 0,
            },
            suppressed: 0,
            is_gone: false,
        }
    }

    pub(super) fn has_share(&self) -> bool {
        self.share.is_some()
    }

    /// Takes an edge; `waiting` waiters are blocked at that time.
    pub(super) fn on_edge(&mut self, now_ms: u64, edge: &Edge, waiting: u64, accept: &mut Accept) {
        let notices = self.sustain.on_edge(now_ms, edge);
        if let Some(share) = &mut self.share {
            share.on_look(now_ms, condition(self.sustain.level(), waiting));
        }
        for notice in notices {
            self.on_notice(now_ms, notice, accept);
        }
        if edge.sequence() > self.latest.sequence {
            self.latest = Notice {
                kind: NoticeKind::Cleared,
                level: edge.to(),
                depth: edge.depth(),
                peak: edge.peak(),
                duration_ms: None,
                sequence: edge.sequence(),
            };
        }
    }

    /// Lets time pass; `read` is the limit as it is now.
    pub(super) fn on_tick(&mut self, now_ms: u64, read: &SourceReading, accept: &mut Accept) {
        if self.is_gone {
            return;
        }
        if let Some(share) = &mut self.share {
            share.on_look(now_ms, condition(read.level, read.waiting));
        }
        let notice = self.sustain.on_tick(now_ms, read.level, read.depth);
        self.latest.depth = read.depth;
        if let Some(notice) = notice {
            self.on_notice(now_ms, notice, accept);
        }
        // If it reads lower than its last edge, the edge that clears it is under way.
        if read.level >= self.sustain.level() {
            self.catch_up(now_ms, accept);
        }
        if self.repeat_due_ms().is_some_and(|due_ms| due_ms <= now_ms) {
            self.repeat(now_ms, accept);
        }
    }

    /// The limit is gone. To be repeated until nothing is due: what has cleared is reported once.
    pub(super) fn on_gone(&mut self, now_ms: u64, accept: &mut Accept) {
        self.is_gone = true;
        self.catch_up(now_ms, accept);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// The raise that was reported last, for a subscriber that came later; `None` at `Normal`.
    pub(super) fn standing(&self, now_ms: u64) -> Option<Report> {
        let kind = NoticeKind::Raised;
        let said = Notice { kind, level: self.reported, ..self.composed(now_ms, self.reported) };
        (self.reported > Level::Normal).then_some(Report {
            notice: said,
            suppressed: 0,
            is_gone: false,
        })
    }

    /// When the next tick is due, if nothing happens before.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let behind = (self.target() != self.reported).then(|| match &self.rate {
            Some(rate) if self.target() > self.reported => match rate.allows(0, self.target()) {
                true => 0,
                false => rate.over_ms(),
            },
            _ => 0,
        });
        if self.is_gone {
            return behind;
        }
        let share = self.share.as_ref().and_then(Share::due_ms);
        [self.sustain.due_ms(), share, behind, self.repeat_due_ms()].into_iter().flatten().min()
    }

    /// The level that subscribers should know.
    fn target(&self) -> Level {
        if self.is_gone { Level::Normal } else { self.raised_by_share(self.sustain.announced()) }
    }

    /// `level`, or what the share says if that is higher.
    fn raised_by_share(&self, level: Level) -> Level {
        match &self.share {
            Some(share) if share.is_on() => level.max(Level::Elevated),
            _ => level,
        }
    }

    fn on_notice(&mut self, now_ms: u64, said: Notice, accept: &mut Accept) {
        let is_late = said.sequence < self.latest.sequence;
        if !is_late {
            self.latest = said;
        }
        if self.rate.is_none() {
            // What has overtaken it may have found no room.
            let is_overtaken = said.sequence < self.reported_sequence;
            let level = if is_overtaken { self.reported } else { said.level };
            self.report(said, level, accept);
        } else if let NoticeKind::StillRaised { .. } = said.kind {
            if said.level == self.reported {
                self.report(said, said.level, accept);
            }
        } else if is_late {
            self.suppress();
        } else {
            self.settle_share(said.kind);
            self.move_to(now_ms, self.raised_by_share(said.level), said, accept);
        }
    }

    /// A level that has held needs no share: its time is not counted again, nor does it last
    /// longer.
    fn settle_share(&mut self, said: NoticeKind) {
        if said == NoticeKind::Raised {
            self.is_raised_by_share = false;
        } else if self.reported > Level::Normal && !self.is_raised_by_share {
            self.share.iter_mut().for_each(Share::reset);
        }
    }

    /// Reports that the level is `level`; `said` is what has made it so.
    fn move_to(&mut self, now_ms: u64, level: Level, said: Notice, accept: &mut Accept) {
        let is_raise = level > self.reported;
        let is_allowed = self.rate.is_none_or(|rate| rate.allows(now_ms, level));
        if level == self.reported || (is_raise && !is_allowed) {
            return self.suppress();
        }
        let kind = match is_raise {
            true => NoticeKind::Raised,
            false => NoticeKind::Cleared,
        };
        let is_reported = self.report(Notice { kind, level, ..said }, level, accept);
        if let Some(rate) = self.rate.as_mut().filter(|_| is_reported && is_raise) {
            rate.on_raise(now_ms, level);
        }
    }

    /// Reports a change that was never reported, or whose report was refused.
    fn catch_up(&mut self, now_ms: u64, accept: &mut Accept) {
        let (target, suppressed) = (self.target(), self.suppressed);
        if target != self.reported {
            self.is_raised_by_share = self.sustain.announced() == Level::Normal;
            self.move_to(now_ms, target, self.composed(now_ms, target), accept);
            self.repeats.on_report(now_ms, 0);
            // That is no change of its own.
            self.suppressed = self.suppressed.min(suppressed);
        }
    }

    fn repeat_due_ms(&self) -> Option<u64> {
        let is_due = self.is_raised_by_share && self.reported > Level::Normal && !self.is_gone;
        (is_due && self.repeats.interval_ms.is_some()).then_some(self.repeats.due_ms)
    }

    fn repeat(&mut self, now_ms: u64, accept: &mut Accept) {
        let (level, count) = (self.reported, self.repeats.count.saturating_add(1));
        let kind = NoticeKind::StillRaised { repeat: count };
        let said = self.composed(now_ms, level);
        self.report(Notice { kind, level, ..said }, level, accept);
        self.repeats.on_report(now_ms, count);
    }

    fn report(&mut self, said: Notice, level: Level, accept: &mut Accept) -> bool {
        let report = Report { notice: said, suppressed: self.suppressed, is_gone: self.is_gone };
        let is_accepted = accept(report);
        if is_accepted {
            (self.reported, self.suppressed) = (level, 0);
            self.reported_sequence = self.reported_sequence.max(said.sequence);
        } else {
            self.suppress();
        }
        is_accepted
    }

    fn suppress(&mut self) {
        self.suppressed = self.suppressed.saturating_add(1);
    }

    /// A notice of `level` from what is known, for a report that no notice has caused.
    fn composed(&self, now_ms: u64, level: Level) -> Notice {
        let latest = self.latest;
        let said = match self.sustain.standing(now_ms) {
            // It has no more edges, and this comes after all of them.
            Some(standing) if self.is_gone => {
                Notice { sequence: latest.sequence.saturating_add(1), ..standing }
            }
            Some(standing) if standing.level == level => standing,
            _ => latest,
        };
        let by_share = self.share.as_ref().filter(|_| said == latest && level > Level::Normal);
        Notice {
            depth: latest.depth,
            peak: said.peak.max(latest.depth),
            duration_ms: by_share.map(Share::share_ms).or(said.duration_ms),
            ..said
        }
    }
}

impl Repeats {
    /// The one numbered `count` was made now.
    fn on_report(&mut self, now_ms: u64, count: u32) {
        self.count = count;
        self.due_ms = now_ms.saturating_add(self.interval_ms.unwrap_or(0));
    }
}

fn condition(level: Level, waiting: u64) -> Condition {
    match (level, waiting) {
        (Level::Normal, 0) => Condition::Quiet,
        (Level::Normal, _) => Condition::Blocked,
        _ => Condition::Raised,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use plimsoll_core::{Hysteresis, Watermarks};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn read(depth: u64, level: Level) -> SourceReading {
        SourceReading {
            depth,
            high_water: depth,
            level,
            waiting: 0,
            blocked: Duration::ZERO,
            edge: None,
        }
    }

    /// Random depths of a gauge with three levels, with a way that has no room at times: whatever
    /// was refused or held back, the level that was heard of is the true one when nothing is due.
    #[test]
    fn reg_6_reg_7_random_histories_converge_within_the_rate() {
        let watermarks = Watermarks::counts(10, 4, 1).with_level(7, 5).with_level(10, 8);
        let mut state = 7u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for round in 0..600 {
            let rule = PressureRule::hold([Duration::ZERO, 5 * MS, 40 * MS][round % 3]);
            let rule = if round % 5 == 0 { PressureRule::IMMEDIATE } else { rule };
            let rule = if rule.rate.is_some() { rule.rate(2, 100 * MS) } else { rule };
            let mut gauge = Hysteresis::new(watermarks);
            let mut reporter = Reporter::new(rule);
            let (mut now_ms, mut depth) = (1_000, 0);
            let (mut heard, mut raises): (_, Vec<(u64, Level)>) = (Level::Normal, Vec::new());
            let mut has_room = true;
            for step in 0..300 {
                let mut accept = |report: Report| {
                    let Notice { kind, level, .. } = report.notice;
                    if has_room {
                        match kind {
                            NoticeKind::Raised if rule.rate.is_some() => {
                                assert!(level > heard, "{report:?}");
                                raises.push((now_ms, level));
                            }
                            NoticeKind::Cleared if rule.rate.is_some() => {
                                assert!(level < heard, "{report:?}");
                            }
                            _ => {}
                        }
                        heard = level;
                    }
                    has_room
                };
                depth = if step < 250 { random(11) } else { depth };
                if let Some(edge) = gauge.on_depth(depth) {
                    reporter.on_edge(now_ms, &edge, 0, &mut accept);
                }
                let read = read(depth, gauge.level());
                if step >= 250 || random(3) == 0 {
                    reporter.on_tick(now_ms, &read, &mut accept);
                }
                now_ms += if step < 250 { random(12) } else { 20 };
                has_room = step >= 250 || random(4) > 0;
            }
            assert_eq!((heard, reporter.reported), (gauge.level(), gauge.level()), "{rule:?}");
            assert!(reporter.due_ms().is_none_or(|due_ms| due_ms > now_ms - 20), "{rule:?}");
            for (began, (began_ms, _)) in raises.iter().enumerate() {
                let within = raises[began..].iter().take_while(|(at, _)| *at < began_ms + 100);
                assert!(within.count() <= 2 * (2 + 2), "two, and the steps up, of two intervals");
            }
        }
    }

    #[test]
    fn reg_7_raises_that_the_rate_holds_back_still_count_for_the_share() {
        let mut gauge = Hysteresis::new(Watermarks::new(10));
        let mut reporter = Reporter::new(PressureRule::default().share(50, 400 * MS));
        let mut reports = 0;
        let mut accept = |_| {
            reports += 1;
            true
        };
        // Raised for 30 of each 50 ms.
        for began_ms in (0..900).step_by(50) {
            for (now_ms, depth) in [(began_ms, 9), (began_ms + 30, 0)] {
                let edge = gauge.on_depth(depth).unwrap();
                reporter.on_edge(now_ms, &edge, 0, &mut accept);
            }
        }
        assert_eq!(reports, 2, "a raise and its end; the next raise is due after a second");
        assert!(reporter.share.as_ref().unwrap().is_on(), "{reporter:?}");
    }

    #[test]
    fn reg_7_a_level_that_holds_lasts_longer_than_the_share_looks_back() {
        let mut gauge = Hysteresis::new(Watermarks::new(10));
        let mut reporter = Reporter::new(PressureRule::hold(100 * MS).share(50, 200 * MS));
        let raise = gauge.on_depth(9).unwrap();
        reporter.on_edge(0, &raise, 0, &mut |_| true);
        let level = gauge.level();
        reporter.on_tick(1_000, &read(9, level), &mut |report| {
            assert_eq!(report.notice.duration_ms, Some(1_000));
            true
        });
        assert!(reporter.share.as_ref().unwrap().is_on());
        let standing = reporter.standing(2_000).expect("it was reported");
        assert_eq!((standing.notice.level, standing.notice.duration_ms), (level, Some(2_000)));
    }

    #[test]
    fn reg_6_a_recovery_that_found_no_room_keeps_its_duration() {
        let mut gauge = Hysteresis::new(Watermarks::new(10));
        let mut reporter = Reporter::new(PressureRule::hold(100 * MS));
        let raise = gauge.on_depth(9).unwrap();
        reporter.on_edge(0, &raise, 0, &mut |_| true);
        reporter.on_tick(200, &read(9, gauge.level()), &mut |_| true);
        let clear = gauge.on_depth(0).unwrap();
        reporter.on_edge(300, &clear, 0, &mut |_| false);
        let mut reports = Vec::new();
        reporter.on_tick(350, &read(0, gauge.level()), &mut |report| {
            reports.push(report.notice);
            true
        });
        let [end] = reports[..] else { panic!("{reports:?}") };
        assert_eq!((end.kind, end.duration_ms), (NoticeKind::Cleared, Some(300)));
    }

    #[test]
    fn reg_6_an_edge_that_another_has_overtaken_without_being_reported_is_not_the_last_word() {
        for from in [Level::Normal, Level::Elevated] {
            let mut gauge = Hysteresis::new(Watermarks::new(10));
            let mut reporter = Reporter::new(PressureRule::IMMEDIATE);
            let depths = if from == Level::Normal { [9, 0] } else { [0, 9] };
            if from > Level::Normal {
                reporter.on_edge(0, &gauge.on_depth(9).unwrap(), 0, &mut |_| true);
            }
            let [first, second] = depths.map(|depth| gauge.on_depth(depth).unwrap());
            reporter.on_edge(1, &second, 0, &mut |_| false);
            reporter.on_edge(2, &first, 0, &mut |_| true);
            assert_eq!(reporter.due_ms(), Some(0), "the first is the last that was reported");
            let mut reports = Vec::new();
            reporter.on_tick(3, &read(depths[1], gauge.level()), &mut |report| {
                reports.push((report.notice.level, report.notice.sequence));
                true
            });
            assert_eq!((reports, reporter.due_ms()), (vec![(from, second.sequence())], None));
        }
    }

    #[test]
    fn reg_6_a_raise_that_finds_no_room_again_and_again_is_one_change() {
        let mut gauge = Hysteresis::new(Watermarks::new(10));
        let mut reporter = Reporter::new(PressureRule::hold(100 * MS));
        let raise = gauge.on_depth(9).unwrap();
        reporter.on_edge(0, &raise, 0, &mut |_| true);
        let read = read(9, gauge.level());
        for now_ms in [200, 250, 300] {
            reporter.on_tick(now_ms, &read, &mut |_| false);
        }
        let mut suppressed = Vec::new();
        reporter.on_tick(350, &read, &mut |report| {
            suppressed.push(report.suppressed);
            true
        });
        assert_eq!(suppressed, [1]);
    }

    #[test]
    fn reg_8_the_end_is_reported_once_and_when_there_is_room() {
        let mut gauge = Hysteresis::new(Watermarks::new(10));
        let mut reporter = Reporter::new(PressureRule::default());
        let raise = gauge.on_depth(9).unwrap();
        reporter.on_edge(5, &raise, 0, &mut |_| true);
        reporter.on_gone(10, &mut |_| false);
        assert_eq!(reporter.due_ms(), Some(0));
        let mut reports = Vec::new();
        for now_ms in [15, 20] {
            reporter.on_gone(now_ms, &mut |report| {
                reports.push(report);
                true
            });
        }
        let [end] = reports[..] else { panic!("{reports:?}") };
        assert!(end.is_gone);
        assert_eq!(
            (end.notice.kind, end.notice.level, end.notice.duration_ms),
            (NoticeKind::Cleared, Level::Normal, Some(10))
        );
        assert_eq!((reporter.due_ms(), reporter.standing(30)), (None, None));
    }
}
