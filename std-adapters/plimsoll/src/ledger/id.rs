//! Whom a ledger accounts for.

use std::str;

use plimsoll_core::KeyRef;

use super::error::PrincipalError;

/// The id of a principal: text of 1 to 64 bytes without control characters, or a number.
///
/// Ledgers take whatever becomes one: `&str`, `&String`, `&[u8]` that is UTF-8, `u64`, `u32`. The
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
    pub const BYTES_MAX: usize = plimsoll_core::Key::<8>::BYTES_MAX;

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
        match if is_plain { None } else { text.find(char::is_control) } {
            Some(at) => Err(PrincipalError::ControlCharacter { at }),
            None => Ok(Self(key)),
        }
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
