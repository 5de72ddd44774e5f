//! Atomics that a schedule steps through: [shuttle]'s, with mistakes that a model can plant into them.
//!
//! Every access gives way to the schedule first. All orderings count as the strongest here: weaker
//! ones are for the models of loom.
//!
//! [shuttle]: https://docs.rs/shuttle

extern crate std;

pub use shuttle::sync::atomic::{AtomicBool, Ordering};

use core::cell::Cell;
use core::panic::Location;

use shuttle::sync::atomic as inner;

/// A mistake of the primitives, which a model must find if it is to be evidence for the code that
/// relies on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A read-modify-write is a load and then a store, in source files whose path ends so.
    Torn(&'static str),
    /// An unpark is forgotten by a thread that is not parked yet.
    UnparkForgotten,
    /// A notification of a condition variable wakes nobody.
    NotifyForgotten,
}

std::thread_local! {
    static PLANTED: Cell<Option<Flaw>> = const { Cell::new(None) };
}

/// Plants a mistake into the primitives of the models that this thread runs, or takes it out.
pub fn plant(flaw: Option<Flaw>) {
    PLANTED.set(flaw);
}

/// Whether that mistake is planted.
pub fn is_planted(flaw: Flaw) -> bool {
    PLANTED.get() == Some(flaw)
}

/// Whether the read-modify-writes of the calling source file are torn.
#[track_caller]
fn is_torn() -> bool {
    match PLANTED.get() {
        Some(Flaw::Torn(file)) => Location::caller().file().ends_with(file),
        _ => false,
    }
}

/// An atomic of one type, with the operations that are used.
macro_rules! stepped_integer {
    ($($name:ident: $int:ty),*) => {$(
        #[doc = concat!("A stepped atomic `", stringify!($int), "`.")]
        #[derive(Debug, Default)]
        pub struct $name(inner::$name);

        impl $name {
            /// A word.
            pub const fn new(value: $int) -> Self {
                Self(inner::$name::new(value))
            }

            /// As of the standard library.
            pub fn load(&self, ordering: Ordering) -> $int {
                self.0.load(ordering)
            }

            /// As of the standard library.
            pub fn store(&self, value: $int, ordering: Ordering) {
                self.0.store(value, ordering);
            }

            /// As of the standard library.
            #[track_caller]
            pub fn swap(&self, value: $int, ordering: Ordering) -> $int {
                self.change(is_torn(), |_| value, || self.0.swap(value, ordering))
            }

            /// As of the standard library.
            #[track_caller]
            pub fn fetch_add(&self, value: $int, ordering: Ordering) -> $int {
                let whole = || self.0.fetch_add(value, ordering);
                self.change(is_torn(), |old| old.wrapping_add(value), whole)
            }

            /// As of the standard library.
            #[track_caller]
            pub fn fetch_sub(&self, value: $int, ordering: Ordering) -> $int {
                let whole = || self.0.fetch_sub(value, ordering);
                self.change(is_torn(), |old| old.wrapping_sub(value), whole)
            }

            /// As of the standard library.
            #[track_caller]
            pub fn fetch_max(&self, value: $int, ordering: Ordering) -> $int {
                let whole = || self.0.fetch_max(value, ordering);
                self.change(is_torn(), |old| old.max(value), whole)
            }

            /// As of the standard library.
            #[track_caller]
            pub fn fetch_or(&self, value: $int, ordering: Ordering) -> $int {
                let whole = || self.0.fetch_or(value, ordering);
                self.change(is_torn(), |old| old | value, whole)
            }

            /// As of the standard library.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                if !is_torn() {
                    return self.0.compare_exchange(current, new, success, failure);
                }
                match self.0.load(Ordering::SeqCst) {
                    old if old == current => {
                        self.0.store(new, Ordering::SeqCst);
                        Ok(old)
                    }
                    other => Err(other),
                }
            }

            /// As of the standard library, without spurious failures.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                self.compare_exchange(current, new, success, failure)
            }

            /// As of the standard library.
            #[track_caller]
            pub fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut next: impl FnMut($int) -> Option<$int>,
            ) -> Result<$int, $int> {
                let mut old = self.load(failure);
                while let Some(new) = next(old) {
                    match self.compare_exchange(old, new, success, failure) {
                        Err(other) => old = other,
                        done => return done,
                    }
                }
                Err(old)
            }

            /// As of the standard library.
            pub fn get_mut(&mut self) -> &mut $int {
                self.0.get_mut()
            }

            fn change(
                &self,
                is_torn: bool,
                next: impl FnOnce($int) -> $int,
                whole: impl FnOnce() -> $int,
            ) -> $int {
                if !is_torn {
                    return whole();
                }
                let old = self.0.load(Ordering::SeqCst);
                self.0.store(next(old), Ordering::SeqCst);
                old
            }
        }
    )*};
}

stepped_integer!(AtomicU64: u64, AtomicUsize: usize);
