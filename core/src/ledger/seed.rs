//! The seeded hash that gives each key its set.

use core::fmt;

use super::key_ref::KeyRef;

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

    #[inline(always)]
    pub(super) fn home<const WORDS: usize>(self, key: KeyRef<'_, WORDS>, sets: usize) -> Home {
        Home::of(self.hash(key), sets)
    }

    /// SipHash-1-3 of the key's bytes. Crates for it hash streams of bytes; a key's words are at
    /// hand, which halves the cost.
    #[inline(always)]
    fn hash<const WORDS: usize>(self, key: KeyRef<'_, WORDS>) -> u64 {
        let mut sip = Sip::new(self);
        key.words_before().for_each(|word| sip.absorb(word));
        let mut last = key.last();
        if key.bytes() % 8 == 0 {
            sip.absorb(last);
            last = 0;
        }
        sip.absorb(last | (key.bytes() as u64) << 56);
        sip.finish()
    }
}

/// SipHash's state: one round for each word, three at the end.
struct Sip(u64, u64, u64, u64);

impl Sip {
    #[inline(always)]
    const fn new(Seed(first, second): Seed) -> Sip {
        Sip(
            first ^ 0x736f_6d65_7073_6575,
            second ^ 0x646f_7261_6e64_6f6d,
            first ^ 0x6c79_6765_6e65_7261,
            second ^ 0x7465_6462_7974_6573,
        )
    }

    #[inline(always)]
    fn absorb(&mut self, word: u64) {
        self.3 ^= word;
        self.round();
        self.0 ^= word;
    }

    #[inline(always)]
    fn round(&mut self) {
        let Sip(mut a, mut b, mut c, mut d) = *self;
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32).wrapping_add(d);
        c = c.wrapping_add(b);
        d = d.rotate_left(21) ^ a;
        b = b.rotate_left(17) ^ c;
        *self = Sip(a, b, c.rotate_left(32), d);
    }

    #[inline(always)]
    fn finish(mut self) -> u64 {
        self.2 ^= 0xff;
        (0..3).for_each(|_| self.round());
        self.0 ^ self.1 ^ self.2 ^ self.3
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
pub(super) struct Home {
    pub(super) set: usize,
    pub(super) tag: u8,
}

impl Home {
    /// The upper half of the hash chooses the set, the low byte is the tag. In a model all tags are
    /// the same, so that keys are compared.
    #[inline(always)]
    const fn of(hash: u64, sets: usize) -> Home {
        let tag = if cfg!(any(loom, shuttle)) { 0 } else { hash as u8 };
        Home { set: (((hash >> 32) * sets as u64) >> 32) as usize, tag }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;
    use std::hash::{DefaultHasher, Hasher};
    use std::vec::Vec;

    use super::*;
    use crate::ledger::{KEY_BYTES_MAX, Key};

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
        assert_eq!(seed.hash(one), 0xc9f4_9bf3_7d57_ca93);
    }

    /// The standard library's hasher is SipHash-1-3 with a key of zeros.
    #[test]
    fn keys_of_all_lengths_hash_as_elsewhere() {
        let hash_of = |bytes: &[u8]| {
            let mut hasher = DefaultHasher::new();
            hasher.write(bytes);
            hasher.finish()
        };
        for count in 1..=KEY_BYTES_MAX {
            let bytes: Vec<u8> = (0..count).map(|index| 0x9d ^ (7 * index) as u8).collect();
            let key = Key::<8>::new(&bytes).unwrap();
            for asked in [KeyRef::new(&bytes).unwrap(), KeyRef::from(&key)] {
                assert_eq!(Seed::new(0, 0).hash(asked), hash_of(&bytes), "{count} bytes");
            }
        }
        let number = KeyRef::<1>::from(0x0102_0304_0506_0708);
        assert_eq!(Seed::new(0, 0).hash(number), hash_of(&[8, 7, 6, 5, 4, 3, 2, 1]));
    }

    #[test]
    fn a_seed_is_not_printed() {
        assert_eq!(format!("{:?}", Seed::new(1, 2)), "Seed(..)");
    }
}
