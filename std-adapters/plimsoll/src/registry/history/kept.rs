//! The data of a history: depths, peaks and blocked time of each limit in the last minutes.

use std::collections::VecDeque;
use std::time::Duration;

use super::chart::{Chart, ChartPoint};
use crate::telemetry::SnapshotRecent;

/// One look at a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The limit's number in its registry.
    pub(super) id: u64,
    pub(super) depth: u64,
    /// The largest depth since the look before; what came before the first one does not count.
    pub(super) peak: u64,
    /// How long waiters have been blocked on it in all.
    pub(super) blocked: Duration,
}

/// The looks of the last minutes at all limits of a registry.
///
/// A plain machine for one thread. Time is an argument, from any one origin; a look before an
/// earlier one counts as none.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// When the last looks were, oldest first.
    times: VecDeque<Duration>,
    /// The limits of the last look, in the order of their numbers.
    tracks: Vec<Track>,
    minute_began: Duration,
    charted: usize,
    /// The looks that are nearest to the beginning of each window.
    places: [usize; WINDOWS.len()],
}

/// The windows of the blocked share.
const WINDOWS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];

const MINUTE: Duration = Duration::from_secs(60);

/// As many looks of the blocked time are kept as the longest window has seconds, and the one before
/// it.
const BLOCKED_MAX: usize = 61;

impl Kept {
    /// When the last look was.
    pub(super) fn last(&self) -> Option<Duration> {
        self.times.back().copied()
    }

    /// Whether a look at that time is one: it is later than the look before.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.last().is_none_or(|last| last < now)
    }

    /// Takes a look at everything that there is, in the order of the numbers. What is not among it is
    /// forgotten.
    ///
    /// # Returns
    /// `false` if it is not later than the look before: nothing is noted.
    pub(super) fn on_samples(
        &mut self,
        now: Duration,
        samples: impl IntoIterator<Item = Sample>,
    ) -> bool {
        let is_first = self.times.is_empty();
        if !self.is_due(now) {
            return false;
        }
        if is_first {
            self.minute_began = now;
        }
        let is_over = now.saturating_sub(self.minute_began) >= MINUTE;
        if is_over {
            self.minute_began = now;
        }
        if self.times.len() == Chart::POINTS_MAX {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.places = WINDOWS.map(|window| nearest(&self.times, now.saturating_sub(window)));
        let mut known = std::mem::take(&mut self.tracks).into_iter().peekable();
        for sample in samples {
            while let Some(gone) = known.next_if(|track| track.id < sample.id) {
                self.charted -= usize::from(gone.chart.is_some());
            }
            let mut track = match known.next_if(|track| track.id == sample.id) {
                Some(track) => track,
                None => Track::new(&sample, !is_first),
            };
            if track.chart.is_none() && self.charted < Chart::CHARTS_MAX {
                track.chart = Some(Box::default());
                self.charted += 1;
            }
            track.on_sample(&sample, is_over);
            self.tracks.push(track);
        }
        self.charted -= known.filter(|track| track.chart.is_some()).count();
        true
    }

    /// What is known of a limit as of the last look.
    pub(super) fn recent(&self, id: u64) -> Option<SnapshotRecent> {
        let track = self.track(id)?;
        let [blocked_share_10s, blocked_share_60s] =
            self.places.map(|place| track.blocked_share(&self.times, place));
        Some(SnapshotRecent {
            blocked_share_10s,
            blocked_share_60s,
            peak_minute: track.peak_minute,
        })
    }

    /// The looks at a limit, oldest first.
    pub(super) fn chart(&self, id: u64) -> Option<impl Iterator<Item = ChartPoint> + '_> {
        let chart = self.track(id)?.chart.as_deref()?;
        let now = *self.times.back()?;
        let times = self.times.iter().skip(self.times.len() - chart.len());
        let point = move |(time, (depth, peak)): (&Duration, (u64, u64))| ChartPoint {
            age: now - *time,
            depth,
            peak,
        };
        Some(times.zip(chart.points()).map(point))
    }

    fn track(&self, id: u64) -> Option<&Track> {
        let place = self.tracks.binary_search_by_key(&id, |track| track.id).ok()?;
        self.tracks.get(place)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.tracks.len(), self.charted)
    }
}

/// What is kept of one limit.
#[derive(Debug)]
struct Track {
    id: u64,
    /// How many looks there were, as far as they matter.
    looks: usize,
    blocked_last: Duration,
    /// The blocked time of the last looks, oldest first; empty while it stands still.
    blocked: VecDeque<Duration>,
    /// The largest depth in this minute.
    peak: u64,
    /// The same of the last minute that is over.
    peak_minute: Option<u64>,
    /// Whether its mark is one of the history's time; if not, the next one is.
    has_begun: bool,
    chart: Option<Box<Chart>>,
}

