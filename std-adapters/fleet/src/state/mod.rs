//! The state of a host: what it last said, whole, as publishers write it and readers read it.
//!
//! A state stands alone. A reader needs the latest of each host and nothing of those before, so one
//! that is lost or comes twice changes nothing (FLEET-2).
//!
//! # Keys of the bucket
//! | key | value |
//! |---|---|
//! | `state.HOST` | a [frame](Frame): the whole state, or the commit of one in parts |
//! | `part.HOST.SLOT.INDEX` | a frame: a part. `SLOT` is 0 and 1 in turn |
//!
//! A host writes its parts first, and the commit last; those of the state before stay, in the other
//! slot. A reader that sees a commit gets the parts,
//! and [joins](Frame::join) them if they are all of that state; else it keeps what it had and waits
//! for the next one.
//!
//! # Bytes
//! A frame is `PLIM`, the version, a byte for its kind (0 whole, 1 part, 2 commit), and then, all
//! integers as LEB128: the incarnation and the sequence of the state; of a part its index; of a
//! commit the slot, the number of parts and the bytes of the body; and the body, or the part of it,
//! up to the end.
//!
//! A body is the length of the *head*, the head as JSON, and the users of one ledger after the
//! other. Within a version, fields are only added to the head, and readers ignore what they do not
//! know.
//!
//! A user is a code, the bytes of its principal, its value, and of sums its error. The code is the
//! length of the principal from 1 to 64, 65 for an integer (as LEB128), or 66 for a digest (64
//! bytes).

mod frame;
mod host;
mod ledger;
mod name;
mod wire;

pub use frame::{Frame, Keys};
pub use host::{HostState, PublisherCounts, SilentGuest};
pub use ledger::{LedgerState, LedgerUser, LedgerUsers, Principal};
pub use name::HostName;

/// What each frame begins with.
pub(crate) const MAGIC: [u8; 4] = *b"PLIM";

/// The version of the format.
pub(crate) const VERSION: u8 = 1;

/// Bytes that a state can have.
pub const STATE_BYTES_MAX: u64 = 256 << 20;
