//! The view, drawn into a buffer: what it shows, at which sizes, and what keys change.

#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll::channel::mpsc;
use plimsoll::keepalive::{FakeClock, Watch, Watcher};
use plimsoll::pool::{Isolation, Manager, Pool};
use plimsoll::{
    Event, GuestChange, GuestEvent, Level, Limit, PressureEvent, Registry, Silence, TrackedGauge,
    Watermarks,
};
use plimsoll_top::view::{Action, App, Key, Sort};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// A host with a few limits and a ledger.
struct Host {
    registry: Registry,
    gauges: Vec<TrackedGauge>,
    _ledger: plimsoll::ledger::PeakLedger,
}

impl Host {
    fn new() -> Self {
        let registry = Registry::new();
        let mut gauges = Vec::new();
        for (name, scope, depth) in
            [("frames", "steady", 1), ("frames", "burst", 10), ("sockets", "hog", 8)]
        {
            let limit = Limit::queue(name).scope(scope);
            let gauge = registry.gauge(limit, Watermarks::percent(10, 80, 50)).expect("a gauge");
            gauge.add(depth);
            gauges.push(gauge);
        }
        let memory = registry.gauge(Limit::memory("memory_bytes"), Watermarks::new(16 << 20));
        gauges.push(memory.expect("a gauge"));
        let ledger = registry.peak_ledger(Limit::memory("guest_memory"), 64).expect("a ledger");
        ledger.principal("hog").expect("a principal").record(15 << 20);
        ledger.principal("spin").expect("a principal").record(1 << 20);
        Self { registry, gauges, _ledger: ledger }
    }

    fn app(&self) -> App {
        let mut app = App::new("test host");
        app.on_snapshot(Duration::from_secs(1), self.registry.snapshot());
        app
    }
}

fn draw(app: &App, columns: u16, rows: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    terminal.draw(|frame| app.draw(frame)).expect("it is drawn");
    terminal.backend().buffer().clone()
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
    cells.chunks(width).map(|row| row.concat()).collect()
}

fn screen(app: &App) -> Vec<String> {
    rows(&draw(app, 80, 24))
}

fn row_of(screen: &[String], part: &str) -> usize {
    screen
        .iter()
        .position(|row| row.contains(part))
        .unwrap_or_else(|| panic!("{part:?} is missing in:\n{}", screen.join("\n")))
}

fn keys(app: &mut App, keys: impl IntoIterator<Item = Key>) {
    for key in keys {
        assert_eq!(app.on_key(key), Action::Draw, "{key:?}");
    }
}

fn silent(change: GuestChange) -> Event {
    let window = Duration::from_millis(400);
    let silence = Silence::new("hog", "run-4", window, Duration::from_millis(500));
    GuestEvent::new(Limit::resource("keepalive"), change, silence).into()
}

fn raised(depth: u64) -> Event {
    PressureEvent::raised(Limit::queue("frames"), Level::Elevated, depth, 10).into()
}

#[test]
fn at_80_by_24_everything_has_its_place() {
    let host = Host::new();
    let mut app = host.app();
    app.set_status("7.5 s of 15 s");
    app.set_facts([("TENANTS".to_owned(), "24 well-behaved".to_owned())]);
    app.on_event(Duration::from_secs(1), &raised(9));
    app.on_event(Duration::from_secs(2), &silent(GuestChange::Silent));
    let screen = screen(&app);
    assert!(screen[0].starts_with("test host  4 limits, 2 raised"), "{}", screen[0]);
    assert!(screen[0].ends_with("7.5 s of 15 s"), "{}", screen[0]);
    let full = &screen[row_of(&screen, "frames[burst]")];
    assert!(full.contains("elevated") && full.contains("10/10") && full.contains('█'), "{full}");
    row_of(&screen, "0.0/16.0 MiB");
    row_of(&screen, "MOST     guest_memory: hog 15.0 MiB 94 %, spin 1.0 MiB 6 %");
    row_of(&screen, "SILENT   1: hog (run-4) for");
    row_of(&screen, "TENANTS  24 well-behaved");
    row_of(&screen, "    1.00 ▲ queue frames raised to elevated: 9 of 10");
    row_of(&screen, "    2.00 ■ resource keepalive[hog] silent after 500ms");
    assert!(screen[23].starts_with("q quit  p pause  s sort: level"), "{}", screen[23]);
}

