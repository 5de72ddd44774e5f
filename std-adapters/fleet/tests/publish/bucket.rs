//! States in the bucket.

use plimsoll::Limit;
use plimsoll::keepalive::{Watch, Watcher};
use plimsoll::ledger::Key;

use super::*;

/// Waits for a state of the host that is as asked.
async fn state_that(
    bucket: &kv::Store,
    host: &HostName,
    is_so: impl Fn(&HostState) -> bool,
) -> HostState {
    soon("a state", async {
        loop {
            match state(bucket, host).await.filter(&is_so) {
                Some(state) => return state,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_2_the_bucket_has_the_latest_state_of_each_host_whole() {
    let server = Nats::start();
    let hosts = ["web-1", "web-2"].map(Host::new);
    let mut publishing = Vec::new();
    let mut ledgers = Vec::new();
    for host in &hosts {
        let heaps = host.registry.peak_ledger(Limit::memory("heaps"), 64).unwrap();
        heaps.record(host.name.as_str(), 7 << 20).unwrap();
        heaps.record(1u64, 1 << 20).unwrap();
        ledgers.push(heaps);
        publishing.push(host.publisher(&server).spawn().unwrap());
    }
    let bucket = bucket(&server).await;
    for (host, publishing) in hosts.iter().zip(&publishing) {
        host.gauge.add(9);
        flushed(publishing).await;
        let first = state(&bucket, &host.name).await.unwrap();
        assert_eq!(first.snapshot.entries()[0].depth, 9);
        let users: Vec<_> =
            first.ledgers[0].users().map(|user| (user.principal.key(), user.value)).collect();
        let key = Key::new(host.name.as_str().as_bytes()).unwrap();
        assert_eq!(users, [(Some(key), 7 << 20), (Some(Key::from(1)), 1 << 20)]);
        assert_eq!(first.interval_ms, 200);
        // The next one comes by itself, under the same key.
        let next = state_that(&bucket, &host.name, |state| state.sequence > first.sequence).await;
        assert_eq!((next.incarnation, next.host), (first.incarnation, host.name.clone()));
        assert!(
            next.at_unix_ms >= first.at_unix_ms && next.started_unix_ms == first.started_unix_ms
        );
    }
    let keys = bucket.stream.get_info().await.unwrap().state.messages;
    assert_eq!(keys, 2, "one value for each host");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_2_a_state_above_the_servers_max_payload_comes_in_parts_that_are_never_mixed() {
    let server = Nats::with(
        "max_payload: 8KB\njetstream { store_dir: \"STORE\", max_mem: 64MB, max_file: 4GB }",
    );
    let host = Host::new("web-1");
    // With 6 guests to a set of 40 none is evicted, however they fall. With 24, one was in one fill of 25.
    let fuel = host.registry.sum_ledger(Limit::cpu("fuel"), 4_096).unwrap();
    (0..1_500u64).for_each(|guest| _ = fuel.record(&format!("guest-{guest}"), 1 << 20).unwrap());
    let publishing = host.publisher(&server).interval(Duration::from_millis(100)).spawn().unwrap();
    let bucket = bucket(&server).await;
    let (mut seen, mut number) = (Vec::new(), 0);
    soon("states", async {
        while seen.len() < 5 {
            number += 1;
            (0..1_500u64).for_each(|guest| _ = fuel.record(&format!("guest-{guest}"), 1).unwrap());
            let Some(state) = state(&bucket, &host.name).await else { continue };
            let [ledger] = &state.ledgers[..] else { panic!("one ledger") };
            let sum: u64 = ledger.users().map(|user| user.value).sum();
            assert!(ledger.len() == 1_500 && sum <= ledger.total(), "{sum} of {ledger:?}");
            assert!(ledger.encoded_len() > 2 * 8_192, "it takes parts");
            if seen.last() != Some(&state.sequence) {
                seen.push(state.sequence);
            }
        }
    })
    .await;
    assert!(seen.is_sorted() && number >= 5, "{seen:?}");
    let stats = publishing.stats();
    assert_eq!((stats.problem, stats.counts.states_unknown), (None, 0));
    // With the largest few alone it fits.
    drop(publishing);
    let few = host.publisher(&server).users_max(20).spawn().unwrap();
    flushed(&few).await;
    let state = state(&bucket, &host.name).await.unwrap();
    let ledger = &state.ledgers[0];
    assert_eq!((ledger.len(), ledger.absent_max()), (20, ledger.users().last().unwrap().value));
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_2_a_host_that_restarts_replaces_its_state_and_two_of_one_name_are_told() {
    let server = Nats::start();
    let host = Host::new("web-1");
    let first = host.publisher(&server).spawn().unwrap();
    flushed(&first).await;
    let bucket = bucket(&server).await;
    let before = state(&bucket, &host.name).await.unwrap();
    first.close(PATIENCE).await;
    let second = host.publisher(&server).spawn().unwrap();
    flushed(&second).await;
    let after = state(&bucket, &host.name).await.unwrap();
    assert_ne!(after.incarnation, before.incarnation);
    assert_eq!(second.stats().problem, None, "a restart is no second host");

    let twin = Host::new("web-1");
    let twin = twin.publisher(&server).spawn().unwrap();
    let taken = Some(plimsoll_fleet::FleetError::NameTaken { host: host.name.clone() });
    until("both say so", || second.stats().problem == taken || twin.stats().problem == taken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_names_the_guests_that_are_silent_until_they_are_back() {
    let server = Nats::start();
    let host = Host::new("web-1");
    let watcher =
        Watcher::builder().limit(Limit::resource("guests")).build(&host.registry).unwrap();
    let watch = Watch::new("guest-7", "run-1").window(Duration::from_millis(100));
    let guest = watcher.watch(watch).unwrap();
    let _driver = watcher.spawn_thread().unwrap();
    let _publishing = host.publisher(&server).spawn().unwrap();
    let bucket = bucket(&server).await;
    let state = state_that(&bucket, &host.name, |state| !state.silent.is_empty()).await;
    let [silent] = &state.silent[..] else { panic!("one guest: {:?}", state.silent) };
    assert_eq!((&*silent.watcher, &*silent.guest, &*silent.run), ("guests", "guest-7", "run-1"));
    assert!(silent.elapsed_ms >= silent.window_ms && state.silent_more == 0, "{silent:?}");
    drop(guest);
    state_that(&bucket, &host.name, |state| state.silent.is_empty()).await;
}
