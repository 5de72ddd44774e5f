//! The whole state of one ledger.

use std::cmp::Reverse;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use plimsoll::ledger::{Key, LedgerKind, PrincipalId, VALUE_MAX};
use plimsoll::{Category, Limit, SnapshotLedger};
use serde::{Deserialize, Serialize};

use super::wire;
use crate::error::StateError;

/// Bytes of a principal.
const BYTES_MAX: usize = PrincipalId::BYTES_MAX;

/// The code of a principal that is an integer; up to 64 a code is a length.
const INTEGER: u8 = BYTES_MAX as u8 + 1;
const DIGEST: u8 = INTEGER + 1;

/// A [ledger](plimsoll::ledger) of a host, with all users that it tracks, and what one who is not
/// there can have had at most.
///
/// The users stay as they were written, in memory that states share with the message they came in:
/// about 20 bytes for each.
#[derive(Clone, PartialEq)]
pub struct LedgerState {
    pub(super) head: LedgerHead,
    /// Checked: what [`LedgerUsers`] reads.
    pub(super) users: Bytes,
}

/// What the head of a state has of a ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LedgerHead {
    name: String,
    category: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    kind: LedgerKind,
    absent_max: u64,
    total: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<u64>,
    #[serde(default)]
    saturated: bool,
    count: u64,
    /// Of the users.
    pub(super) bytes: u64,
}

/// One user of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerUser<'a> {
    /// Who it is.
    pub principal: Principal<'a>,
    /// The peak, or the sum with its error.
    pub value: u64,
    /// How much of a sum may belong to other principals; 0 for a peak.
    pub error: u64,
}

/// Who is served, charged and limited, as a [`Key`] says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principal<'a> {
    /// 1 to 64 bytes, most often text.
    Bytes(&'a [u8]),
    /// A number.
    Integer(u64),
    /// 64 bytes that stand for a longer id.
    Digest(&'a [u8; 64]),
}

impl<'a> Principal<'a> {
    /// The principal that is this key.
    ///
    /// # Returns
    /// `None` for the key of no entry.
    pub fn of(key: &'a Key) -> Option<Self> {
        match (key.as_integer(), key.as_bytes()) {
            (Some(number), _) => Some(Self::Integer(number)),
            (None, Some(bytes)) if key.is_digest() => bytes.try_into().ok().map(Self::Digest),
            (None, Some(bytes)) => (!bytes.is_empty()).then_some(Self::Bytes(bytes)),
            (None, None) => None,
        }
    }

    /// The key that is this principal; `None` if its bytes are none or too many.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Bytes(bytes) => Key::new(bytes).ok(),
            Self::Integer(number) => Some(Key::from(*number)),
            Self::Digest(digest) => Some(Key::digest(**digest)),
        }
    }
}

impl LedgerState {
    /// The state of a ledger as a snapshot has it that [lists all
    /// users](plimsoll::Registry::snapshot_with_users).
    ///
    /// Up to `users_max` of them are kept, the largest. What that leaves out raises
    /// [`absent_max`](Self::absent_max) to the largest of it.
    pub fn of(ledger: &SnapshotLedger, users_max: usize) -> Self {
        let (mut users, mut count) = (BytesMut::new(), 0);
        let has_errors = ledger.kind == LedgerKind::Sum;
        let mut absent_max = ledger.bound;
        // A snapshot can list fewer than are tracked.
        if let Some(last) = ledger.users().last().filter(|_| ledger.users().len() < ledger.tracked)
        {
            absent_max = absent_max.max(last.value());
        }
        for (place, user) in ledger.users().iter().enumerate() {
            match user.principal().and_then(Principal::of) {
                Some(principal) if place < users_max => {
                    put_user(
                        &mut users,
                        principal,
                        user.value(),
                        has_errors.then_some(user.error()),
                    );
                    count += 1;
                }
                _ => absent_max = absent_max.max(user.value()),
            }
        }
        let head = LedgerHead {
            name: ledger.name().into(),
            category: ledger.category(),
            scope: ledger.scope().map(Into::into),
            kind: ledger.kind,
            absent_max,
            total: ledger.total,
            window: ledger.window,
            saturated: ledger.is_saturated,
            count,
            bytes: users.len() as u64,
        };
        Self { head, users: users.freeze() }
    }

