//! Events onto the stream, while all is well.

use plimsoll::EventKind;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn fleet_1_events_of_three_hosts_are_there_once_for_a_consumer_that_starts_late() {
    let server = Nats::start();
    let hosts = ["web-1", "web-2", "db_1"].map(Host::new);
    let publishing = hosts.each_ref().map(|host| host.publisher(&server).spawn().unwrap());
    for (host, publishing) in hosts.iter().zip(&publishing) {
        host.ping_pong(100);
        flushed(publishing).await;
    }
    let found = events(&server).await;
    for (host, publishing) in hosts.iter().zip(&publishing) {
        assert_eq!(numbers(&found, host.name.as_str()), (1..=200).collect::<Vec<_>>());
        let counts = publishing.stats().counts;
        assert_eq!((counts.acknowledged, counts.dropped), (200, 0), "{counts:?}");
    }
    for ((source, id), (event, times)) in &found {
        assert_eq!(*times, 1, "{source} {id}");
        let raised = id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap() % 2 == 1;
        assert_eq!(kind(event), if raised { EventKind::Raised } else { EventKind::Cleared });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_1_a_message_that_is_sent_twice_is_stored_once_or_has_the_same_source_and_id() {
    let server = Nats::start();
    let host = Host::new("web-1");
    let window = Duration::from_millis(200);
    let fleet = fleet(&server).duplicate_window(window);
    let publisher = Publisher::new(&host.registry, host.name.clone(), fleet);
    let publishing = publisher.spawn().unwrap();
    host.ping_pong(1);
    flushed(&publishing).await;
    let before = events(&server).await;
    assert_eq!(before.len(), 2);

    // As a publisher does whose acknowledgement was lost, after the window.
    let jetstream = jetstream::new(client(&server).await);
    let ((source, id), (event, _)) = before.first_key_value().unwrap();
    let again = || {
        let message = async_nats::jetstream::message::PublishMessage::build()
            .payload(serde_json::to_vec(event).unwrap().into())
            .message_id(format!("{source}:{id}"));
        jetstream.send_publish("plimsoll.events.web-1.raised", message)
    };
    soon("it is forgotten", async {
        while again().await.unwrap().await.unwrap().duplicate {
            tokio::time::sleep(window).await;
        }
    })
    .await;
    let after = events(&server).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(after.values().map(|(_, times)| times).sum::<usize>(), 3, "one is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_raised_and_silent_when_a_publisher_starts_is_published_first() {
    let server = Nats::start();
    let host = Host::new("web-1");
    host.gauge.add(9);
    let publishing = host.publisher(&server).spawn().unwrap();
    flushed(&publishing).await;
    let found = events(&server).await;
    assert_eq!(
        found.values().map(|(event, _)| kind(event)).collect::<Vec<_>>(),
        [EventKind::Raised]
    );
}

#[test]
fn a_thread_publishes_for_a_host_without_a_runtime_and_sends_the_rest_at_its_end() {
    let server = Nats::start();
    let host = Host::new("web-1");
    let publishing = host.publisher(&server).spawn_thread().unwrap();
    nats::wait_for("it is open", || publishing.stats().is_open);
    host.ping_pong(10);
    nats::wait_for("the events are there", || publishing.stats().counts.acknowledged == 20);
    drop(publishing);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(events(&server));
    assert_eq!(numbers(&found, "web-1"), (1..=20).collect::<Vec<_>>());
}
