//! The ledgers of a snapshot.

use std::fmt;
use std::sync::Arc;

use plimsoll_core::{Entry, Key};

use super::{Snapshot, table};
use crate::in_line::InLine;
use crate::ledger::{LedgerKind, LedgerReading};
use crate::limit::Category;
use crate::tag::Tag;

/// One [ledger](crate::ledger) of a [`Snapshot`]: its largest users, and what is known of the rest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SnapshotLedger {
    tag: Arc<Tag>,
    users: Box<[SnapshotUser]>,
    /// What the ledger keeps.
    pub kind: LedgerKind,
    /// How many of the [users](Self::users), from the first, are certainly the largest of all, ties
    /// aside; of sums, up to order.
    pub certified: usize,
    /// What a principal that is not tracked can have had at most.
    pub bound: u64,
    /// The amount up to which every newcomer is turned away; `None` for a window.
    pub floor: Option<u64>,
    /// How many principals are tracked.
    pub tracked: usize,
    /// How many of the largest users the ledger was made for.
    pub capacity: usize,
    /// What the shares are shares of: of sums, all that was ever recorded; of peaks, the peaks of
    /// all who are tracked; of a window, the peaks of the users that are listed.
    pub total: u64,
    /// How many records were turned away; `None` if they are not counted.
    pub turned_away: Option<u64>,
    /// The number of the window, of a ledger that has windows.
    pub window: Option<u64>,
    /// Whether some value has reached the end of its range, and may be more.
    pub is_saturated: bool,
}

/// One of the largest users.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SnapshotUser {
    entry: Entry,
    /// Its part of the ledger's [total](SnapshotLedger::total), from 0 to 1. The shares of those
    /// who are listed are never more than 1 together.
    pub share: f64,
    /// Whether the user is [certified](SnapshotLedger::certified).
    pub is_certified: bool,
    /// Whether the value has reached the end of its range, and may be more.
    pub is_saturated: bool,
}

impl Snapshot {
    pub(crate) fn ledger(tag: Arc<Tag>, read: LedgerReading) -> SnapshotLedger {
        let users = read.users.iter().enumerate().map(|(place, entry)| SnapshotUser {
            entry: *entry,
            share: entry.value() as f64 / read.total.max(1) as f64,
            is_certified: place < read.certified,
            is_saturated: entry.value() >= read.value_max,
        });
        SnapshotLedger {
            tag,
            users: users.collect(),
            kind: read.kind,
            certified: read.certified,
            bound: read.bound,
            floor: read.floor,
            tracked: read.tracked,
            capacity: read.capacity,
            total: read.total,
            turned_away: read.turned_away,
            window: read.window,
            is_saturated: read.is_saturated,
        }
    }
}

impl SnapshotLedger {
    /// The largest users, the largest first: [as many](crate::RegistryBuilder::top_users) as the
    /// registry lists.
    pub fn users(&self) -> &[SnapshotUser] {
        &self.users
    }

    /// The name of the ledger.
    pub fn name(&self) -> &str {
        &self.tag.name
    }

    /// The category of the ledger.
    pub fn category(&self) -> Category {
        self.tag.category
    }

    /// The instance label of the ledger.
    pub fn instance(&self) -> Option<&str> {
        self.tag.instance.as_deref()
    }
}

impl SnapshotUser {
    /// Whose it is.
    pub fn principal(&self) -> &Key {
        self.entry.key()
    }

    /// The peak, or the sum with its error.
    pub fn value(&self) -> u64 {
        self.entry.value()
    }

    /// How much of a sum may be somebody else's; 0 for a peak.
    pub fn error(&self) -> u64 {
        self.entry.error()
    }
}

/// The principal as a cell, or a word, of text.
pub(super) struct Name<'a>(pub(super) &'a Key);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            Some(text) => InLine(text).fmt(f),
            None => self.0.fmt(f),
        }
    }
}

const LEDGERS: [&str; 9] = [
    "LEDGER",
    "CATEGORY",
    "KIND",
    "TRACKED",
    "CAPACITY",
    "CERTIFIED",
    "FLOOR",
    "UNTRACKED-MAX",
    "TURNED-AWAY",
];
const USERS: [&str; 6] = ["LEDGER", "TOP USER", "CERTAIN", "VALUE", "ERROR", "SHARE"];

/// Two tables: the ledgers, and the users of all of them.
pub(super) fn write(f: &mut fmt::Formatter<'_>, ledgers: &[SnapshotLedger]) -> fmt::Result {
    let rows: Vec<_> = ledgers.iter().map(row).collect();
    table::write(f, &LEDGERS, 3, &rows)?;
    let users = |ledger| SnapshotLedger::users(ledger).iter().map(|user| user_row(ledger, user));
    let users: Vec<_> = ledgers.iter().flat_map(users).collect();
    if users.is_empty() {
        return Ok(());
    }
    f.write_str("\n\n")?;
    table::write(f, &USERS, 3, &users)
}

fn row(ledger: &SnapshotLedger) -> [String; 9] {
    let or_dash = |number: Option<u64>| number.map_or("-".into(), |number| number.to_string());
    let kind = ledger.window.map_or_else(String::new, |window| format!(" {window}"));
    [
        ledger.tag.label(),
        ledger.category().to_string(),
        format!("{}{kind}", ledger.kind),
        ledger.tracked.to_string(),
        ledger.capacity.to_string(),
        format!("{}/{}", ledger.certified, ledger.users.len()),
        or_dash(ledger.floor),
        ledger.bound.to_string(),
        or_dash(ledger.turned_away),
    ]
}

fn user_row(ledger: &SnapshotLedger, user: &SnapshotUser) -> [String; 6] {
    let or_more = if user.is_saturated { "+" } else { "" };
    [
        ledger.tag.label(),
        Name(user.principal()).to_string(),
        if user.is_certified { "yes" } else { "-" }.into(),
        format!("{}{or_more}", user.value()),
        user.error().to_string(),
        format!("{:.1}%", user.share * 100.0),
    ]
}
