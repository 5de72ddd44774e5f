//! The program `plimsoll`, run against a real status page, and against servers that are none.

#![forbid(unsafe_code)]
#![cfg(feature = "cli")]

#[cfg(target_os = "linux")]
mod terminal;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::{Limit, Registry, TrackedGauge, Watermarks};
use plimsoll_status::{Status, StatusThread};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.stdin(Stdio::null()).env_remove("PLIMSOLL_TOKEN");
    command
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is UTF-8")
}

fn host() -> (Registry, TrackedGauge, StatusThread) {
    let registry = Registry::new();
    let limit = Limit::queue("stdout_frames").scope("guest-7");
    let gauge = registry.gauge(limit, Watermarks::percent(10, 80, 50)).expect("a gauge");
    let serving = Status::new(&registry).spawn("127.0.0.1:0").expect("a page");
    (registry, gauge, serving)
}

/// A server that answers each connection with these bytes and closes it; without any, it never answers.
fn fake(answer: Option<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4_096]);
            match &answer {
                Some(answer) => drop(stream.write_all(answer)),
                None => held.push(stream),
            }
        }
    });
    address
}

fn response(kind: &str, body: &str) -> Option<Vec<u8>> {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type:";
    Some(format!("{head} {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// The lines of a stream as they come.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The first line that has all of these parts, within ten seconds.
fn line_with(lines: &Receiver<String>, parts: &[&str]) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if parts.iter().all(|part| line.contains(part)) {
            return line;
        }
        seen.push(line);
    }
    panic!("no line has {parts:?}: {seen:#?}");
}

/// Ends the program when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(args: &[&str]) -> (Running, Receiver<String>, Receiver<String>) {
    let mut command = program();
    let mut child = command
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let out = lines_of(child.stdout.take().expect("its output"));
    let errors = lines_of(child.stderr.take().expect("its errors"));
    (Running(child), out, errors)
}

#[test]
fn once_prints_a_table_or_the_json_as_it_was_sent() {
    let (_registry, gauge, serving) = host();
    gauge.add(9);
    let url = format!("http://{}/", serving.local_addr());
    let output = run(&["top", &url, "--once"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let row = text(&output.stdout).lines().find(|line| line.starts_with("stdout_frames[guest-7]"));
    assert!(row.is_some_and(|row| row.contains("elevated")), "{}", text(&output.stdout));
    let output = run(&["top", &url, "--once", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["version"], &json["entries"][0]["depth"]), (&1.into(), &9.into()));
}

#[test]
fn events_are_printed_as_they_come_and_a_host_that_was_away_is_found_again() {
    let (registry, gauge, serving) = host();
    let address = serving.local_addr();
    let (_program, lines, states) = start(&["events", &address.to_string()]);
    line_with(&states, &["connected"]);
    gauge.add(9);
    let line = line_with(&lines, &["Z ▲ queue stdout_frames[guest-7] raised to elevated: 9 of 10"]);
    let time = line.split_once('Z').expect("a time").0;
    assert!(
        time.len() == 12 && time.bytes().all(|byte| byte.is_ascii_digit() || b":.".contains(&byte)),
        "{line}"
    );
    drop(serving);
    line_with(&states, &["again in"]);
    gauge.sub(9);
    let _serving = Status::new(&registry).spawn(address).expect("the port is free again");
    line_with(&states, &["connected"]);
    gauge.add(10);
    line_with(&lines, &["raised to elevated: 10 of 10"]);
}

#[test]
fn events_as_json_are_one_object_a_line() {
    let (_registry, gauge, serving) = host();
    let (_program, lines, states) = start(&["events", "--json", &serving.local_addr().to_string()]);
    line_with(&states, &["connected"]);
    gauge.add(9);
    let line = line_with(&lines, &["raised"]);
    let json: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&json["event"]["kind"], &json["event"]["depth"]), (&"raised".into(), &9.into()));
}

#[test]
fn a_page_with_a_token_is_read_with_it() {
    let registry = Registry::new();
    let status = Status::builder(&registry).token("0123456789abcdef0123456789abcdef");
    let serving = status.build().expect("a status").spawn("127.0.0.1:0").expect("a page");
    let address = serving.local_addr().to_string();
    let output = run(&["top", &address, "--once"]);
    assert!(text(&output.stderr).contains("asks for a token"), "{}", text(&output.stderr));
    let output = run(&["top", &address, "--once", "--token", "another"]);
    assert!(text(&output.stderr).contains("not accept this token"), "{}", text(&output.stderr));
    let token = "0123456789abcdef0123456789abcdef";
    assert!(run(&["top", &address, "--once", "--token", token]).status.success());
    let mut command = program();
    command.args(["top", &address, "--once"]).env("PLIMSOLL_TOKEN", token);
    assert!(command.output().expect("it starts").status.success());
}

