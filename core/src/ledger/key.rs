//! Whom a ledger accounts for.

use core::fmt;

use siphasher::sip::SipHasher13;

/// Bytes that a key may have, in any ledger.
pub const KEY_BYTES_MAX: usize = 64;

/// What [`Key::code`] is for a key that is a number.
const INTEGER: u8 = KEY_BYTES_MAX as u8 + 1;

/// A principal's id: 1 to `8 * WORDS` bytes, or an integer. `WORDS` is 1 to 8.
///
/// A ledger sets aside `8 * WORDS` bytes for each key: ids of 32 bytes need 4 words, integers 1. A
/// number and the bytes that it is made of are different keys.
///
/// ```
/// use plimsoll_core::{Key, KeyError};
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
    /// How many bytes there are, or [`INTEGER`]; 0 in the key of an entry that is none.
    code: u8,
}

impl<const WORDS: usize> Key<WORDS> {
    /// Bytes that a key of this type may have.
    pub const BYTES_MAX: usize = {
        assert!(1 <= WORDS && WORDS <= KEY_BYTES_MAX / 8, "a key has 1 to 8 words");
        8 * WORDS
    };

    /// No key.
    pub(crate) const NONE: Key<WORDS> = Key { bytes: [[0; 8]; WORDS], code: 0 };

    /// The key of these bytes.
    ///
    /// # Errors
    /// [`KeyError::Empty`], [`KeyError::TooLong`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(KeyRef::new(bytes)?.into())
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

    fn raw(&self) -> &[u8] {
        let count = if self.code == INTEGER { 8 } else { usize::from(self.code) };
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

/// How many words carry bytes.
#[inline(always)]
pub(crate) const fn words_in(code: u8) -> usize {
    if code == INTEGER { 1 } else { (code as usize).div_ceil(8) }
}

impl<const WORDS: usize> From<u64> for Key<WORDS> {
    fn from(number: u64) -> Self {
        KeyRef::from(number).into()
    }
}

impl<const WORDS: usize> From<KeyRef<'_, WORDS>> for Key<WORDS> {
    fn from(key: KeyRef<'_, WORDS>) -> Self {
        Key::from_words(key.code, |index| key.word(index))
    }
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

/// A [`Key`] that is not copied: a view of an id's bytes, or a number. What a ledger is asked with.
///
/// ```
/// use plimsoll_core::{KeyRef, LedgerSet, PeakLedger, Seed};
///
/// let ledger: PeakLedger<[LedgerSet; 1]> = PeakLedger::new(Seed::new(17, 4));
/// ledger.record(KeyRef::new(b"guest-7")?, 100);
/// ledger.record(KeyRef::from(7), 200);
/// assert_eq!(ledger.get(KeyRef::new(b"guest-7")?).value(), Some(100));
/// # Ok::<(), plimsoll_core::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeyRef<'k, const WORDS: usize = 8> {
    /// Empty for a number.
    bytes: &'k [u8],
    /// The number, or the last word of the bytes.
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
        Ok(KeyRef { bytes, last: last_word(bytes), code: count as u8 })
    }

    /// The words that carry bytes, the first byte lowest.
    #[inline(always)]
    pub(crate) fn words(self) -> impl Iterator<Item = u64> + 'k {
        let whole = self.bytes.len().saturating_sub(1) / 8;
        let whole = self.bytes[..8 * whole].chunks_exact(8);
        whole.map(word_of).chain(core::iter::once(self.last))
    }

    fn word(self, index: usize) -> u64 {
        self.words().nth(index).unwrap_or(0)
    }

    /// Tells a key from all others that have the same words.
    #[inline(always)]
    pub(crate) const fn code(self) -> u8 {
        self.code
    }
}

fn word_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The last one to eight bytes, as a word.
#[inline(always)]
fn last_word(bytes: &[u8]) -> u64 {
    let before = bytes.len().saturating_sub(1) / 8 * 8;
    match bytes.last_chunk() {
        // The last eight bytes of all, without those that are in the word before.
        Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - (bytes.len() - before))),
        None => word_of(&bytes[before..]),
    }
}

impl<const WORDS: usize> From<u64> for KeyRef<'_, WORDS> {
    #[inline(always)]
    fn from(number: u64) -> Self {
        KeyRef { bytes: &[], last: number, code: INTEGER }
    }
}