    /// A ledger of another origin: its users with their values and errors, and what one who is not among
    /// them can have had at most.
    pub fn new(
        limit: &Limit,
        kind: LedgerKind,
        users: impl IntoIterator<Item = (Key, u64, u64)>,
        absent_max: u64,
        total: u64,
    ) -> Self {
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_by_key(|(_, value, error)| (Reverse(*value), *error));
        let (mut bytes, mut count) = (BytesMut::new(), 0);
        for (key, value, error) in &users {
            // The key of no entry, and an error above the value, are no user's.
            let Some(principal) = Principal::of(key).filter(|_| error <= value) else { continue };
            put_user(&mut bytes, principal, *value, (kind == LedgerKind::Sum).then_some(*error));
            count += 1;
        }
        let head = LedgerHead {
            name: limit.name().into(),
            category: limit.category(),
            scope: limit.scope_label().map(Into::into),
            kind,
            absent_max,
            total,
            window: None,
            saturated: users.iter().any(|(_, value, _)| *value >= VALUE_MAX),
            count,
            bytes: bytes.len() as u64,
        };
        Self { head, users: bytes.freeze() }
    }

    /// A ledger whose users are these bytes, if they are users.
    pub(super) fn read(head: LedgerHead, users: Bytes) -> Result<Self, StateError> {
        let mut rest = LedgerUsers { rest: &users, has_errors: head.kind == LedgerKind::Sum };
        let read = rest.by_ref().count() as u64;
        if rest.rest.is_empty() && read == head.count {
            return Ok(Self { head, users });
        }
        let why = format!("{read} of {} users of {:?} are there", head.count, head.name);
        Err(StateError::Malformed { what: "a ledger", why })
    }

    /// The name of its limit.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// The category of its limit.
    pub fn category(&self) -> Category {
        self.head.category
    }

    /// The scope of its limit.
    pub fn scope(&self) -> Option<&str> {
        self.head.scope.as_deref()
    }

    /// What the ledger keeps.
    pub fn kind(&self) -> LedgerKind {
        self.head.kind
    }

    /// What a principal can have had at most that is not among the users.
    pub fn absent_max(&self) -> u64 {
        self.head.absent_max
    }

    /// Of sums, all that was ever recorded; of peaks, the peaks of all who are tracked.
    pub fn total(&self) -> u64 {
        self.head.total
    }

    /// The number of the window, of a ledger that has windows. Hosts number their own.
    pub fn window(&self) -> Option<u64> {
        self.head.window
    }

    /// Whether some value has reached the end of its range, and may be more.
    pub fn is_saturated(&self) -> bool {
        self.head.saturated
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        // They were counted.
        self.head.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.head.count == 0
    }

    /// The users, the largest first, each principal once if a ledger has written them.
    pub fn users(&self) -> LedgerUsers<'_> {
        LedgerUsers { rest: &self.users, has_errors: self.head.kind == LedgerKind::Sum }
    }

    /// Bytes of the users, as they are written and kept.
    pub fn encoded_len(&self) -> usize {
        self.users.len()
    }
}

impl fmt::Debug for LedgerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.fmt(f)
    }
}

fn put_user(out: &mut BytesMut, principal: Principal<'_>, value: u64, error: Option<u64>) {
    match principal {
        Principal::Bytes(bytes) => {
            // A key has up to 64 bytes.
            out.put_u8(bytes.len() as u8);
            out.put_slice(bytes);
        }
        Principal::Integer(number) => {
            out.put_u8(INTEGER);
            wire::put_integer(out, number);
        }
        Principal::Digest(digest) => {
            out.put_u8(DIGEST);
            out.put_slice(digest);
        }
    }
    wire::put_integer(out, value);
    if let Some(error) = error {
        wire::put_integer(out, error);
    }
}

/// The users of a [`LedgerState`].
#[derive(Clone, Debug)]
pub struct LedgerUsers<'a> {
    rest: &'a [u8],
    has_errors: bool,
}

impl<'a> Iterator for LedgerUsers<'a> {
    type Item = LedgerUser<'a>;

    fn next(&mut self) -> Option<LedgerUser<'a>> {
        let (code, mut rest) = self.rest.split_first()?;
        let principal = match *code {
            INTEGER => Principal::Integer(wire::integer(&mut rest)?),
            DIGEST => Principal::Digest(split(&mut rest, BYTES_MAX)?.try_into().ok()?),
            length @ 1..INTEGER => Principal::Bytes(split(&mut rest, length.into())?),
            _ => return None,
        };
        let value = wire::integer(&mut rest)?;
        let error = if self.has_errors { wire::integer(&mut rest)? } else { 0 };
        // An error above the value cannot be.
        let user = (error <= value).then_some(LedgerUser { principal, value, error })?;
        self.rest = rest;
        Some(user)
    }
}

fn split<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (piece, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(piece)
}
