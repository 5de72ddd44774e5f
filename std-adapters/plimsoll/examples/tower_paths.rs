//! Runs one path of a layer of tower a number of times, so that its instructions can be counted:
//! `tower_paths PATH TIMES`. Without arguments it lists the paths. `.ci/instructions` compares what
//! they cost with `tower_paths.txt` beside it.
//!
//! A round is one request of a service that answers at once: ready, call, response. `service_raw` is that
//! service without a layer; `clone` paths clone the service for each request, as axum does.

#[path = "../../../core/examples/hot_path/mod.rs"]
mod hot_path;

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hot_path::HotPath;
use plimsoll::pressure::Pressure;
use plimsoll::pressure::tower::PressureLayer;
use tower::{Layer, Service};

const PATHS: [HotPath; 7] = [
    ("service_raw", |times| requests(Echo, times)),
    ("service_raw_clone", |times| clones(&Echo, times)),
    ("shed_off", |times| requests(PressureLayer::shed(&off()).layer(Echo), times)),
    ("shed_off_clone", |times| clones(&PressureLayer::shed(&off()).layer(Echo), times)),
    ("shed_on", |times| requests(PressureLayer::shed(&on()).respond(|_| 503).layer(Echo), times)),
    ("wait_off", |times| requests(PressureLayer::wait(&off()).layer(Echo), times)),
    ("wait_timeout_off", |times| {
        requests(PressureLayer::wait_timeout(&off(), Duration::from_secs(1)).layer(Echo), times)
    }),
];

fn main() -> ExitCode {
    hot_path::main_of("tower_paths", &PATHS)
}

/// Answers with the request.
#[derive(Clone)]
struct Echo;

impl Service<u64> for Echo {
    type Response = u64;
    type Error = Infallible;
    type Future = Ready<Result<u64, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        black_box(Poll::Ready(Ok(())))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(black_box(request)))
    }
}

fn off() -> Pressure {
    Pressure::manual().1
}

fn on() -> Pressure {
    let (switch, pressure) = Pressure::manual();
    switch.set(true);
    pressure
}

fn requests<S: Service<u64, Response = u64, Error: Debug>>(mut service: S, times: u64) {
    (0..times).for_each(|n| request(&mut service, n));
}

fn clones<S: Service<u64, Response = u64, Error: Debug> + Clone>(service: &S, times: u64) {
    (0..times).for_each(|n| request(&mut service.clone(), n));
}

fn request<S: Service<u64, Response = u64, Error: Debug>>(service: &mut S, n: u64) {
    let context = &mut Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(())) = service.poll_ready(context) else { unreachable!("it is ready") };
    let Poll::Ready(Ok(answer)) = pin!(service.call(n)).poll(context) else {
        unreachable!("it answers at once")
    };
    black_box(answer);
}
