//! The view of a fleet: drawn into a buffer, and by the program from a real NATS server.

#![forbid(unsafe_code)]
#![cfg(feature = "fleet")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_fleet::state::{LedgerState, SilentGuest};
use plimsoll_fleet::view::{Connection, FleetFlaw, Heard};
use plimsoll_fleet::{Fleet, HostName, HostState, Publisher, StateError};
use plimsoll_top::view::{Action, FleetApp, Key};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Longer than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn registry(depth: u64, fuel: u64) -> (Registry, impl Sized) {
    let registry = Registry::new();
    let frames = registry.gauge("frames", Watermarks::percent(10, 80, 50)).expect("a gauge");
    frames.add(depth);
    let ledger = registry.sum_ledger(Limit::cpu("guest_fuel"), 64).expect("a ledger");
    ledger.record("acme", fuel).expect("a principal");
    (registry, (frames, ledger))
}

fn heard(name: &str, depth: u64, fuel: u64) -> Heard {
    let (registry, _kept) = registry(depth, fuel);
    let snapshot = registry.snapshot_with_users(usize::MAX);
    let ledgers = snapshot.ledgers().iter();
    let guest = SilentGuest {
        watcher: "guests".into(),
        guest: "g\u{1b}[2J".into(),
        run: "7".into(),
        silent_for_ms: 3_000,
        window_ms: 10_000,
        elapsed_ms: 10_000,
    };
    let state = HostState {
        host: HostName::new(name).expect("a name"),
        incarnation: 1,
        sequence: 1,
        at_unix_ms: 0,
        started_unix_ms: 0,
        interval_ms: 5_000,
        ledgers: ledgers.map(|ledger| LedgerState::of(ledger, usize::MAX)).collect(),
        snapshot,
        silent: if depth > 9 { vec![guest] } else { Vec::new() },
        silent_more: 0,
        events: Default::default(),
    };
    Heard::State { stored: Duration::from_secs(1_000), state: Box::new(state) }
}

fn draw(app: &FleetApp, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    terminal.draw(|frame| app.draw(frame)).expect("it is drawn");
    terminal.backend().to_string()
}

fn app() -> FleetApp {
    let mut app = FleetApp::new("PLIMSOLL FLEET");
    let now = Duration::from_secs(1);
    for (name, depth, fuel) in [("web-1", 9, 100), ("web-2", 1, 200), ("web-3", 10, 100)] {
        app.on_heard(now, heard(name, depth, fuel));
    }
    app.on_heard(now, Heard::Connection(Connection::Connected));
    app.advance(Duration::from_secs(4));
    app
}

#[test]
fn fleet_4_the_view_shows_what_is_raised_who_is_silent_and_who_uses_most_and_where() {
    let mut app = app();
    let screen = draw(&app, 100, 24);
    for text in [
        "3 hosts, 2 raised, 1 silent, 0 gone",
        "connected",
        "guest_fuel: acme 400 100 % (web-2)",
        "(7) on web-3 for 16.0 s, seen 3.0 s ago",
    ] {
        assert!(screen.contains(text), "{text:?} in\n{screen}");
    }
    let row = |name: &str| {
        let line = screen.lines().find(|line| line.contains("frames") && line.contains(name));
        line.unwrap_or_else(|| panic!("{name} in\n{screen}")).to_owned()
    };
    assert!(row("web-3").contains("elevated") && row("web-3").contains("10/10"), "{screen}");
    assert!(row("web-1").contains("elevated") && row("web-1").contains("3.0 s"), "{screen}");
    assert!(!screen.contains('\u{1b}'), "nobody steers the terminal");
    // What cannot be read is said beside its host.
    let flaw = FleetFlaw::State(StateError::Foreign);
    app.on_heard(Duration::from_secs(5), Heard::Flaw { key: "web-2".into(), flaw });
    app.advance(Duration::from_secs(5));
    let flawed = draw(&app, 140, 24);
    assert!(flawed.lines().any(|line| line.contains("web-2") && line.contains("state of a host")));
    // All are gone in the end; a view that is paused does not see it.
    assert_eq!(app.on_key(Key::Char('p')), Action::Draw);
    app.advance(Duration::from_secs(99));
    assert!(draw(&app, 100, 24).contains("PAUSED") && draw(&app, 100, 24).contains("3 hosts"));
    let _ = app.on_key(Key::Char('p'));
    app.advance(Duration::from_secs(99));
    assert!(draw(&app, 100, 24).contains("0 hosts, 0 raised, 0 silent, 3 gone"));
    assert_eq!(app.on_key(Key::Char('q')), Action::Quit);
}

#[test]
fn the_view_is_drawn_at_any_size() {
    let app = app();
    for columns in [1, 7, 20, 79, 80, 200] {
        for rows in [1, 2, 5, 10, 24, 60] {
            draw(&app, columns, rows);
        }
    }
    assert!(draw(&app, 80, 24).contains("web-3"));
}

/// Killed when it is dropped.
struct Server(Child, u16);

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        let debian = "/usr/sbin/nats-server";
        let program = if Path::new(debian).exists() { debian } else { "nats-server" };
        let store = std::env::temp_dir().join(format!("plimsoll-top-{}", std::process::id()));
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-js", "-p", &port.port().to_string(), "-sd"]).arg(store);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(command.spawn().expect("nats-server starts"), port.port());
        let begun = Instant::now();
        while TcpStream::connect(port).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the server is not ready");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn fleet_4_the_program_prints_a_fleet_as_a_table() {
    let server = Server::start();
    let url = format!("nats://127.0.0.1:{}", server.1);
    let hosts = [("web-1", 9, 100), ("web-2", 1, 300)].map(|(name, depth, fuel)| {
        let (registry, kept) = registry(depth, fuel);
        let fleet = Fleet::new(&url).expect("an address").in_memory();
        let fleet = fleet.events_max_bytes(1 << 20).states_max_bytes(16 << 20);
        let publisher = Publisher::new(&registry, HostName::new(name).expect("a name"), fleet);
        let publisher = publisher.interval(Duration::from_millis(100));
        (publisher.spawn_thread().expect("a thread"), registry, kept)
    });
    let begun = Instant::now();
    loop {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["top", "--fleet", &url, "--once"])
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("it is text");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let has = |words: &[&str]| {
            text.lines()
                .any(|line| line.split_whitespace().take(words.len()).eq(words.iter().copied()))
        };
        if has(&["acme", "guest_fuel", "400", "400"])
            && has(&["frames", "web-1", "elevated", "9", "10"])
        {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {said}\n{text}");
    }
    drop(hosts);
    let bad = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["top", "--fleet", &url, "--once", "--name", "a.*"])
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(!bad.status.success() && said.contains("'.' at byte 1"), "{said}");
}
