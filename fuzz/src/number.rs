//! Numbers that look for trouble.

use std::ops::RangeInclusive;

use arbitrary::{Result, Unstructured};
use plimsoll_core::{MAX_CAPACITY, MAX_STEP};

/// Any number; small ones, those near a power of two, a limit or `near` more often than chance
/// would have them.
pub fn hostile(bytes: &mut Unstructured<'_>, near: u64) -> Result<u64> {
    let base = match bytes.int_in_range(0..=8u8)? {
        0..=2 => return Ok(bytes.arbitrary::<u8>()?.into()),
        3 => return Ok(bytes.arbitrary::<u16>()?.into()),
        4 => return bytes.arbitrary(),
        5 => near,
        6 => 1 << bytes.int_in_range(0..=63u8)?,
        7 => MAX_CAPACITY,
        _ => MAX_STEP,
    };
    let off = bytes.arbitrary::<i8>()?;
    Ok(base.wrapping_add_signed(i64::from(if off % 2 == 0 { off / 32 } else { off })))
}

/// A number of the range, its ends more often than chance would have them.
pub fn within(bytes: &mut Unstructured<'_>, range: RangeInclusive<u64>) -> Result<u64> {
    let (first, last) = range.into_inner();
    let width = last - first;
    Ok(match bytes.arbitrary::<u8>()? {
        step @ 0..=63 => first + u64::from(step).min(width),
        step @ 64..=127 => last - u64::from(step - 64).min(width),
        part => first + (u128::from(width) * u128::from(part - 128) / 127) as u64,
    })
}
