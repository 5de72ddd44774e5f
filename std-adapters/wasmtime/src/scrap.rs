//! Dropping what may panic.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Drops things of a host's one by one: two that panic in one and the same unwinding would abort
/// the process.
#[derive(Default)]
pub(super) struct Scrap(Option<Box<dyn Any + Send>>);

impl Scrap {
    /// Drops a thing.
    pub(super) fn take(&mut self, thing: impl Sized) {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(thing)));
        let Err(panic) = dropped else { return };
        match &self.0 {
            None => self.0 = Some(panic),
            // What it was about has been said; its own drop may panic as well.
            Some(_) => mem::forget(panic),
        }
    }

    /// Drops each of many things.
    pub(super) fn take_each<T>(&mut self, things: impl IntoIterator<Item = T>) {
        things.into_iter().for_each(|thing| self.take(thing));
    }

    /// Whether one of them has panicked.
    pub(super) fn has_panicked(&self) -> bool {
        self.0.is_some()
    }

    /// Goes on with the first panic, if there was one.
    pub(super) fn end(self) {
        if let Some(panic) = self.0 {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Bomb<'t>(&'t Cell<u32>);

    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("a bomb");
        }
    }

    #[test]
    fn all_are_dropped_and_the_first_panic_goes_on() {
        let dropped = Cell::new(0);
        let mut scrap = Scrap::default();
        scrap.take(7);
        assert!(!scrap.has_panicked());
        scrap.take_each([Bomb(&dropped), Bomb(&dropped), Bomb(&dropped)]);
        assert_eq!((dropped.get(), scrap.has_panicked()), (3, true));
        let panic = catch_unwind(AssertUnwindSafe(|| scrap.end())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a bomb"));
    }
}
