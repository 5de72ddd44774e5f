//! A `ProxyHandler` whose requests are bounded, and whose workers end early under pressure.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use plimsoll::budget::{Budget, RefusedReason};
use plimsoll::pressure::Pressure;
use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::wasi_http::{PressureExpiration, RequestGuard, RequestRefused, WorkerTimes};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ProxyPre, Request, Response, ShouldAccept,
    WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre as P2Pre;
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::http::{HANDLER, NothingOut};

const LONG: Duration = Duration::from_secs(60);

struct Data {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: NothingOut,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Data {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Workers that take requests for as long as they live.
struct Server {
    engine: Engine,
    pre: ProxyPre<Data>,
    expiration: PressureExpiration,
    instances: Arc<Instances>,
}

/// What became of the instances.
struct Instances {
    /// One for each that may be made.
    may_be_made: Semaphore,
    asked: AtomicUsize,
    alive: AtomicUsize,
}

struct Worker(Arc<Instances>);

impl HandlerState for Server {
    type StoreData = Data;
    type WorkerExpiration = PressureExpiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Data, PressureExpiration, Worker>> {
        self.instances.asked.fetch_add(1, Ordering::SeqCst);
        self.instances.may_be_made.acquire().await?.forget();
        let data = Data {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: NothingOut,
        };
        let mut store = Store::new(&self.engine, data);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        self.instances.alive.fetch_add(1, Ordering::SeqCst);
        let state = Worker(self.instances.clone());
        Ok(Instance { store, proxy, view: Data::http, expiration: self.expiration.clone(), state })
    }
}

impl WorkerState for Worker {
    type StoreData = Data;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, _total: usize) -> ShouldAccept {
        if concurrent == 0 { ShouldAccept::Yes } else { ShouldAccept::No }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, Data>,
        _data: (),
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<Data>, result: wasmtime::Result<()>) {
        drop(store);
        result.expect("an idle worker that ends is no failure");
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A handler for which so many instances may be made.
fn handler(
    instances: usize,
    expiration: PressureExpiration,
) -> (ProxyHandler<Server>, Arc<Instances>) {
    let engine = Engine::default();
    let component = Component::new(&engine, HANDLER).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    let pre = ProxyPre::P2(P2Pre::new(linker.instantiate_pre(&component).unwrap()).unwrap());
    let instances = Arc::new(Instances {
        may_be_made: Semaphore::new(instances),
        asked: AtomicUsize::new(0),
        alive: AtomicUsize::new(0),
    });
    let state = Server { engine, pre, expiration, instances: instances.clone() };
    (ProxyHandler::new(state), instances)
}

fn never_expires() -> PressureExpiration {
    PressureExpiration::new(&Pressure::manual().1, WorkerTimes::new(), WorkerTimes::new())
}

fn request() -> Request {
    http::Request::builder().uri("http://acme.example/desk").body(WasiBody::default()).unwrap()
}

async fn answer(handling: impl Future<Output = wasmtime::Result<Response>>) -> Response {
    timeout(LONG, handling).await.expect("an answer").unwrap()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

fn budget(registry: &Registry, requests: u64) -> Budget {
    registry.budget(Limit::resource("http_requests"), requests).unwrap()
}

#[tokio::test]
async fn press_8_requests_beyond_the_budget_are_refused_at_once() {
    let registry = Registry::new();
    let guard = RequestGuard::new(&budget(&registry, 2));
    let (handler, instances) = handler(0, never_expires());
    let mut handling = Vec::new();
    for _ in 0..2 {
        let (admitted, handler) = (guard.admit().unwrap(), handler.clone());
        handling.push(tokio::spawn(async move { admitted.handle(&handler, (), request()).await }));
    }
    until("both are with the handler", || instances.asked.load(Ordering::SeqCst) == 2).await;
    let refused = guard.admit().unwrap_err();
    let RequestRefused::NoRoom(reason) = &refused else { panic!("{refused}") };
    assert_eq!((reason.name(), reason.reason()), ("http_requests", RefusedReason::Full));
    assert_eq!((reason.usage(), reason.capacity()), (2, 2));
    assert_eq!(refused.response().status().as_u16(), 503);
    let entry = registry.snapshot().entries()[0].clone();
    assert!(entry.name() == "http_requests" && entry.depth == 2, "{entry}");

    instances.may_be_made.add_permits(2);
    let mut responses = Vec::new();
    for handling in handling {
        responses.push(answer(async { handling.await? }).await);
    }
    // A response counts for as long as its body is there.
    assert!(responses.iter().all(|response| response.status().as_u16() == 201), "{responses:?}");
    assert_eq!(guard.budget().usage(), 2);
    drop(responses);
    assert_eq!(guard.budget().usage(), 0);
    assert!(guard.admit().is_ok());
}

#[tokio::test]
async fn press_8_a_request_counts_until_it_is_answered_also_if_its_client_is_gone() {
    let guard = RequestGuard::new(&budget(&Registry::new(), 1));
    let (handler, instances) = handler(0, never_expires());
    let admitted = guard.admit().unwrap();
    let gone = timeout(Duration::from_millis(20), admitted.handle(&handler, (), request())).await;
    assert!(gone.is_err());
    assert!(matches!(guard.admit(), Err(RequestRefused::NoRoom(_))), "the handler has it still");
    // One more, should that of the first not be free again in time.
    instances.may_be_made.add_permits(2);
    until("it is answered, to nobody", || guard.budget().usage() == 0).await;
    let response = answer(guard.admit().unwrap().handle(&handler, (), request())).await;
    assert!(response.status().is_success(), "{response:?}");
}

#[tokio::test]
async fn a_failure_of_the_handler_is_returned_and_frees_its_request() {
    let guard = RequestGuard::new(&budget(&Registry::new(), 1));
    let (handler, instances) = handler(0, never_expires());
    instances.may_be_made.close();
    let failed = guard.admit().unwrap().handle(&handler, (), request()).await.unwrap_err();
    assert!(failed.to_string().contains("instantiation"), "{failed}");
    until("it is free", || guard.budget().usage() == 0).await;
}

#[tokio::test]
async fn under_pressure_no_request_is_admitted() {
    let (switch, pressure) = Pressure::manual();
    let guard = RequestGuard::new(&budget(&Registry::new(), 8)).shed(&pressure);
    for on in [true, false] {
        switch.set(on);
        let refused = guard.clone().admit().err();
        assert_eq!(refused, on.then_some(RequestRefused::Overloaded));
    }
    assert_eq!(guard.budget().usage(), 0);
    let refused = RequestRefused::Overloaded;
    assert_eq!(refused.to_string(), "the server is overloaded: its pressure is on");
    assert_eq!(refused.response().status().as_u16(), 503);
}

#[tokio::test]
async fn press_8_idle_instances_are_given_back_when_the_pressure_comes_on() {
    let (switch, pressure) = Pressure::manual();
    let pressed = WorkerTimes::new().idle(Duration::ZERO);
    let expiration = PressureExpiration::new(&pressure, WorkerTimes::new(), pressed);
    let (handler, instances) = handler(1_000, expiration);
    let serve = async || answer(handler.handle((), request())).await.status().as_u16();
    // Without pressure instances are kept, and used again: at the latest when the worker is idle.
    let is_used_again = async || {
        let began = Instant::now();
        while serve().await == 201 {
            assert!(began.elapsed() < LONG, "no instance is used again");
        }
    };
    is_used_again().await;
    assert!(instances.alive.load(Ordering::SeqCst) > 0);
    switch.set(true);
    until("the idle are gone", || instances.alive.load(Ordering::SeqCst) == 0).await;
    // Under pressure each request has one to itself, and is served.
    for _ in 0..2 {
        assert_eq!(serve().await, 201);
        until("its instance is gone", || instances.alive.load(Ordering::SeqCst) == 0).await;
    }
    switch.set(false);
    is_used_again().await;
}

/// Polls once; `true` if the worker has expired.
fn is_over(expiration: &mut PressureExpiration, status: WorkerStatus, since: Instant) -> bool {
    let context = &mut Context::from_waker(Waker::noop());
    Pin::new(expiration).poll(context, status, since).is_ready()
}

#[tokio::test]
async fn each_state_has_its_time_with_and_without_pressure() {
    let (switch, pressure) = Pressure::manual();
    let [short, long] = [1, 1_000].map(Duration::from_secs);
    let off = WorkerTimes::new().idle(long).post_return(short);
    let mut expiration = PressureExpiration::new(&pressure, off, off.idle(short).requests(long));
    let before = Duration::from_secs(2);
    let before = Instant::now().checked_sub(before).expect("the machine has been up for longer");
    use WorkerStatus::{Idle, PostReturn, Requests};
    for (on, over) in [(false, [false, false, true]), (true, [true, false, true])] {
        switch.set(on);
        let states = [Idle, Requests, PostReturn];
        assert_eq!(states.map(|state| is_over(&mut expiration, state, before)), over, "{on}");
        assert!(states.iter().all(|state| !is_over(&mut expiration, *state, Instant::now())));
    }
}

#[tokio::test]
async fn press_8_a_worker_is_woken_by_the_pressure_and_by_its_time() {
    let (switch, pressure) = Pressure::manual();
    let soon = Duration::from_millis(30);
    let off = WorkerTimes::new();
    let waits = |on: WorkerTimes| {
        let mut expiration = PressureExpiration::new(&pressure, off, on);
        let since = Instant::now();
        tokio::spawn(std::future::poll_fn(move |context| {
            let poll = Pin::new(&mut expiration).poll(context, WorkerStatus::Idle, since);
            poll.map(|()| since.elapsed())
        }))
    };
    let (at_once, after) = (waits(off.idle(Duration::ZERO)), waits(off.idle(soon)));
    let never = waits(off.idle(Duration::MAX));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!at_once.is_finished() && !after.is_finished());
    switch.set(true);
    timeout(LONG, at_once).await.expect("the pressure wakes it").unwrap();
    let waited = timeout(LONG, after).await.expect("its time wakes it").unwrap();
    assert!(waited >= soon, "{waited:?}");
    switch.set(false);
    switch.set(true);
    sleep(soon).await;
    assert!(!never.is_finished());
    never.abort();
}
