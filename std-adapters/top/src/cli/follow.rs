//! A host's stream, followed for as long as it can be.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plimsoll::{Event, Snapshot};
use serde::Deserialize;

use super::Failure;
use super::client::{Client, ClientError};
use super::sse;

/// The first wait before another try, and the longest.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(15);

/// What a stream says.
pub(super) enum Line<'a> {
    Snapshot(Box<Snapshot>),
    /// `at` counts from when the program began to read, and is zero before; `unix` is when it was, by the
    /// clock of the host; `json` is as it was sent.
    Event {
        at: Duration,
        unix: Duration,
        event: Box<Event>,
        json: &'a str,
    },
    /// All that are silent: guest, run, and since when.
    Silent(Vec<(Arc<str>, Arc<str>, Duration)>),
    /// The state of the connection, in words.
    State(String),
}

/// Makes lines of what was sent.
pub(super) struct Reader {
    began: SystemTime,
}

#[derive(Deserialize)]
struct Sent {
    at_ms: u64,
    event: Event,
}

#[derive(Deserialize)]
struct Silent<'a> {
    #[serde(borrow)]
    guest: Cow<'a, str>,
    #[serde(borrow)]
    run: Cow<'a, str>,
    at_ms: u64,
    elapsed_ms: u64,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { began: SystemTime::now() }
    }

    /// `None` for what a later version may say.
    fn line<'a>(&self, event: &'a sse::Event) -> Result<Option<Line<'a>>, ClientError> {
        let not = |error: serde_json::Error| ClientError::NotStatus(error.to_string());
        let json = &*event.data;
        Ok(Some(match &*event.name {
            "snapshot" => Line::Snapshot(serde_json::from_str(json).map_err(not)?),
            "event" => {
                let Sent { at_ms, event } = serde_json::from_str(json).map_err(not)?;
                let (at, unix) = (self.since_began(at_ms), Duration::from_millis(at_ms));
                Line::Event { at, unix, event: Box::new(event), json }
            }
            "silent" => {
                let silent: Vec<Silent<'_>> = serde_json::from_str(json).map_err(not)?;
                let of = |it: Silent<'_>| {
                    let since = self.since_began(it.at_ms.saturating_sub(it.elapsed_ms));
                    (it.guest.into(), it.run.into(), since)
                };
                Line::Silent(silent.into_iter().map(of).collect())
            }
            "late" => Line::State("the host's snapshot takes too long".into()),
            _ => return Ok(None),
        }))
    }

    fn since_began(&self, unix_ms: u64) -> Duration {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms));
        at.and_then(|at| at.duration_since(self.began).ok()).unwrap_or_default()
    }
}

/// Follows a host, and tries again with growing pauses while that may help.
///
/// # Returns
/// Why it does not go on. `on_line` ends it by `false`.
pub(super) async fn follow(
    mut client: Client,
    reader: Reader,
    mut on_line: impl FnMut(Line<'_>) -> bool,
) -> Failure {
    let address = client.address.to_string();
    let mut wait = WAIT_FIRST;
    on_line(Line::State("connecting".into()));
    loop {
        let mut is_connected = false;
        let ended = client.follow(|event| {
            if !is_connected {
                is_connected = true;
                on_line(Line::State("connected".into()));
            }
            let goes_on = reader.line(&event)?.is_none_or(&mut on_line);
            goes_on.then_some(()).ok_or(ClientError::Address("the reader has ended"))
        });
        let Err(error) = ended.await else { continue };
        if !error.may_pass() {
            return format!("{address}: {error}").into();
        }
        if is_connected {
            wait = WAIT_FIRST;
        }
        on_line(Line::State(format!("{error}; again in {:.1} s", wait.as_secs_f64())));
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}
