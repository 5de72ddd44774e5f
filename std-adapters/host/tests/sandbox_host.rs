//! The program `sandbox_host`, run as a user runs it, and the unit tests of its pure parts.

#![forbid(unsafe_code)]

#[path = "../src/args.rs"]
mod args;
#[path = "../src/tenants/latency.rs"]
mod latency;
#[path = "../src/plain.rs"]
mod plain;
#[path = "../src/silences.rs"]
mod silences;
#[path = "sandbox_host/tenants.rs"]
mod tenants;
#[path = "../src/view/mod.rs"]
mod view;

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
    host().args(args).output().expect("the example starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is UTF-8")
}

/// The snapshot's entry for a limit, and for a principal's share of it where it has one.
fn entry<'a>(json: &'a Value, name: &str, instance: Option<&str>) -> &'a Value {
    let entries = json["entries"].as_array().expect("a list of entries");
    entries
        .iter()
        .find(|entry| entry["name"] == name && entry["instance"].as_str() == instance)
        .unwrap_or_else(|| panic!("{name} of {instance:?} is not in the snapshot"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no natural number"))
}

/// Everything that the run did, read off its JSON: this is also what a program may rely on.
#[test]
fn the_json_tells_what_happened() {
    let output = run(&["--seconds", "4", "--json"]);
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
    // Back-pressure reached from the sink all the way back to the burst.
    let full = |name, instance| {
        let entry = entry(&json, name, instance);
        assert_eq!(entry["high_water"], entry["capacity"], "{entry}");
    };
    full("sidecar_stdout_frames", Some("burst"));
    full("v8_session_frames", None);
    full("completed_sidecar_responses", None);
    let steady = entry(&json, "sidecar_stdout_frames", Some("steady"));
    assert!(number(&steady["high_water"]) < 13, "the burst took nothing from others: {steady}");

    let processes = entry(&json, "vm_processes", None);
    assert!(number(&processes["high_water"]) >= 5, "{processes}");

    let host = &json["host"];
    let events = &host["events"];
    let kinds = ["raised", "cleared", "sustained", "exhausted", "late", "silent", "recovered"];
    let counted: u64 = kinds.iter().map(|kind| number(&events[kind])).sum();
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
        assert_eq!(number(&principal["traps"]) > 0, name == "spin", "{principal}");
        assert_eq!(number(&principal["refusals"]) > 0, name == "hog", "{principal}");
    }
}

/// LEDGER-2, LEDGER-6: the largest users are those whose gauges say so.
fn ledgers_name_the_largest(json: &Value) {
    let [memory, fuel, tenant_fuel] = json["ledgers"].as_array().expect("a list").as_slice() else {
        panic!("three ledgers: {json:#}");
    };
    let names = ["guest_memory_bytes", "guest_fuel_ms", "tenant_fuel"];
    for (ledger, name) in [memory, fuel, tenant_fuel].into_iter().zip(names) {
        assert_eq!((&ledger["name"], &ledger["turned_away"]), (&name.into(), &0.into()));
        let users = ledger["users"].as_array().expect("a list of users");
        assert_eq!(number(&ledger["certified"]), users.len() as u64, "{ledger}");
        let values: Vec<u64> = users.iter().map(|user| number(&user["value"])).collect();
        assert!(values.is_sorted_by(|one, next| one >= next), "{ledger}");
        let (listed, total) = (values.iter().sum::<u64>(), number(&ledger["total"]));
        assert!(listed == total || values.len() == 10 && listed < total, "{ledger}");
    }
    let mut streaming = Vec::new();
    for user in memory["users"].as_array().expect("a list of users") {
        let name = user["principal"].as_str().expect("a name");
        if ["hog", "burst"].contains(&name) {
            let gauge = entry(json, "wasm_memory_bytes", Some(name));
            assert_eq!(user["value"], gauge["high_water"], "{user}");
            streaming.push(name);
        }
    }
    assert_eq!(streaming, ["hog", "burst"], "{memory}");
    assert_eq!(memory["users"][1]["principal"], "hoarder", "METER-2: {memory}");
    assert_eq!(memory["users"][1]["value"], json["host"]["tenants"]["quota_bytes"], "METER-1");
    assert_eq!(tenant_fuel["users"][0]["principal"], "looper", "METER-4: {tenant_fuel}");
    assert_eq!(fuel["users"][0]["principal"], "spin", "{fuel}");
    assert!(number(&fuel["users"][0]["value"]) >= 800, "a whole turn: {fuel}");
}

