//! The trait that makes, resets and retires the objects of a pool.

use std::error::Error;
use std::future::Future;

/// Makes, resets and retires the objects of a [`Pool`](super::Pool).
///
/// No method is called under a lock. A panic in any of them, and in the drop of an object, is
/// contained and counted: it costs that object and nothing else. A call that hangs costs its slot,
/// and only until a [bound](super::PoolBuilder::build_timeout) (POOL-12).
///
/// The pool drops its manager once it is closed and drained, before it says so (POOL-16): what the
/// objects take room in, such as an engine's reservation, is held by the manager.
///
/// ```
/// use std::convert::Infallible;
/// use plimsoll::pool::Manager;
///
/// struct Buffers;
///
/// impl Manager for Buffers {
///     type Object = Vec<u8>;
///     type Error = Infallible;
///
///     async fn create(&self) -> Result<Vec<u8>, Infallible> {
///         Ok(Vec::with_capacity(4096))
///     }
///
///     fn reset(&self, buffer: &mut Vec<u8>) -> Result<(), Infallible> {
///         buffer.clear();
///         Ok(())
///     }
/// }
/// ```
pub trait Manager: Send + Sync + 'static {
    /// The type of the objects.
    type Object: Send + 'static;
    /// Why an object could not be made or reset.
    type Error: Error + Send + Sync + 'static;

    /// Makes an object: in the background, unless it [may run inline](Self::may_run_inline).
    ///
    /// Threads of the pool's own poll it without a runtime around: what needs tokio's timers or
    /// sockets needs [`Background::Tokio`](super::Background::Tokio).
    ///
    /// # Errors
    /// Goes to the checkout that the object is built for, as
    /// [`CheckoutError::BuildFailed`](super::CheckoutError::BuildFailed).
    ///
    /// # Cancellation
    /// The future is dropped when the build's timeout has passed, when the runtime that drives it
    /// goes, or after its first poll if it was inline and is not ready; nothing of the pool's
    /// capacity is lost.
    fn create(&self) -> impl Future<Output = Result<Self::Object, Self::Error>> + Send;

    /// Makes an object as good as new after a lease that was completed. Not called for single-use
    /// objects.
    ///
    /// # Errors
    /// The object is retired.
    fn reset(&self, object: &mut Self::Object) -> Result<(), Self::Error> {
        let _ = object;
        Ok(())
    }

    /// Whether an idle object may be leased: asked before each lease, on the thread of the
    /// checkout, so it answers at once. A dead one is retired, and the checkout goes on with the
    /// next (POOL-13).
    #[inline(always)]
    fn is_alive(&self, object: &Self::Object) -> bool {
        let _ = object;
        true
    }

    /// Destroys an object: in the background, unless it [may run inline](Self::may_run_inline).
    fn retire(&self, object: Self::Object) {
        drop(object);
    }

    /// Whether a checkout may call [`retire`](Self::retire) and [`create`](Self::create) itself, on
    /// its own thread and within a task, where it would else have to wait until the background has.
    ///
    /// For objects that are made in microseconds and without waiting for anything: handing such an
    /// object from thread to thread takes longer than making it. A checkout does so where objects
    /// are for a [single use](super::Isolation::Fresh), none is idle and nobody waits; the first
    /// waiter does so when a lease ends. A future of `create` that is not ready at its first poll
    /// is dropped, and `create` is called again in the background. The background makes the first
    /// object, and the next one after any that took longer than two milliseconds.
    ///
    /// Asked once, when the pool is made.
    fn may_run_inline(&self) -> bool {
        false
    }

    /// How many bytes an object holds, for
    /// [`retire_above_bytes`](super::PoolBuilder::retire_above_bytes).
    fn bytes(&self, object: &Self::Object) -> u64 {
        let _ = object;
        0
    }
}
