//! The command line.

mod client;
#[cfg(feature = "fleet")]
mod fleet;
mod follow;
mod sse;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use plimsoll::Snapshot;
use plimsoll_top::terminal::Screen;
use plimsoll_top::view::{Action, App, Key, Notice};

use client::{Address, Client, ClientError};
use follow::{Line, Reader, follow};

type Failure = Box<dyn Error + Send + Sync>;

/// How long one picture stands.
const FRAME: Duration = Duration::from_millis(100);

/// Shows what a running host's status page says.
#[derive(Parser)]
#[command(name = "plimsoll", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A live view of limits, pools, top users, silent guests and events
    Top {
        #[command(flatten)]
        host: Host,
        /// Print one snapshot as a table, and end
        #[arg(long)]
        once: bool,
        /// With --once: print the snapshot as the JSON that was sent
        #[arg(long, requires = "once", conflicts_with = "fleet")]
        json: bool,
        /// Show all hosts of a fleet: the address is that of its NATS server, such as nats://127.0.0.1:4222
        #[arg(long)]
        fleet: bool,
        /// With --fleet: the name of the fleet, if it is not `plimsoll`
        #[arg(long, requires = "fleet")]
        name: Option<String>,
        /// With --fleet: a file of NATS credentials, if the server asks for them
        #[arg(long, requires = "fleet", value_name = "FILE")]
        creds: Option<PathBuf>,
    },
    /// A line for each event, with its time in UTC, until it is stopped
    Events {
        #[command(flatten)]
        host: Host,
        /// Print each event as the JSON that was sent
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Host {
    /// Where the status page is, such as http://127.0.0.1:7070
    url: String,
    /// The token that the page asks for; PLIMSOLL_TOKEN in the environment hides it from other users
    #[arg(long)]
    token: Option<String>,
}

impl Host {
    fn client(self) -> Result<Client, Failure> {
        let token = self.token.or_else(|| std::env::var("PLIMSOLL_TOKEN").ok());
        Ok(Client::new(Address::parse(&self.url)?, token.filter(|token| !token.is_empty())))
    }
}

pub(super) fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| {
        let done = runtime.block_on(run(cli));
        // A name that is still looked up, by a thread that cannot be stopped, holds up nothing.
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has closed it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plimsoll: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &Failure) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Top { host, once, fleet: true, name, creds, .. } => {
            fleet(host.url, name, creds, once).await
        }
        Command::Top { host, once: true, json, .. } => once(&host.client()?, json).await,
        Command::Top { host, .. } => top(host.client()?).await,
        Command::Events { host, json } => events(host.client()?, json).await,
    }
}

#[cfg(feature = "fleet")]
async fn fleet(
    url: String,
    name: Option<String>,
    creds: Option<PathBuf>,
    is_once: bool,
) -> Result<(), Failure> {
    fleet::show(&url, name, creds.as_deref(), is_once).await
}

#[cfg(not(feature = "fleet"))]
async fn fleet(_: String, _: Option<String>, _: Option<PathBuf>, _: bool) -> Result<(), Failure> {
    Err("this program was built without the feature `fleet`".into())
}

async fn once(client: &Client, is_json: bool) -> Result<(), Failure> {
    let named = |error: ClientError| format!("{}: {error}", client.address);
    let json = client.snapshot().await.map_err(named)?;
    let snapshot: Snapshot =
        serde_json::from_slice(&json).map_err(|error| named(ClientError::NoSnapshot(error)))?;
    let mut out = io::stdout().lock();
    if is_json {
        out.write_all(&json)?;
        return Ok(writeln!(out)?);
    }
    Ok(writeln!(out, "{snapshot}")?)
}

async fn events(client: Client, is_json: bool) -> Result<(), Failure> {
    let failed = Arc::new(Mutex::new(None));
    let (seen, address) = (failed.clone(), client.address.to_string());
    let on_line = move |line: Line<'_>| {
        let mut out = io::stdout().lock();
        let written = match line {
            Line::Event { json, .. } if is_json => writeln!(out, "{json}"),
            Line::Event { unix, event, .. } => {
                writeln!(out, "{} {}", time_of_day(unix), Notice::new(unix, &event).words())
            }
            Line::State(state) => writeln!(io::stderr(), "plimsoll: {address}: {state}"),
            Line::Snapshot(..) | Line::Silent(_) => Ok(()),
        };
        let is_open = written.is_ok();
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = written.err();
        is_open
    };
    let ended = follow(client, Reader::new(), on_line).await;
    let error = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
    Err(error.map_or(ended, Failure::from))
}

/// `19:00:25.310Z`: events of before the program began are printed as well.
fn time_of_day(unix: Duration) -> String {
    let (seconds, millis) = (unix.as_secs(), unix.subsec_millis());
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

async fn top(client: Client) -> Result<(), Failure> {
    let Some(mut screen) = Screen::take()? else {
        return Err("there is no terminal to draw in; --once prints a table".into());
    };
    let app = Arc::new(Mutex::new(App::new(format!("PLIMSOLL · {}", client.address))));
    let (of, began) = (app.clone(), Instant::now());
    let following = tokio::spawn(follow(client, Reader::new(), move |line| {
        let mut app = of.lock().unwrap_or_else(PoisonError::into_inner);
        match line {
            Line::Snapshot(snapshot) => app.on_snapshot(began.elapsed(), *snapshot),
            Line::Event { at, event, .. } => app.on_event(at, &event),
            Line::Silent(silent) => app.set_silent(silent),
            Line::State(state) => app.set_status(state),
        }
        true
    }));
    while !following.is_finished() {
        let keys: Vec<Key> = std::iter::from_fn(|| screen.next_key(Duration::ZERO).transpose())
            .collect::<Result<_, _>>()?;
        {
            let mut app = app.lock().unwrap_or_else(PoisonError::into_inner);
            if keys.into_iter().any(|key| app.on_key(key) == Action::Quit) {
                return Ok(());
            }
            screen.draw(&app)?;
        }
        tokio::time::sleep(FRAME).await;
    }
    drop(screen);
    Err(following.await?)
}
