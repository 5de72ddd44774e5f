//! Sketches from bytes.

use plimsoll::ledger::{Key, LongPrincipalId};

use super::{EMPTY, FAMILY, FrequentItems, LG_MAX, LG_MIN, PREAMBLE, PREAMBLE_EMPTY, VERSION};
use super::{SketchError, capacity};

/// Bytes that a sketch has at least for each item: its weight, and its length or half of it.
const ITEM_BYTES_MIN: usize = 8 + 4;

impl FrequentItems {
    /// Reads a sketch of longs.
    ///
    /// # Errors
    /// [`SketchError::Foreign`], [`SketchError::Short`], [`SketchError::Malformed`].
    pub fn integers_from_bytes(bytes: &[u8]) -> Result<Self, SketchError> {
        Self::read(bytes, |rest| Ok(Key::from(u64::from_le_bytes(take(rest, "an item")?))))
    }

    /// Reads a sketch of text. Text of more than 64 bytes becomes its digest, as
    /// [`LongPrincipalId`] says.
    ///
    /// # Errors
    /// As for [`integers_from_bytes`](Self::integers_from_bytes).
    pub fn text_from_bytes(bytes: &[u8]) -> Result<Self, SketchError> {
        Self::read(bytes, |rest| {
            let count = u32::from_le_bytes(take(rest, "an item")?) as usize;
            let (text, after) =
                rest.split_at_checked(count).ok_or(SketchError::Short { within: "an item" })?;
            *rest = after;
            let text = std::str::from_utf8(text).map_err(|_| wrong("an item is not UTF-8"))?;
            let id = LongPrincipalId::new(text);
            Ok(*id.map_err(|_| wrong("an item is empty, or has control characters"))?.key())
        })
    }

    fn read(
        bytes: &[u8],
        mut item: impl FnMut(&mut &[u8]) -> Result<Key, SketchError>,
    ) -> Result<Self, SketchError> {
        let rest = &mut &*bytes;
        let [preamble, version, family, lg_max, lg, flags, _, _]: [u8; 8] =
            take(rest, "the preamble")?;
        expect("the version", version, VERSION)?;
        expect("the family", family, FAMILY)?;
        if lg < LG_MIN || lg > lg_max || lg_max > LG_MAX {
            return Err(wrong("sizes of its map are not from 2^3 to 2^30, or not in order"));
        }
        // The upper bits of the preamble's length mean something else.
        let (preamble, is_empty) = (preamble & 0x3f, flags & EMPTY != 0);
        expect(
            "the length of its preamble",
            preamble,
            if is_empty { PREAMBLE_EMPTY } else { PREAMBLE },
        )?;
        if is_empty {
            return Ok(Self { items: Vec::new(), offset: 0, total: 0 });
        }
        let count = u32::from_le_bytes(take(rest, "the preamble")?) as usize;
        let _: [u8; 4] = take(rest, "the preamble")?;
        let mut long = || take(rest, "a number").map(u64::from_le_bytes);
        let (total, offset) = (long()?, long()?);
        if count > capacity(lg) {
            return Err(wrong("it has more items than its map has room for"));
        }
        // Before anything is allocated.
        if count.saturating_mul(ITEM_BYTES_MIN) > rest.len() {
            return Err(SketchError::Short { within: "the items" });
        }
        let weights = (0..count).map(|_| take(rest, "a weight").map(u64::from_le_bytes));
        let weights: Vec<u64> = weights.collect::<Result<_, _>>()?;
        let sum = weights.iter().try_fold(offset, |sum, weight| sum.checked_add(*weight));
        if sum.is_none() || weights.contains(&0) {
            return Err(wrong("its weights are 0, or more than 2^64 - 1 together"));
        }
        let items = weights.into_iter().map(|weight| Ok((item(rest)?, weight)));
        let items = items.collect::<Result<_, SketchError>>()?;
        Ok(Self { items, offset, total })
    }
}

fn take<const N: usize>(rest: &mut &[u8], within: &'static str) -> Result<[u8; N], SketchError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(SketchError::Short { within })?;
    *rest = after;
    Ok(*bytes)
}

fn expect(what: &'static str, found: u8, expected: u8) -> Result<(), SketchError> {
    if found == expected { Ok(()) } else { Err(SketchError::Foreign { what, found, expected }) }
}

fn wrong(what: &'static str) -> SketchError {
    SketchError::Malformed { what }
}
