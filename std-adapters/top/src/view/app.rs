//! The state of the view, changed by snapshots, events and keys.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use plimsoll::{Event, GuestChange, Snapshot, SnapshotEntry};

use super::history::{History, Id, id_of};
use super::notice::Notice;
use super::text::label;

/// Events kept; the oldest go first.
const NOTICES_MAX: usize = 1_000;
/// Guests that are known to be silent at most.
const SILENT_MAX: usize = 1_000;
/// Characters of a filter.
const FILTER_MAX: usize = 100;

/// A key, as the view understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// A character.
    Char(char),
    /// Keeps the filter.
    Enter,
    /// Drops the filter, or ends the view.
    Esc,
    /// Takes the filter's last character away.
    Backspace,
    /// One limit up.
    Up,
    /// One limit down.
    Down,
    /// The first limit.
    Home,
    /// The last limit.
    End,
    /// Ctrl-C.
    Interrupt,
}

/// What the caller is to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the view may be asked to end"]
pub enum Action {
    /// Nothing but to draw again.
    Draw,
    /// To end the view.
    Quit,
}

/// The order of the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The most serious level first.
    #[default]
    Level,
    /// The fullest first.
    Used,
    /// The one blocked for longest first.
    Blocked,
    /// By name and scope.
    Name,
    /// As they were registered.
    Registered,
}

impl Sort {
    /// All of them, in the order in which the key `s` goes through them.
    pub const ALL: [Sort; 5] =
        [Sort::Level, Sort::Used, Sort::Blocked, Sort::Name, Sort::Registered];

    /// The name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Sort::Level => "level",
            Sort::Used => "used",
            Sort::Blocked => "blocked",
            Sort::Name => "name",
            Sort::Registered => "registered",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// What the view shows. Times are counted from one moment that the caller chooses.
#[derive(Debug)]
pub struct App {
    pub(super) title: String,
    pub(super) status: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) now: Duration,
    pub(super) snapshot: Option<Arc<Snapshot>>,
    pub(super) history: History,
    notices: VecDeque<Notice>,
    /// The silent runs, by guest and run, and since when each is silent.
    pub(super) silent: BTreeMap<(Arc<str>, Arc<str>), Duration>,
    pub(super) sort: Sort,
    pub(super) filter: String,
    pub(super) is_filtering: bool,
    selected: Option<Id>,
    pub(super) is_paused: bool,
    /// Events that came while the view was paused.
    held_back: usize,
    /// Snapshots that came while the view was paused.
    pub(super) held_back_snapshots: usize,
}

