//! What the receivers of both kinds of channel have in common.

/// Defines it for the receiver `$name`, which has upstream's handle as `inner` and a `ReceiverSide`
/// as `side`.
macro_rules! receiver_methods {
    ($name:ident) => {
        impl<T> $name<T> {
            /// Receives, and waits while the channel is empty; `None` once it is empty and closed.
            pub async fn recv(&mut self) -> Option<T> {
                let item = self.inner.recv().await;
                self.side.received(usize::from(item.is_some()));
                item
            }

            /// Receives if there is an item now.
            ///
            /// # Errors
            /// As upstream: `Empty` or `Disconnected`.
            pub fn try_recv(&mut self) -> Result<T, ::tokio::sync::mpsc::error::TryRecvError> {
                let item = self.inner.try_recv()?;
                self.side.received(1);
                Ok(item)
            }

            /// Receives from outside of a runtime, and blocks while the channel is empty.
            ///
            /// # Panics
            /// As upstream: inside of a runtime.
            pub fn blocking_recv(&mut self) -> Option<T> {
                let item = self.inner.blocking_recv();
                self.side.received(usize::from(item.is_some()));
                item
            }

            /// Polls for an item.
            pub fn poll_recv(
                &mut self,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<Option<T>> {
                let item = ::std::task::ready!(self.inner.poll_recv(cx));
                self.side.received(usize::from(item.is_some()));
                ::std::task::Poll::Ready(item)
            }

            /// Closes the channel: what is in it can still be received.
            pub fn close(&mut self) {
                self.inner.close();
            }

            /// Whether the channel is closed.
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            /// Whether the channel is empty.
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            /// How many items are in the channel.
            pub fn len(&self) -> usize {
                self.inner.len()
            }

            /// How many handles keep the channel open.
            pub fn sender_strong_count(&self) -> usize {
                self.inner.sender_strong_count()
            }

            /// How many weak handles there are.
            pub fn sender_weak_count(&self) -> usize {
                self.inner.sender_weak_count()
            }
        }

        impl<T> ::futures_core::Stream for $name<T> {
            type Item = T;

            fn poll_next(
                mut self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<Option<T>> {
                self.poll_recv(cx)
            }
        }

        impl<T> ::std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("inner", &self.inner)
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use receiver_methods;
