//! A host of untrusted WebAssembly guests behind a chain of tracked queues, with a live view of
//! where the pressure builds, how far it reaches back, and who waits because of whom.
//!
//! Five principals: `steady` behaves, `burst` comes with many frames at once, `hog` wants ever more
//! memory, `spin` never gives its turn back, and `sink` takes what the others emit, slowly.
//!
//! Each run of a guest is kept alive by its frames. `hog` falls silent when it has no memory left,
//! and recovers; `spin` falls silent in its endless loop, and is stopped.
//!
//! Beside them, two dozen tenants make thousands of calls per second on eight instances of a pool,
//! each call on an instance that nobody has used. Two more tenants hoard memory and loop for ever:
//! the others do not notice.
//!
//! Ledgers say who has had the most memory, and who has used the most time and fuel.
//!
//! ```text
//! steady ─ tokio ─┐
//! burst  ─ tokio ─┼─ merge ─ crossbeam ─ relay ─ std ─ sink
//! hog    ─ tokio ─┤
//! spin   ─ tokio ─┘
//! ```

#![forbid(unsafe_code)]

mod args;
mod engine;
mod guests;
mod heartbeat;
mod host;
mod ledgers;
mod limits;
mod log;
mod model;
mod pipeline;
mod plain;
mod plans;
mod screen;
mod silences;
mod stop;
mod summary;
mod tenants;
mod view;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use plimsoll::{Delivery, Registry};

use args::{Command, Options, USAGE};
use heartbeat::Heartbeats;
use host::Host;
use log::Log;
use screen::Screen;
use stop::Stop;
use summary::Summary;
use view::Picture;

/// Whatever ends the run early; it is printed, and nobody asks what it was.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// How long one frame of the live view stands.
const FRAME: Duration = Duration::from_millis(50);
/// How often events are delivered.
const DELIVERY: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let done = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(options)) => run(&options),
        Ok(Command::Help) => print_usage(),
        Err(bad) => {
            eprintln!("sandbox_host: {bad}; --help says more");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has had enough of it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox_host: {}", causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what lies behind it, on one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

fn print_usage() -> Result<(), Failure> {
    Ok(io::stdout().write_all(USAGE.as_bytes())?)
}

fn is_broken_pipe(error: &Failure) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The run as those see it who show it.
struct Run {
    registry: Registry,
    log: Log,
    host: Host,
    stop: Stop,
    started: Instant,
    length: Duration,
}

fn run(options: &Options) -> Result<(), Failure> {
    let stop = Stop::new();
    on_signals(&stop)?;
    let started = Instant::now();
    let registry = Registry::builder().delivery(Delivery::Deferred { capacity: 1_024 }).build()?;
    let delivery = registry.spawn_delivery(DELIVERY)?;
    let log = Log::new(started);
    let subscriber = log.clone();
    let _subscription = registry.subscribe(move |event| subscriber.on_event(event));
    let heartbeats = Heartbeats::new(&registry, log.silences().clone())?;
    let host = Host::start(&registry, &heartbeats, &stop)?;
    let length = options.length;
    let run = Run { registry, log, host, stop, started, length };

    let mut plain = false;
    let shown = if options.json {
        run.wait()
    } else if let Some(screen) = Screen::take() {
        run.show(screen)
    } else {
        plain = true;
        run.print(&mut io::stdout().lock())
    };
    let Run { registry, log, host, stop, .. } = run;
    let stopped = host.stop()?;
    shown?;
    // It delivers what is left, so that snapshot and log agree on the events.
    drop(delivery);
    let snapshot = registry.snapshot();
    let ended_by = stop.reason().unwrap_or("the host");
    let ran_secs = started.elapsed().as_secs_f64();
    let principals = stopped.principals.clone();
    let tenants = stopped.tenants.facts.clone();
    let events = log.counts();
    let summary = Summary { ran_secs, ended_by, snapshot, principals, tenants, events };
    let mut out = io::stdout().lock();
    if options.json {
        writeln!(out, "{:#}", summary.to_json()?)?;
        return Ok(());
    }
    if plain {
        // Emptying the pipeline has cleared what was raised.
        plain::events(&mut out, &log.take_new())?;
        writeln!(out)?;
    }
    Ok(summary.print(&mut out)?)
}

/// The first signal asks for an orderly end; whoever sends a second one does not want to wait.
fn on_signals(stop: &Stop) -> Result<(), Failure> {
    let stop = stop.clone();
    Ok(ctrlc::set_handler(move || {
        if !stop.request("a signal") {
            screen::give_back();
            std::process::exit(130);
        }
    })?)
}

impl Run {
    /// Says "stop" when the time is over. Returns the time that is left.
    fn left(&self) -> Duration {
        let left = self.length.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            self.stop.request("the clock");
        }
        left
    }

    /// Shows nothing.
    fn wait(&self) -> io::Result<()> {
        while !self.host.wait_for_stop(self.left()) {}
        Ok(())
    }

    /// The live view.
    fn show(&self, mut screen: Screen) -> io::Result<()> {
        while !self.stop.is_requested() {
            let (columns, rows) = screen.size();
            screen.draw(&view::lines(&self.picture(rows), columns, rows))?;
            if screen.wait_for_quit(FRAME.min(self.left()))? {
                self.stop.request("a key");
            }
        }
        Ok(())
    }

    fn picture(&self, rows: usize) -> Picture {
        let snapshot = self.registry.snapshot();
        Picture {
            elapsed_secs: self.started.elapsed().as_secs_f64(),
            length_secs: self.length.as_secs_f64(),
            instances: model::instances(&snapshot),
            silent: model::silent(&snapshot).depth,
            queues: model::queues(&snapshot),
            parties: model::parties(&snapshot, &self.host.principals),
            rankings: model::rankings(&snapshot),
            tenancy: model::tenancy(&snapshot, self.host.tenants()),
            happenings: self.log.newest(rows),
        }
    }

    /// Lines, for whoever reads them later.
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let mut status_at = Duration::ZERO;
        loop {
            let stopped = self.host.wait_for_stop(FRAME.min(self.left()));
            plain::events(out, &self.log.take_new())?;
            if !stopped && self.started.elapsed() >= status_at {
                status_at += Duration::from_secs(1);
                let picture = self.picture(0);
                plain::status(out, &picture)?;
            }
            out.flush()?;
            if stopped {
                return Ok(());
            }
        }
    }
}