impl Track {
    /// `has_begun`: the limit has come while its registry had a history.
    fn new(sample: &Sample, has_begun: bool) -> Self {
        Self {
            id: sample.id,
            looks: 0,
            blocked_last: sample.blocked,
            blocked: VecDeque::new(),
            peak: 0,
            peak_minute: None,
            has_begun,
            chart: None,
        }
    }

    fn on_sample(&mut self, sample: &Sample, is_over: bool) {
        let Sample { depth, blocked, .. } = *sample;
        let peak = if self.has_begun { sample.peak.max(depth) } else { depth };
        self.has_begun = true;
        self.peak = self.peak.max(peak);
        if is_over {
            self.peak_minute = Some(std::mem::replace(&mut self.peak, depth));
        }
        if let Some(chart) = &mut self.chart {
            chart.push(depth, peak);
        }
        self.note_blocked(blocked);
    }

    fn note_blocked(&mut self, blocked: Duration) {
        if self.blocked.is_empty() && blocked != self.blocked_last {
            self.blocked.extend(std::iter::repeat_n(self.blocked_last, self.looks));
        }
        self.looks = (self.looks + 1).min(BLOCKED_MAX);
        if self.blocked.is_empty() && blocked == self.blocked_last {
            return;
        }
        self.blocked_last = blocked;
        if self.blocked.len() == BLOCKED_MAX {
            self.blocked.pop_front();
        }
        self.blocked.push_back(blocked);
        if self.blocked.len() == BLOCKED_MAX && self.blocked.front() == Some(&blocked) {
            self.blocked.clear();
        }
    }

    /// The time that waiters were blocked since the look at `place`, or the first one of this limit
    /// if that came later, in proportion to the time since then.
    fn blocked_share(&self, times: &VecDeque<Duration>, place: usize) -> Option<f64> {
        let first = times.len() - self.looks.min(times.len());
        let place = place.max(first);
        let passed = times.back()?.saturating_sub(*times.get(place)?);
        if passed.is_zero() {
            return None;
        }
        let before = self.blocked.get(place - first).copied().unwrap_or(self.blocked_last);
        // The blocked time of a wait that has not ended is known to a millisecond, and may fall by
        // it.
        Some(self.blocked_last.saturating_sub(before).as_secs_f64() / passed.as_secs_f64())
    }
}