/// Bad addresses, hosts that are not there, and servers that are no status page: a clear error in time.
#[test]
fn what_cannot_be_read_is_named_and_nothing_hangs() {
    let registry = Registry::new();
    let snapshot = serde_json::to_string(&registry.snapshot()).expect("JSON");
    let later = snapshot.replacen(r#""version":1"#, r#""version":2"#, 1);
    assert_ne!(later, snapshot);
    let json = |body: &str| fake(response("application/json", body)).to_string();
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let refusal = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{";
    for (address, named) in [
        ("https://127.0.0.1:1".to_owned(), "only http://"),
        ("http://".to_owned(), "no address"),
        ("not an address".to_owned(), "no address"),
        ("http://no-such-host.invalid/".to_owned(), "no-such-host.invalid"),
        (gone.to_string(), "refused"),
        (json(&later), "version 2, and this program reads 1"),
        (json(r#"{"version":1,"entries":"many"}"#), "no snapshot"),
        (json("]garbage\u{1b}[2J"), "no snapshot"),
        (fake(response("text/html", "<html>")).to_string(), "it sends text/html"),
        (fake(Some(b"SSH-2.0-OpenSSH\r\n".to_vec())).to_string(), "no proper HTTP"),
        (fake(Some(refusal.into())).to_string(), "no status page at this address"),
        (fake(Some(cut.into())).to_string(), "no proper HTTP"),
        (fake(Some(Vec::new())).to_string(), "no proper HTTP"),
        (fake(None).to_string(), "takes too long"),
    ] {
        let asked = Instant::now();
        let output = run(&["top", &address, "--once"]);
        assert_eq!(output.status.code(), Some(1), "{address}");
        let error = text(&output.stderr);
        assert!(error.contains(named) && error.lines().count() == 1, "{address}: {error}");
        assert!(!error.contains('\u{1b}') && output.stdout.is_empty(), "{address}: {error}");
        assert!(asked.elapsed() < Duration::from_secs(30), "{address}");
    }
}

#[test]
fn a_stream_that_is_none_ends_and_one_that_breaks_is_asked_again() {
    let bad = "event: snapshot\ndata: {\"version\":7}\n\n";
    let output = run(&["events", &fake(response("text/event-stream", bad)).to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("version 7"), "{}", text(&output.stderr));
    let html = fake(response("text/html", "<html>")).to_string();
    assert!(text(&run(&["events", &html]).stderr).contains("it sends text/html"));
    let ends = fake(response("text/event-stream", "event: new\ndata: x\n\n")).to_string();
    let (_program, _lines, states) = start(&["events", &ends]);
    line_with(&states, &["the stream has ended; again in 0.5 s"]);
    line_with(&states, &["the stream has ended; again in"]);
}

/// REG-12: names that another program sends.
#[test]
fn reg_12_names_of_a_host_cannot_steer_the_terminal() {
    let (registry, _gauge, _serving) = host();
    // One of them: the history of the page looks at any time, and adds lines.
    let taken = registry.snapshot();
    let snapshot = serde_json::to_string(&taken).expect("JSON");
    let hostile = snapshot.replace("guest-7", r"<b>\u001b[2J\n\u202e");
    assert_ne!(hostile, snapshot);
    let address = fake(response("application/json", &hostile)).to_string();
    let output = run(&["top", &address, "--once"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(table.contains(r"stdout_frames[<b>\u{1b}[2J\n\u{202e}]"), "{table}");
    let lines = taken.to_string().lines().count();
    assert_eq!((table.contains('\u{1b}'), table.lines().count()), (false, lines), "{table}");
}

#[test]
fn without_a_terminal_top_says_what_else_there_is() {
    let output = run(&["top", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--once prints a table"), "{}", text(&output.stderr));
}

/// On a pseudo-terminal that `script` makes.
#[cfg(target_os = "linux")]
#[test]
fn top_shows_a_running_host_until_q() {
    let (_registry, gauge, serving) = host();
    gauge.add(9);
    let (program, address) = (env!("CARGO_BIN_EXE_plimsoll"), serving.local_addr());
    let command = format!("'{program}' top {address}");
    let parts = ["PLIMSOLL", "connected", "stdout_frames[guest-7]", "elevated"];
    let (output, _) = terminal::run(&command, &parts, b"q");
    assert!(output.contains("\u{1b}[?1049l"), "the terminal is not given back:\n{output}");
}

/// REG-12: what is wrong with a snapshot can be named by the host's own text.
#[test]
fn reg_12_what_a_host_sends_wrong_cannot_steer_the_terminal_and_is_told_in_short() {
    let (registry, _gauge, _serving) = host();
    let snapshot = serde_json::to_string(&registry.snapshot()).expect("JSON");
    let long = r"\u001b]0;x\u0007\n\u009b2J".to_owned() + &"x".repeat(1 << 20);
    let hostile = snapshot.replace(r#""queue""#, &format!("\"{long}\""));
    assert_ne!(hostile, snapshot);
    let once = fake(response("application/json", &hostile)).to_string();
    let stream = format!("event: snapshot\ndata: {hostile}\n\n");
    let stream = fake(response("text/event-stream", &stream)).to_string();
    for args in [&["top", &once, "--once"][..], &["events", &stream]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        let last = error.lines().last().expect("an error");
        assert!(last.contains(r"\u{1b}]0;x") && last.len() < 2_000, "{} bytes", last.len());
        assert!(!error.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{args:?}");
        assert!(error.lines().count() <= 3, "{args:?}");
    }
}

#[test]
fn an_id_that_cannot_be_sent_back_is_not() {
    for id in ["\u{e9}".to_owned(), "\u{1}".to_owned(), "x".repeat(1 << 20)] {
        let stream = format!("id: {id}\nevent: new\ndata: x\n\n");
        let ends = fake(response("text/event-stream", &stream)).to_string();
        let (_program, _lines, states) = start(&["events", &ends]);
        line_with(&states, &["the stream has ended; again in 0.5 s"]);
        line_with(&states, &["the stream has ended; again in"]);
    }
}
