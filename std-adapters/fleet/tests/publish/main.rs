//! Publishers against a NATS server that is killed, paused, late, or not what it should be.

#[path = "../nats/mod.rs"]
mod nats;

mod bucket;
mod credentials;
mod outages;
mod refusals;
mod stream;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{self, kv, stream::Config};
use plimsoll::{EventKind, PressureRule, Registry, TrackedGauge, Watermarks};
use plimsoll_fleet::state::{Frame, HostState, Keys};
use plimsoll_fleet::{Fleet, HostName, Publisher, Publishing};
use serde_json::Value;

use nats::{Nats, PATIENCE};

/// A host with a gauge whose edges are its events.
struct Host {
    registry: Registry,
    gauge: TrackedGauge,
    name: HostName,
}

impl Host {
    fn new(name: &str) -> Self {
        // Each edge is an event.
        let registry = Registry::builder().pressure(PressureRule::IMMEDIATE).build().unwrap();
        let gauge = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
        Self { registry, gauge, name: HostName::new(name).unwrap() }
    }

    fn publisher(&self, server: &Nats) -> Publisher {
        Publisher::new(&self.registry, self.name.clone(), fleet(server))
            .interval(Duration::from_millis(200))
            .ack_timeout(Duration::from_millis(500))
    }

    /// Raises and clears the limit so often: twice as many events.
    fn ping_pong(&self, times: usize) {
        for _ in 0..times {
            self.gauge.add(9);
            self.gauge.sub(9);
        }
    }
}

fn fleet(server: &Nats) -> Fleet {
    Fleet::new(server.url()).unwrap().events_max_bytes(64 << 20).states_max_bytes(256 << 20)
}

/// The result, which comes at last.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(result) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("waited in vain: {what}");
    };
    result
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn flushed(publishing: &Publishing) {
    soon(&format!("{publishing:?} is flushed"), publishing.flush()).await;
}

async fn client(server: &Nats) -> Client {
    let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
    options.connect(server.url()).await.unwrap()
}

async fn bucket(server: &Nats) -> kv::Store {
    let jetstream = jetstream::new(client(server).await);
    soon("the bucket", async {
        loop {
            match jetstream.get_key_value("plimsoll_hosts").await {
                Ok(bucket) => return bucket,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await
}

/// The state of a host as a reader gets it, with its parts.
async fn state(bucket: &kv::Store, host: &HostName) -> Option<HostState> {
    let read = |key: String| async move {
        let bytes = bucket.get(key).await.unwrap()?;
        Some(Frame::from_bytes(bytes).unwrap())
    };
    match read(Keys(host).state()).await? {
        Frame::Whole { body, .. } => Some(HostState::from_bytes(body).unwrap()),
        commit @ Frame::Commit { slot, parts: count, .. } => {
            let mut parts = Vec::new();
            for index in 0..count {
                parts.push(read(Keys(host).part(slot, index)).await?);
            }
            commit.join(&parts).unwrap()
        }
        Frame::Part { .. } => panic!("a part under the key of a state"),
    }
}

/// What the stream has: each event by its source and id, with how often it is there.
async fn events(server: &Nats) -> BTreeMap<(String, String), (Value, usize)> {
    let jetstream = jetstream::new(client(server).await);
    let stream = soon("the stream", jetstream.get_stream("plimsoll_events")).await.unwrap();
    let state = stream.get_info().await.unwrap().state;
    let mut found = BTreeMap::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = soon("a message", stream.get_raw_message(sequence)).await.unwrap();
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        let (source, id) = (text("source"), text("id"));
        assert_eq!(message.headers.get("Nats-Msg-Id").unwrap().as_str(), format!("{source}:{id}"));
        found.entry((source, id)).or_insert((event, 0)).1 += 1;
    }
    found
}

/// The numbers of a host's events, in order.
fn numbers(events: &BTreeMap<(String, String), (Value, usize)>, host: &str) -> Vec<u64> {
    let its = events.keys().filter(|(source, _)| source.ends_with(&format!("/{host}")));
    let mut numbers: Vec<u64> =
        its.map(|(_, id)| id.rsplit_once('-').unwrap().1.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

fn kind(event: &Value) -> EventKind {
    serde_json::from_value::<plimsoll::Event>(event["data"].clone()).unwrap().kind()
}

fn stream_config(name: &str, subjects: &str) -> Config {
    Config { name: name.into(), subjects: vec![subjects.into()], ..Default::default() }
}
