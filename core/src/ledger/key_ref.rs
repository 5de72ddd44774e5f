//! A borrowed key, for lookups.

use super::key::{DIGEST, INTEGER, KEY_BYTES_MAX, Key, KeyError, bytes_in};

/// A [`Key`] that is not copied: a view of an id's bytes, or a number. What a ledger is asked with.
///
/// ```
/// use plimsoll_core::ledger::{KeyRef, LedgerSet, PeakLedger, Seed};
///
/// let ledger: PeakLedger<[LedgerSet; 1]> = PeakLedger::new(Seed::new(17, 4));
/// ledger.record(KeyRef::new(b"guest-7")?, 100);
/// ledger.record(KeyRef::from(7), 200);
/// assert_eq!(ledger.get(KeyRef::new(b"guest-7")?).value(), Some(100));
/// # Ok::<(), plimsoll_core::ledger::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeyRef<'k, const WORDS: usize = 8> {
    /// What comes before the last word: whole words.
    before: &'k [u8],
    /// The number, or the last one to eight bytes.
    last: u64,
    code: u8,
}

impl<'k, const WORDS: usize> KeyRef<'k, WORDS> {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`KeyError::Empty`], [`KeyError::TooLong`].
    #[inline]
    pub fn new(bytes: &'k [u8]) -> Result<Self, KeyError> {
        let count = bytes.len();
        if count == 0 {
            return Err(KeyError::Empty);
        }
        if count > Key::<WORDS>::BYTES_MAX {
            return Err(KeyError::TooLong { bytes: count, max: Key::<WORDS>::BYTES_MAX });
        }
        Ok(KeyRef::of_bytes(bytes))
    }

    /// The key of bytes whose number is right.
    #[inline(always)]
    pub(super) fn of_bytes(bytes: &'k [u8]) -> Self {
        let before = bytes.len().saturating_sub(1) / 8 * 8;
        KeyRef { before: &bytes[..before], last: last_word(bytes), code: bytes.len() as u8 }
    }

    /// The words before the last one, the first byte of each lowest.
    #[inline(always)]
    pub(super) fn words_before(self) -> impl Iterator<Item = u64> + 'k {
        self.before
            .chunks_exact(8)
            .map(|chunk| chunk.first_chunk().copied().map_or(0, u64::from_le_bytes))
    }

    /// How many they are: where the last one is.
    #[inline(always)]
    pub(super) const fn last_index(self) -> usize {
        self.before.len() / 8
    }

    /// The last word.
    #[inline(always)]
    pub(super) const fn last(self) -> u64 {
        self.last
    }

    /// How many bytes there are.
    #[inline(always)]
    pub(super) const fn bytes(self) -> usize {
        bytes_in(self.code)
    }

    /// Tells a key from all others that have the same words.
    #[inline(always)]
    pub(super) const fn code(self) -> u8 {
        self.code
    }
}

/// The last one to eight bytes, as a word.
#[inline(always)]
fn last_word(bytes: &[u8]) -> u64 {
    let count = bytes.len();
    if let Some(last) = bytes.last_chunk() {
        // The last eight bytes of all, without those that are in the word before.
        return u64::from_le_bytes(*last) >> (8 * (count.wrapping_neg() % 8));
    }
    // Two pieces that overlap.
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [first, last].map(|piece| u64::from(u32::from_le_bytes(*piece)));
        return first | last << (8 * (count - 4));
    }
    match *bytes {
        [one] => u64::from(one),
        [one, two] => u64::from(u16::from_le_bytes([one, two])),
        [one, two, three] => u64::from(u32::from_le_bytes([one, two, three, 0])),
        _ => 0,
    }
}

impl<const WORDS: usize> From<u64> for KeyRef<'_, WORDS> {
    #[inline(always)]
    fn from(number: u64) -> Self {
        KeyRef { before: &[], last: number, code: INTEGER }
    }
}

impl<'k, const WORDS: usize> From<&'k Key<WORDS>> for KeyRef<'k, WORDS> {
    #[inline]
    fn from(key: &'k Key<WORDS>) -> Self {
        match key.as_integer() {
            Some(number) => number.into(),
            None => KeyRef { code: key.code, ..KeyRef::of_bytes(key.raw()) },
        }
    }
}

impl<const WORDS: usize> Key<WORDS> {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`KeyError::Empty`], [`KeyError::TooLong`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(KeyRef::new(bytes)?.into())
    }
}

impl Key {
    /// The key of a digest that stands for a longer id, such as 64 hexadecimal digits of a
    /// cryptographic hash. It is another key than these bytes themselves.
    ///
    /// ```
    /// use plimsoll_core::ledger::Key;
    ///
    /// let digits = [b'7'; 64];
    /// assert_ne!(Key::digest(digits), Key::new(&digits)?);
    /// assert_eq!(Key::digest(digits).as_bytes(), Some(&digits[..]));
    /// # Ok::<(), plimsoll_core::ledger::KeyError>(())
    /// ```
    pub fn digest(digits: [u8; KEY_BYTES_MAX]) -> Self {
        let mut key: Self = KeyRef::of_bytes(&digits).into();
        key.code = DIGEST;
        key
    }
}

impl<const WORDS: usize> From<u64> for Key<WORDS> {
    fn from(number: u64) -> Self {
        KeyRef::from(number).into()
    }
}

impl<const WORDS: usize> From<KeyRef<'_, WORDS>> for Key<WORDS> {
    fn from(key: KeyRef<'_, WORDS>) -> Self {
        let last = key.last_index();
        Key::from_words(key.code, |index| {
            if index == last { key.last } else { key.words_before().nth(index).unwrap_or(0) }
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::ledger::KEY_BYTES_MAX;

    #[test]
    fn every_length_comes_back_from_its_words() {
        for count in 1..=KEY_BYTES_MAX {
            let bytes: Vec<u8> = (1..=count as u8).collect();
            let asked = KeyRef::<8>::new(&bytes).unwrap();
            let key = Key::from(asked);
            assert_eq!((key.as_bytes(), asked.bytes()), (Some(&bytes[..]), count));
            let words: Vec<u64> = asked.words_before().chain([asked.last()]).collect();
            assert_eq!((words.len(), asked.last_index()), (count.div_ceil(8), words.len() - 1));
            assert_eq!(Key::from_words(asked.code(), |index| words[index]), key);
            let mut padded = bytes.clone();
            padded.resize(8 * words.len(), 0);
            for (word, chunk) in words.iter().zip(padded.chunks_exact(8)) {
                assert_eq!(word.to_le_bytes(), chunk, "{count} bytes");
            }
        }
        let bytes = [7; KEY_BYTES_MAX + 1];
        let error = KeyRef::<8>::new(&bytes).unwrap_err();
        assert_eq!(error, KeyError::TooLong { bytes: 65, max: 64 });
    }
}
