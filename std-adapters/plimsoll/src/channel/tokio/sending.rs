//! The shared part of bounded and unbounded senders.

/// Defines it for the sender `$name`, which has upstream's handle as `inner` and a `SenderSide` as
/// `side`, and its weak handle `$weak`.
macro_rules! sender_methods {
    ($name:ident, $weak:ident) => {
        impl<T> $name<T> {
            /// Depth, marks, waiters and refused sends, now; with
            /// [`flow_totals`](crate::Limit::flow_totals) also what has gone through.
            #[inline]
            pub fn reading(&self) -> crate::channel::ChannelReading {
                self.side.shared.reading()
            }

            /// Waits until the receiver is closed or dropped.
            pub async fn closed(&self) {
                self.inner.closed().await;
            }

            /// Whether the receiver is closed or dropped.
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            /// Whether both send into one channel.
            pub fn same_channel(&self, other: &Self) -> bool {
                self.inner.same_channel(&other.inner)
            }

            /// A handle that does not keep the channel open.
            #[must_use]
            pub fn downgrade(&self) -> $weak<T> {
                $weak { inner: self.inner.downgrade(), shared: self.side.shared.clone() }
            }

            /// How many handles keep the channel open.
            pub fn strong_count(&self) -> usize {
                self.inner.strong_count()
            }

            /// How many weak handles there are.
            pub fn weak_count(&self) -> usize {
                self.inner.weak_count()
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self { inner: self.inner.clone(), side: SenderSide::new(self.side.shared.clone()) }
            }
        }

        impl<T> ::std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("inner", &self.inner)
                    .finish_non_exhaustive()
            }
        }

        #[doc = concat!(
                    "A sending handle that does not keep the channel open: `tokio::sync::mpsc::",
                    stringify!($weak),
                    "`.",
                )]
        pub struct $weak<T> {
            inner: mpsc::$weak<T>,
            shared: crate::registry::Registered<crate::channel::counted::Counted>,
        }

        impl<T> $weak<T> {
            /// Depth, marks, waiters and refused sends, now; with
            /// [`flow_totals`](crate::Limit::flow_totals) also what has gone through.
            #[inline]
            pub fn reading(&self) -> crate::channel::ChannelReading {
                self.shared.reading()
            }

            /// A full handle, if there still is one.
            pub fn upgrade(&self) -> Option<$name<T>> {
                let inner = self.inner.upgrade()?;
                Some($name { inner, side: SenderSide::new(self.shared.clone()) })
            }

            /// How many handles keep the channel open.
            pub fn strong_count(&self) -> usize {
                self.inner.strong_count()
            }

            /// How many weak handles there are.
            pub fn weak_count(&self) -> usize {
                self.inner.weak_count()
            }
        }

        impl<T> Clone for $weak<T> {
            fn clone(&self) -> Self {
                Self { inner: self.inner.clone(), shared: self.shared.clone() }
            }
        }

        impl<T> ::std::fmt::Debug for $weak<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($weak)).finish_non_exhaustive()
            }
        }
    };
}
pub(super) use sender_methods;
