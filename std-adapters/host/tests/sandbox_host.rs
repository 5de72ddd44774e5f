//! The program `sandbox_host`, run as a user runs it.

#![forbid(unsafe_code)]

#[cfg(all(unix, feature = "listen"))]
#[path = "sandbox_host/listen.rs"]
mod listen;
#[cfg(target_os = "linux")]
#[path = "sandbox_host/live_view.rs"]
mod live_view;
#[cfg(all(unix, feature = "nats"))]
#[path = "sandbox_host/nats.rs"]
mod nats;
#[cfg(all(unix, feature = "nats"))]
#[path = "../../fleet/tests/nats/mod.rs"]
#[allow(dead_code, reason = "the tests of the publisher kill and pause it")]
mod nats_server;
#[path = "sandbox_host/tenants.rs"]
mod tenants;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

fn host() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox_host"));
    command.stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    host().args(args).output().expect("the host starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is UTF-8")
}

/// The snapshot's entry for a limit, and for a principal's share of it where it has one.
fn entry<'a>(json: &'a Value, name: &str, scope: Option<&str>) -> &'a Value {
    let entries = json["entries"].as_array().expect("a list of entries");
    entries
        .iter()
        .find(|entry| entry["name"] == name && entry["scope"].as_str() == scope)
        .unwrap_or_else(|| panic!("{name} of {scope:?} is not in the snapshot"))
}

fn pool<'a>(json: &'a Value, name: &str) -> &'a Value {
    let pools = json["pools"].as_array().expect("a list of pools");
    assert_eq!(pools.len(), 2, "{json:#}");
    pools.iter().find(|pool| pool["name"] == name).expect("the pool is in the snapshot")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no natural number"))
}

