//! Keys: the principals of a ledger.

use core::fmt;

use crate::error_type::error_type;

/// Bytes that a key may have, in any ledger.
pub const KEY_BYTES_MAX: usize = 64;

/// What [`Key::code`] is for a key that is a number.
pub(super) const INTEGER: u8 = KEY_BYTES_MAX as u8 + 1;

/// What [`Key::code`] is for a key that is a digest.
pub(super) const DIGEST: u8 = INTEGER + 1;

/// A principal's id: 1 to `8 * WORDS` bytes, or an integer. `WORDS` is 1 to 8.
///
/// A ledger sets aside `8 * WORDS` bytes for each key: ids of 32 bytes need 4 words, integers 1. A
/// number and the bytes that it is made of are different keys. Only the key of
/// [`Entry::NONE`](super::Entry::NONE) has no bytes.
///
/// ```
/// use plimsoll_core::ledger::{Key, KeyError};
///
/// let guest = Key::<8>::new(b"guest-7")?;
/// assert_eq!(guest.as_bytes(), Some(&b"guest-7"[..]));
/// assert_eq!(Key::<1>::from(7).as_integer(), Some(7));
/// assert_eq!(Key::<8>::new(b""), Err(KeyError::Empty));
/// assert_eq!(Key::<1>::new(b"nine bytes"), Err(KeyError::TooLong { bytes: 10, max: 8 }));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key<const WORDS: usize = 8> {
    /// Zero behind the end.
    bytes: [[u8; 8]; WORDS],
    /// How many bytes there are, or [`INTEGER`] or [`DIGEST`]; 0 in the key of an entry that is none.
    pub(super) code: u8,
}

impl<const WORDS: usize> Key<WORDS> {
    /// Bytes that a key of this type may have.
    pub const BYTES_MAX: usize = {
        assert!(1 <= WORDS && WORDS <= KEY_BYTES_MAX / 8, "a key has 1 to 8 words");
        8 * WORDS
    };

    /// No key.
    pub(crate) const NONE: Key<WORDS> = Key { bytes: [[0; 8]; WORDS], code: 0 };

    /// Whether these bytes are a digest, and stand for a longer id.
    pub const fn is_digest(&self) -> bool {
        self.code == DIGEST
    }

    /// The bytes, unless this is a number.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        (self.code != INTEGER).then(|| self.raw())
    }

    /// The bytes as text, if they are UTF-8 and this is no number.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The number, if this is one.
    pub fn as_integer(&self) -> Option<u64> {
        (self.code == INTEGER).then(|| u64::from_le_bytes(self.bytes[0]))
    }

    pub(super) fn raw(&self) -> &[u8] {
        let count = bytes_in(self.code);
        &self.bytes.as_flattened()[..count]
    }

    /// A key from a code, and the words that carry its bytes.
    #[inline(always)]
    pub(crate) fn from_words(code: u8, word: impl Fn(usize) -> u64) -> Self {
        let mut key = Key { bytes: [[0; 8]; WORDS], code };
        for (index, bytes) in key.bytes[..words_in(code)].iter_mut().enumerate() {
            *bytes = word(index).to_le_bytes();
        }
        key
    }
}

/// How many bytes there are.
#[inline(always)]
pub(crate) const fn bytes_in(code: u8) -> usize {
    match code {
        INTEGER => 8,
        DIGEST => KEY_BYTES_MAX,
        count => count as usize,
    }
}

/// How many words carry bytes.
#[inline(always)]
pub(crate) const fn words_in(code: u8) -> usize {
    bytes_in(code).div_ceil(8)
}

impl<const WORDS: usize> fmt::Debug for Key<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// The number, or the bytes with what is not printable ASCII escaped.
impl<const WORDS: usize> fmt::Display for Key<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_integer() {
            Some(number) => number.fmt(f),
            None => self.raw().escape_ascii().fmt(f),
        }
    }
}

error_type! {
    /// Why bytes are no key.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum KeyError {
        /// There are none.
        #[error("a key has at least 1 byte")]
        Empty,
        /// There are more than the key's type holds.
        #[error("a key has up to {max} bytes (got {bytes})")]
        TooLong {
            /// How many there are.
            bytes: usize,
            /// How many there may be.
            max: usize,
        },
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    #[test]
    fn a_number_is_not_its_bytes_and_zeros_at_the_end_count() {
        let number = Key::<8>::from(0x6867_6665_6463_6261);
        let bytes = Key::<8>::new(b"abcdefgh").unwrap();
        assert_ne!(number, bytes);
        assert_eq!((number.as_bytes(), bytes.as_integer()), (None, None));
        assert_ne!(Key::<8>::new(b"a").unwrap(), Key::<8>::new(b"a\0").unwrap());
    }

    #[test]
    fn keys_print_as_numbers_or_escaped() {
        assert_eq!(format!("{}", Key::<1>::from(42)), "42");
        let odd = Key::<2>::new(b"a\n\xff").unwrap();
        assert_eq!(format!("{odd} {odd:?}"), "a\\n\\xff Key(a\\n\\xff)");
        assert_eq!(odd.as_str(), None);
        assert_eq!(Key::<2>::new("grün".as_bytes()).unwrap().as_str(), Some("grün"));
    }

    #[test]
    fn errors_say_their_numbers() {
        let error = Key::<8>::new(&[7; KEY_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(format!("{error}"), "a key has up to 64 bytes (got 65)");
    }
}