impl App {
    /// A view that has nothing to show yet, with a title of the caller's.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            status: String::new(),
            facts: Vec::new(),
            now: Duration::ZERO,
            snapshot: None,
            history: History::default(),
            notices: VecDeque::new(),
            silent: BTreeMap::new(),
            sort: Sort::default(),
            filter: String::new(),
            is_filtering: false,
            selected: None,
            is_paused: false,
            held_back: 0,
            held_back_snapshots: 0,
        }
    }

    /// Sets what stands at the right of the title, such as a clock or the state of a connection.
    pub fn set_status(&mut self, status: impl Into<String>) {
        self.status = status.into();
    }

    /// Sets lines that the caller adds to the view: each has a heading and a text.
    pub fn set_facts(&mut self, facts: impl IntoIterator<Item = (String, String)>) {
        if !self.is_paused {
            self.facts = facts.into_iter().collect();
        }
    }

    /// Takes a snapshot in. A view that is paused goes on showing the last one, and keeps the
    /// history.
    pub fn on_snapshot(&mut self, at: Duration, snapshot: impl Into<Arc<Snapshot>>) {
        let snapshot = snapshot.into();
        self.history.on_snapshot(&snapshot);
        if self.is_paused {
            self.held_back_snapshots += 1;
            return;
        }
        self.now = at;
        self.snapshot = Some(snapshot);
    }

    /// Takes an event in.
    pub fn on_event(&mut self, at: Duration, event: &Event) {
        if let Event::Guest(event) = event {
            let silence = &event.silence;
            let run = (silence.guest.clone(), silence.run.clone());
            match event.change {
                GuestChange::Silent if self.silent.len() < SILENT_MAX => {
                    self.silent.insert(run, at.saturating_sub(silence.elapsed));
                }
                GuestChange::Recovered | GuestChange::Ended => {
                    self.silent.remove(&run);
                }
                _ => {}
            }
        }
        self.on_notice(Notice::new(at, event));
    }

    /// Sets which runs are silent, by guest, run and since when: for a reader that has not seen the events.
    pub fn set_silent(&mut self, silent: impl IntoIterator<Item = (Arc<str>, Arc<str>, Duration)>) {
        let silent = silent.into_iter().take(SILENT_MAX);
        self.silent = silent.map(|(guest, run, since)| ((guest, run), since)).collect();
    }

    /// Takes in what an event says, where there is no [`Event`].
    pub fn on_notice(&mut self, notice: Notice) {
        if self.notices.len() == NOTICES_MAX {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
        if self.is_paused {
            self.held_back = (self.held_back + 1).min(NOTICES_MAX);
        }
    }

    /// Does what a key asks for. A pure change of this state.
    pub fn on_key(&mut self, key: Key) -> Action {
        if self.is_filtering {
            return self.on_key_of_filter(key);
        }
        match key {
            Key::Interrupt | Key::Char('q') => return Action::Quit,
            Key::Esc if self.filter.is_empty() => return Action::Quit,
            Key::Esc => self.filter.clear(),
            Key::Char('/') => self.is_filtering = true,
            Key::Char('s') => self.sort = self.sort.next(),
            Key::Char('p' | ' ') => {
                self.is_paused = !self.is_paused;
                (self.held_back, self.held_back_snapshots) = (0, 0);
            }
            Key::Up | Key::Char('k') => self.select(|at, _| at.saturating_sub(1)),
            Key::Down | Key::Char('j') => self.select(|at, last| (at + 1).min(last)),
            Key::Home | Key::Char('g') => self.select(|_, _| 0),
            Key::End | Key::Char('G') => self.select(|_, last| last),
            _ => {}
        }
        Action::Draw
    }

    fn on_key_of_filter(&mut self, key: Key) -> Action {
        match key {
            Key::Interrupt => return Action::Quit,
            Key::Enter => self.is_filtering = false,
            Key::Esc => {
                self.is_filtering = false;
                self.filter.clear();
            }
            Key::Backspace => drop(self.filter.pop()),
            Key::Char(c) if self.filter.chars().count() < FILTER_MAX => self.filter.push(c),
            _ => {}
        }
        Action::Draw
    }

    fn select(&mut self, to: impl FnOnce(usize, usize) -> usize) {
        let limits = self.limits();
        let Some(last) = limits.len().checked_sub(1) else { return };
        let id = id_of(limits[to(self.selected_row(&limits), last).min(last)]);
        self.selected = Some(id);
    }

    /// The limits that the filter lets through, in their order.
    pub(super) fn limits(&self) -> Vec<&SnapshotEntry> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let filter = self.filter.to_lowercase();
        let is_shown = |entry: &&SnapshotEntry| {
            filter.is_empty()
                || label(entry.name(), entry.scope()).to_lowercase().contains(&filter)
                || entry.category().as_str().contains(&filter)
                || entry.level.as_str().contains(&filter)
        };
        let mut limits: Vec<_> = snapshot.entries().iter().filter(is_shown).collect();
        let used = |entry: &SnapshotEntry| entry.percent().unwrap_or(0);
        // All sorts are stable: what is equal stays in the order of its registration.
        match self.sort {
            Sort::Level => limits.sort_by_key(|it| std::cmp::Reverse((it.level, it.waiting > 0))),
            Sort::Used => limits.sort_by_key(|it| std::cmp::Reverse(used(it))),
            Sort::Blocked => limits.sort_by_key(|it| std::cmp::Reverse(it.blocked)),
            Sort::Name => limits.sort_by_key(|it| (it.name(), it.scope())),
            Sort::Registered => {}
        }
        limits
    }

    /// The row of the selected limit; the first one if it is not there.
    pub(super) fn selected_row(&self, limits: &[&SnapshotEntry]) -> usize {
        let is_selected = |entry: &&SnapshotEntry| {
            let selected = self.selected.as_ref();
            selected.is_some_and(|(name, scope)| {
                entry.name() == name && entry.scope() == scope.as_deref()
            })
        };
        limits.iter().position(is_selected).unwrap_or(0)
    }

    /// The newest events, at most `most`, the newest last.
    pub(super) fn newest(&self, most: usize) -> impl Iterator<Item = &Notice> {
        let shown = self.notices.len() - self.held_back.min(self.notices.len());
        self.notices.iter().take(shown).skip(shown.saturating_sub(most))
    }
}
