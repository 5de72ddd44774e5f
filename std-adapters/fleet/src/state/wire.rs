//! Integers and pieces of bytes, read with what they belong to.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::StateError;

/// Writes an integer as LEB128: seven bits to a byte, the low ones first.
pub(super) fn put_integer(out: &mut BytesMut, mut number: u64) {
    while number >= 0x80 {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

/// Takes an integer from the front.
///
/// # Returns
/// `None` if there is none.
#[inline]
pub(super) fn integer(bytes: &mut &[u8]) -> Option<u64> {
    // Up to 56 bits are read as one word: merges of large fleets do little else.
    if let Some(word) = bytes.first_chunk().map(|chunk| u64::from_le_bytes(*chunk)) {
        let ends = !word & LAST;
        if ends != 0 {
            // The bits of the first byte that ends an integer, and of those before it.
            let own = word & (ends ^ (ends - 1));
            *bytes = &bytes[(ends.trailing_zeros() / 8 + 1) as usize..];
            return Some(joined(own));
        }
    }
    byte_by_byte(bytes)
}

/// The bit of each byte of a word that says that another one follows.
const LAST: u64 = 0x8080_8080_8080_8080;

/// The seven low bits of each byte, side by side: first of two bytes, then of four, then of eight.
#[inline]
const fn joined(word: u64) -> u64 {
    let word = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = (word & 0x0000_3fff_0000_3fff) | (word & 0x3fff_0000_3fff_0000) >> 2;
    (word & 0x0fff_ffff) | (word & 0x0fff_ffff_0000_0000) >> 4
}

/// An integer at the end of the bytes, or a larger one.
fn byte_by_byte(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth has one bit.
        if place == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * place);
        if byte & 0x80 == 0 {
            *bytes = &bytes[place + 1..];
            return Some(number);
        }
    }
    None
}

/// Takes an integer that is part of `within` from the front.
pub(super) fn take_integer(bytes: &mut Bytes, within: &'static str) -> Result<u64, StateError> {
    let mut rest = &bytes[..];
    let number = integer(&mut rest).ok_or(StateError::Short { within })?;
    let taken = bytes.len() - rest.len();
    bytes.advance(taken);
    Ok(number)
}

/// Takes so many bytes that are `within` from the front.
pub(super) fn take(
    bytes: &mut Bytes,
    count: u64,
    within: &'static str,
) -> Result<Bytes, StateError> {
    match usize::try_from(count) {
        Ok(count) if count <= bytes.len() => Ok(bytes.split_to(count)),
        _ => Err(StateError::Short { within }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_and_what_is_none_is_said_to_be() {
        let widths = (0..64).flat_map(|bits| [1_u64 << bits, (1 << bits) - 1, u64::MAX >> bits]);
        for number in widths.chain([300, u64::MAX - 1]) {
            let mut out = BytesMut::new();
            put_integer(&mut out, number);
            let mut rest = &out[..];
            assert_eq!((integer(&mut rest), rest), (Some(number), &[][..]));
            // With more behind it.
            let longer = [&out[..], &[0xff; 9]].concat();
            let mut rest = &longer[..];
            assert_eq!((integer(&mut rest), rest), (Some(number), &[0xff; 9][..]));
            let mut short = &out[..out.len() - 1];
            assert_eq!(integer(&mut short), None, "{number} cut off");
        }
        for none in [
            &[][..],
            &[0x80],
            &[0xff; 10],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
        ] {
            assert_eq!(integer(&mut &*none), None, "{none:?}");
        }
    }
}
