//! A fleet, by its NATS server.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use plimsoll_fleet::Fleet;
use plimsoll_fleet::view::{FleetReader, FleetView, Heard};
use plimsoll_top::terminal::Screen;
use plimsoll_top::view::{Action, FleetApp, Key};
use tokio::time::timeout;

use super::{FRAME, Failure};

/// How long the one table may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Users of each ledger in the one table.
const USERS_MAX: usize = 20;

/// Shows a fleet, once or for as long as the user likes.
pub(super) async fn show(
    url: &str,
    name: Option<String>,
    creds: Option<&Path>,
    is_once: bool,
) -> Result<(), Failure> {
    let mut fleet = Fleet::new(url)?;
    if let Some(file) = creds {
        let named = |error: io::Error| format!("{}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(named)?;
        fleet = fleet.options(ConnectOptions::with_credentials(&text).map_err(named)?);
    }
    if let Some(name) = name {
        fleet = fleet.name(name)?;
    }
    let reader = FleetReader::new(fleet);
    if is_once { once(reader).await } else { top(url, reader).await }
}

async fn once(reader: FleetReader) -> Result<(), Failure> {
    let (began, mut view, mut state) = (Instant::now(), FleetView::default(), String::new());
    let (current, mut is_current) = tokio::sync::oneshot::channel();
    let mut current = Some(current);
    let following = reader.follow(|heard| {
        match &heard {
            Heard::Current => drop(current.take().map(|current| current.send(()))),
            Heard::Connection(now) => state = now.to_string(),
            _ => {}
        }
        view.on_heard(began.elapsed(), heard);
    });
    let heard = async {
        tokio::select! {
            ended = following => ended.map(|_| ()).map_err(Failure::from),
            _ = &mut is_current => Ok(()),
        }
    };
    let heard = timeout(PATIENCE, heard).await;
    heard.map_err(|_| format!("there are no states of hosts: {state}"))??;
    write!(io::stdout().lock(), "{}", view.table(began.elapsed(), USERS_MAX))?;
    Ok(())
}

async fn top(url: &str, reader: FleetReader) -> Result<(), Failure> {
    let Some(mut screen) = Screen::take()? else {
        return Err("there is no terminal to draw in; --once prints a table".into());
    };
    let began = Instant::now();
    let app = Arc::new(Mutex::new(FleetApp::new(format!("PLIMSOLL FLEET · {}", address(url)))));
    let of = app.clone();
    let following = tokio::spawn(reader.follow(move |heard| {
        of.lock().unwrap_or_else(PoisonError::into_inner).on_heard(began.elapsed(), heard);
    }));
    while !following.is_finished() {
        let keys: Vec<Key> = std::iter::from_fn(|| screen.next_key(Duration::ZERO).transpose())
            .collect::<Result<_, _>>()?;
        {
            let mut app = app.lock().unwrap_or_else(PoisonError::into_inner);
            if keys.into_iter().any(|key| app.on_key(key) == Action::Quit) {
                return Ok(());
            }
            app.advance(began.elapsed());
            screen.draw_with(|frame| app.draw(frame))?;
        }
        tokio::time::sleep(FRAME).await;
    }
    drop(screen);
    match following.await? {
        Ok(never) => match never {},
        Err(error) => Err(error.into()),
    }
}

/// The address without a scheme, a user and a password.
fn address(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once('@').map_or(rest, |(_, address)| address)
}
