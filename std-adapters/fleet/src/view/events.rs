//! Events of hosts, each once.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use plimsoll::{Event, InLine};
use serde::Deserialize;

use super::host::FleetFlaw;
use crate::error::without_values;
use crate::state::HostName;

/// How many events are kept, and how many ids, by which an event that comes twice is found.
const EVENTS_MAX: usize = 1_000;
const IDS_MAX: usize = 10_000;
/// Characters of an id, a type and a text at most.
const CHARS_MAX: usize = 300;

/// An event of a host.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FleetEvent {
    /// Where.
    pub host: HostName,
    /// Its id, which no other event of the host has.
    pub id: Box<str>,
    /// Its type: `dev.plimsoll.event.raised`.
    pub kind: Box<str>,
    /// When it was, by the host's clock, in words.
    pub time: Box<str>,
    /// When it was stored, by the server's clock.
    pub stored: Duration,
    /// What has happened, in words, on one line.
    pub text: Box<str>,
}

#[derive(Deserialize)]
struct CloudEvent {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    time: String,
    #[serde(default)]
    data: serde_json::Value,
}

/// What the data of a silence has, beside what it is for other readers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Silence {
    cell_id: String,
    run_id: String,
    elapsed_ms: u64,
}

impl FleetEvent {
    /// Reads a CloudEvent in its structured form.
    ///
    /// # Errors
    /// [`FleetFlaw::Event`].
    pub fn from_json(host: HostName, stored: Duration, json: &[u8]) -> Result<Self, FleetFlaw> {
        let flaw = |why: String| FleetFlaw::Event { why: cut(&why) };
        let event: CloudEvent =
            serde_json::from_slice(json).map_err(|error| flaw(without_values(&error)))?;
        if event.specversion != "1.0" {
            return Err(flaw(format!("version {:?}, and not 1.0", event.specversion)));
        }
        // A source is `/FLEET/HOST`.
        if event.source.rsplit('/').next() != Some(host.as_str()) {
            return Err(flaw(format!("{host} says that it is of {:?}", event.source)));
        }
        let data = event.data;
        let text = match (Event::deserialize(&data), Silence::deserialize(&data)) {
            (Ok(event), _) => event.to_string(),
            (_, Ok(Silence { cell_id, run_id, elapsed_ms })) => {
                format!("guest {cell_id} silent after {elapsed_ms} ms, run {run_id}")
            }
            // Of a later version, or of other programs.
            _ => format!("{} {data}", event.kind),
        };
        let (id, kind, time, text) =
            (cut(&event.id), cut(&event.kind), cut(&event.time), cut(&text));
        Ok(Self { host, id, kind, time, stored, text })
    }
}

/// On one line, and of a bounded length.
fn cut(text: &str) -> Box<str> {
    InLine(text).to_string().chars().take(CHARS_MAX).collect()
}

/// The newest events.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    newest: VecDeque<FleetEvent>,
    /// Ids of events that came, and in which order.
    ids: HashSet<(HostName, Box<str>)>,
    order: VecDeque<(HostName, Box<str>)>,
}

impl Events {
    /// Takes an event in, unless it is one of the last that came.
    pub(super) fn on_event(&mut self, event: FleetEvent) -> bool {
        let id = (event.host.clone(), event.id.clone());
        if !self.ids.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > IDS_MAX {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
        if self.newest.len() == EVENTS_MAX {
            self.newest.pop_front();
        }
        self.newest.push_back(event);
        true
    }

    pub(super) fn newest(&self, most: usize) -> impl Iterator<Item = &FleetEvent> {
        self.newest.iter().skip(self.newest.len().saturating_sub(most))
    }
}
