//! Handlers of HTTP requests, linked as the documentation of `wasmtime-wasi-http` has it.

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    CallError, ComponentExports, Host, Meter, Metered, NewLease, WasmLease, WasmPool,
};
use tokio::sync::oneshot;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::bindings::sync::Proxy as SyncProxy;
use wasmtime_wasi_http::p2::body::HyperIncomingBody;
use wasmtime_wasi_http::{
    RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::place::{ISOLATIONS, engine};

struct Server;

struct Data {
    meter: Meter,
    hooks: NothingOut,
    request: Request,
}

/// Lets no request out.
pub(crate) struct NothingOut;

type Sent = wasmtime_wasi_http::Result<()>;
type Answered =
    wasmtime_wasi_http::Result<(http::Response<WasiBody>, Box<dyn Future<Output = Sent> + Send>)>;

impl WasiHttpHooks for NothingOut {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Sent> + Send>,
    ) -> Box<dyn Future<Output = Answered> + Send> {
        Box::new(std::future::ready(Err(wasmtime_wasi_http::Error::HttpRequestDenied)))
    }
}

struct Request {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.request.wasi, table: &mut self.request.table }
    }
}

impl WasiHttpView for Data {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.request.http,
            table: &mut self.request.table,
            hooks: &mut self.hooks,
        }
    }
}

impl Host for Server {
    type Data = Data;
    type Lease = Request;

    fn lease(&self, _new: NewLease<'_>) -> Request {
        let (wasi, http) = (WasiCtx::builder().build(), WasiHttpCtx::new());
        Request { wasi, http, table: ResourceTable::new() }
    }

    fn data(&self, meter: Meter, request: Request) -> Data {
        Data { meter, hooks: NothingOut, request }
    }

    fn lease_of(data: &mut Data) -> &mut Request {
        &mut data.request
    }

    fn has_handles(request: &mut Request) -> bool {
        !request.table.is_empty()
    }
}

pub(crate) const HANDLER: &str = include_str!("handler.wat");

fn request() -> http::Request<HyperIncomingBody> {
    let request = http::Request::builder().uri("http://acme.example/desk");
    request.body(HyperIncomingBody::default()).unwrap()
}

/// The status of the guest's answer.
async fn serve(lease: &mut WasmLease<'_, Server, Proxy>) -> Result<u16, CallError> {
    let (sender, answer) = oneshot::channel();
    let mut http = lease.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request()).unwrap();
    let out = http.new_response_outparam(sender).unwrap();
    let handle = lease.run(|store, proxy| {
        Box::pin(proxy.wasi_http_incoming_handler().call_handle(store, request, out))
    });
    handle.await?;
    Ok(answer.await.unwrap().unwrap().status().as_u16())
}

/// What each isolation makes of leases to acme, another, and acme again, where there is room for two.
const STATUSES: [(Isolation, [u16; 3]); 3] = [
    (Isolation::Fresh, [201, 201, 201]),
    (Isolation::PerPrincipal, [201, 201, 202]),
    (Isolation::Shared, [201, 202, 203]),
];

#[tokio::test]
async fn pool_10_a_request_is_handled_in_every_isolation() {
    let engine = engine();
    let component = Component::new(engine.wasmtime(), HANDLER).unwrap();
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    for (isolation, expected) in STATUSES {
        let look_up = |exports: &mut ComponentExports<'_, Data>| {
            let (instance, mut store) = exports.raw();
            Ok(Proxy::new(&mut store, &instance)?)
        };
        let pool = WasmPool::component(&engine, Server, &linker, &component, look_up).unwrap();
        let pool = pool.max(2).isolation(isolation).build_async().await.unwrap();
        let mut statuses = Vec::new();
        for id in ["acme", "other", "acme"] {
            let principal = pool.principal(id).unwrap();
            let mut lease = pool.checkout(&principal).await.unwrap();
            statuses.push(serve(&mut lease).await.unwrap());
            // The guest has given away or dropped each handle it got.
            assert!(lease.complete().table.is_empty());
        }
        assert_eq!(statuses, expected, "{isolation:?}");
    }
}

#[test]
fn pool_10_a_request_is_handled_in_place() {
    let engine = engine();
    let component = Component::new(engine.wasmtime(), HANDLER).unwrap();
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi_http::p2::add_to_linker_sync(&mut linker).unwrap();
    for isolation in ISOLATIONS {
        let look_up = |exports: &mut ComponentExports<'_, Data>| {
            let (instance, mut store) = exports.raw();
            Ok(SyncProxy::new(&mut store, &instance)?)
        };
        let pool = WasmPool::component(&engine, Server, &linker, &component, look_up).unwrap();
        let pool = pool.max(2).isolation(isolation).fuel(1 << 40).in_place().build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        let (sender, answer) = oneshot::channel();
        let mut http = lease.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request()).unwrap();
        let out = http.new_response_outparam(sender).unwrap();
        let handle = lease.run_blocking(|store, proxy| {
            proxy.wasi_http_incoming_handler().call_handle(store, request, out)
        });
        handle.unwrap();
        assert_eq!(answer.blocking_recv().unwrap().unwrap().status().as_u16(), 201);
        assert!(lease.complete().table.is_empty());
    }
}
