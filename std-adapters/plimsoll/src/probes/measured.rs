//! A number that was measured.

/// A number, and how much it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) value: u64,
    pub(super) capacity: Option<u64>,
}
