//! The reader of a fleet, against a real NATS server and real publishers.

#[allow(dead_code, reason = "the tests of the publisher pause it")]
#[path = "../nats/mod.rs"]
mod nats;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use plimsoll::ledger::SumLedger;
use plimsoll::{Limit, PressureRule, Registry, TrackedGauge, Watermarks};
use plimsoll_fleet::state::{Frame, Keys};
use plimsoll_fleet::view::{Connection, FleetFlaw, FleetReader, FleetView, Heard, LiveView};
use plimsoll_fleet::{Fleet, FleetError, HostName, Publisher, Publishing, StateError};
use tokio::task::JoinHandle;

use nats::{Nats, PATIENCE, wait_for};

fn name(name: &str) -> HostName {
    HostName::new(name).unwrap()
}

fn fleet(server: &Nats) -> Fleet {
    Fleet::new(server.url()).unwrap().events_max_bytes(64 << 20).states_max_bytes(256 << 20)
}

/// A host that publishes.
struct Host {
    gauge: TrackedGauge,
    fuel: SumLedger,
    _publishing: Publishing,
}

impl Host {
    fn start(server: &Nats, name: &str, slots: usize) -> Self {
        let registry = Registry::builder().pressure(PressureRule::IMMEDIATE).build().unwrap();
        let gauge = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
        let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), slots).unwrap();
        let publisher = Publisher::new(&registry, self::name(name), fleet(server));
        let publisher = publisher.interval(Duration::from_millis(100));
        Self { gauge, fuel, _publishing: publisher.spawn().unwrap() }
    }
}

/// A view that a reader feeds.
struct Reading {
    view: Arc<Mutex<FleetView>>,
    began: Instant,
    task: JoinHandle<Result<std::convert::Infallible, FleetError>>,
}

impl Reading {
    fn start(server: &Nats) -> Self {
        let (view, began) = (Arc::new(Mutex::new(FleetView::default())), Instant::now());
        let of = view.clone();
        // Whatever retention it would ask for itself: a reader only reads.
        let reader = FleetReader::new(Fleet::new(server.url()).unwrap());
        let task = tokio::spawn(reader.follow(move |heard| {
            of.lock().unwrap().on_heard(began.elapsed(), heard);
        }));
        Self { view, began, task }
    }

