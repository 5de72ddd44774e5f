//! Thread-locals of a model's threads.

use std::cell::Cell;

use shuttle::thread::{AccessError, LocalKey};

/// A thread-local, with the methods that are used.
pub(crate) struct Local<T: 'static>(pub(crate) LocalKey<T>);

impl<T> Local<T> {
    pub(crate) fn try_with<R>(&'static self, then: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(then)
    }
}

impl<T> Local<Cell<T>> {
    pub(crate) fn set(&'static self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&'static self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }

    pub(crate) fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.0.with(Cell::get)
    }
}

/// As of the standard library, for one static.
macro_rules! stepped_local {
    ($(#[$doc:meta])* static $name:ident: $type:ty = const { $init:expr };) => {
        $crate::sync::thread_local! { $(#[$doc])* static $name: $type = $init; }
    };
    ($(#[$doc:meta])* static $name:ident: $type:ty = $init:expr;) => {
        $(#[$doc])*
        static $name: $crate::sync::Local<$type> = $crate::sync::Local(shuttle::thread::LocalKey {
            init: || $init,
            _p: std::marker::PhantomData,
        });
    };
}
pub(crate) use stepped_local;
