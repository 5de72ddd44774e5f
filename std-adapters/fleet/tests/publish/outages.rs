//! A server that is killed, paused, or not there yet.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn fleet_1_each_event_without_an_acknowledgement_survives_a_server_that_is_killed() {
    let mut server = Nats::start();
    let hosts = ["web-1", "web-2", "web-3"].map(Host::new);
    let publishing = hosts.each_ref().map(|host| host.publisher(&server).spawn().unwrap());
    for (host, publishing) in hosts.iter().zip(&publishing) {
        host.ping_pong(20);
        flushed(publishing).await;
    }
    let mut acknowledged = [0; 3];
    for round in 0..3 {
        // Some are under way when the server dies, and some come while it is away.
        hosts.iter().for_each(|host| host.ping_pong(50));
        server.kill();
        for (place, publishing) in publishing.iter().enumerate() {
            acknowledged[place] = publishing.stats().counts.acknowledged;
        }
        hosts.iter().for_each(|host| host.ping_pong(50));
        server.restart();
        for publishing in &publishing {
            flushed(publishing).await;
        }
        let found = events(&server).await;
        let all = 40 + 200 * (round + 1);
        for (place, (host, publishing)) in hosts.iter().zip(&publishing).enumerate() {
            let counts = publishing.stats().counts;
            assert_eq!((counts.acknowledged, counts.dropped), (all, 0), "{counts:?}");
            // What it had acknowledged may not have been on its disk.
            let there = numbers(&found, host.name.as_str());
            let expected = (all - 100 + 1..=all).filter(|n| *n > acknowledged[place]);
            let missing: Vec<_> = expected.filter(|n| !there.contains(n)).collect();
            assert!(missing.is_empty(), "round {round}, {}: {missing:?} are lost", host.name);
        }
    }
    let bucket = bucket(&server).await;
    for host in &hosts {
        let state = state(&bucket, &host.name).await.unwrap();
        assert_eq!((state.host, state.events.dropped), (host.name.clone(), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_1_a_paused_server_loses_nothing_and_stops_no_recorder() {
    let server = Nats::start();
    let host = Host::new("web-1");
    // Shorter than the pause: whatever is stored twice has one source and id.
    let fleet = fleet(&server).duplicate_window(Duration::from_millis(100));
    let publisher = Publisher::new(&host.registry, host.name.clone(), fleet)
        .interval(Duration::from_millis(200))
        .ack_timeout(Duration::from_millis(100));
    let publishing = publisher.spawn().unwrap();
    host.ping_pong(10);
    flushed(&publishing).await;
    // A stream that has just been made may not listen yet: then it is opened once more.
    until("a state is stored", || {
        let stats = publishing.stats();
        stats.is_open && stats.counts.states > 0
    })
    .await;
    server.pause();
    host.ping_pong(100);
    // An acknowledgement that is late is neither a success nor a loss.
    until("acknowledgements are late", || {
        let counts = publishing.stats().counts;
        counts.resent > 1 && counts.states_unknown > 1
    })
    .await;
    let stats = publishing.stats();
    assert_eq!((stats.counts.acknowledged, stats.counts.dropped, stats.waiting), (20, 0, 200));
    assert!(stats.problem.is_some());
    server.go_on();
    flushed(&publishing).await;
    assert_eq!(numbers(&events(&server).await, "web-1"), (1..=220).collect::<Vec<_>>());
    let stats = publishing.stats();
    assert_eq!((stats.counts.acknowledged, stats.waiting), (220, 0));
    until("all is well again", || publishing.stats().problem.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_1_what_the_buffer_has_no_room_for_while_the_server_is_away_is_counted_and_said() {
    let mut server = Nats::not_started("jetstream { store_dir: \"STORE\", max_file: 4GB }");
    let host = Host::new("web-1");
    let publishing = host.publisher(&server).buffer(8).spawn().unwrap();
    host.ping_pong(10);
    until("it is said that the server is away", || publishing.stats().problem.is_some()).await;
    assert_eq!(publishing.stats().problem, Some(plimsoll_fleet::FleetError::Away));
    let stats = publishing.stats();
    assert_eq!((stats.waiting, stats.counts.dropped, stats.is_open), (8, 12, false));

    // It connects whenever there is a server.
    server.restart();
    flushed(&publishing).await;
    let found = events(&server).await;
    assert_eq!(numbers(&found, "web-1"), (1..=8).chain([21]).collect::<Vec<_>>());
    let (last, _) =
        found.values().find(|(event, _)| event["type"] == "dev.plimsoll.fleet.dropped").unwrap();
    assert_eq!(last["data"], serde_json::json!({ "dropped": 12, "total": 12 }));
    let state = state(&bucket(&server).await, &host.name).await.unwrap();
    assert_eq!((state.events.acknowledged, state.events.dropped), (9, 12));
    host.ping_pong(1);
    flushed(&publishing).await;
    assert_eq!(numbers(&events(&server).await, "web-1").last(), Some(&23), "it goes on");
}
