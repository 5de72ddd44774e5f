//! A snapshot as it goes to readers.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use plimsoll::{History, Registry, Snapshot};
use plimsoll_export::{Format, Scrape};

use crate::charts;
use crate::sse::{self, Message};

/// A snapshot, and what is made of it. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    message: Message,
    snapshot: Snapshot,
    /// These are made for the first reader that asks.
    charts: OnceLock<Bytes>,
    text: OnceLock<Bytes>,
    open_metrics: OnceLock<Bytes>,
}

impl Frame {
    /// Takes a snapshot, which calls functions of the host.
    pub(crate) fn take(registry: &Registry, shows_principals: bool) -> Self {
        let snapshot = registry.snapshot();
        let snapshot = if shows_principals { snapshot } else { snapshot.without_principals() };
        let message = Message::new("snapshot", &snapshot);
        let [charts, text, open_metrics] = [const { OnceLock::new() }; 3];
        Self(Arc::new(Taken { message, snapshot, charts, text, open_metrics }))
    }

    /// The event of a stream.
    pub(crate) fn event(&self) -> Bytes {
        self.0.message.event.clone()
    }

    /// The snapshot's JSON.
    pub(crate) fn json(&self) -> Bytes {
        self.0.message.json.clone()
    }

    /// The event that has the last ten minutes of its limits.
    pub(crate) fn charts(&self, history: &History) -> Bytes {
        let make = || sse::event("charts", None, &charts::of(history, &self.0.snapshot));
        self.0.charts.get_or_init(make).clone()
    }

    /// What Prometheus scrapes.
    pub(crate) fn metrics(&self, format: Format) -> Bytes {
        let made = match format {
            Format::Prometheus => &self.0.text,
            Format::OpenMetrics => &self.0.open_metrics,
        };
        let make = || Scrape::from(self.0.snapshot.clone()).text(format).into();
        made.get_or_init(make).clone()
    }
}
