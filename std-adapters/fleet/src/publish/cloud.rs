//! Events as CloudEvents, in the messages that carry them.

use bytes::Bytes;
use chrono::DateTime;
use cloudevents::event::EventBuilderError;
use cloudevents::{EventBuilder, EventBuilderV10};
use plimsoll::Silence;
use serde_json::{Value, json};

use super::outbox::{Outgoing, What};
use crate::connect::Fleet;
use crate::state::HostName;

/// A message that carries one event.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) subject: String,
    /// By which the server knows it again.
    pub(super) id: String,
    pub(super) payload: Bytes,
    /// Whether it was sent before.
    pub(super) is_sent: bool,
}

/// What the events of one run of a host say of where they come from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// `/NAME/HOST`
    source: String,
    /// `NAME.events.HOST.`
    subject: String,
    incarnation: u64,
}

impl Origin {
    pub(super) fn new(fleet: &Fleet, host: &HostName, incarnation: u64) -> Self {
        let source = format!("/{}/{host}", fleet.fleet_name());
        Self { source, subject: format!("{}{host}.", fleet.events_prefix()), incarnation }
    }

    /// The message of an event.
    ///
    /// # Errors
    /// What the event holds cannot be written.
    pub(super) fn message(&self, out: &Outgoing) -> Result<Message, Box<dyn std::error::Error>> {
        let id = format!("{:016x}-{}", self.incarnation, out.number);
        let (kind, event) = self.event(&out.what)?;
        let event = event.id(&*id).time(time(out.at_unix_ms)).build()?;
        Ok(Message {
            subject: format!("{}{kind}", self.subject),
            id: format!("{}:{id}", self.source),
            payload: serde_json::to_vec(&event)?.into(),
            is_sent: false,
        })
    }

    /// The end of the subject, and the event without its id and time.
    fn event(
        &self,
        what: &What,
    ) -> Result<(&'static str, EventBuilderV10), Box<dyn std::error::Error>> {
        let with = |kind: String, data: Value| {
            EventBuilderV10::new().source(&*self.source).ty(kind).data("application/json", data)
        };
        Ok(match what {
            What::Event(event) => {
                let kind = event.kind().as_str();
                let of_silence = |silence: &Silence| -> Result<_, EventBuilderError> {
                    Ok(EventBuilderV10::from(silence.cloud_event(&self.source)?))
                };
                match event.as_silence() {
                    Some(silence) => (kind, of_silence(silence)?),
                    None => {
                        let data = serde_json::to_value(event)?;
                        (kind, with(format!("dev.plimsoll.event.{kind}"), data))
                    }
                }
            }
            What::Dropped { dropped, total } => {
                let data = json!({ "dropped": dropped, "total": total });
                ("dropped", with("dev.plimsoll.fleet.dropped".into(), data))
            }
        })
    }
}

fn time(unix_ms: u64) -> DateTime<chrono::Utc> {
    let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use plimsoll::{Event, GuestChange, GuestEvent, Level, Limit, PressureEvent};

    use super::*;

    fn message(what: What) -> (Message, Value) {
        let fleet = Fleet::new("nats://127.0.0.1").unwrap();
        let origin = Origin::new(&fleet, &HostName::new("web-1").unwrap(), 0xab);
        let out = Outgoing { number: 7, at_unix_ms: 1_700_000_000_123, what };
        let message = origin.message(&out).unwrap();
        let json = serde_json::from_slice(&message.payload).unwrap();
        (message, json)
    }

    #[test]
    fn fleet_1_an_event_is_a_cloud_event_whose_source_and_id_are_the_messages_id() {
        let event: Event =
            PressureEvent::raised(Limit::queue("frames"), Level::Elevated, 9, 10).into();
        let (message, json) = message(What::Event(event.clone()));
        assert_eq!(message.subject, "plimsoll.events.web-1.raised");
        assert_eq!(message.id, "/plimsoll/web-1:00000000000000ab-7");
        assert_eq!(json["specversion"], "1.0");
        assert_eq!(
            (&json["source"], &json["id"]),
            (&json!("/plimsoll/web-1"), &json!("00000000000000ab-7"))
        );
        assert_eq!(
            (&json["type"], &json["datacontenttype"]),
            (&json!("dev.plimsoll.event.raised"), &json!("application/json"))
        );
        let sent = DateTime::parse_from_rfc3339(json["time"].as_str().unwrap()).unwrap();
        assert_eq!(sent.timestamp_millis(), 1_700_000_000_123);
        assert_eq!(serde_json::from_value::<Event>(json["data"].clone()).unwrap(), event);
    }

    #[test]
    fn a_silence_is_the_cloud_event_that_it_is_anywhere_with_an_id_of_its_own() {
        let silence =
            Silence::new("guest", "run", Duration::from_secs(10), Duration::from_secs(11));
        let event = GuestEvent::new(Limit::resource("alive"), GuestChange::Silent, silence);
        let (message, json) = message(What::Event(event.into()));
        assert_eq!(message.subject, "plimsoll.events.web-1.silent");
        assert_eq!(json["type"], Silence::CLOUD_EVENT_TYPE);
        assert_eq!(
            (&json["data"]["cellId"], &json["data"]["elapsedMs"]),
            (&json!("guest"), &json!(11_000))
        );
        assert_eq!(
            (&json["id"], &json["source"]),
            (&json!("00000000000000ab-7"), &json!("/plimsoll/web-1"))
        );
    }

    #[test]
    fn what_was_dropped_is_an_event_too() {
        let (message, json) = message(What::Dropped { dropped: 3, total: 5 });
        assert_eq!(message.subject, "plimsoll.events.web-1.dropped");
        assert_eq!(json["data"], json!({ "dropped": 3, "total": 5 }));
    }
}
