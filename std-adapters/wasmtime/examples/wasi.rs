//! A WASI component in a pool: its output goes into a tracked queue, its files into a directory of
//! its principal's, and it has clocks and random numbers.
//!
//! `cargo run -p plimsoll-wasmtime --example wasi`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{env, fs, io, process};

use plimsoll::channel::tokio::error::SendError;
use plimsoll::channel::tokio::{OwnedPermit, Receiver, Sender, channel};
use plimsoll::pool::Isolation;
use plimsoll::{Limit, Registry};
use plimsoll_wasmtime::{
    ComponentExports, ExportError, Host, Meter, Metered, NewLease, WasmEngine, WasmPool,
};
use tokio::io::AsyncWrite;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wit_component::ComponentEncoder;

/// How many handles of WASI a guest has at one time.
pub(crate) const TABLE_CAPACITY: usize = 100;

/// The host: what a guest may have is made anew for each lease.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) registry: Registry,
    /// The directory of each principal. An id is text that others choose, and no file name.
    pub(crate) folders: BTreeMap<&'static str, PathBuf>,
}

/// The data of a store.
pub(crate) struct Data {
    meter: Meter,
    request: Request,
}

/// The part that belongs to a lease.
pub(crate) struct Request {
    wasi: WasiCtx,
    table: ResourceTable,
    pub(crate) output: Option<Receiver<Vec<u8>>>,
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

impl Host for Tools {
    type Data = Data;
    type Lease = Request;

    fn lease(&self, new: NewLease<'_>) -> Request {
        let (mut wasi, mut table, mut output) = (WasiCtxBuilder::new(), ResourceTable::new(), None);
        table.set_max_capacity(TABLE_CAPACITY);
        if let Some(principal) = new.principal() {
            let limit = Limit::queue("guest_output").scope(principal.to_owned());
            let (sender, receiver) = channel(&self.registry, limit, 4).expect("there is room");
            wasi.stdout(Output(sender));
            if let Some(folder) = self.folders.get(principal) {
                wasi.preopened_dir(folder, "/", FsPerms::ReadWrite).expect("the folder is there");
            }
            output = Some(receiver);
        }
        Request { wasi: wasi.build(), table, output }
    }

    fn data(&self, meter: Meter, request: Request) -> Data {
        Data { meter, request }
    }

    fn lease_of(data: &mut Data) -> &mut Request {
        &mut data.request
    }

    fn has_handles(request: &mut Request) -> bool {
        !request.table.is_empty()
    }
}

impl Request {
    /// What the guest has written and nobody has read.
    pub(crate) fn written(&mut self) -> Vec<u8> {
        let read = || self.output.as_mut()?.try_recv().ok();
        std::iter::from_fn(read).flatten().collect()
    }
}

/// The guest's output: each write is an item of a queue, and waits for room in it.
#[derive(Clone)]
pub(crate) struct Output(pub(crate) Sender<Vec<u8>>);

/// Waits for room.
type Reserving =
    Pin<Box<dyn Future<Output = Result<OwnedPermit<Vec<u8>>, SendError<()>>> + Send + Sync>>;

struct Writer {
    sender: Sender<Vec<u8>>,
    reserving: Option<Reserving>,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Writer { sender: self.0.clone(), reserving: None })
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sender = self.sender.clone();
        let reserving = self.reserving.get_or_insert_with(|| Box::pin(sender.reserve_owned()));
        let permit = ready!(reserving.as_mut().poll(context));
        self.reserving = None;
        permit.map_err(|_| io::ErrorKind::BrokenPipe)?.send(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Makes a component of a module of WASI preview 1 that has a `_start`.
pub(crate) fn command(module: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = ComponentEncoder::default().module(&wat::parse_str(module)?)?;
    encoder = encoder.adapter(ADAPTER, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)?;
    Ok(encoder.encode()?)
}

/// What the guest of `wasi.wat` has written in one run.
#[derive(Debug, PartialEq)]
pub(crate) struct Visit {
    pub(crate) time_ns: u64,
    pub(crate) random: u64,
    /// How often it was run before in the same directory.
    pub(crate) earlier: usize,
}

impl Visit {
    pub(crate) fn of(written: &[u8]) -> Option<Self> {
        let (time_ns, rest) = written.split_first_chunk()?;
        let (random, note) = rest.split_first_chunk()?;
        let [time_ns, random] = [time_ns, random].map(|bytes| u64::from_le_bytes(*bytes));
        Some(Self { time_ns, random, earlier: note.len() })
    }
}

/// The export that runs a command.
pub(crate) type Run = wasmtime::component::TypedFunc<(), (Result<(), ()>,)>;

pub(crate) fn run_of(exports: &mut ComponentExports<'_, Data>) -> Result<Run, ExportError> {
    exports.func_in("wasi:cli/run@0.2.0", "run")
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let engine = WasmEngine::builder().instances(6).build()?;
    let component = Component::new(engine.wasmtime(), command(include_str!("wasi.wat"))?)?;
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;

    let root = env::temp_dir().join(format!("plimsoll-wasi-example-{}", process::id()));
    let folders = ["acme", "other"].map(|id| (id, root.join(id)));
    for (_, folder) in &folders {
        fs::create_dir_all(folder)?;
    }
    let tools = Tools { registry: Registry::new(), folders: folders.into() };
    for isolation in [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared] {
        let pool = WasmPool::component(&engine, tools.clone(), &linker, &component, run_of)?;
        let pool = pool.max(2).isolation(isolation).build_async().await?;
        for id in ["acme", "other"] {
            let principal = pool.principal(id)?;
            let mut lease = pool.checkout(&principal).await?;
            let (exit,) = lease.call(|run| run, ()).await?;
            let written = lease.complete().written();
            println!("{isolation:?}, {id}: {exit:?}, {:?}", Visit::of(&written));
        }
    }
    Ok(fs::remove_dir_all(root)?)
}
