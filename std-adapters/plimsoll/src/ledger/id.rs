//! Ids of principals.

use std::str;

use plimsoll_core::ledger::{Key, KeyRef};

use super::digest::sha_256_hex;
use super::error::{ID_BYTES_MAX, PrincipalError};

/// The id of a principal: text of 1 to 64 bytes without control characters, or a number.
///
/// Ledgers take whatever becomes one: `&str`, `&String`, `&[u8]` that is UTF-8, `u64`, `u32`, and
/// `&`[`LongPrincipalId`] for ids that may be longer. The
/// number 7 and the text "7" are different principals.
///
/// ```
/// use plimsoll::ledger::{PrincipalError, PrincipalId};
///
/// assert!(PrincipalId::new("tenant/größe").is_ok());
/// assert_eq!(PrincipalId::new("").unwrap_err(), PrincipalError::Empty);
/// let error = PrincipalId::from_utf8(b"caf\xe9").unwrap_err();
/// assert_eq!(error.to_string(), "a principal's id is UTF-8 text (byte 3 is not)");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PrincipalId<'k>(KeyRef<'k>);

impl<'k> PrincipalId<'k> {
    /// Bytes that an id may have.
    pub const BYTES_MAX: usize = ID_BYTES_MAX;

    /// The id that is this text.
    ///
    /// # Errors
    /// [`PrincipalError::Empty`], [`PrincipalError::TooLong`],
    /// [`PrincipalError::ControlCharacter`].
    #[inline]
    pub fn new(text: &'k str) -> Result<Self, PrincipalError> {
        // Length first, so that no more than 64 bytes are ever looked at.
        let key = KeyRef::new(text.as_bytes())?;
        let is_plain = text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
        if !is_plain {
            check(text)?;
        }
        Ok(Self(key))
    }

    /// The id that is the text in these bytes.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and [`PrincipalError::NotUtf8`].
    pub fn from_utf8(bytes: &'k [u8]) -> Result<Self, PrincipalError> {
        KeyRef::<8>::new(bytes)?;
        let not_utf8 = |error: str::Utf8Error| PrincipalError::NotUtf8 { at: error.valid_up_to() };
        Self::new(str::from_utf8(bytes).map_err(not_utf8)?)
    }

    #[inline(always)]
    pub(super) fn key(self) -> KeyRef<'k> {
        self.0
    }
}

/// An id has no control characters.
fn check(text: &str) -> Result<(), PrincipalError> {
    match text.find(char::is_control) {
        Some(at) => Err(PrincipalError::ControlCharacter { at }),
        None => Ok(()),
    }
}

/// The id of a principal that may be longer than 64 bytes: an URL, a path, a distinguished name.
///
/// Up to 64 bytes it is the id itself, as a [`PrincipalId`] has it. A longer one is known by its
/// *digest*: SHA-256 of its bytes, as 64 lower-case hexadecimal digits. It is the same in every
/// process, and nobody can make another id of the same digest. A digest is never equal to an id that
/// has the same 64 digits as its text.
///
/// ```
/// use plimsoll::ledger::{LongPrincipalId, PeakLedger};
///
/// let heaps = PeakLedger::new(64)?;
/// let url = format!("https://tenants.example/{}", "x".repeat(100));
/// let id = LongPrincipalId::new(&url)?;
/// assert!(id.is_digest());
/// heaps.record(&id, 700)?;
/// assert_eq!(heaps.get(&LongPrincipalId::new(&url)?)?.value(), Some(700));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LongPrincipalId(Key);

impl LongPrincipalId {
    /// The id of this text, whatever its length.
    ///
    /// # Errors
    /// [`PrincipalError::Empty`], [`PrincipalError::ControlCharacter`].
    pub fn new(text: &str) -> Result<Self, PrincipalError> {
        if text.len() <= PrincipalId::BYTES_MAX {
            return Ok(Self(PrincipalId::new(text)?.key().into()));
        }
        check(text)?;
        Ok(Self(Key::digest(sha_256_hex(text.as_bytes()))))
    }

    /// Whether it stands for a longer id.
    pub fn is_digest(&self) -> bool {
        self.0.is_digest()
    }

    /// The key that ledgers list for it.
    pub fn key(&self) -> &Key {
        &self.0
    }
}

impl<'k> From<&'k LongPrincipalId> for PrincipalId<'k> {
    #[inline]
    fn from(id: &'k LongPrincipalId) -> Self {
        Self((&id.0).into())
    }
}

impl<'k> TryFrom<&'k str> for PrincipalId<'k> {
    type Error = PrincipalError;

    #[inline]
    fn try_from(text: &'k str) -> Result<Self, PrincipalError> {
        Self::new(text)
    }
}

impl<'k> TryFrom<&'k String> for PrincipalId<'k> {
    type Error = PrincipalError;

    #[inline]
    fn try_from(text: &'k String) -> Result<Self, PrincipalError> {
        Self::new(text)
    }
}

impl<'k> TryFrom<&'k [u8]> for PrincipalId<'k> {
    type Error = PrincipalError;

    fn try_from(bytes: &'k [u8]) -> Result<Self, PrincipalError> {
        Self::from_utf8(bytes)
    }
}

impl From<u64> for PrincipalId<'_> {
    #[inline]
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

impl From<u32> for PrincipalId<'_> {
    #[inline]
    fn from(number: u32) -> Self {
        u64::from(number).into()
    }
}
