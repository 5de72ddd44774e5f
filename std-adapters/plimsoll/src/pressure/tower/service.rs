//! The service that the layer makes.

use std::error::Error;
use std::task::{Context, Poll};

use tower_service::Service;

use super::admission::Admission;
use super::error::Overloaded;
use super::future::ResponseFuture;
use super::refusal::{Fail, Respond, Wait};

/// Any error, as the middleware of tower has it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A [`Service`] whose requests are held back while a [`Pressure`](super::super::Pressure) is on, by a
/// [`PressureLayer`](super::PressureLayer).
#[derive(Clone, Debug)]
pub struct Pressured<S, R = Fail> {
    inner: S,
    admission: Admission,
    refusal: R,
}

impl<S, R> Pressured<S, R> {
    pub(super) fn new(inner: S, admission: Admission, refusal: R) -> Self {
        Self { inner, admission, refusal }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed. What is polled for readiness here reserves what the next
    /// request would.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, without the pressure.
    pub fn into_inner(self) -> S {
        self.inner
    }

    #[inline]
    fn poll_admission<Q>(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<Q>,
    {
        self.admission.poll_ready(context, |context| self.inner.poll_ready(context))
    }
}

impl<S, Q> Service<Q> for Pressured<S, Fail>
where
    S: Service<Q>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, S::Response, BoxError>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.poll_admission(context).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, request: Q) -> Self::Future {
        match self.admission.take() {
            None => ResponseFuture::called(self.inner.call(request)),
            Some(overloaded) => ResponseFuture::refused(Err(overloaded.into())),
        }
    }
}

impl<S, Q, F> Service<Q> for Pressured<S, Respond<F>>
where
    S: Service<Q>,
    F: Fn(Overloaded) -> S::Response,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, S::Error>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.poll_admission(context)
    }

    #[inline]
    fn call(&mut self, request: Q) -> Self::Future {
        match self.admission.take() {
            None => ResponseFuture::called(self.inner.call(request)),
            Some(overloaded) => ResponseFuture::refused(Ok(self.refusal.to(overloaded))),
        }
    }
}

impl<S, Q> Service<Q> for Pressured<S, Wait>
where
    S: Service<Q>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.poll_admission(context)
    }

    #[inline]
    fn call(&mut self, request: Q) -> S::Future {
        // Nothing is refused: it begins the turn of the next request.
        _ = self.admission.take();
        self.inner.call(request)
    }
}