impl<'k, const WORDS: usize> From<&'k Key<WORDS>> for KeyRef<'k, WORDS> {
    #[inline]
    fn from(key: &'k Key<WORDS>) -> Self {
        match key.as_integer() {
            Some(number) => number.into(),
            None => KeyRef { bytes: key.raw(), last: last_word(key.raw()), code: key.code },
        }
    }
}

/// Why bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// There are none.
    Empty,
    /// There are more than the key's type holds.
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        max: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a key has at least 1 byte"),
            Self::TooLong { bytes, max } => write!(f, "a key has up to {max} bytes (got {bytes})"),
        }
    }
}

impl core::error::Error for KeyError {}

/// What keeps a caller who picks ids from picking the sets they fall into: 128 bits that the caller
/// does not know. Take them from the operating system's random numbers.
///
/// Keys are placed by SipHash-1-3 (Aumasson and Bernstein 2012, as in the standard library's maps): a
/// keyed pseudorandom function, so that a seed gives away nothing by which sets are full. Faster
/// keyed hashes have published collisions that hold for every seed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64, u64);

impl Seed {
    /// A seed of two random numbers.
    pub const fn new(first: u64, second: u64) -> Seed {
        Seed(first, second)
    }

    #[inline]
    pub(crate) fn home<const WORDS: usize>(self, key: KeyRef<'_, WORDS>, sets: usize) -> Home {
        let hasher = SipHasher13::new_with_keys(self.0, self.1);
        let hash = if key.code == INTEGER {
            hasher.hash(&key.last.to_le_bytes())
        } else {
            hasher.hash(key.bytes)
        };
        Home::of(hash, sets)
    }
}

/// A seed is a secret: it is not printed.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The set that a key belongs to, and its tag there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) set: usize,
    pub(crate) tag: u8,
}

impl Home {
    /// The upper half of the hash chooses the set, the low byte is the tag. In a model all tags are
    /// the same, so that keys are compared.
    #[inline(always)]
    const fn of(hash: u64, sets: usize) -> Home {
        let tag = if cfg!(loom) { 0 } else { hash as u8 };
        Home { set: (((hash >> 32) * sets as u64) >> 32) as usize, tag }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_length_comes_back_from_its_words() {
        for count in 1..=KEY_BYTES_MAX {
            let bytes: Vec<u8> = (1..=count as u8).collect();
            let key = Key::<8>::new(&bytes).unwrap();
            let words: Vec<u64> = KeyRef::from(&key).words().collect();
            assert_eq!(words.len(), count.div_ceil(8));
            assert_eq!(Key::from_words(key.code, |index| words[index]), key);
            assert_eq!(key.as_bytes(), Some(&bytes[..]));
            assert_eq!(key.as_integer(), None);
        }
        let bytes = [7; KEY_BYTES_MAX + 1];
        let error = Key::<8>::new(&bytes).unwrap_err();
        assert_eq!(error, KeyError::TooLong { bytes: 65, max: 64 });
        assert_eq!(format!("{error}"), "a key has up to 64 bytes (got 65)");
    }

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
        assert_eq!(format!("{:?}", Seed::new(1, 2)), "Seed(..)");
    }

    #[test]
    fn ledger_8_another_seed_places_keys_elsewhere() {
        const SETS: usize = 256;
        let homes = |seed: Seed| -> Vec<Home> {
            (0..1_000).map(|number| seed.home(KeyRef::<1>::from(number), SETS)).collect()
        };
        let [one, other] = [homes(Seed::new(1, 2)), homes(Seed::new(1, 3))];
        assert!(one.iter().all(|home| home.set < SETS));
        let same = one.iter().zip(&other).filter(|(one, other)| one.set == other.set).count();
        assert!(same < 20, "about 4 of 1,000 stay by chance: {same}");
    }

    /// From the reference implementation's published vectors for SipHash-1-3 with the key 00..0f.
    #[test]
    fn the_hash_is_keyed_siphash() {
        let seed = Seed::new(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let one = KeyRef::<8>::new(&[0]).unwrap();
        assert_eq!(seed.home(one, 1 << 32), Home::of(0xc9f4_9bf3_7d57_ca93, 1 << 32));
    }
}
