//! A bound on the requests that a handler has.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use plimsoll::budget::{Budget, Lease, Refused};
use plimsoll::pressure::Pressure;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{HandlerState, ProxyHandler, Request, Response, WorkerState};

/// Bounds how many requests a `ProxyHandler` has at one time: it takes all that it is given, and makes
/// instances and a queue for them.
///
/// Each request is one of a [`Budget`], from when it is admitted until its response is dropped, body
/// included. The budget may be a child, one of a principal within the one of the host for example, and
/// is seen in snapshots as any limit. Clones share it.
///
/// # Cancellation
/// A client that goes away frees nothing: the handler goes on with the request, which counts until it
/// is answered. So no client gets more than its share of the instances by hanging up.
///
/// # Example
/// ```
/// use plimsoll::{Limit, Registry};
/// use plimsoll_wasmtime::wasi_http::RequestGuard;
/// # use wasmtime_wasi_http::handler::{HandlerState, ProxyHandler, Request, Response, WorkerState};
///
/// let registry = Registry::new();
/// let guard = RequestGuard::new(&registry.budget(Limit::resource("http_requests"), 256)?);
///
/// /// What a server does with each request.
/// async fn serve<S>(
///     guard: &RequestGuard,
///     handler: &ProxyHandler<S>,
///     request: Request,
/// ) -> wasmtime::Result<Response>
/// where
///     S: HandlerState<WorkerState: WorkerState<RequestData = ()>>,
/// {
///     match guard.admit() {
///         Ok(admitted) => admitted.handle(handler, (), request).await,
///         Err(refused) => Ok(refused.response()), // a 503
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestGuard {
    requests: Budget,
    pressure: Option<Pressure>,
}

/// Why a request is not admitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestRefused {
    /// The [pressure](RequestGuard::shed) is on.
    #[error("the server is overloaded: its pressure is on")]
    Overloaded,
    /// The budget has no room for one more.
    #[error(transparent)]
    NoRoom(#[from] Refused),
}

/// The admission of one request.
#[derive(Debug)]
#[must_use = "dropping it makes room for another request"]
pub struct Admitted {
    _request: Lease,
}

impl RequestGuard {
    /// Admits as many requests as `requests` has room for.
    #[must_use]
    pub fn new(requests: &Budget) -> Self {
        Self { requests: requests.clone(), pressure: None }
    }

    /// Admits none while `pressure` is on, either.
    #[must_use = "the guard is returned, not changed"]
    pub fn shed(self, pressure: &Pressure) -> Self {
        Self { pressure: Some(pressure.clone()), ..self }
    }

    /// Admits a request, or refuses it at once.
    ///
    /// # Errors
    /// The [pressure](Self::shed) is on, or the budget has no room.
    ///
    /// # Progress
    /// One load, and what [`Budget::try_reserve`] takes.
    pub fn admit(&self) -> Result<Admitted, RequestRefused> {
        if self.pressure.as_ref().is_some_and(Pressure::is_on) {
            return Err(RequestRefused::Overloaded);
        }
        Ok(Admitted { _request: self.requests.try_reserve(1)? })
    }

    /// The budget of the requests.
    pub fn budget(&self) -> &Budget {
        &self.requests
    }
}

impl RequestRefused {
    /// The response 503, without a body.
    #[must_use]
    pub fn response(&self) -> Response {
        let mut response = Response::new(WasiBody::default());
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        response
    }
}

impl Admitted {
    /// Has `handler` handle the request, on a task of tokio's. Needs its runtime.
    ///
    /// # Errors
    /// As of `ProxyHandler::handle`, and if the runtime shuts down.
    ///
    /// # Cancellation
    /// If the future is dropped, the handler goes on, and the request counts until it is answered.
    pub async fn handle<S: HandlerState>(
        self,
        handler: &ProxyHandler<S>,
        data: <S::WorkerState as WorkerState>::RequestData,
        request: Request,
    ) -> wasmtime::Result<Response> {
        let handler = handler.clone();
        let task = tokio::spawn(async move {
            let response = handler.handle(data, request).await?;
            Ok(response.map(|body| WasiBody::new(Counted { body, _admitted: self })))
        });
        task.await?
    }
}

/// A body whose request counts until it is dropped.
struct Counted {
    body: WasiBody,
    _admitted: Admitted,
}

impl Body for Counted {
    type Data = <WasiBody as Body>::Data;
    type Error = <WasiBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