#[test]
fn no_size_panics_and_larger_ones_show_more() {
    let host = Host::new();
    let mut app = host.app();
    (0..100).for_each(|at| app.on_event(Duration::from_secs(at), &raised(9)));
    app.set_facts((0..20).map(|at| (format!("FACT {at}"), "x".repeat(300))));
    for is_filtering in [false, true] {
        if is_filtering {
            keys(&mut app, [Key::Char('/'), Key::Char('f')]);
        }
        for columns in [1, 2, 3, 5, 8, 13, 30, 79, 80, 100, 200] {
            for rows in [1, 2, 3, 4, 5, 8, 12, 24, 60] {
                draw(&app, columns, rows);
                draw(&App::new("nothing yet"), columns, rows);
            }
        }
    }
    let small = screen(&host.app());
    let wide = rows(&draw(&host.app(), 120, 40));
    assert!(!small[1].contains("PEAK") && wide[1].contains("PEAK"), "{}", wide[1]);
}

#[test]
fn see_5_what_the_view_says_agrees_with_the_snapshot() {
    let host = Host::new();
    let screen = screen(&host.app());
    for entry in host.registry.snapshot().entries().iter().take(3) {
        let label = format!("{}[{}]", entry.name(), entry.scope().expect("a scope"));
        let row = &screen[row_of(&screen, &label)];
        let depth = format!(" {}/{} ", entry.depth, entry.capacity().expect("a capacity"));
        assert!(row.contains(&depth) && row.contains(entry.level.as_str()), "{row}");
    }
}

#[test]
fn no_level_is_said_by_colour_alone() {
    let host = Host::new();
    let app = host.app();
    let buffer = draw(&app, 80, 24);
    // Without its styles, a screen still tells each row's level.
    for (row, level) in [("frames[steady]", "normal"), ("frames[burst]", "elevated")] {
        let screen = rows(&buffer);
        assert!(screen[row_of(&screen, row)].contains(level), "{row}");
    }
}

#[test]
fn the_selected_limit_says_what_went_through_and_how_long_it_blocked() {
    let registry = Registry::new();
    let history = registry.history();
    let replies = Limit::queue("replies").flow_totals();
    let (tx, rx) = mpsc::sync_channel(&registry, replies, 2).expect("a channel");
    let shown = |app: &mut App| {
        app.on_snapshot(Duration::from_secs(1), registry.snapshot());
        screen(app)
    };
    let mut app = App::new("test host");
    for item in 0..4 {
        assert_eq!(tx.try_send(item).is_ok(), item < 2, "two of four have room");
    }
    let screen = shown(&mut app);
    assert!(
        screen[row_of(&screen, "SELECTED oldest ")].contains(", 2 sent, 0 received, 2 refused")
    );
    assert!(!screen[row_of(&screen, "replies, peak 2/2")].contains("last minute"));
    for second in 0..=60 {
        assert!(history.tick(Duration::from_secs(second)), "a look");
    }
    assert_eq!([rx.recv(), rx.recv()], [Ok(0), Ok(1)]);
    let screen = shown(&mut app);
    row_of(&screen, "SELECTED blocked 0 %/10 s, 0 %/60 s, 2 sent, 2 received, 2 refused");
    row_of(&screen, "replies, peak 2/2 (2 last minute)");
    // A gauge has no flow, and without a history nothing is known of its last minute.
    let other = Host::new();
    assert!(!self::screen(&other.app()).iter().any(|row| row.contains("SELECTED")));
}

struct Words;

impl Manager for Words {
    type Object = String;
    type Error = std::convert::Infallible;

    async fn create(&self) -> Result<String, Self::Error> {
        Ok("ready".to_owned())
    }
}

#[test]
fn a_pool_says_how_checkouts_were_served() {
    let registry = Registry::new();
    let builder = Pool::builder(Words).max(2).isolation(Isolation::Shared);
    let pool = builder.registry(&registry, "words").build().expect("a pool");
    let acme = pool.principal("acme").expect("a principal");
    for _ in 0..3 {
        pool.checkout_blocking(&acme).expect("a lease").complete();
    }
    let snapshot = registry.snapshot();
    let checkouts = snapshot.pools()[0].stats.checkouts;
    assert_eq!(checkouts.warm + checkouts.cold + checkouts.waited, 3);
    assert!(checkouts.warm >= 2, "it is lent again: {checkouts:?}");
    let mut app = App::new("test host");
    app.on_snapshot(Duration::from_secs(1), snapshot);
    let wide = rows(&draw(&app, 160, 24));
    let served = format!(
        ", {} warm/{} cold/{} waited, build p99 ",
        checkouts.warm, checkouts.cold, checkouts.waited
    );
    assert!(
        wide[row_of(&wide, "POOL     words 0/2 leased, 1 idle")].contains(&served),
        "{wide:#?}"
    );
}

