//! What becomes of a request that is refused.

use super::error::Overloaded;

/// A refused request fails with an [`Overloaded`], as a [`BoxError`](super::BoxError).
#[derive(Clone, Copy, Debug)]
pub struct Fail(pub(super) ());

/// A refused request gets the response that a function makes of its [`Overloaded`].
#[derive(Clone, Copy, Debug)]
pub struct Respond<F>(pub(super) F);

/// No request is refused.
#[derive(Clone, Copy, Debug)]
pub struct Wait(pub(super) ());

impl<F> Respond<F> {
    pub(super) fn to<T>(&self, overloaded: Overloaded) -> T
    where
        F: Fn(Overloaded) -> T,
    {
        (self.0)(overloaded)
    }
}
