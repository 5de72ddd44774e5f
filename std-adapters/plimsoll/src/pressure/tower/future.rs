//! The future of a response.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// Resolves with what the inner service responds, or at once with the answer of a request that was
    /// refused.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F, T, E> {
        #[pin]
        state: State<F, T, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, T, E> {
        Called { #[pin] future: F },
        Refused { answer: Ready<Result<T, E>> },
    }
}

impl<F, T, E> ResponseFuture<F, T, E> {
    pub(super) fn called(future: F) -> Self {
        Self { state: State::Called { future } }
    }

    pub(super) fn refused(answer: Result<T, E>) -> Self {
        Self { state: State::Refused { answer: ready(answer) } }
    }
}

impl<F, T, E, Inner> Future for ResponseFuture<F, T, E>
where
    F: Future<Output = Result<T, Inner>>,
    Inner: Into<E>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Called { future } => future.poll(context).map_err(Into::into),
            StateProjection::Refused { answer } => Pin::new(answer).poll(context),
        }
    }
}

impl<F, T, E> fmt::Debug for ResponseFuture<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_refused = matches!(self.state, State::Refused { .. });
        f.debug_struct("ResponseFuture").field("is_refused", &is_refused).finish()
    }
}