#[test]
fn late_guests_are_counted_beside_the_silent_ones() {
    let registry = Registry::new();
    let clock = FakeClock::default();
    let watcher = Watcher::builder().clock(clock.clone()).build(&registry).expect("a watcher");
    let watch = Watch::new("hog", "run-1").window(Duration::from_secs(4));
    let _hog = watcher.watch(watch.late_after(Duration::from_secs(1))).expect("a guest");
    for _ in 0..20 {
        clock.advance(Duration::from_millis(100));
        let _ = watcher.step();
    }
    assert_eq!(registry.snapshot().watchers()[0].late, 1);
    let mut app = App::new("test host");
    app.on_snapshot(Duration::from_secs(2), registry.snapshot());
    row_of(&screen(&app), "SILENT   nobody, 1 late");
    app.on_event(Duration::from_secs(2), &silent(GuestChange::Silent));
    row_of(&screen(&app), "SILENT   1, 1 late: hog (run-4) for");
}

#[test]
fn limits_are_sorted_as_asked() {
    let host = Host::new();
    let mut app = host.app();
    let order = |app: &App| {
        let screen = screen(app);
        let names = ["frames[steady]", "frames[burst]", "sockets[hog]"];
        let mut rows = names.map(|name| (row_of(&screen, name), name));
        rows.sort_unstable();
        rows.map(|(_, name)| name)
    };
    let by_level = ["frames[burst]", "sockets[hog]", "frames[steady]"];
    let by_name = ["frames[burst]", "frames[steady]", "sockets[hog]"];
    let registered = ["frames[steady]", "frames[burst]", "sockets[hog]"];
    for (sort, expected) in
        Sort::ALL.into_iter().zip([by_level, by_level, registered, by_name, registered])
    {
        assert!(screen(&app)[23].contains(&format!("s sort: {}", sort.as_str())));
        assert_eq!(order(&app), expected, "{}", sort.as_str());
        keys(&mut app, [Key::Char('s')]);
    }
    assert_eq!(order(&app), by_level, "after the last comes the first");
}

#[test]
fn a_filter_is_typed_kept_and_dropped() {
    let host = Host::new();
    let mut app = host.app();
    keys(&mut app, "/SOCKx".chars().map(Key::Char).chain([Key::Backspace]));
    let filtered = screen(&app);
    row_of(&filtered, "sockets[hog]");
    assert!(!filtered.iter().any(|row| row.contains("frames[")), "{filtered:#?}");
    assert!(filtered[23].starts_with("/SOCK"), "{}", filtered[23]);
    keys(&mut app, [Key::Enter]);
    assert!(screen(&app)[23].contains("/ filter: SOCK"));
    // A key is a key again, and the first Esc only drops the filter.
    keys(&mut app, [Key::Char('s'), Key::Esc]);
    row_of(&screen(&app), "frames[burst]");
    assert_eq!(app.on_key(Key::Esc), Action::Quit);
}

#[test]
fn the_view_ends_by_q_and_ctrl_c_but_a_filter_may_have_a_q() {
    let mut app = Host::new().app();
    assert_eq!(app.on_key(Key::Char('q')), Action::Quit);
    keys(&mut app, [Key::Char('/'), Key::Char('q')]);
    assert_eq!(app.on_key(Key::Interrupt), Action::Quit);
}

#[test]
fn the_selection_follows_its_limit() {
    let host = Host::new();
    let mut app = host.app();
    keys(&mut app, [Key::Down, Key::Down]);
    let selected = |app: &App| {
        let rows = screen(app);
        rows[row_of(&rows, "›")].clone()
    };
    assert!(selected(&app).contains("frames[steady]"), "{}", selected(&app));
    host.gauges[0].add(9);
    app.on_snapshot(Duration::from_secs(2), host.registry.snapshot());
    assert_eq!(row_of(&screen(&app), "frames[steady]"), 2, "it is the first of the full ones now");
    assert!(selected(&app).contains("frames[steady]"), "{}", selected(&app));
    keys(&mut app, [Key::End, Key::Down]);
    assert!(selected(&app).contains("memory_bytes"), "{}", selected(&app));
    keys(&mut app, [Key::Home, Key::Up]);
    assert!(selected(&app).contains("frames[steady]"), "{}", selected(&app));
    let screen = screen(&app);
    assert!(screen[row_of(&screen, "frames[steady], peak 10/10")].contains('█'), "its history");
}

