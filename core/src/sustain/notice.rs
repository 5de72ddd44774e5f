//! The notices that a rule gives.

use crate::edge::{Edge, EdgeKind, Level};

/// The change of a level that a [`Sustain`](super::Sustain) makes known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The level that holds: entered, or fallen back to.
    pub level: Level,
    /// The depth that was seen last, in the gauge's own unit.
    pub depth: u64,
    /// The largest depth seen in the stretch that is announced, or that has ended.
    pub peak: u64,
    /// How long that stretch has lasted, as far as edges were seen; `None` for an edge as it is.
    pub duration_ms: Option<u64>,
    /// The number of the gauge's edge behind this; several notices can share one.
    pub sequence: u64,
}

impl Notice {
    /// An edge as it is, where nothing is known of the stretch before it.
    pub(super) fn unmeasured(edge: &Edge) -> Self {
        Self {
            kind: match edge.kind() {
                EdgeKind::Raised => NoticeKind::Raised,
                EdgeKind::Cleared => NoticeKind::Cleared,
            },
            level: edge.to(),
            depth: edge.depth(),
            peak: edge.peak(),
            duration_ms: None,
            sequence: edge.sequence(),
        }
    }
}

/// The kinds of [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
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

/// What one edge leads to, in order: nothing, one notice, or a raise that has held
/// unannounced and its recovery.
#[derive(Clone, Debug)]
#[must_use = "each notice is given once only: deliver it, or it is lost"]
pub struct Notices([Option<Notice>; 2]);

impl Notices {
    pub(super) const fn new(first: Option<Notice>, second: Option<Notice>) -> Self {
        Self([first, second])
    }

    /// Whether there is nothing to announce.
    pub const fn is_silent(&self) -> bool {
        self.0[0].is_none() && self.0[1].is_none()
    }
}

impl Iterator for Notices {
    type Item = Notice;

    fn next(&mut self) -> Option<Notice> {
        self.0[0].take().or_else(|| self.0[1].take())
    }
}
