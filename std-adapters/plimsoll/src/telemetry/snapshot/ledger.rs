//! The ledgers of a snapshot.

use std::fmt;
use std::sync::Arc;

use plimsoll_core::ledger::{Entry, Key};

use super::table;
use crate::telemetry::in_line::InLine;
use crate::telemetry::tag::{Tag, tag_accessors};

/// What a ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
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

/// One [ledger](crate::ledger) of a [`Snapshot`](super::Snapshot): its largest users, and what is
/// known of the rest.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SnapshotLedger {
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::telemetry::ser::name"))]
    pub(crate) tag: Arc<Tag>,
    pub(crate) users: Box<[SnapshotUser]>,
    /// What the ledger keeps.
    pub kind: LedgerKind,
    /// How many of the [users](Self::users), from the first, are certainly the largest of all, ties
    /// aside; of sums, up to order.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub certified: usize,
    /// What a principal that is not tracked can have had at most.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub bound: u64,
    /// The amount up to which every newcomer is turned away; `None` for a window.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::maybe_integer"))]
    pub floor: Option<u64>,
    /// How many principals are tracked.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub tracked: usize,
    /// How many of the largest users the ledger was made for.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub capacity: usize,
    /// What the shares are shares of: of sums, all that was ever recorded; of peaks, the peaks of
    /// all who are tracked; of a window, the peaks of the users that are listed.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub total: u64,
    /// How many records were turned away; `None` if they are not counted.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::maybe_integer"))]
    pub turned_away: Option<u64>,
    /// The number of the window, of a ledger that has windows.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::maybe_integer"))]
    pub window: Option<u64>,
    /// Whether some value has reached the end of its range, and may be more.
    #[cfg_attr(feature = "serde", serde(rename = "saturated"))]
    pub is_saturated: bool,
}

/// One of the largest users.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SnapshotUser {
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::principal"))]
    pub(crate) principal: Option<Key>,
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub(crate) value: u64,
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub(crate) error: u64,
    /// Its part of the ledger's [total](SnapshotLedger::total), from 0 to 1. The shares of those
    /// who are listed are never more than 1 together.
    pub share: f64,
    /// Whether the user is [certified](SnapshotLedger::certified).
    #[cfg_attr(feature = "serde", serde(rename = "certified"))]
    pub is_certified: bool,
    /// Whether the value has reached the end of its range, and may be more.
    #[cfg_attr(feature = "serde", serde(rename = "saturated"))]
    pub is_saturated: bool,
}

tag_accessors!(SnapshotLedger);

impl SnapshotLedger {
    /// The largest users, the largest first: [as many](crate::RegistryBuilder::top_users) as the
    /// registry lists.
    pub fn users(&self) -> &[SnapshotUser] {
        &self.users
    }
}

impl SnapshotLedger {
    pub(super) fn forget_principals(&mut self) {
        self.users.iter_mut().for_each(|user| user.principal = None);
    }

    pub(super) fn truncate_users(&mut self, users: usize) {
        let Some(passed_over) = self.users.get(users).map(SnapshotUser::value) else { return };
        self.users = self.users[..users].into();
        self.certified = certified(&self.users, passed_over.max(self.bound)).min(self.certified);
        for (place, user) in self.users.iter_mut().enumerate() {
            user.is_certified = place < self.certified;
        }
    }
}

impl SnapshotUser {
    /// The users of a ledger whose values are cut at `value_max`, the first `certified` of them
    /// certain.
    pub(crate) fn listed(
        entries: &[Entry],
        certified: usize,
        total: u64,
        value_max: u64,
    ) -> Box<[SnapshotUser]> {
        let users = entries.iter().enumerate().map(|(place, entry)| SnapshotUser {
            principal: Some(*entry.key()),
            value: entry.value(),
            error: entry.error(),
            share: entry.value() as f64 / total.max(1) as f64,
            is_certified: place < certified,
            is_saturated: entry.value() >= value_max,
        });
        users.collect()
    }

    /// Whose it is; `None` if the snapshot is [without
    /// principals](super::Snapshot::without_principals).
    pub fn principal(&self) -> Option<&Key> {
        self.principal.as_ref()
    }

    /// The peak, or the sum with its error.
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// How much of a sum may belong to other principals; 0 for a peak.
    pub const fn error(&self) -> u64 {
        self.error
    }
}

/// How many users, from the first, have as much as all others for certain, if who is not listed has
/// had `others_max` at most: as `Top::covered` of the core.
fn certified(users: &[SnapshotUser], others_max: u64) -> usize {
    let (mut covered, mut certain) = (0, u64::MAX);
    for (place, user) in users.iter().enumerate() {
        certain = certain.min(user.value.saturating_sub(user.error));
        let next = users.get(place + 1).map_or(0, SnapshotUser::value);
        if certain >= next.max(others_max) {
            covered = place + 1;
        }
    }
    covered
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
        user.principal().map_or("-".into(), |principal| Name(principal).to_string()),
        if user.is_certified { "yes" } else { "-" }.into(),
        format!("{}{or_more}", user.value),
        user.error.to_string(),
        format!("{:.1}%", user.share * 100.0),
    ]
}
