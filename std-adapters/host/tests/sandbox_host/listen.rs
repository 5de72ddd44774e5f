//! `--listen`: the status page, asked over loopback while the guests run.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{ended_within, entry, host, number, run, send_signal, text};

/// The body of a response that is `200 OK`.
fn get(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    let response = std::io::read_to_string(stream).expect("it answers");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    body.to_owned()
}

#[test]
fn see_5_metrics_and_json_are_served_and_agree_while_the_guests_run() {
    let mut command = host();
    command.args(["--json", "--seconds", "60", "--listen", "127.0.0.1:0"]).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the host starts");
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("its errors"));
    stderr.read_line(&mut line).expect("it says where");
    let addr = line.strip_prefix("status page: http://").and_then(|it| it.split('/').next());
    let addr = addr.expect("an address");
    assert_eq!(get(addr, "/healthz").trim_end(), "ok");
    // It is served before the guests are compiled.
    let series = r#"plimsoll_queue_sent_total{limit="v8_session_frames",category="queue"} "#;
    let until = Instant::now() + Duration::from_secs(50);
    let sent = loop {
        let metrics = get(addr, "/metrics");
        let value = metrics.lines().find_map(|line| line.strip_prefix(series));
        match value.map_or(0, |value| value.parse::<u64>().expect("a count")) {
            0 => assert!(Instant::now() < until, "no frame goes through: {metrics}"),
            sent => break sent,
        }
    };
    let json = serde_json::from_str(&get(addr, "/snapshot.json")).expect("JSON");
    let flow = &entry(&json, "v8_session_frames", None)["flow"];
    assert!(number(&flow["sent"]) >= sent, "{flow} after {sent}");
    send_signal(&child, "-TERM");
    assert!(ended_within(&mut child, Duration::from_secs(10)).success());
}

#[test]
fn see_4_an_address_that_cannot_be_served_ends_it_before_it_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("its address").to_string();
    for (addr, named) in [
        (taken.as_str(), "cannot listen on"),
        ("nonsense", "no address to listen on"),
        ("0.0.0.0:0", "can be reached from other machines"),
    ] {
        let output = run(&["--seconds", "60", "--listen", addr]);
        let error = text(&output.stderr);
        assert!(error.starts_with("sandbox_host: --listen: ") && error.contains(named), "{error}");
        assert!(output.stdout.is_empty() && output.status.code() == Some(1), "{addr}");
    }
}
