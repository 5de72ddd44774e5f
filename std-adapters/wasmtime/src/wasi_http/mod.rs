//! Load of a `ProxyHandler`, the server of `wasmtime-wasi-http` for guests that handle HTTP requests.
//!
//! - A [`RequestGuard`] bounds how many requests it has at one time; by itself it takes all.
//! - A [`PressureExpiration`] ends its workers. Each has an instance, and keeps it between requests for
//!   as long as its `WorkerExpiration` allows: less while a [`Pressure`](plimsoll::pressure::Pressure)
//!   is on.
//!
//! # Invariants
//! - PRESS-8: a handler has no more requests than the budget of its guard, those of clients that are
//!   gone included. Idle instances end when the pressure comes on, without another request.
//!
//! # Which guests
//! Both are for guests of WASIp2 and, if the host switches on the feature `p3` of `wasmtime-wasi-http`,
//! of WASIp3. These stores are the handler's own, outside of any [`WasmPool`](crate::WasmPool): a
//! [`Meter`](crate::Meter) holds each to its quota and time.

mod expiration;
mod guard;

pub use expiration::{PressureExpiration, WorkerTimes};
pub use guard::{Admitted, RequestGuard, RequestRefused};
