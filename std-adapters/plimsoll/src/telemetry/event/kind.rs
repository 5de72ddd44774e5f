//! The kinds of events.

use std::fmt;

/// What has happened, by the variant and the change of an [`Event`](super::Event).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The level rose, and has held for as long as the limit's rule asks.
    Raised,
    /// It still holds.
    Sustained,
    /// The level fell, or the limit was dropped while it was raised, or a run ended while it was
    /// silent.
    Cleared,
    /// A cap was hit; see [`Registry::warn_exhausted`](crate::Registry::warn_exhausted).
    Exhausted,
    /// A guest's run has been without a sign of life for longer than its threshold of lateness.
    /// This and the kinds below come from a watcher, of the feature `keepalive`.
    Late,
    /// A guest's run has been without a sign of life for its whole window.
    Silent,
    /// A guest that was silent has given a sign of life.
    Recovered,
    /// So many runs expired at once that the watcher suspects itself, and has spared them.
    Suspect,
    /// The watcher itself is later than its slack, so that silences are reported that much later.
    Lagging,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [EventKind; 9] = [
        EventKind::Raised,
        EventKind::Sustained,
        EventKind::Cleared,
        EventKind::Exhausted,
        EventKind::Late,
        EventKind::Silent,
        EventKind::Recovered,
        EventKind::Suspect,
        EventKind::Lagging,
    ];

    /// The name in lower case: `"raised"`, `"sustained"`, `"cleared"`, `"exhausted"`, `"late"`,
    /// `"silent"`, `"recovered"`, `"suspect"`, `"lagging"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::Raised => "raised",
            EventKind::Sustained => "sustained",
            EventKind::Cleared => "cleared",
            EventKind::Exhausted => "exhausted",
            EventKind::Late => "late",
            EventKind::Silent => "silent",
            EventKind::Recovered => "recovered",
            EventKind::Suspect => "suspect",
            EventKind::Lagging => "lagging",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