#[test]
fn a_paused_view_stands_still_and_loses_nothing() {
    let host = Host::new();
    let mut app = host.app();
    keys(&mut app, [Key::Char('p')]);
    let before = screen(&app);
    assert!(before[0].contains("PAUSED"));
    host.gauges[0].add(9);
    app.on_snapshot(Duration::from_secs(2), host.registry.snapshot());
    app.on_event(Duration::from_secs(2), &raised(9));
    app.set_facts([("NEW".to_owned(), "fact".to_owned())]);
    assert_eq!(screen(&app), before);
    keys(&mut app, [Key::Char('p')]);
    row_of(&screen(&app), "    2.00 ▲ queue frames raised");
}

#[test]
fn a_silent_guest_is_named_until_it_is_back() {
    let mut app = Host::new().app();
    row_of(&screen(&app), "SILENT   nobody");
    for (at, back) in [(1, GuestChange::Recovered), (3, GuestChange::Ended)] {
        app.on_event(Duration::from_secs(at), &silent(GuestChange::Silent));
        row_of(&screen(&app), "SILENT   1: hog (run-4)");
        app.on_event(Duration::from_secs(at + 1), &silent(back));
        row_of(&screen(&app), "SILENT   nobody");
    }
}

#[test]
fn the_newest_events_are_those_that_fit() {
    let mut app = Host::new().app();
    (0..3_000).for_each(|at| app.on_event(Duration::from_secs(at), &raised(9)));
    let screen = screen(&app);
    let first = row_of(&screen, "EVENTS") + 1;
    let times = screen[first..23].iter().map(|row| row[..8].trim().to_owned());
    let expected = (3_000 - (23 - first)..3_000).map(|at| format!("{at}.00"));
    assert!(times.eq(expected), "{screen:#?}");
}

/// REG-12: names, scopes, principals and details of others.
#[test]
fn reg_12_hostile_names_stay_on_their_line_and_steer_nothing() {
    let registry = Registry::new();
    let hostile = "a\u{1b}[2J\u{1b}]0;x\u{7}\nb\u{202e}c\u{200d}d\u{9b}31m";
    let huge = "W".repeat(1 << 20);
    let marks = Watermarks::percent(10, 80, 50);
    let named = registry.gauge(Limit::queue("frames").scope("a\u{202e}b\u{200d}c"), marks);
    let ledger = registry.peak_ledger(Limit::memory("bytes"), 64).expect("a ledger");
    let principal = ledger.principal("a\u{202e}b").map(|mut it| it.record(5));
    let mut app = App::new(hostile);
    app.set_status(hostile);
    app.set_facts([(hostile.to_owned(), hostile.to_owned())]);
    app.on_snapshot(Duration::ZERO, registry.snapshot());
    let silence = Silence::new(hostile, huge, Duration::from_secs(1), Duration::from_secs(2));
    let event = GuestEvent::new(Limit::queue("keepalive"), GuestChange::Silent, silence);
    app.on_event(Duration::ZERO, &event.into());
    for (columns, rows) in [(80, 24), (400, 60), (3, 3)] {
        let buffer = draw(&app, columns, rows);
        for cell in buffer.content() {
            let steers = |c: char| c.is_control() || "\u{202e}\u{200d}".contains(c);
            assert!(!cell.symbol().chars().any(steers), "{:?}", cell.symbol());
        }
    }
    let wide = rows(&draw(&app, 400, 60));
    row_of(&wide, "frames[a\\u{202e}b\\u{200d}c]");
    row_of(&wide, "MOST     bytes: a\\u{202e}b 5 B 100 %");
    assert!(named.is_ok() && principal.is_ok(), "the registry takes them");
}

#[test]
fn events_of_a_registry_come_in_as_they_are() {
    let registry = Registry::new();
    let app = Arc::new(Mutex::new(App::new("live")));
    let sink = app.clone();
    let _subscription = registry.subscribe(move |event| {
        sink.lock().expect("the view").on_event(Duration::from_secs(1), event);
    });
    let gauge = registry.gauge("frames", Watermarks::percent(10, 80, 50)).expect("a gauge");
    gauge.add(9);
    gauge.sub(9);
    let screen = screen(&app.lock().expect("the view"));
    row_of(&screen, "▲ queue frames raised to elevated: 9 of 10");
    row_of(&screen, "▼ queue frames cleared to normal");
}
