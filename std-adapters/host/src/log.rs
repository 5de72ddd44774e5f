//! What happened, kept for those who show it: the registry's events as lines, and their numbers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use plimsoll::{Category, Event, EventKind};

use crate::silences::Silences;
use crate::view::{Happening, Ink};

/// Lines kept; the oldest go first.
const LINES_MAX: usize = 1_000;

/// A clonable log of events.
#[derive(Clone)]
pub(crate) struct Log {
    started: Instant,
    kept: Arc<Mutex<Kept>>,
    silences: Silences,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Happening>,
    /// Of the lines, the last ones that [`Log::take_new`] has not handed out.
    new: usize,
    counts: Counts,
}

/// How many events of each kind there were.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) raised: u64,
    pub(crate) cleared: u64,
    pub(crate) sustained: u64,
    pub(crate) exhausted: u64,
    pub(crate) late: u64,
    pub(crate) silent: u64,
    pub(crate) recovered: u64,
}

impl Log {
    /// An empty log. Its lines count seconds from `started`.
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, kept: Arc::default(), silences: Silences::default() }
    }

    /// Of the events, what they tell of the guests' silences.
    pub(crate) fn silences(&self) -> &Silences {
        &self.silences
    }

    /// Takes an event down. Whoever delivers it waits for a moment's lock at most.
    pub(crate) fn on_event(&self, event: &Event) {
        let line = happening(self.started.elapsed().as_secs_f64(), event);
        self.silences.on_event(event);
        let mut kept = self.lock();
        match event.kind {
            EventKind::Raised => kept.counts.raised += 1,
            EventKind::Cleared => kept.counts.cleared += 1,
            EventKind::Sustained => kept.counts.sustained += 1,
            EventKind::Exhausted => kept.counts.exhausted += 1,
            EventKind::Late => kept.counts.late += 1,
            EventKind::Silent => kept.counts.silent += 1,
            EventKind::Recovered => kept.counts.recovered += 1,
            _ => {}
        }
        if kept.lines.len() == LINES_MAX {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
        kept.new = (kept.new + 1).min(LINES_MAX);
    }

    /// The newest lines, at most `most`, the newest last.
    pub(crate) fn newest(&self, most: usize) -> Vec<Happening> {
        let kept = self.lock();
        kept.lines.iter().skip(kept.lines.len().saturating_sub(most)).cloned().collect()
    }

    /// The lines that came since the last call.
    pub(crate) fn take_new(&self) -> Vec<Happening> {
        let mut kept = self.lock();
        let old = kept.lines.len() - std::mem::take(&mut kept.new);
        kept.lines.iter().skip(old).cloned().collect()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn happening(at_secs: f64, event: &Event) -> Happening {
    let (ink, sign) = match event.kind {
        EventKind::Raised => (Ink::from(event.level), "▲ raised"),
        EventKind::Cleared => (Ink::Good, "▼ cleared"),
        EventKind::Sustained => (Ink::from(event.level), "● sustained"),
        EventKind::Exhausted => (Ink::Full, "✖ exhausted"),
        EventKind::Late => (Ink::Elevated, "○ late"),
        EventKind::Silent => (Ink::Full, "■ silent"),
        EventKind::Recovered => (Ink::Good, "▼ recovered"),
        _ => (Ink::Plain, "- other"),
    };
    let name = match event.instance() {
        Some(instance) => format!("{}[{instance}]", event.name()),
        None => event.name().to_owned(),
    };
    let details = details(event);
    Happening { ink, text: format!(" {at_secs:>6.2}  {sign:<11} {name:<28}  {details}") }
}

/// At most 29 columns for the numbers that occur here: what is left of 80.
fn details(event: &Event) -> String {
    let amount = |depth, capacity| amount(event.category(), depth, capacity);
    let mut text = match event.kind {
        EventKind::Cleared => {
            let seconds = event.duration.map_or(0.0, |time| time.as_secs_f64());
            format!("after {seconds:.2} s, peak {}", amount(event.peak, None))
        }
        EventKind::Late | EventKind::Silent | EventKind::Recovered => {
            let seconds = |ms: u64| ms as f64 / 1_000.0;
            let (quiet, window) = (seconds(event.depth), seconds(event.capacity.unwrap_or(0)));
            let run = event.run.as_deref().unwrap_or_default();
            format!("{quiet:.2} s of {window:.2} s, {run}")
        }
        EventKind::Exhausted => match &event.detail {
            Some(detail) => format!("{}: {detail}", amount(event.depth, None)),
            None => amount(event.depth, None),
        },
        _ => amount(event.depth, event.capacity),
    };
    if event.kind != EventKind::Cleared && event.waiting > 0 {
        text += &format!(", {} waiting", event.waiting);
    }
    text
}

fn amount(category: Category, depth: u64, capacity: Option<u64>) -> String {
    let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
    match (category, capacity) {
        (Category::Memory, Some(most)) => format!("{:.1}/{:.0} MiB", mib(depth), mib(most)),
        (Category::Memory, None) => format!("{:.1} MiB", mib(depth)),
        (Category::Cpu, Some(most)) => format!("{depth}/{most} ms"),
        (Category::Cpu, None) => format!("{depth} ms"),
        (_, Some(most)) => format!("{depth}/{most}"),
        (_, None) => depth.to_string(),
    }
}
