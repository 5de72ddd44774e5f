//! The wasmtime side: one engine with an epoch clock, the functions that guests may call, and one
//! run of one guest in a store of its own.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::channel::{mpsc, tokio as tokio_channel};
use wasmtime::{
    AsContextMut, Caller, Config, Engine, Extern, InstancePre, Linker, Memory as LinearMemory,
    Module, Store, StoreContextMut, Trap, UpdateDeadline, bail, format_err,
};

use crate::guests::{Principal, count};
use crate::heartbeat::Heartbeat;
use crate::limits::{Memory, Turn};
use crate::pipeline::Frame;
use crate::stop::Stop;

/// The epoch advances this often, so a turn is measured to within this much.
const TICK_MS: u64 = 10;

/// The longest frame that a guest may emit.
const FRAME_BYTES_MAX: u32 = 256;

/// An engine whose epoch advances for as long as the engine lives.
///
/// # Errors
/// What wasmtime or the system says.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // What a guest did wrong is one line; where in its code is its author's question.
    config.wasm_backtrace_max_frames(None);
    let engine = Engine::new(&config)?;
    let clock = engine.weak();
    thread::Builder::new().name("epoch".into()).spawn(move || {
        while let Some(engine) = clock.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(Duration::from_millis(TICK_MS));
        }
    })?;
    Ok(engine)
}

/// Where a guest's frames go to or come from.
pub(crate) enum Port {
    /// It emits into its own output stream.
    Source(tokio_channel::Sender<Frame>),
    /// It takes from the end of the pipeline, on a thread of its own.
    Sink(mpsc::Receiver<Frame>),
}

/// All that the host keeps for one run of one guest. It is dropped whole after the run.
pub(crate) struct Lease {
    principal: Arc<Principal>,
    memory: Memory,
    turn: Turn,
    heartbeat: Heartbeat,
    port: Port,
    stop: Stop,
    started: Instant,
}

impl Lease {
    /// Sends a frame on its way, and waits as long as the stream is full.
    async fn emit(&mut self, bytes: Box<[u8]>) -> wasmtime::Result<()> {
        let Port::Source(stream) = &self.port else { bail!("this guest may not emit") };
        let frame = Frame { from: Arc::clone(&self.principal), bytes };
        let _waiting = self.heartbeat.on_frame();
        // The dropped send takes its frame along: a stop does not wait for room in the stream.
        tokio::select! {
            biased;
            sent = stream.send(frame) => sent.map_err(|_| format_err!("the pipeline is gone"))?,
            () = self.stop.requested() => return Err(Stopped.into()),
        }
        count(&self.principal.tally.frames_sent);
        Ok(())
    }

    /// Waits for the next frame. Nothing, once the pipeline has closed.
    fn next(&self) -> wasmtime::Result<Option<Frame>> {
        let Port::Sink(responses) = &self.port else { bail!("this guest may not take frames") };
        let waiting = self.heartbeat.on_frame();
        let frame = responses.recv().ok();
        drop(waiting);
        if let Some(frame) = &frame {
            count(&frame.from.tally.frames_delivered);
            count(&self.principal.tally.frames_taken);
        }
        Ok(frame)
    }

    /// Rests. At the stop a source ends there, while the sink goes on at once, to empty the
    /// pipeline quickly.
    async fn sleep(&mut self, time: Duration) -> wasmtime::Result<()> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.stop.requested() => match self.port {
                Port::Source(_) => Err(Stopped.into()),
                Port::Sink(_) => Ok(()),
            },
        }
    }
}

/// The reason why a guest's call ends when the host stops.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host is stopping")
    }
}

impl std::error::Error for Stopped {}

/// How a run ended.
pub(crate) enum Outcome {
    Returned,
    Stopped,
    /// At its epoch deadline.
    Trapped,
    Failed(wasmtime::Error),
}

impl From<wasmtime::Result<()>> for Outcome {
    fn from(result: wasmtime::Result<()>) -> Self {
        match result {
            Ok(()) => Self::Returned,
            Err(error) if error.is::<Stopped>() => Self::Stopped,
            Err(error) if error.downcast_ref() == Some(&Trap::Interrupt) => Self::Trapped,
            Err(error) => Self::Failed(error),
        }
    }
}

/// A principal's program, compiled and linked, ready to be instantiated any number of times.
pub(crate) struct Guest {
    pub(crate) principal: Arc<Principal>,
    program: InstancePre<Lease>,
    /// Where the clock of the guest's instances begins.
    started: Instant,
}

