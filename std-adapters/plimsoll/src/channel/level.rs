//! The levels of channels, for pressures.

/// Implements `HasLevel` for a handle whose `$shared` is what the handles of its channel share.
macro_rules! has_level {
    ($handle:ident, $($shared:ident).+) => {
        #[cfg(feature = "pressure")]
        impl<T> crate::pressure::HasLevel for $handle<T> {
            fn listed(&self) -> crate::pressure::Listed {
                self.$($shared).+.registration().listed()
            }
        }
    };
}

pub(super) use has_level;
