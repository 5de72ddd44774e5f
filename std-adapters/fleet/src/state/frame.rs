//! Frames: what one message carries of a state.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::host::HostState;
use super::name::HostName;
use super::{MAGIC, STATE_BYTES_MAX, VERSION, wire};
use crate::error::StateError;

/// What one message carries of a state: all of it, a part, or the commit of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The whole state.
    Whole {
        /// [Incarnation and sequence](HostState) of the state.
        of: (u64, u64),
        /// [All of it](HostState::from_bytes).
        body: Bytes,
    },
    /// A part of a state.
    Part {
        /// Incarnation and sequence of the state.
        of: (u64, u64),
        /// Its place, from 0 on.
        index: u64,
        /// The part.
        body: Bytes,
    },
    /// The parts of a state are complete.
    Commit {
        /// Incarnation and sequence of the state.
        of: (u64, u64),
        /// The slot of the parts' [keys](Keys::part).
        slot: u64,
        /// How many parts it has.
        parts: u64,
        /// Bytes of all parts together.
        bytes: u64,
    },
}

impl Frame {
    /// Bytes that a frame has at most besides its body.
    pub const OVERHEAD_MAX: usize = MAGIC.len() + 2 + 5 * 10;

    /// The bytes of a message.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        let mut begin = |kind, (incarnation, sequence): (u64, u64), more: &[u64], body: &[u8]| {
            out.reserve(Self::OVERHEAD_MAX + body.len());
            out.put_slice(&MAGIC);
            out.put_slice(&[VERSION, kind]);
            [incarnation, sequence]
                .iter()
                .chain(more)
                .for_each(|n| wire::put_integer(&mut out, *n));
            out.put_slice(body);
        };
        match self {
            Self::Whole { of, body } => begin(0, *of, &[], body),
            Self::Part { of, index, body } => begin(1, *of, &[*index], body),
            Self::Commit { of, slot, parts, bytes } => begin(2, *of, &[*slot, *parts, *bytes], &[]),
        }
        out.freeze()
    }

    /// The frame in a message. It shares the memory of the bytes.
    ///
    /// # Errors
    /// All of [`StateError`].
    pub fn from_bytes(mut bytes: Bytes) -> Result<Self, StateError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(StateError::Foreign);
        }
        bytes.advance(MAGIC.len());
        let short = StateError::Short { within: "a frame" };
        let [found, kind] = bytes.get(..2).and_then(|two| two.try_into().ok()).ok_or(short)?;
        if found != VERSION {
            return Err(StateError::Version { found, read: VERSION });
        }
        bytes.advance(2);
        let mut next = || wire::take_integer(&mut bytes, "a frame");
        let of = (next()?, next()?);
        match kind {
            0 => Ok(Self::Whole { of, body: bytes }),
            1 => Ok(Self::Part { of, index: next()?, body: bytes }),
            2 => {
                let (slot, parts, bytes) = (next()?, next()?, next()?);
                if bytes > STATE_BYTES_MAX {
                    return Err(StateError::TooLarge { bytes, max: STATE_BYTES_MAX });
                }
                Ok(Self::Commit { of, slot, parts, bytes })
            }
            kind => Err(StateError::Malformed { what: "a frame", why: format!("kind {kind}") }),
        }
    }

    /// The frames of a state, each of up to `bytes_max` bytes: one that is whole, or its parts in
    /// this `slot` and then the commit.
    ///
    /// # Errors
    /// As for [`HostState::to_bytes`], and [`StateError::TooLarge`].
    pub fn split(state: &HostState, slot: u64, bytes_max: usize) -> Result<Vec<Self>, StateError> {
        let (of, mut body) = ((state.incarnation, state.sequence), state.to_bytes()?);
        let (bytes, max) = (body.len() as u64, STATE_BYTES_MAX);
        if bytes > max {
            return Err(StateError::TooLarge { bytes, max });
        }
        let room = bytes_max.saturating_sub(Self::OVERHEAD_MAX).max(1);
        if body.len() <= room {
            return Ok(vec![Self::Whole { of, body }]);
        }
        let mut frames = Vec::with_capacity(body.len() / room + 2);
        for index in 0.. {
            if body.is_empty() {
                break;
            }
            let part = body.split_to(room.min(body.len()));
            frames.push(Self::Part { of, index, body: part });
        }
        let parts = frames.len() as u64;
        frames.push(Self::Commit { of, slot, parts, bytes });
        Ok(frames)
    }

    /// The state that a commit and the frames of its parts are, in their order; `None` if they are
    /// not all of that state, or `self` is no commit.
    ///
    /// # Errors
    /// As for [`HostState::from_bytes`].
    pub fn join(&self, parts: &[Self]) -> Result<Option<HostState>, StateError> {
        let Self::Commit { of, parts: count, bytes, .. } = self else { return Ok(None) };
        let mut joined = BytesMut::new();
        for (place, part) in parts.iter().enumerate() {
            match part {
                Self::Part { of: its, index, body } if its == of && *index == place as u64 => {
                    joined.put_slice(body);
                }
                _ => return Ok(None),
            }
        }
        if (parts.len() as u64, joined.len() as u64) != (*count, *bytes) {
            return Ok(None);
        }
        HostState::from_bytes(joined.freeze()).map(Some)
    }
}

/// The keys of a host in the bucket.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a>(pub &'a HostName);

impl Keys<'_> {
    /// What the keys of all states and commits begin with.
    pub const STATES: &'static str = "state.";

    /// The key of the state, or of its commit.
    pub fn state(&self) -> String {
        format!("{}{}", Self::STATES, self.0)
    }

    /// The key of a part.
    pub fn part(&self, slot: u64, index: u64) -> String {
        format!("part.{}.{slot}.{index}", self.0)
    }
}
