//! A silence as a CloudEvent.

use plimsoll::keepalive::{Silence, Watch};
use serde_json::json;

use crate::{Bench, ms};

fn silences(guest: &'static str, run: &'static str) -> Vec<Silence> {
    let bench = Bench::new();
    let watched = bench.watcher.watch(Watch::new(guest, run).rearming()).unwrap();
    for _ in 0..2 {
        bench.pass(ms(10_030));
        watched.notify();
        bench.pass(ms(30));
    }
    let events = bench.log.0.lock();
    events.iter().filter_map(|event| event.as_silence().cloned()).collect()
}

#[test]
fn the_json_is_that_of_the_specification() {
    let silence = &silences("cell-7", "run-1")[0];
    let event = silence.cloud_event("/hosts/7").unwrap();
    let elapsed = silence.elapsed.as_millis() as u64;
    assert!(elapsed >= 10_000);
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({
            "specversion": "1.0",
            "id": format!("{}:6:cell-7/run-1", silence.sequence),
            "source": "/hosts/7",
            "type": "dev.cellos.events.cell.observability.v1.guest.agent_silenced",
            "datacontenttype": "application/json",
            "data": {
                "cellId": "cell-7",
                "runId": "run-1",
                "keepaliveWindowMs": 10_000,
                "elapsedMs": elapsed,
                "epistemicStatus": "DECLARED",
                "ruleClass": "GUEST_AGENT_DECLARATION",
            },
        })
    );
    let back: plimsoll::keepalive::cloudevents::Event =
        serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
    assert_eq!(back, event);
}

#[test]
fn ids_are_stable_and_tell_silences_apart() {
    let [first, second] = &silences("a/b", "c")[..] else { panic!("two silences") };
    let [other, _] = &silences("a", "b/c")[..] else { panic!("two silences") };
    assert_eq!(first.cloud_event_id(), first.clone().cloud_event_id());
    assert_ne!(first.cloud_event_id(), second.cloud_event_id());
    assert_ne!(first.cloud_event_id(), other.cloud_event_id());
}