/// The place of the time that is nearest to `at`.
fn nearest(times: &VecDeque<Duration>, at: Duration) -> usize {
    let after = times.partition_point(|time| *time < at);
    match after.checked_sub(1) {
        Some(before) if times.get(after).is_none_or(|next| at - times[before] <= *next - at) => {
            before
        }
        _ => after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MS: Duration = Duration::from_millis(1);

    fn sample(id: u64, depth: u64, peak: u64, blocked: Duration) -> Sample {
        Sample { id, depth, peak, blocked }
    }

    /// Looks at one limit, each a second after the one before.
    fn watch(kept: &mut Kept, from_s: u64, looks: impl IntoIterator<Item = (u64, u64, Duration)>) {
        for (second, (depth, peak, blocked)) in (from_s..).zip(looks) {
            let now = Duration::from_secs(second);
            assert!(kept.on_samples(now, [sample(7, depth, peak, blocked)]));
        }
    }

    fn shares(kept: &Kept) -> (Option<f64>, Option<f64>) {
        let recent = kept.recent(7).unwrap();
        (recent.blocked_share_10s, recent.blocked_share_60s)
    }

    #[test]
    fn the_blocked_share_is_the_difference_of_the_totals_over_the_time() {
        let mut kept = Kept::default();
        assert_eq!(kept.recent(7), None);
        watch(&mut kept, 100, [(0, 0, SECOND)]);
        assert_eq!(shares(&kept), (None, None), "one look is no window");
        watch(&mut kept, 101, [(0, 0, SECOND)]);
        assert_eq!(shares(&kept), (Some(0.0), Some(0.0)), "what came before does not count");
        // One waiter for a quarter of each second, for 20 seconds; then quiet.
        watch(&mut kept, 102, (1..=20).map(|second| (0, 0, SECOND + 250 * MS * second)));
        assert_eq!(shares(&kept), (Some(0.25), Some(5.0 / 21.0)));
        watch(&mut kept, 122, (0..5).map(|_| (0, 0, 6 * SECOND)));
        assert_eq!(shares(&kept), (Some(0.125), Some(5.0 / 26.0)));
        watch(&mut kept, 127, (0..45).map(|_| (0, 0, 6 * SECOND)));
        assert_eq!(shares(&kept), (Some(0.0), Some(10.0 * 0.25 / 60.0)));
        watch(&mut kept, 172, (0..20).map(|_| (0, 0, 6 * SECOND)));
        assert_eq!(shares(&kept), (Some(0.0), Some(0.0)));
        assert!(kept.tracks[0].blocked.is_empty(), "what stands still takes no room");
        // Three waiters all the time.
        watch(&mut kept, 192, (1..=61).map(|second| (0, 0, 6 * SECOND + 3 * SECOND * second)));
        assert_eq!(shares(&kept), (Some(3.0), Some(3.0)));
    }

    #[test]
    fn looks_that_come_late_are_counted_for_the_time_that_they_cover() {
        let mut kept = Kept::default();
        let times = [0, 1_010, 1_990, 3_000, 9_400, 10_900, 13_050];
        for (at, blocked) in times.into_iter().zip([0, 0, 490, 490, 490, 1_240, 2_315]) {
            kept.on_samples(MS * at, [sample(7, 0, 0, MS * blocked)]);
        }
        // The look at 3.0 s is the nearest one to 3.05 s.
        let (share, _) = shares(&kept);
        assert!((share.unwrap() - (2_315.0 - 490.0) / 10_050.0).abs() < 1e-12, "{share:?}");
        assert!(!kept.on_samples(MS * 13_050, [sample(7, 0, 0, SECOND * 9)]), "no time has passed");
        assert!(!kept.on_samples(MS, []), "nor backwards");
        assert_eq!(shares(&kept).0, share);
        // A blocked time that falls by what is not known of it.
        kept.on_samples(MS * 33_050, [sample(7, 0, 0, MS * 2_314)]);
        assert_eq!(shares(&kept).0, Some(0.0));
    }

    #[test]
    fn the_peak_is_that_of_the_last_minute_that_is_over() {
        let mut kept = Kept::default();
        let peak = |kept: &Kept| kept.recent(7).unwrap().peak_minute;
        watch(&mut kept, 0, [(3, 900, Duration::ZERO)]);
        watch(&mut kept, 1, (1..60).map(|second| (2, 5 + second % 40, Duration::ZERO)));
        assert_eq!(peak(&kept), None, "it is not over");
        watch(&mut kept, 60, [(6, 50, Duration::ZERO)]);
        assert_eq!(
            peak(&kept),
            Some(50),
            "900 came before the first look, 50 before the minute's end"
        );
        watch(&mut kept, 61, (61..120).map(|_| (1, 1, Duration::ZERO)));
        assert_eq!(peak(&kept), Some(50));
        watch(&mut kept, 120, [(1, 1, Duration::ZERO)]);
        assert_eq!(peak(&kept), Some(6), "the depth with which it began");
        // A limit that came since has its mark from its beginning on.
        let looks = [sample(7, 1, 1, Duration::ZERO), sample(9, 0, 77, Duration::ZERO)];
        kept.on_samples(SECOND * 121, looks);
        kept.on_samples(SECOND * 181, looks);
        assert_eq!(kept.recent(9).unwrap().peak_minute, Some(77));
    }

    #[test]
    fn see_2_what_is_kept_is_bounded_and_what_has_left_is_forgotten() {
        let mut kept = Kept::default();
        for second in 0..2_000_u64 {
            // 300 limits at a time; each second one leaves and another one comes.
            let limits = (second..second + 300)
                .map(|id| sample(id, 1, 2, Duration::from_millis(second * id)));
            kept.on_samples(SECOND * second as u32, limits);
            let (tracks, charted) = kept.len();
            assert_eq!((tracks, charted), (300, Chart::CHARTS_MAX));
            assert!(second == 0 || kept.recent(second - 1).is_none());
        }
        assert_eq!(kept.times.len(), Chart::POINTS_MAX);
        let most = kept.tracks.iter().map(|track| track.blocked.len()).max();
        assert_eq!(most, Some(BLOCKED_MAX));
        let charts = kept.tracks.iter().filter_map(|track| kept.chart(track.id));
        assert_eq!(charts.map(Iterator::count).max(), Some(256), "since one was free");
        assert!(kept.on_samples(SECOND * 2_000, []));
        assert_eq!(kept.len(), (0, 0));
    }

    #[test]
    fn a_chart_has_ten_minutes_of_depths_and_peaks() {
        let mut kept = Kept::default();
        watch(&mut kept, 0, (0..1_000).map(|second| (second, second + 5, Duration::ZERO)));
        let points: Vec<_> = kept.chart(7).unwrap().collect();
        assert_eq!(points.len(), 600);
        assert_eq!(points[0], ChartPoint { age: SECOND * 599, depth: 400, peak: 405 });
        assert_eq!(points[599], ChartPoint { age: Duration::ZERO, depth: 999, peak: 1_004 });
        let chart = kept.track(7).unwrap().chart.as_deref().unwrap();
        assert_eq!(chart.bytes(), 9_600);
    }
}