/// Everything that the run did, read off its JSON: this is also what a program may rely on.
#[test]
fn the_json_tells_what_happened() {
    let output = run(&["--seconds", "8", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");

    for entry in json["entries"].as_array().expect("a list of entries") {
        // A time, which is what a busy machine makes it.
        if entry["name"] == "guest_keepalive_lag_ms" {
            continue;
        }
        assert!(number(&entry["high_water"]) >= number(&entry["depth"]), "{entry}");
        assert_eq!(number(&entry["depth"]), 0, "GAUGE-1: all is over, nothing is left: {entry}");
        assert_eq!(number(&entry["waiting"]), 0, "{entry}");
        assert_eq!(entry["level"], "normal", "GAUGE-4: {entry}");
    }
    for name in ["steady", "burst", "hog", "spin"] {
        let stream = entry(&json, "sidecar_stdout_frames", Some(name));
        assert!(number(&stream["high_water"]) >= 1, "{stream}");
    }
    for name in ["steady", "burst", "hog", "spin", "sink"] {
        let memory = entry(&json, "wasm_memory_bytes", Some(name));
        assert!(number(&memory["high_water"]) >= 65_536, "each guest has a page: {memory}");
        entry(&json, "wasm_fuel_ms", Some(name));
    }
    let turn = entry(&json, "wasm_fuel_ms", Some("spin"));
    assert!(number(&turn["high_water"]) >= 400, "its last turn never ends by itself: {turn}");
    // Back-pressure reached from the sink all the way back to the burst.
    let full = |name, scope| {
        let entry = entry(&json, name, scope);
        assert_eq!(entry["high_water"], entry["capacity"], "{entry}");
    };
    full("sidecar_stdout_frames", Some("burst"));
    full("v8_session_frames", None);
    full("completed_sidecar_responses", None);
    // The hoarder met the budget of all tenants, and took nothing from those that stream.
    full("tenant_memory_bytes", None);
    let host = entry(&json, "host_memory_bytes", None);
    assert!(number(&host["high_water"]) > 16 << 20, "BUDGET-1: {host}");
    let steady = entry(&json, "sidecar_stdout_frames", Some("steady"));
    assert!(number(&steady["high_water"]) < 13, "the burst took nothing from others: {steady}");

    let host = &json["host"];
    every_guest_ran_on_the_pool(&json);
    let events = &host["events"];
    let counted: u64 = events.as_object().expect("kinds").values().map(number).sum();
    assert_eq!(number(&json["events"]["delivered"]), counted, "REG-4: {json:#}");
    assert_eq!(json["events"]["dropped"], 0, "REG-4");
    assert_eq!(json["events"]["panicked"], 0, "REG-3");
    for kind in ["raised", "cleared", "exhausted"] {
        assert!(number(&events[kind]) >= 1, "{events}");
    }
    assert_eq!(host["ended_by"], "the clock");
    assert!(number(&host["frames_sent"]) > 100, "{host}");
    assert_eq!(host["frames_sent"], host["frames_delivered"], "no frame is lost: {host}");
    let watched = entry(&json, "guest_keepalive", None);
    assert!(number(&watched["high_water"]) >= 5, "each run is watched: {watched}");
    let silent = entry(&json, "guest_keepalive_silent", None);
    assert!((1..=2).contains(&number(&silent["high_water"])), "{silent}");
    ledgers_name_the_largest(&json);
    for principal in host["principals"].as_array().expect("a list of principals") {
        assert_eq!(principal["state"], "ended", "{principal}");
        silences_are_told_once(principal);
        let name = principal["name"].as_str().expect("a name");
        assert_eq!(number(&principal["stops"]) > 0, name == "spin", "{principal}");
        assert_eq!(number(&principal["refusals"]) > 0, name == "hog", "{principal}");
    }
}

/// POOL-10: each run is a lease of an instance that nobody has used.
fn every_guest_ran_on_the_pool(json: &Value) {
    let pool = pool(json, "vm_processes");
    for state in ["leased", "idle", "building", "condemned", "waiting"] {
        assert_eq!(pool[state], 0, "all is over, nothing is left: {pool}");
    }
    let principals = json["host"]["principals"].as_array().expect("a list of principals");
    let sum = |what: &str| principals.iter().map(|it| number(&it[what])).sum::<u64>();
    let discards = pool["discards"].as_object().expect("reasons");
    // Runs that the stop has ended are dropped; those that were never lent are closed.
    let lent = ["single_use", "dropped", "faulted"].map(|reason| number(&discards[reason]));
    assert_eq!(lent.iter().sum::<u64>(), sum("runs"), "{pool}");
    assert_eq!(number(&discards["faulted"]), sum("stops"), "POOL-3: {pool}");
    let leased = entry(json, "vm_processes", None);
    assert!((5..=16).contains(&number(&leased["high_water"])), "{leased}");
}

/// LEDGER-2, LEDGER-6: the largest users are those whose gauges say so.
fn ledgers_name_the_largest(json: &Value) {
    let [memory, fuel] = json["ledgers"].as_array().expect("a list").as_slice() else {
        panic!("two ledgers: {json:#}");
    };
    for (ledger, name) in [memory, fuel].into_iter().zip(["guest_memory_bytes", "guest_fuel"]) {
        assert_eq!((&ledger["name"], &ledger["turned_away"]), (&name.into(), &0.into()));
        let users = ledger["users"].as_array().expect("a list of users");
        assert_eq!(number(&ledger["certified"]), users.len() as u64, "{ledger}");
        let values: Vec<u64> = users.iter().map(|user| number(&user["value"])).collect();
        assert!(values.is_sorted_by(|one, next| one >= next), "{ledger}");
        let (listed, total) = (values.iter().sum::<u64>(), number(&ledger["total"]));
        assert!(listed == total || values.len() == 10 && listed < total, "{ledger}");
    }
    let [hog, hoarder] = [&memory["users"][0], &memory["users"][1]];
    let gauge = entry(json, "wasm_memory_bytes", Some("hog"));
    assert_eq!((&hog["principal"], &hog["value"]), (&"hog".into(), &gauge["high_water"]));
    assert_eq!(gauge["high_water"], gauge["capacity"], "METER-1: {gauge}");
    assert_eq!(hoarder["principal"], "hoarder", "METER-2: {memory}");
    let tenants = entry(json, "tenant_memory_bytes", None);
    let others = 7 << 16;
    assert_eq!(number(&hoarder["value"]), number(&tenants["capacity"]) - others, "BUDGET-2");
    let mut most_fuel = [0, 1].map(|at| fuel["users"][at]["principal"].as_str().expect("a name"));
    most_fuel.sort_unstable();
    assert_eq!(most_fuel, ["looper", "spin"], "METER-4: {fuel}");
}

/// LIVE-3, LIVE-4: each run of `hog` is silent once and recovers, and each run of `spin` is silent
/// once, until it is stopped. The last run of each may go on.
fn silences_are_told_once(principal: &Value) {
    let keepalive = &principal["keepalive"];
    let facts = ["silent", "recovered"].map(|fact| number(&keepalive[fact]));
    match principal["name"].as_str().expect("a name") {
        "hog" => {
            let runs = number(&principal["runs"]);
            assert!(facts[0] == runs || facts[0] + 1 == runs, "{principal}");
            assert!(facts[1] == facts[0] || facts[1] + 1 == facts[0], "{principal}");
            assert!(facts[1] >= 1, "{principal}");
        }
        "spin" => {
            let stops = number(&principal["stops"]);
            assert!(facts[0] == stops || facts[0] == stops + 1, "{principal}");
            assert_eq!(facts[1], 0, "{principal}");
        }
        _ => assert_eq!(facts, [0, 0], "LIVE-2: {principal}"),
    }
    let longest = number(&keepalive["longest_silence_ms"]);
    assert_eq!(longest >= number(&keepalive["window_ms"]), facts[0] > 0, "{principal}");
}

#[test]
fn without_a_terminal_it_prints_plain_lines() {
    let output = run(&["--seconds", "8"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert!(!lines.contains('\u{1b}'), "no escape sequence where nobody can show it");
    let told = |kind: &str, guest: &str| {
        let of =
            |line: &&str| line.contains(kind) && line.contains(guest) && line.contains("run-1");
        lines.lines().filter(of).count()
    };
    assert_eq!(told("■", "[hog] silent after"), 1, "LIVE-3: {lines}");
    assert_eq!(told("▼", "[hog] recovered after"), 1, "LIVE-4: {lines}");
    assert_eq!(told("■", "[spin] silent after"), 1, "LIVE-3: {lines}");
    assert_eq!(told("▼", "[spin] recovered after"), 0, "{lines}");
    for part in [
        " raised to elevated: ",
        " cleared to normal",
        "wasm_fuel_ms[spin] exhausted: ",
        "wasm_memory_bytes[hog] exhausted: 16777216 of 16777216, no more is granted",
        " - status queue v8_session_frames is elevated: ",
        "ended by the clock",
        "\nLIMIT ",
        "\nPOOL ",
        "\nLEDGER ",
        "\nTENANTS  24 well-behaved: ",
        " calls/s, p50 ",
        " ms, none failed\n",
        "\nUNRULY   hoarder refused ",
        "\nFRAMES   steady ",
        "\nSILENT   hog: ",
        "\nSILENT   spin: ",
        "never silent: steady, burst, sink",
    ] {
        assert!(lines.contains(part), "'{part}' is missing in:\n{lines}");
    }
}

#[test]
fn a_bad_argument_is_named_and_ends_with_2() {
    for (args, named) in [
        (&["--fast"][..], "--fast"),
        (&["--seconds", "soon"], "soon"),
        (&["--seconds", "0"], "'0'"),
        (&["--seconds", "-1"], "-1"),
        (&["--seconds", "nan"], "nan"),
        (&["--seconds", "1e9"], "up to 86400"),
        (&["--seconds"], "--seconds"),
        (&["--json", "15"], "15"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(named), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn help_is_no_error() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    for part in ["Runs WebAssembly guests", "--seconds <N>", "--json"] {
        assert!(text(&output.stdout).contains(part), "{}", text(&output.stdout));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_a_polite_kill_end_it_in_order() {
    for signal in ["-INT", "-TERM"] {
        let mut child = host()
            .args(["--seconds", "60"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut output = String::new();
        while !output.contains("raised") {
            let read = lines.read_line(&mut output).expect("its output");
            assert!(read > 0, "it ended before anything was raised:\n{output}");
        }
        send_signal(&child, signal);
        let asked = Instant::now();
        // It may fill the pipe while it ends.
        let rest = thread::spawn(move || {
            lines.read_to_string(&mut output).expect("its output");
            output
        });
        let status = ended_within(&mut child, Duration::from_secs(10));
        assert!(status.success(), "{signal}: {status}");
        let output = rest.join().expect("the reader");
        assert!(output.contains("ended by a signal"), "{signal} after {:?}", asked.elapsed());
    }
}

#[cfg(unix)]
fn send_signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
}

#[cfg(unix)]
fn ended_within(child: &mut Child, limit: Duration) -> ExitStatus {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("its status") {
            return status;
        }
        if Instant::now() > until {
            child.kill().expect("kill");
            panic!("it still ran after {limit:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}
