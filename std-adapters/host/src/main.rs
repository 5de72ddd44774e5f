//! A host of untrusted WebAssembly guests, all on pools of instances, with a live view of where
//! pressure builds, how far it reaches back, and who waits because of whom.
//!
//! Five streaming guests: `steady` behaves, `burst` comes with many frames at once, `hog` wants
//! ever more memory, `spin` never gives its turn back, and `sink` takes what the others emit,
//! slowly. Each of their runs is one lease of an instance, and is kept alive by its frames. `hog`
//! falls silent when it has no memory left, and recovers; `spin` falls silent in its endless loop,
//! and is stopped.
//!
//! Beside them, two dozen tenants make thousands of calls per second on eight instances of another
//! pool, each call on an instance that nobody has used. Two more tenants hoard memory and loop for
//! ever: the others do not notice.
//!
//! Ledgers say who has had the most memory, and who has used the most fuel.
//!
//! ```text
//! steady ─ tokio ─┐
//! burst  ─ tokio ─┼─ merge ─ crossbeam ─ relay ─ std ─ sink
//! hog    ─ tokio ─┤
//! spin   ─ tokio ─┘
//! ```

#![forbid(unsafe_code)]

mod guests;
mod host;
mod pipeline;
mod program;
mod report;
mod show;
mod stop;
mod tenants;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Parser;
use plimsoll::{Delivery, Registry};
use plimsoll_top::terminal;
use tokio::runtime::Builder;

use host::Host;
use report::{Ended, Report, Tally};
use show::Show;
use stop::Stop;

/// Whatever ends the run early; it is only printed.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// How long one frame of the live view stands.
const FRAME: Duration = Duration::from_millis(50);
/// How often events are delivered.
const DELIVERY: Duration = Duration::from_millis(20);
/// The longest run that can be asked for: one day.
const SECONDS_MAX: f64 = 86_400.0;

/// Runs WebAssembly guests behind a chain of tracked queues, and tenants on a pool of instances.
/// Shows where the pressure builds, which guest falls silent, and that nobody suffers from the
/// worst tenants.
///
/// On a terminal the view is live: q or ctrl-c ends it early. Elsewhere it prints plain lines.
#[derive(Parser)]
#[command(name = "sandbox_host")]
struct Options {
    /// End after so many seconds; fractions are allowed, at most 86400
    #[arg(long = "seconds", value_name = "N", default_value = "15", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    length: Duration,
    /// No view; print the final snapshot as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Serve the status page on this loopback address, such as 127.0.0.1:9000
    #[cfg(feature = "listen")]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Publish events and states to the NATS server at this address, such as nats://127.0.0.1:4222
    #[cfg(feature = "nats")]
    #[arg(long, value_name = "ADDRESS", requires = "host")]
    nats: Option<String>,
    /// The name of this host among those of the server: letters, digits, `-` and `_`
    #[cfg(feature = "nats")]
    #[arg(long, value_name = "NAME", requires = "nats")]
    host: Option<plimsoll_fleet::HostName>,
}

