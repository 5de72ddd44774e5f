//! Servers and settings that are not what they should be.

use async_nats::jetstream::stream::StorageType;
use plimsoll_fleet::{FleetError, HostNameError};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_a_typed_error_until_there_is_one() {
    let mut server = Nats::with("");
    let host = Host::new("web-1");
    let publishing = host.publisher(&server).spawn().unwrap();
    until("it is said", || publishing.stats().problem == Some(FleetError::NoJetStream)).await;
    host.ping_pong(5);
    assert_eq!((publishing.stats().waiting, publishing.stats().counts.dropped), (10, 0));
    server.kill();
    let mut other = Nats::not_started("jetstream { store_dir: \"STORE\", max_file: 4GB }");
    other.take_port_of(&server);
    other.restart();
    flushed(&publishing).await;
    assert_eq!(numbers(&events(&other).await, "web-1"), (1..=10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_or_bucket_with_other_settings_is_a_typed_error_that_says_which() {
    let server = Nats::start();
    let jetstream = jetstream::new(client(&server).await);
    let host = Host::new("web-1");
    let config = Config {
        max_age: Duration::from_secs(60),
        ..stream_config("plimsoll_events", "plimsoll.events.>")
    };
    jetstream.create_stream(config).await.unwrap();
    let publishing = host.publisher(&server).spawn().unwrap();
    let setting = |stats: plimsoll_fleet::PublisherStats| match stats.problem {
        Some(FleetError::Settings { of, setting, asked, found }) => {
            Some((of, setting, asked, found))
        }
        _ => None,
    };
    until("it is said of the stream", || setting(publishing.stats()).is_some()).await;
    let (of, name, asked, found) = setting(publishing.stats()).unwrap();
    assert_eq!((&*of, name, &*asked, &*found), ("plimsoll_events", "max_age", "604800s", "60s"));

    // Whoever runs the server puts it right, and the publisher goes on.
    let bucket = Config {
        storage: StorageType::Memory,
        ..stream_config("KV_plimsoll_hosts", "$KV.plimsoll_hosts.>")
    };
    jetstream.create_stream(bucket).await.unwrap();
    jetstream.delete_stream("plimsoll_events").await.unwrap();
    until("it is said of the bucket", || {
        setting(publishing.stats()).is_some_and(|(of, ..)| of == "KV_plimsoll_hosts")
    })
    .await;
    jetstream.delete_stream("KV_plimsoll_hosts").await.unwrap();
    flushed(&publishing).await;
    // A second host finds what the first has made, and takes it.
    let second = Host::new("web-2");
    let second = second.publisher(&server).spawn().unwrap();
    flushed(&second).await;
    assert_eq!(second.stats().problem, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_anew() {
    let server = Nats::start();
    let host = Host::new("web-1");
    let publishing = host.publisher(&server).spawn().unwrap();
    flushed(&publishing).await;
    let jetstream = jetstream::new(client(&server).await);
    jetstream.delete_stream("plimsoll_events").await.unwrap();
    jetstream.delete_stream("KV_plimsoll_hosts").await.unwrap();
    host.ping_pong(5);
    flushed(&publishing).await;
    assert_eq!(numbers(&events(&server).await, "web-1"), (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn bad_settings_are_typed_errors_that_say_what_is_allowed() {
    for bad in ["", "web.1", "web *", ">", "größe", "a\nb"] {
        let error = HostName::new(bad).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    assert_eq!(HostName::new("a b"), Err(HostNameError::Character { found: ' ', at: 1 }));
    let error = Fleet::new("nats://user:secret@[nonsense").unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    for bad in
        ["", "nats://", "nats://127.0.0.1:1,", "http://127.0.0.1:1", "nats://127.0.0.1:99999"]
    {
        let error = Fleet::new(bad).unwrap_err();
        assert!(matches!(&error, FleetError::Address { .. }), "{bad:?}: {error}");
        assert!(error.to_string().ends_with("as in nats://127.0.0.1:4222"), "{error}");
    }
    let fleet = || Fleet::new("nats://127.0.0.1:1").unwrap();
    assert!(matches!(fleet().name("a.b"), Err(FleetError::Name(_))));
    let publisher = || Publisher::new(&Registry::new(), HostName::new("a").unwrap(), fleet());
    let said = |publisher: Publisher| publisher.spawn().unwrap_err().to_string();
    assert_eq!(
        said(publisher().interval(Duration::ZERO)),
        "the interval is 100ms to 3600s (asked 0ns)"
    );
    assert_eq!(
        said(publisher().ack_timeout(Duration::ZERO)),
        "the time-out is 10ms to 600s (asked 0ns)"
    );
    assert_eq!(
        said(publisher().interval(Duration::from_secs(400))),
        "the interval is at most half of the 600s for which states are kept (asked 400s): see \
         `Fleet::states_max_age`"
    );
    let of_fleet =
        |fleet: Fleet| said(Publisher::new(&Registry::new(), HostName::new("a").unwrap(), fleet));
    for (fleet, setting) in [
        (fleet().events_max_bytes(0), "events_max_bytes"),
        (fleet().duplicate_window(Duration::ZERO), "duplicate_window"),
        (fleet().states_max_bytes(0), "states_max_bytes"),
        (fleet().replicas(0), "replicas"),
    ] {
        assert_eq!(of_fleet(fleet), format!("`Fleet::{setting}` is above zero"));
    }
    assert_eq!(said(publisher().buffer(0)), "the buffer holds 1 to 16777216 events (asked 0)");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_may_be_kept_for_less_than_the_duplicate_window() {
    let server = Nats::start();
    let host = Host::new("web-1");
    let fleet = fleet(&server).events_max_age(Duration::from_secs(30));
    let publishing = Publisher::new(&host.registry, host.name.clone(), fleet).spawn().unwrap();
    flushed(&publishing).await;
    assert_eq!(publishing.stats().problem, None);
}

#[test]
fn outside_of_a_runtime_a_task_is_a_typed_error() {
    let fleet = Fleet::new("nats://127.0.0.1:1").unwrap();
    let publisher = Publisher::new(&Registry::new(), HostName::new("a").unwrap(), fleet);
    assert!(matches!(publisher.spawn(), Err(FleetError::Start { .. })));
}
