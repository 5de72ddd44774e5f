//! A silence as a [CloudEvent].
//!
//! [CloudEvent]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md

use cloudevents::event::EventBuilderError;
use cloudevents::{Event, EventBuilder, EventBuilderV10};
use serde_json::json;

use crate::clock::whole_ms;
use crate::telemetry::Silence;

impl Silence {
    /// The `type` of [`cloud_event`](Self::cloud_event).
    pub const CLOUD_EVENT_TYPE: &'static str =
        "dev.cellos.events.cell.observability.v1.guest.agent_silenced";

    /// The `id` of [`cloud_event`](Self::cloud_event): the same for the same silence, however often
    /// it is reported, and another for every other silence of a source, so that a receiver can drop
    /// repeats.
    ///
    /// A run's id must not be used for another run of the guest under one source.
    pub fn cloud_event_id(&self) -> String {
        let Self { guest, run, sequence, .. } = self;
        // The length keeps `a/b` of `c` apart from `a` of `b/c`.
        format!("{sequence}:{}:{guest}/{run}", guest.len())
    }

    /// The silence as a CloudEvent 1.0, which serializes to the JSON of the specification. `source`
    /// names the host, as a URI reference.
    ///
    /// The data are `cellId`, `runId`, `keepaliveWindowMs`, `elapsedMs` (as attended), and the
    /// constants `epistemicStatus` and `ruleClass`. There is no `time`: a receiver that needs one
    /// gets it from the transport.
    ///
    /// ```
    /// # use plimsoll::Registry;
    /// # let registry = Registry::new();
    /// let subscription = registry.subscribe(|event| {
    ///     if let Some(silence) = event.as_silence() {
    ///         let event = silence.cloud_event("/hosts/7").expect("a good source");
    ///         println!("{}", serde_json::to_string(&event).expect("no number is out of range"));
    ///     }
    /// });
    /// # drop(subscription);
    /// ```
    ///
    /// # Errors
    /// An empty source. Whether another one is a URI reference is not checked.
    pub fn cloud_event(&self, source: &str) -> Result<Event, EventBuilderError> {
        let data = json!({
            "cellId": &*self.guest,
            "runId": &*self.run,
            "keepaliveWindowMs": whole_ms(self.window),
            "elapsedMs": whole_ms(self.elapsed),
            "epistemicStatus": "DECLARED",
            "ruleClass": "GUEST_AGENT_DECLARATION",
        });
        EventBuilderV10::new()
            .id(self.cloud_event_id())
            .source(source)
            .ty(Self::CLOUD_EVENT_TYPE)
            .data("application/json", data)
            .build()
    }
}
