//! The layers of `tower`, on services that say when they are ready.
#![cfg(all(feature = "tower", feature = "tokio"))]

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll::pressure::Pressure;
use plimsoll::pressure::tower::{Overloaded, PressureLayer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const LONG: Duration = Duration::from_secs(20);
const SECOND: Duration = Duration::from_secs(1);

/// A service that is ready when a test says so, and counts its calls.
#[derive(Clone, Default)]
struct Inner(Arc<State>);

#[derive(Default)]
struct State {
    is_ready: AtomicBool,
    polled: AtomicUsize,
    called: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

impl Inner {
    fn ready() -> Self {
        let inner = Self::default();
        inner.0.is_ready.store(true, Ordering::SeqCst);
        inner
    }

    fn become_ready(&self) {
        self.0.is_ready.store(true, Ordering::SeqCst);
        self.0.waker.lock().take().expect("a waiting request").wake();
    }

    /// How often it was polled for readiness, and called.
    fn asked(&self) -> (usize, usize) {
        (self.0.polled.load(Ordering::SeqCst), self.0.called.load(Ordering::SeqCst))
    }
}

impl Service<u32> for Inner {
    type Response = u32;
    type Error = Infallible;
    type Future = Ready<Result<u32, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.polled.fetch_add(1, Ordering::SeqCst);
        *self.0.waker.lock() = Some(context.waker().clone());
        match self.0.is_ready.load(Ordering::SeqCst) {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    fn call(&mut self, request: u32) -> Self::Future {
        self.0.called.fetch_add(1, Ordering::SeqCst);
        ready(Ok(request + 1))
    }
}

fn poll_once<S: Service<u32>>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

fn refusal<T: std::fmt::Debug>(
    result: Result<T, plimsoll::pressure::tower::BoxError>,
) -> Overloaded {
    *result.unwrap_err().downcast::<Overloaded>().expect("a refusal")
}

/// Lets the other tasks of this thread run until they wait.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn press_7_shed_refuses_while_on_and_asks_the_inner_service_nothing() {
    let (switch, pressure) = Pressure::manual();
    let inner = Inner::ready();
    let service = PressureLayer::shed(&pressure).layer(inner.clone());
    assert_eq!(service.clone().oneshot(1).await.unwrap(), 2);
    assert_eq!(inner.asked(), (1, 1));
    switch.set(true);
    for _ in 0..3 {
        assert_eq!(refusal(service.clone().oneshot(1).await), Overloaded::Shed);
    }
    assert_eq!(inner.asked(), (1, 1));
    switch.set(false);
    assert_eq!(service.oneshot(5).await.unwrap(), 6);
}

#[tokio::test]
async fn press_7_one_service_goes_on_after_a_refusal() {
    let (switch, pressure) = Pressure::manual();
    let mut service = PressureLayer::shed(&pressure).layer(Inner::ready());
    for round in 0..3 {
        switch.set(true);
        assert_eq!(refusal(service.ready().await.unwrap().call(round).await), Overloaded::Shed);
        switch.set(false);
        assert_eq!(service.ready().await.unwrap().call(round).await.unwrap(), round + 1);
    }
}

#[tokio::test]
async fn the_readiness_of_the_inner_service_is_awaited() {
    let (_switch, pressure) = Pressure::manual();
    let inner = Inner::default();
    let shed = PressureLayer::shed(&pressure).layer(inner.clone());
    let request = tokio::spawn(shed.oneshot(1));
    settle().await;
    assert!(!request.is_finished() && inner.asked() == (1, 0), "{:?}", inner.asked());
    inner.become_ready();
    assert_eq!(timeout(LONG, request).await.unwrap().unwrap().unwrap(), 2);
}

#[tokio::test]
async fn press_7_shed_refuses_what_waits_for_a_hung_inner_service_when_the_pressure_comes_on() {
    let (switch, pressure) = Pressure::manual();
    let inner = Inner::default();
    let request = tokio::spawn(PressureLayer::shed(&pressure).layer(inner.clone()).oneshot(1));
    settle().await;
    assert!(!request.is_finished());
    switch.set(true);
    assert_eq!(refusal(timeout(LONG, request).await.unwrap().unwrap()), Overloaded::Shed);
    assert_eq!(inner.asked(), (2, 0), "once when it came, and once when it was woken");
}

#[tokio::test]
async fn press_7_wait_lets_requests_wait_and_asks_the_inner_service_nothing() {
    let (switch, pressure) = Pressure::manual();
    let inner = Inner::ready();
    let wait = PressureLayer::wait(&pressure).layer(inner.clone());
    switch.set(true);
    let requests: Vec<_> = (0..5).map(|n| tokio::spawn(wait.clone().oneshot(n))).collect();
    settle().await;
    assert!(requests.iter().all(|request| !request.is_finished()));
    assert_eq!(inner.asked(), (0, 0));
    switch.set(false);
    for (n, request) in (0..).zip(requests) {
        assert_eq!(timeout(LONG, request).await.unwrap().unwrap(), Ok(n + 1));
    }
    assert_eq!(inner.asked(), (5, 5));
}

#[tokio::test]
async fn press_7_a_request_that_waits_holds_no_slot_of_the_inner_service() {
    let (switch, pressure) = Pressure::manual();
    let slots = Arc::new(Semaphore::new(1));
    let limited = ConcurrencyLimit::with_semaphore(Inner::ready(), slots.clone());
    let layer = PressureLayer::wait(&pressure);
    switch.set(true);
    let requests: Vec<_> =
        (0..5).map(|n| tokio::spawn(layer.layer(limited.clone()).oneshot(n))).collect();
    settle().await;
    assert!(requests.iter().all(|request| !request.is_finished()));
    // Another user of the same slots is not held up.
    assert_eq!(slots.available_permits(), 1);
    assert_eq!(limited.clone().oneshot(7).await, Ok(8));
    switch.set(false);
    for request in requests {
        assert!(timeout(LONG, request).await.unwrap().unwrap().is_ok());
    }
    assert_eq!(slots.available_permits(), 1);
}

#[tokio::test]
async fn a_refused_request_leaves_its_place_in_the_queue_to_the_next_of_its_service() {
    let (switch, pressure) = Pressure::manual();
    let slots = Arc::new(Semaphore::new(1));
    let limited = ConcurrencyLimit::with_semaphore(Inner::ready(), slots.clone());
    let layer = PressureLayer::shed(&pressure);
    let mut used = limited.clone();
    assert!(poll_once(&mut used).is_ready());
    let [mut next, mut dropped] = [(); 2].map(|()| layer.layer(limited.clone()));
    for service in [&mut next, &mut dropped] {
        assert!(poll_once(service).is_pending());
        switch.set(true);
        assert!(poll_once(service).is_ready());
        assert_eq!(refusal(service.call(1).await), Overloaded::Shed);
        switch.set(false);
    }
    drop(dropped);
    drop(used);
    assert_eq!(slots.available_permits(), 0, "one has it");
    assert_eq!(next.ready().await.unwrap().call(1).await.unwrap(), 2);
    assert_eq!(slots.available_permits(), 1);
}

#[tokio::test]
async fn press_7_a_slot_once_reserved_is_used_whatever_the_pressure_does() {
    let (switch, pressure) = Pressure::manual();
    for layer in [PressureLayer::shed(&pressure), PressureLayer::wait_timeout(&pressure, SECOND)] {
        let inner = Inner::ready();
        let mut service = layer.layer(inner.clone());
        assert!(poll_once(&mut service).is_ready());
        switch.set(true);
        assert!(poll_once(&mut service).is_ready(), "what was ready stays ready");
        assert_eq!(service.call(1).await.unwrap(), 2);
        assert_eq!(inner.asked(), (2, 1));
        switch.set(false);
    }
    let mut service = PressureLayer::wait(&pressure).layer(Inner::ready());
    assert!(poll_once(&mut service).is_ready());
    switch.set(true);
    assert!(poll_once(&mut service).is_ready());
    assert_eq!(service.call(1).await, Ok(2));
    assert!(poll_once(&mut service).is_pending(), "the next request waits");
}

#[tokio::test]
async fn a_refusal_that_is_not_used_is_judged_again() {
    let (switch, pressure) = Pressure::manual();
    let inner = Inner::ready();
    let mut service = PressureLayer::shed(&pressure).layer(inner.clone());
    switch.set(true);
    assert!(poll_once(&mut service).is_ready());
    switch.set(false);
    assert_eq!(service.ready().await.unwrap().call(1).await.unwrap(), 2);
    // It stays ready where the inner service is not.
    switch.set(true);
    assert!(poll_once(&mut service).is_ready());
    switch.set(false);
    inner.0.is_ready.store(false, Ordering::SeqCst);
    assert!(poll_once(&mut service).is_ready());
    assert_eq!(refusal(service.call(1).await), Overloaded::Shed);
}

#[tokio::test]
async fn a_clone_of_a_service_is_judged_by_itself() {
    let (switch, pressure) = Pressure::manual();
    let inner = Inner::ready();
    let mut refused = PressureLayer::shed(&pressure).layer(inner.clone());
    switch.set(true);
    assert!(poll_once(&mut refused).is_ready());
    switch.set(false);
    assert_eq!(refused.clone().oneshot(1).await.unwrap(), 2);
    let mut passed = refused.clone();
    assert!(poll_once(&mut passed).is_ready());
    switch.set(true);
    assert_eq!(refusal(passed.clone().oneshot(1).await), Overloaded::Shed);
    assert_eq!(passed.call(1).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn wait_timeout_refuses_after_its_time_and_not_before() {
    let (switch, pressure) = Pressure::manual();
    let service = PressureLayer::wait_timeout(&pressure, SECOND).layer(Inner::ready());
    let began = Instant::now();
    assert_eq!(service.clone().oneshot(1).await.unwrap(), 2);
    assert_eq!(began.elapsed(), Duration::ZERO);
    switch.set(true);
    let overloaded = refusal(service.clone().oneshot(1).await);
    assert_eq!(overloaded, Overloaded::TimedOut { timeout: SECOND });
    // The timer of tokio has steps of a millisecond.
    let waited = began.elapsed();
    assert!(waited >= SECOND && waited <= SECOND + Duration::from_millis(2), "{waited:?}");

    let request = tokio::spawn(service.clone().oneshot(1));
    sleep(SECOND * 9 / 10).await;
    assert!(!request.is_finished());
    switch.set(false);
    assert_eq!(timeout(LONG, request).await.unwrap().unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn press_7_wait_timeout_bounds_the_wait_for_a_hung_inner_service_under_pressure() {
    let (switch, pressure) = Pressure::manual();
    let service = PressureLayer::wait_timeout(&pressure, SECOND).layer(Inner::default());
    let request = tokio::spawn(service.oneshot(1));
    sleep(10 * SECOND).await;
    assert!(!request.is_finished(), "without pressure it is the inner service's time");
    // Each break begins the time anew.
    for _ in 0..3 {
        switch.set(true);
        sleep(SECOND * 9 / 10).await;
        switch.set(false);
        sleep(SECOND / 10).await;
        assert!(!request.is_finished());
    }
    switch.set(true);
    let began = Instant::now();
    let overloaded = refusal(timeout(LONG, request).await.unwrap().unwrap());
    assert_eq!(overloaded, Overloaded::TimedOut { timeout: SECOND });
    assert!(began.elapsed() <= SECOND * 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn hostile_timeouts_neither_panic_nor_end_early() {
    let (switch, pressure) = Pressure::manual();
    switch.set(true);
    let at_once = PressureLayer::wait_timeout(&pressure, Duration::ZERO).layer(Inner::ready());
    let overloaded = refusal(timeout(LONG, at_once.oneshot(1)).await.unwrap());
    assert_eq!(overloaded, Overloaded::TimedOut { timeout: Duration::ZERO });
    let never = PressureLayer::wait_timeout(&pressure, Duration::MAX).layer(Inner::ready());
    let request = tokio::spawn(never.oneshot(1));
    sleep(Duration::from_secs(3600 * 24 * 365)).await;
    assert!(!request.is_finished());
    switch.set(false);
    assert_eq!(timeout(LONG, request).await.unwrap().unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_response_keeps_the_error_of_the_inner_service() {
    let (switch, pressure) = Pressure::manual();
    switch.set(true);
    let layer = PressureLayer::shed(&pressure).respond(|overloaded| match overloaded {
        Overloaded::Shed => 503,
        _ => 500,
    });
    let answer: Result<u32, Infallible> = layer.layer(Inner::ready()).oneshot(1).await;
    assert_eq!(answer, Ok(503));
    switch.set(false);
    assert_eq!(layer.layer(Inner::ready()).oneshot(1).await, Ok(2));
}

#[tokio::test]
async fn errors_of_the_inner_service_pass() {
    let (_switch, pressure) = Pressure::manual();
    let failing = service_fn(|_: u32| async { Err::<u32, _>(std::io::Error::other("no disk")) });
    let service = ServiceBuilder::new().layer(PressureLayer::shed(&pressure)).service(failing);
    let error = service.oneshot(1).await.unwrap_err();
    assert!(!error.is::<Overloaded>() && error.to_string() == "no disk", "{error}");
}

#[tokio::test]
async fn one_layer_serves_many_services_and_types() {
    fn usable<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (switch, pressure) = Pressure::manual();
    let layer = PressureLayer::shed(&pressure);
    let numbers = layer.layer(Inner::ready());
    let names = layer.clone().layer(service_fn(|name: String| ready(Ok::<_, Infallible>(name))));
    usable(&layer);
    usable(&numbers);
    usable(&PressureLayer::wait(&pressure).layer(Inner::ready()));
    usable(&PressureLayer::wait_timeout(&pressure, SECOND).respond(|_| 1).layer(Inner::ready()));
    for on in [false, true, false] {
        switch.set(on);
        assert_eq!(numbers.clone().oneshot(1).await.is_err(), on);
        assert_eq!(names.clone().oneshot("acme".into()).await.is_err(), on);
    }
}

#[test]
fn a_refusal_says_what_was_refused_and_why() {
    let shed = Overloaded::Shed.to_string();
    assert_eq!(shed, "the service is overloaded: its pressure is on");
    let waited = Overloaded::TimedOut { timeout: SECOND }.to_string();
    assert_eq!(waited, "the service is overloaded: its pressure was on for 1s, the longest wait");
}

/// Requests of many tasks, some of them cancelled, while the pressure goes on and off: each ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn press_2_no_wake_up_of_a_service_is_lost() {
    const TASKS: u32 = 16;
    const REQUESTS: u32 = 200;
    let (switch, pressure) = Pressure::manual();
    let slots = Arc::new(Semaphore::new(2));
    let limited = ConcurrencyLimit::with_semaphore(Inner::ready(), slots.clone());
    let wait = PressureLayer::wait(&pressure).layer(limited);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let mut service = wait.clone();
            tokio::spawn(async move {
                for n in 0..REQUESTS {
                    if (task + n) % 5 == 0 {
                        // A wait that is cancelled.
                        let once = poll_fn(|context| Poll::Ready(service.poll_ready(context)));
                        _ = once.await;
                        tokio::task::yield_now().await;
                    }
                    let ready = service.ready().await.unwrap();
                    assert_eq!(ready.call(n).await, Ok(n + 1));
                }
            })
        })
        .collect();
    let done = Arc::new(AtomicBool::new(false));
    let toggling = tokio::task::spawn_blocking({
        let done = done.clone();
        move || {
            while !done.load(Ordering::SeqCst) {
                switch.set(true);
                std::thread::yield_now();
                switch.set(false);
                std::thread::yield_now();
            }
        }
    });
    for task in tasks {
        timeout(3 * LONG, task).await.expect("a lost wake-up").unwrap();
    }
    done.store(true, Ordering::SeqCst);
    toggling.await.unwrap();
    drop(wait);
    assert_eq!(slots.available_permits(), 2);
}
