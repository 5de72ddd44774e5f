//! Calls of the user's code whose panics are contained.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::contain::{self, drop_payload};
use crate::pool::locks::check_none_held;

/// A panic that was contained, with its message.
#[derive(Debug)]
pub(in crate::pool) struct Panicked(pub(super) String);

/// Runs code that may panic. What it was called with is not used again if it did.
#[inline]
pub(in crate::pool) fn contain<R>(code: impl FnOnce() -> R) -> Result<R, Panicked> {
    check_none_held();
    catch_unwind(AssertUnwindSafe(code)).map_err(on_panic)
}

/// Asks a question that may panic. The answer stays in registers.
///
/// # Returns
/// `None` if it did.
#[inline(always)]
pub(in crate::pool) fn ask(question: impl FnOnce() -> bool) -> Option<bool> {
    check_none_held();
    match catch_unwind(AssertUnwindSafe(question)) {
        Ok(answer) => Some(answer),
        Err(payload) => {
            on_panic(payload);
            None
        }
    }
}

#[cold]
#[inline(never)]
fn on_panic(payload: Box<dyn Any + Send>) -> Panicked {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    drop_payload(payload);
    Panicked(text.unwrap_or_else(|| "no message".to_owned()))
}

/// A future of the manager's whose panics are its output: in the call that makes it, in a poll, in
/// its drop.
pub(in crate::pool) struct Contained<F: Future>(Option<Pin<Box<F>>>);

impl<F: Future> Contained<F> {
    pub(in crate::pool) fn new(make: impl FnOnce() -> F) -> Result<Self, Panicked> {
        contain(|| Box::pin(make())).map(|future| Self(Some(future)))
    }

    fn end(&mut self) -> Result<(), Panicked> {
        let future = self.0.take();
        contain(|| drop(future))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else {
            return Poll::Ready(Err(Panicked("polled after its end".to_owned())));
        };
        match contain(|| future.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(match self.end() {
                Ok(()) => Ok(output),
                Err(panicked) => {
                    let _ = contain(|| drop(output));
                    Err(panicked)
                }
            }),
            Err(panicked) => {
                let _ = self.end();
                Poll::Ready(Err(panicked))
            }
        }
    }
}

/// Polls a future of the manager's once, on the stack.
///
/// # Returns
/// Its output, if that was enough; else the future is dropped.
pub(in crate::pool) fn poll_once<F: Future>(
    make: impl FnOnce() -> F,
) -> Poll<Result<F::Output, Panicked>> {
    let mut output = None;
    let ended = contain(|| {
        let future = pin!(make());
        if let Poll::Ready(ready) = future.poll(&mut Context::from_waker(Waker::noop())) {
            output = Some(ready);
        }
    });
    match (ended, output) {
        (Ok(()), Some(output)) => Poll::Ready(Ok(output)),
        (Ok(()), None) => Poll::Pending,
        (Err(panicked), output) => {
            let _ = contain(|| drop(output));
            Poll::Ready(Err(panicked))
        }
    }
}

impl<F: Future> Drop for Contained<F> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Wakes each of them, whatever the others do.
pub(in crate::pool) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    check_none_held();
    contain::wake_all(wakers);
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::park;

    struct PanicsInDrop;

    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("in drop");
            }
        }
    }

    #[test]
    fn a_panic_is_contained_with_its_message() {
        assert_eq!(contain(|| 7).unwrap(), 7);
        assert_eq!(contain(|| panic!("of {}", 2)).map(|()| 0).unwrap_err().0, "of 2");
        let payload = || std::panic::panic_any(PanicsInDrop);
        assert_eq!(contain(payload).map(|()| 0).unwrap_err().0, "no message");
    }

    #[test]
    fn a_future_may_panic_wherever_it_likes() {
        let block_on = |future| park::block_on(future, None).unwrap();
        assert_eq!(block_on(Contained::new(|| Box::pin(async { 7 })).unwrap()).unwrap(), 7);
        type Seven = Pin<Box<dyn Future<Output = u8>>>;
        assert!(Contained::<Seven>::new(|| panic!("made")).is_err());
        let polled: Seven = Box::pin(async { panic!("polled") });
        let polled = Contained::new(|| polled).unwrap();
        assert_eq!(park::block_on(polled, None).unwrap().unwrap_err().0, "polled");
        let held = PanicsInDrop;
        let cancelled: Seven = Box::pin(async move {
            std::future::pending::<()>().await;
            let _held = held;
            1
        });
        let cancelled = Contained::new(|| cancelled).unwrap();
        assert!(park::block_on(cancelled, Some(Duration::from_millis(1))).is_none());
    }
}
