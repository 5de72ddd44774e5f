//! A checkout that waits, or is about to.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use plimsoll::pool::{Checkout, CheckoutError, OwnedLease};

use super::held::Held;
use super::inline::Answer;
use super::world::Maker;

type Owned = dyn Future<Output = Result<OwnedLease<Maker>, CheckoutError>>;

pub(super) enum Wait<'a> {
    Borrowed(Checkout<'a, Maker>),
    Owned(Pin<Box<Owned>>),
}

impl<'a> Wait<'a> {
    fn poll(&mut self, context: &mut Context<'_>) -> Answer<'a> {
        match self {
            Self::Borrowed(checkout) => Pin::new(checkout).poll(context).map_ok(Held::Borrowed),
            Self::Owned(checkout) => checkout.as_mut().poll(context).map_ok(Held::Owned),
        }
    }
}

pub(super) struct Asker<'a> {
    pub(super) who: usize,
    pub(super) checkout: Wait<'a>,
    pub(super) is_polled: bool,
    bell: Arc<Bell>,
    was_called: bool,
}

/// Whether it was woken.
#[derive(Default)]
pub(super) struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Bell {
    pub(super) fn hear(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl<'a> Asker<'a> {
    pub(super) fn new(who: usize, checkout: Wait<'a>) -> Self {
        Self { who, checkout, is_polled: false, bell: Arc::default(), was_called: false }
    }

    /// A round of polls begins.
    ///
    /// # Returns
    /// Whether it was woken before: then its outcome was settled before the round.
    pub(super) fn is_called(&mut self) -> bool {
        self.was_called |= self.bell.hear();
        self.was_called
    }

    pub(super) fn poll(&mut self) -> Answer<'a> {
        let (was_queued, was_woken) = (self.is_polled, self.is_called());
        (self.is_polled, self.was_called) = (true, false);
        let waker = Waker::from(self.bell.clone());
        let answer = self.checkout.poll(&mut Context::from_waker(&waker));
        let is_told = !was_queued || was_woken || answer.is_pending();
        assert!(is_told, "POOL-6: nobody has woken who is served: {answer:?}");
        answer
    }
}