/// LIVE-3, LIVE-4: within these four seconds `hog` is silent once and recovers, and each run of
/// `spin` is silent once, until it is stopped.
fn silences_are_told_once(principal: &Value) {
    let keepalive = &principal["keepalive"];
    let facts = ["silent", "recovered"].map(|fact| number(&keepalive[fact]));
    match principal["name"].as_str().expect("a name") {
        "hog" => assert_eq!(facts, [1, 1], "{principal}"),
        "spin" => {
            let traps = number(&principal["traps"]);
            assert!(facts[0] == traps || facts[0] == traps + 1, "one run may go on: {principal}");
            assert_eq!(facts[1], 0, "{principal}");
        }
        _ => assert_eq!(facts, [0, 0], "LIVE-2: {principal}"),
    }
    let longest = number(&keepalive["longest_silence_ms"]);
    assert_eq!(longest >= number(&keepalive["window_ms"]), facts[0] > 0, "{principal}");
}

#[test]
fn without_a_terminal_it_prints_plain_lines() {
    let output = run(&["--seconds", "4"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert!(!lines.contains('\u{1b}'), "no escape sequence where nobody can show it");
    for part in ["raised", "cleared", "exhausted", "status", "ended by the clock", "sink"] {
        assert!(lines.contains(part), "'{part}' is missing in:\n{lines}");
    }
    let told = |kind: &str, guest: &str| {
        let of =
            |line: &&str| line.contains(kind) && line.contains(guest) && line.ends_with("run-1");
        lines.lines().filter(of).count()
    };
    assert_eq!(told("■ silent", "[hog]"), 1, "LIVE-3: {lines}");
    assert_eq!(told("▼ recovered", "[hog]"), 1, "LIVE-4: {lines}");
    assert_eq!(told("■ silent", "[spin]"), 1, "LIVE-3: {lines}");
    assert_eq!(told("▼ recovered", "[spin]"), 0, "{lines}");
    for part in [
        "\nMOST MEMORY: 10 of 10 certain",
        "calls/s",
        "\n24 well-behaved: ",
        " 0 failed, 0 leaks found\n",
        "\nhoarder: refused to grow beyond 4 MiB ",
        "\nlooper: stopped ",
        "most memory hog",
        "\nhog      fell silent once, for",
        "\nspin     fell silent",
        "never silent: steady",
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
    assert_eq!(text(&output.stdout), args::USAGE);
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_a_polite_kill_end_it_in_order() {
    for signal in ["-INT", "-TERM"] {
        let mut child = host()
            .args(["--seconds", "60"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut output = String::new();
        while !output.contains("raised") {
            let read = lines.read_line(&mut output).expect("its output");
            assert!(read > 0, "it ended before anything was raised:\n{output}");
        }
        let id = child.id().to_string();
        let killed = Command::new("kill").args([signal, &id]).status().expect("kill");
        assert!(killed.success());
        let asked = Instant::now();
        // It may fill the pipe while it ends.
        let rest = thread::spawn(move || {
            lines.read_to_string(&mut output).expect("its output");
            output
        });
        let status = ended_within(&mut child, Duration::from_secs(2));
        assert!(status.success(), "{signal}: {status}");
        let output = rest.join().expect("the reader");
        assert!(output.contains("ended by a signal"), "{signal} after {:?}", asked.elapsed());
    }
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