impl Guest {
    /// Compiles the principal's program and links it to the host's functions.
    ///
    /// # Errors
    /// A program that is not valid, or wants more than the host offers.
    pub(crate) fn new(engine: &Engine, principal: Arc<Principal>) -> wasmtime::Result<Self> {
        let module = Module::new(engine, principal.plan.wat)?;
        let program = host_functions(engine)?.instantiate_pre(&module)?;
        Ok(Self { principal, program, started: Instant::now() })
    }

    /// Runs the program once, from its beginning, in a store of its own.
    pub(crate) async fn run(
        &self,
        port: Port,
        heartbeat: Heartbeat,
        stop: Stop,
    ) -> (Port, Outcome) {
        let principal = &self.principal;
        let lease = Lease {
            memory: Memory::new(Arc::clone(principal)),
            turn: Turn::new(Arc::clone(principal)),
            principal: Arc::clone(principal),
            heartbeat,
            port,
            stop,
            started: self.started,
        };
        let mut store = Store::new(self.program.module().engine(), lease);
        store.limiter(|lease| &mut lease.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(on_epoch);
        let outcome = Outcome::from(self.call(&mut store).await);
        (store.into_data().port, outcome)
    }

    async fn call(&self, store: &mut Store<Lease>) -> wasmtime::Result<()> {
        let instance = self.program.instantiate_async(&mut *store).await?;
        let run = instance.get_typed_func::<(), ()>(&mut *store, "run")?;
        run.call_async(store, ()).await
    }
}

/// An epoch passed while the guest ran: others may run now, or the guest's turn is used up.
fn on_epoch(mut store: StoreContextMut<'_, Lease>) -> wasmtime::Result<UpdateDeadline> {
    let lease = store.data_mut();
    Ok(if lease.turn.on_tick(TICK_MS)? {
        UpdateDeadline::Interrupt
    } else if lease.stop.is_requested() && matches!(lease.port, Port::Source(_)) {
        return Err(Stopped.into());
    } else {
        UpdateDeadline::Yield(1)
    })
}

/// What every guest may call. Each function that may wait ends the guest's turn, and a new one
/// begins when it returns: time spent waiting for the host is not the guest's.
fn host_functions(engine: &Engine) -> wasmtime::Result<Linker<Lease>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap_async("host", "emit", |mut caller: Caller<'_, Lease>, (at, length)| {
        Box::new(async move {
            let bytes = frame_bytes(&mut caller, at, length)?;
            caller.data_mut().turn.on_host_call();
            let emitted = caller.data_mut().emit(bytes).await;
            begin_turn(&mut caller);
            emitted
        })
    })?;
    linker.func_wrap_async(
        "host",
        "sleep_ms",
        |mut caller: Caller<'_, Lease>, (ms,): (u32,)| {
            Box::new(async move {
                caller.data_mut().turn.on_host_call();
                let slept = caller.data_mut().sleep(Duration::from_millis(ms.into())).await;
                begin_turn(&mut caller);
                slept
            })
        },
    )?;
    linker.func_wrap("host", "now_ms", |caller: Caller<'_, Lease>| {
        caller.data().started.elapsed().as_millis() as u32
    })?;
    linker.func_wrap("host", "next", |mut caller: Caller<'_, Lease>, at: u32, room: u32| {
        caller.data_mut().turn.on_host_call();
        let frame = caller.data().next()?;
        begin_turn(&mut caller);
        let Some(frame) = frame else { return Ok(-1) };
        let length = frame.bytes.len().min(room as usize);
        let memory = linear_memory(&mut caller)?;
        memory.write(&mut caller, at as usize, &frame.bytes[..length])?;
        wasmtime::Result::Ok(length as i32)
    })?;
    Ok(linker)
}

fn begin_turn(caller: &mut Caller<'_, Lease>) {
    caller.as_context_mut().set_epoch_deadline(1);
}

/// Copies a frame out of the guest, who may have named any two numbers.
fn frame_bytes(
    caller: &mut Caller<'_, Lease>,
    at: u32,
    length: u32,
) -> wasmtime::Result<Box<[u8]>> {
    if length > FRAME_BYTES_MAX {
        bail!("a frame of {length} bytes, where {FRAME_BYTES_MAX} are allowed");
    }
    let mut bytes = vec![0; length as usize].into_boxed_slice();
    linear_memory(caller)?.read(caller, at as usize, &mut bytes)?;
    Ok(bytes)
}

fn linear_memory(caller: &mut Caller<'_, Lease>) -> wasmtime::Result<LinearMemory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => Err(format_err!("the guest exports no memory")),
    }
}
