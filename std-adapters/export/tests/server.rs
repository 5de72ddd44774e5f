//! Debian's `prometheus` scrapes for real, and its `promtool` checks what we write.
#![cfg(feature = "text")]
#![forbid(unsafe_code)]

mod common;
#[path = "common/http.rs"]
mod http;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::{everything, series};
use http::serve;
use plimsoll_export::{Exporter, Format};
use serde_json::Value;

/// A program of the Debian package `prometheus`. These tests fail without it.
fn program(name: &str) -> Command {
    let mut probe = Command::new(name);
    let probe = probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = probe.is_ok_and(|status| status.success());
    assert!(is_there, "`{name}` is missing: `.ci/system-packages` installs the package prometheus");
    Command::new(name)
}

/// Runs it with this input.
fn fed(mut command: Command, input: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The body of what a server answers to `GET`; `None` if nobody answers.
fn get(address: SocketAddr, path: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    // HTTP/1.0: the answer ends with the connection, and is not chunked.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let head = answer.windows(4).position(|it| it == b"\r\n\r\n")?;
    Some(answer.split_off(head + 4))
}

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(output.status.success(), "{command:?}: {}", text.concat());
    text.concat()
}

#[test]
fn promtool_finds_nothing_to_say_of_our_text() {
    let all = everything();
    let text = Exporter::new(&all.registry).top_principals(true).scrape().text(Format::Prometheus);
    let check = |text: &str| {
        let mut promtool = program("promtool");
        promtool.args(["check", "metrics"]);
        fed(promtool, text)
    };
    let output = check(&text);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    // It does look.
    let twice = check(&format!("{text}# HELP plimsoll_queue_size Again.\n"));
    assert!(!twice.status.success());
}

#[test]
fn promtool_accepts_the_alerts_and_each_fires_when_it_should() {
    let rules = package("alerts/plimsoll.yml");
    assert!(
        said(program("promtool").args(["check", "rules"]).arg(rules)).contains("5 rules found")
    );
    let tests = package("alerts/plimsoll.test.yml");
    assert!(said(program("promtool").args(["test", "rules"]).arg(tests)).contains("SUCCESS"));
}

/// A server that scrapes each second, and asks for its answers.
struct Prometheus {
    address: SocketAddr,
    folder: PathBuf,
    log: PathBuf,
    _running: Running,
}

impl Prometheus {
    fn start(name: &str, target: SocketAddr) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [{:?}]\n\
             scrape_configs: [{{job_name: host, static_configs: [{{targets: ['{target}']}}]}}]\n",
            package("alerts/plimsoll.yml")
        );
        let file = folder.join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let log = folder.join("log");
        let mut command = program("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap());
        let _running = Running(command.spawn().unwrap());
        Self { address, folder, log, _running }
    }

    /// The answer of its API; `None` while it is not up.
    fn api(&self, path: &str) -> Option<Value> {
        let answer: Value = serde_json::from_slice(&get(self.address, path)?).ok()?;
        Some(answer)
    }

    fn query(&self, query: &str) -> Option<Value> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        self.api(&format!("/api/v1/query?query={escaped}"))
    }

    /// The samples of an instant vector: their labels and numbers.
    fn vector(&self, query: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let answer = self.query(query).unwrap_or_default();
        let samples = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let sample = |sample: Value| {
            let labels = serde_json::from_value(sample["metric"].clone()).unwrap();
            (labels, sample["value"][1].as_str().unwrap().parse().unwrap())
        };
        samples.into_iter().map(sample).collect()
    }

    /// Waits until the query has an answer.
    fn until(&self, query: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let began = Instant::now();
        loop {
            let samples = self.vector(query);
            if !samples.is_empty() {
                return samples;
            }
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(90), "no answer to {query}: {}", log());
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.folder.join("data"));
    }
}

/// A target in the format that the server asks for, or in plain text; which one it was told.
fn target(exporter: Exporter, is_negotiated: bool) -> (SocketAddr, Arc<Mutex<Vec<Format>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let formats = told.clone();
    let address = serve(move |request| {
        let accept = request.header("accept").filter(|_| is_negotiated).unwrap_or_default();
        let format = Format::negotiate(accept);
        told.lock().unwrap().push(format);
        (format.content_type().to_owned(), exporter.scrape().text(format).into_bytes())
    });
    (address, formats)
}

#[test]
fn see_2_a_server_gets_every_series_in_both_formats() {
    for (name, format) in [("open-metrics", Format::OpenMetrics), ("plain", Format::Prometheus)] {
        let all = everything();
        let exporter = Exporter::new(&all.registry).top_principals(true);
        let (address, formats) = target(exporter.clone(), format == Format::OpenMetrics);
        let server = Prometheus::start(name, address);
        server.until("up == 1");
        let ours = series(&exporter.scrape().text(format));

        // As many as were written have come, and have become series of their own.
        assert_eq!(server.until("scrape_samples_scraped")[0].1, ours.len() as f64, "{name}");
        let stored = server.vector("count({__name__=~\"plimsoll_.*\"})");
        assert_eq!(stored[0].1, ours.len() as f64, "{name}");
        assert!(formats.lock().unwrap().iter().all(|it| *it == format), "{name}");

        // Labels come back as they were.
        let size = server.vector("plimsoll_queue_size == 10");
        assert_eq!(size[0].0["scope"], common::HOSTILE);
        let numbers: Vec<_> = server
            .vector("sort(plimsoll_queue_size{limit=\"stdout_frames\",scope=\"\"})")
            .into_iter()
            .map(|(labels, number)| (labels.get("n").cloned(), number))
            .collect();
        assert_eq!(numbers, [(Some("2".to_owned()), 3.0), (None, 85.0)]);
        assert_eq!(
            server.vector("plimsoll_limit_usage_seconds{limit=\"v8_cpu_time_ms\"}")[0].1,
            1.25
        );
        let top = "plimsoll_ledger_top_bytes * on(limit, rank) group_left(principal) \
                   plimsoll_ledger_top_info{rank=\"2\"}";
        let (labels, bytes) = server.vector(top).remove(0);
        assert_eq!((&*labels["principal"], bytes), ("guest-11", 12_000.0));
    }
}

#[test]
fn a_server_loads_the_alerts_and_answers_every_query_of_the_dashboard() {
    let all = everything();
    let (address, _) = target(Exporter::new(&all.registry), true);
    let server = Prometheus::start("dashboard", address);
    server.until("up == 1");
    let rules = server.api("/api/v1/rules").unwrap();
    assert_eq!(rules["data"]["groups"][0]["rules"].as_array().map(Vec::len), Some(5), "{rules}");

    let dashboard = fs::read_to_string(package("dashboards/plimsoll.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut queries = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let query = query.replace("$__rate_interval", "1m").replace("$__range", "30m");
            let query = query.replace("$job", ".*").replace("$host", ".*");
            assert!(!query.contains('$'), "{query}");
            let answer = server.query(&query).unwrap();
            assert_eq!(answer["status"], "success", "{query}: {answer}");
            queries += 1;
        }
    }
    assert!(queries > 15, "{queries}");
    // Those of the moment have data: nothing was asked for by a wrong label.
    for query in ["plimsoll_limit_level > 0", "plimsoll_pool_instances{state=\"used\"} == 1"] {
        assert!(!server.vector(query).is_empty(), "{query}");
    }
}