    /// Waits until the view is as asked.
    async fn until(&self, what: &str, is_so: impl Fn(&FleetView) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.view.lock().unwrap()) {
            let view = self.view.lock().unwrap().table(self.began.elapsed(), 9).to_string();
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}\n{view}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All fuel that `acme` has used, and on which host the most of it.
fn acme(view: &FleetView) -> Option<(u64, String)> {
    let ledger = view.merged(view.ledgers().first()?, 9).ok()?;
    let users = ledger.merged.users();
    let user = users.iter().find(|user| user.principal.as_str() == Some("acme"))?;
    assert_eq!(user.error(), 0);
    Some((user.at_least, ledger.most_on(user)?.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_4_a_reader_shows_three_hosts_as_one_and_survives_the_server() {
    let mut server = Nats::start();
    let hosts = ["web-1", "web-2", "web-3"].map(|name| Host::start(&server, name, 64));
    for (host, fuel) in hosts.iter().zip([100, 300, 200]) {
        host.fuel.record("acme", fuel).unwrap();
    }
    hosts[2].gauge.add(9);
    // It starts late: what is stored comes first.
    let reading = Reading::start(&server);
    reading.until("all is merged", |view| acme(view) == Some((600, "web-2".into()))).await;
    let raised = |view: &FleetView| {
        let raised = view.raised(Duration::ZERO);
        raised.iter().map(|it| (it.host.to_string(), it.entry.depth)).collect::<Vec<_>>()
    };
    reading.until("a limit is raised", |view| raised(view) == [("web-3".into(), 9)]).await;
    hosts[2].gauge.sub(9);
    reading.until("it is cleared", |view| raised(view).is_empty()).await;
    let has_event = |view: &FleetView, word: &str| {
        view.newest_events(99).any(|event| event.kind.ends_with(word))
    };
    reading.until("the event of that", |view| has_event(view, "cleared")).await;
    // A host restarts: what it had is not counted again.
    let [one, two, three] = hosts;
    drop(two);
    let two = Host::start(&server, "web-2", 64);
    two.fuel.record("acme", 5).unwrap();
    reading.until("a restart", |view| acme(view) == Some((305, "web-3".into()))).await;
    let restarts = |view: &FleetView| view.host(&name("web-2")).map(|host| host.restarts);
    assert_eq!(restarts(&reading.view.lock().unwrap()), Some(1));
    server.kill();
    one.fuel.record("acme", 1_000).unwrap();
    server.restart();
    reading.until("the server is back", |view| acme(view) == Some((1_305, "web-1".into()))).await;
    drop(three);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_2_a_state_in_parts_is_read_whole() {
    let config =
        "max_payload: 8KB\njetstream { store_dir: \"STORE\", max_mem: 64MB, max_file: 4GB }";
    let server = Nats::with(config);
    let host = Host::start(&server, "web-1", 1_024);
    (0..1_500_u64).for_each(|guest| _ = host.fuel.record(guest, 1 << 40).unwrap());
    host.fuel.record("acme", 7).unwrap();
    let reading = Reading::start(&server);
    let users = |view: &FleetView| {
        let ledgers = view.ledgers();
        let ledger = ledgers.first().and_then(|name| view.merged(name, 9_999).ok());
        ledger.map_or(0, |ledger| ledger.merged.users().len())
    };
    reading.until("all users", |view| users(view) == 1_501).await;
    let view = reading.view.lock().unwrap();
    assert_eq!(view.flaws().count(), 0);
    assert!(view.host(&name("web-1")).unwrap().state().ledgers[0].encoded_len() > 8_192);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_4_garbage_in_the_bucket_harms_no_other_host() {
    let server = Nats::start();
    // It waits for a bucket that nobody has made yet.
    let reading = Reading::start(&server);
    let host = Host::start(&server, "web-1", 64);
    host.fuel.record("acme", 70).unwrap();
    reading.until("a host", |view| acme(view).is_some()).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let bucket =
        jetstream::new(client).get_key_value(fleet(&server).states_bucket()).await.unwrap();
    let web_1 = reading.view.lock().unwrap().host(&name("web-1")).unwrap().state().clone();
    let frame = Frame::split(&web_1, 0, 1 << 20).unwrap()[0].to_bytes();
    let mut newer = frame.to_vec();
    newer[4] = 200;
    let commit = Frame::Commit { of: (1, 1), slot: 0, parts: 3, bytes: 99 };
    for (key, bytes) in [
        (Keys(&name("garbage")).state(), b"{\"not\": \"ours\"}".to_vec()),
        (Keys(&name("newer")).state(), newer),
        (Keys(&name("other")).state(), frame.to_vec()),
        (Keys(&name("no-parts")).state(), commit.to_bytes().to_vec()),
        (format!("{}a.b", Keys::STATES), frame.to_vec()),
    ] {
        bucket.put(key, bytes.into()).await.unwrap();
    }
    reading.until("all of it is said", |view| view.flaws().count() == 4).await;
    let view = reading.view.lock().unwrap();
    let flaw = |key| view.flaws().find(|(of, _)| *of == key).map(|(_, flaw)| flaw.clone());
    assert_eq!(flaw("garbage"), Some(StateError::Foreign.into()));
    assert_eq!(flaw("newer"), Some(StateError::Version { found: 200, read: 1 }.into()));
    let (key, said) = (name("other"), name("web-1"));
    assert_eq!(flaw("other"), Some(FleetFlaw::OtherHost { key, said }));
    assert!(matches!(flaw("a.b"), Some(FleetFlaw::Name(_))));
    assert_eq!((view.hosts().len(), acme(&view)), (1, Some((70, "web-1".into()))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_named() {
    let server = Nats::with("");
    let reader = FleetReader::new(Fleet::new(server.url()).unwrap());
    let ended = tokio::time::timeout(PATIENCE, reader.follow(|_: Heard| {})).await;
    assert_eq!(ended.expect("it ends").unwrap_err(), FleetError::NoJetStream);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_4_a_live_view_says_whether_its_reader_is_connected() {
    let mut server = Nats::start();
    let _host = Host::start(&server, "web-1", 64);
    let view = LiveView::default();
    let _reading = view.spawn_thread(FleetReader::new(fleet(&server))).unwrap();
    let is_there = |view: &FleetView, _| view.hosts().len() == 1;
    wait_for("a host is there", || view.look(is_there));
    assert_eq!(view.connection(), Connection::Connected);
    // A server that is silent is noticed when it is asked, after a while without a state.
    server.kill();
    wait_for("it is lost", || {
        matches!(view.connection(), Connection::Lost { again_in: Some(_), .. })
    });
    server.restart();
    wait_for("it is there again", || view.connection() == Connection::Connected);
    // Without JetStream there will be none.
    let other = Nats::with("");
    let view = LiveView::default();
    let ended = tokio::time::timeout(PATIENCE, view.follow(FleetReader::new(fleet(&other)))).await;
    let why = ended.expect("it ends").unwrap_err();
    assert_eq!(view.connection(), Connection::Lost { why, again_in: None });
}
