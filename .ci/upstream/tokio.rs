//! `tokio` with tracked `mpsc` channels.

pub mod at_rest;

pub use upstream::*;

pub mod sync {
    pub use upstream::sync::*;

    pub mod mpsc {
        use std::fmt::{self, Debug, Formatter};
        use std::ops::{Deref, DerefMut};

        use crate::at_rest::{comes_true, limit, registry};
        use plimsoll::channel::tokio as tracked;

        pub use tracked::{
            OwnedPermit, Permit, PermitIterator, Sender, UnboundedSender, WeakSender,
            WeakUnboundedSender, error,
        };

        #[track_caller]
        pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
            let made = tracked::channel(registry(), limit("channel"), buffer);
            let (sender, receiver) = made.expect("a sound limit");
            (sender, Receiver(receiver))
        }

        pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
            let made = tracked::unbounded_channel(registry(), limit("unbounded"));
            let (sender, receiver) = made.expect("a sound limit");
            (sender, UnboundedReceiver(receiver))
        }

        /// A tracked receiver that, when it is dropped, holds its gauge to upstream's own length: the
        /// two agree at some moment, or the gauge has gone astray.
        macro_rules! checked {
            ($name:ident) => {
                pub struct $name<T>(tracked::$name<T>);

                impl<T> Deref for $name<T> {
                    type Target = tracked::$name<T>;

                    fn deref(&self) -> &Self::Target {
                        &self.0
                    }
                }

                impl<T> DerefMut for $name<T> {
                    fn deref_mut(&mut self) -> &mut Self::Target {
                        &mut self.0
                    }
                }

                impl<T> Debug for $name<T> {
                    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                        self.0.fmt(f)
                    }
                }

                impl<T> Drop for $name<T> {
                    fn drop(&mut self) {
                        let agree = || {
                            let reading = self.0.reading();
                            let len = self.0.len() as u64;
                            let flown = reading.sent.zip(reading.received);
                            reading.depth == len
                                && flown.is_none_or(|(sent, received)| sent - received == len)
                        };
                        if !comes_true(agree) {
                            eprintln!(
                                "depth and length {} differ: {:?}",
                                self.0.len(),
                                self.0.reading()
                            );
                            std::process::abort();
                        }
                    }
                }
            };
        }

        checked!(Receiver);
        checked!(UnboundedReceiver);
    }
}
