//! Events: one flat object, with the fields of its kind.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::levels::by_name;
use crate::telemetry::event::{
    Event, EventKind, ExhaustedEvent, Fields, GuestChange, GuestEvent, LaggingEvent,
    PressureChange, PressureEvent, Silence, SuspectEvent,
};
use crate::telemetry::limit::{Category, Limit};

/// All that is written of an event; what it does not have is left out.
#[derive(serde::Serialize, serde::Deserialize)]
struct Form<'a> {
    name: Cow<'a, str>,
    category: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Cow<'a, str>>,
    kind: Cow<'a, str>,
    level: Cow<'a, str>,
    #[serde(flatten)]
    fields: Fields<'a>,
}

impl<'a> Form<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            name: event.name().into(),
            category: event.category(),
            scope: event.scope().map(Cow::Borrowed),
            kind: event.kind().as_str().into(),
            level: event.level().as_str().into(),
            fields: event.fields(),
        }
    }

    fn event<E: de::Error>(self) -> Result<Event, E> {
        let scope = self.scope.map(Cow::into_owned);
        let mut limit = Limit::new(self.name.into_owned(), self.category);
        if let Some(scope) = &scope {
            limit = limit.scope(scope.clone());
        }
        let more = self.fields;
        Ok(match kind_by_name(&self.kind)? {
            EventKind::Cleared if more.run.is_some() => {
                more.guest(limit, scope, GuestChange::Ended)?.into()
            }
            EventKind::Raised => more.pressure(limit, PressureChange::Raised, &self.level)?.into(),
            EventKind::Sustained => {
                more.pressure(limit, PressureChange::Sustained, &self.level)?.into()
            }
            EventKind::Cleared => {
                more.pressure(limit, PressureChange::Cleared, &self.level)?.into()
            }
            EventKind::Exhausted => {
                let (observed, capacity) = (more.observed, more.capacity);
                let detail = more.detail.unwrap_or_default().into_owned();
                ExhaustedEvent::new(limit, observed, capacity, detail).into()
            }
            EventKind::Late => more.guest(limit, scope, GuestChange::Late)?.into(),
            EventKind::Silent => more.guest(limit, scope, GuestChange::Silent)?.into(),
            EventKind::Recovered => more.guest(limit, scope, GuestChange::Recovered)?.into(),
            EventKind::Suspect => {
                let expired = required("expired", more.expired)?;
                SuspectEvent::new(limit, expired, required("watched", more.watched)?).into()
            }
            EventKind::Lagging => {
                let lag = time("lag_ms", more.lag_ms)?;
                LaggingEvent::new(limit, lag, time("slack_ms", more.slack_ms)?).into()
            }
        })
    }
}

impl Fields<'_> {
    fn pressure<E: de::Error>(
        self,
        limit: Limit,
        change: PressureChange,
        level: &str,
    ) -> Result<PressureEvent, E> {
        let depth = required("depth", self.depth)?;
        let level = by_name(level)?;
        let mut event = PressureEvent::raised(limit, level, depth, self.capacity);
        event.change = change;
        event.sequence = required("sequence", self.sequence)?;
        event.waiting = self.waiting.unwrap_or(0);
        event.peak = self.peak.unwrap_or(depth);
        event.duration = self.duration_ms.map(Duration::from_millis);
        event.repeat = self.repeat.unwrap_or(0);
        event.suppressed = self.suppressed.unwrap_or(0);
        event.is_gone = self.is_gone.unwrap_or(false);
        Ok(event)
    }

    fn guest<E: de::Error>(
        self,
        limit: Limit,
        guest: Option<String>,
        change: GuestChange,
    ) -> Result<GuestEvent, E> {
        let guest = guest.ok_or_else(|| E::missing_field("scope"))?;
        let run = self.run.ok_or_else(|| E::missing_field("run"))?.into_owned();
        let elapsed = time("elapsed_ms", self.elapsed_ms)?;
        let silence = Silence::new(guest, run, time("window_ms", self.window_ms)?, elapsed);
        let elapsed_raw = self.elapsed_raw_ms.map_or(elapsed, Duration::from_millis);
        let sequence = self.sequence.unwrap_or(0);
        Ok(GuestEvent::new(limit, change, Silence { elapsed_raw, sequence, ..silence }))
    }
}

fn required<E: de::Error>(name: &'static str, number: Option<u64>) -> Result<u64, E> {
    number.ok_or_else(|| E::missing_field(name))
}

fn time<E: de::Error>(name: &'static str, ms: Option<u64>) -> Result<Duration, E> {
    required(name, ms).map(Duration::from_millis)
}

fn kind_by_name<E: de::Error>(name: &str) -> Result<EventKind, E> {
    const NAMES: [&str; EventKind::ALL.len()] = {
        let mut names = [""; EventKind::ALL.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = EventKind::ALL[place].as_str();
            place += 1;
        }
        names
    };
    let kind = EventKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| E::unknown_variant(name, &NAMES))
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Form::deserialize(deserializer)?.event()
    }
}