fn seconds(given: &str) -> Result<Duration, String> {
    let number = given.parse().ok().filter(|number| *number > 0.0 && *number <= SECONDS_MAX);
    let length = number.and_then(|number| Duration::try_from_secs_f64(number).ok());
    length.ok_or_else(|| format!("a number above 0 and up to {SECONDS_MAX} is needed"))
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        // Timers are looked at between so many turns, some of which are a looper's.
        .event_interval(8)
        .enable_all()
        .build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has closed it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |&cause| cause.source());
            let causes: String = causes.map(|cause| format!(": {cause}")).collect();
            eprintln!("sandbox_host: {error}{causes}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &Failure) -> bool {
    error.downcast_ref().is_some_and(|io: &io::Error| io.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(options: &Options) -> Result<(), Failure> {
    let stop = Stop::new();
    on_signals(&stop)?;
    let began = Instant::now();
    let registry = Registry::builder().delivery(Delivery::Deferred { capacity: 1_024 }).build()?;
    let delivery = registry.spawn_delivery(DELIVERY)?;
    let _history = registry.spawn_history()?;
    #[cfg(feature = "listen")]
    let _serving = serve(&registry, options)?;
    #[cfg(feature = "nats")]
    let _publishing = publish(&registry, options)?;
    let (sender, events) = mpsc::channel();
    let _subscription = registry.subscribe(move |event| {
        // Nobody listens after the end.
        let _ = sender.send((began.elapsed(), event.clone()));
    });
    let mut host = Host::start(&registry, &stop, began)?;
    let report = Report::of(&host);
    let mut tally = Tally::default();
    let mut show = if options.json { Show::Nothing } else { Show::take(options.length)? };
    let mut on_events = |show: &mut Show| {
        events.try_iter().try_for_each(|(at, event)| {
            tally.on_event(&event);
            show.event(at, &event)
        })
    };

    let mut shown = Ok(());
    while shown.is_ok() && stop.reason().is_none() {
        let left = options.length.saturating_sub(began.elapsed());
        if left.is_zero() {
            stop.request("the clock");
        }
        host.wait_for_stop(FRAME.min(left)).await;
        shown = on_events(&mut show)
            .and_then(|()| show.frame(began.elapsed(), &registry, &report, &stop));
    }
    let snapshot = host.stop(delivery).await;
    shown?;
    let snapshot = snapshot?;
    // Emptying the pipeline has cleared what was raised.
    on_events(&mut show)?;
    // Gives the terminal back.
    let is_json = matches!(show, Show::Nothing);
    drop(show);
    let ended = Ended { by: stop.reason().unwrap_or("the host"), after: began.elapsed() };
    let mut out = io::stdout().lock();
    if is_json {
        return Ok(writeln!(out, "{:#}", report.to_json(&ended, &snapshot, &tally)?)?);
    }
    Ok(report.print(&mut out, &ended, &snapshot, &tally)?)
}

/// Serves the status page, with its fleet if there is one, for as long as the guards live, and says
/// where. These principals are no secrets.
#[cfg(feature = "listen")]
fn serve(registry: &Registry, options: &Options) -> Result<Option<impl Sized + use<>>, Failure> {
    let Some(addr) = &options.listen else { return Ok(None) };
    let status = plimsoll_status::Status::builder(registry).show_principals(true);
    #[cfg(not(feature = "nats"))]
    let reading = None::<()>;
    #[cfg(feature = "nats")]
    let (status, reading) = match &options.nats {
        Some(address) => {
            let view = plimsoll_fleet::view::LiveView::default();
            let reader = plimsoll_fleet::view::FleetReader::new(fleet(address)?);
            (status.fleet(&view), Some(view.spawn_thread(reader)?))
        }
        None => (status, None),
    };
    let serving = status.build()?.spawn(addr).map_err(|error| format!("--listen: {error}"))?;
    eprintln!("status page: http://{}/", serving.local_addr());
    Ok(Some((serving, reading)))
}

/// Publishes to a fleet for as long as the guard lives. These principals are no secrets.
#[cfg(feature = "nats")]
fn publish(
    registry: &Registry,
    options: &Options,
) -> Result<Option<plimsoll_fleet::PublishingThread>, Failure> {
    let (Some(address), Some(host)) = (&options.nats, &options.host) else { return Ok(None) };
    let publisher = plimsoll_fleet::Publisher::new(registry, host.clone(), fleet(address)?);
    Ok(Some(publisher.interval(Duration::from_secs(1)).spawn_thread()?))
}

#[cfg(feature = "nats")]
fn fleet(address: &str) -> Result<plimsoll_fleet::Fleet, Failure> {
    Ok(plimsoll_fleet::Fleet::new(address).map_err(|error| format!("--nats: {error}"))?)
}

/// The first signal asks for an orderly end, a second one ends the process at once.
fn on_signals(stop: &Stop) -> io::Result<()> {
    let stop = stop.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            if !stop.request("a signal") {
                terminal::give_back();
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
