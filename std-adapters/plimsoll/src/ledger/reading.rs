//! What a ledger shows of itself in a snapshot.

use std::fmt;

use plimsoll_core::Entry;

/// What a ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LedgerKind {
    /// The largest amount of each principal.
    Peak,
    /// All amounts of each principal together.
    Sum,
    /// The largest amount of each principal in the current window.
    Window,
}

impl LedgerKind {
    /// The name in lower case: `"peak"`, `"sum"`, `"window"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            LedgerKind::Peak => "peak",
            LedgerKind::Sum => "sum",
            LedgerKind::Window => "window",
        }
    }
}

impl fmt::Display for LedgerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the registry asks of a ledger. No method panics, and none blocks.
pub(crate) trait LedgerSource: Send + Sync {
    /// Reads the largest `users` and what is known of the others.
    fn read(&self, users: usize) -> LedgerReading;
}

/// One answer of a [`LedgerSource`].
pub(crate) struct LedgerReading {
    pub(crate) kind: LedgerKind,
    pub(crate) users: Vec<Entry>,
    pub(crate) certified: usize,
    pub(crate) bound: u64,
    pub(crate) floor: Option<u64>,
    pub(crate) tracked: usize,
    pub(crate) capacity: usize,
    pub(crate) total: u64,
    pub(crate) turned_away: Option<u64>,
    pub(crate) window: Option<u64>,
    /// From here on, values are cut.
    pub(crate) value_max: u64,
    pub(crate) is_saturated: bool,
}
