//! Middleware of `tower` that holds requests back while a [`Pressure`](super::Pressure) is on.
//!
//! A [`PressureLayer`] [sheds](PressureLayer::shed) requests, lets them [wait](PressureLayer::wait), or
//! lets them wait [for a time](PressureLayer::wait_timeout). It stands where tower's `load_shed` would:
//! that one refuses what the inner service is not ready for; this one goes by whatever is measured
//! anywhere in the host.
//!
//! ```
//! use plimsoll::pressure::Pressure;
//! use plimsoll::pressure::tower::{Overloaded, PressureLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (switch, pressure) = Pressure::manual();
//! let service = ServiceBuilder::new()
//!     .layer(PressureLayer::shed(&pressure))
//!     .service(service_fn(|name: &'static str| async move { Ok::<_, std::io::Error>(name.len()) }));
//!
//! assert_eq!(service.clone().oneshot("acme").await.unwrap(), 4);
//! switch.set(true);
//! let error = service.clone().oneshot("acme").await.unwrap_err();
//! assert!(error.is::<Overloaded>());
//!
//! // Or a response of the service's own, which keeps its error type.
//! let layer = PressureLayer::shed(&pressure).respond(|_overloaded| 503);
//! let service = ServiceBuilder::new().layer(layer).service(service);
//! assert_eq!(service.oneshot("acme").await.unwrap(), 503);
//! # }
//! ```
//!
//! # In axum
//! The [response](PressureLayer::respond) is one of axum's, and the layer a layer of the router:
//! `PressureLayer::shed(&pressure).respond(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())`. The
//! errors of a layer without it are for axum's `HandleErrorLayer`, outside of it in a `ServiceBuilder`.
//! Routes that are to answer under pressure too, such as the status page, are added after the layer.
//!
//! # Invariants
//! - PRESS-7: a request that waits holds no slot of the inner service, and one for which a slot is
//!   reserved uses it. A request is refused, and its service goes on, also if the inner service hangs.
//!
//! # Progress
//! While the pressure is off, a request costs one load more, and nothing is allocated or written that
//! others read. One that is shed costs the same, and the allocation of its error, which a
//! [response](PressureLayer::respond) saves. One that waits takes a lock for a few steps, that of the
//! pressure's list of waiters.

mod admission;
mod error;
mod future;
mod layer;
mod refusal;
mod service;

pub use error::Overloaded;
pub use future::ResponseFuture;
pub use layer::PressureLayer;
pub use refusal::{Fail, Respond, Wait};
pub use service::{BoxError, Pressured};
