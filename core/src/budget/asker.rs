//! Whether an ask has waited.

/// Whether an ask has waited: if not, those that wait come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// It has not waited: it is refused where another ask waits.
    Newcomer,
    /// It has waited and is next: it takes what fits.
    Waiter,
}
