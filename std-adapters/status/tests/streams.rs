//! Streams of events, over sockets of the loopback interface.

use std::time::Duration;

use plimsoll::{Limit, Registry, Snapshot, Watermarks};
use plimsoll_status::{ServeError, Status, StatusBuilder, serve};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const LONG: Duration = Duration::from_secs(20);

/// A status that serves at a free port.
struct Serving {
    status: Status,
    addr: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
}

async fn start(builder: StatusBuilder) -> Serving {
    let status = builder.build().unwrap();
    let server = status.bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().to_string();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(server.run_until(async { _ = stopped.await }));
    Serving { status, addr, stop, server }
}

fn quick(registry: &Registry) -> StatusBuilder {
    Status::builder(registry).refresh(Duration::from_millis(100))
}

async fn request(addr: &str, path: &str, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// A reader of `/events`.
struct Reader(Lines<BufReader<TcpStream>>);

/// One event, as a browser takes it.
#[derive(Debug, Default)]
struct Message {
    name: String,
    id: Option<String>,
    data: Vec<String>,
}

impl Reader {
    async fn open(addr: &str, more: &str) -> Self {
        let mut lines = BufReader::new(request(addr, "/events", more).await).lines();
        let status = lines.next_line().await.unwrap().unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK");
        while !lines.next_line().await.unwrap().unwrap().is_empty() {}
        Self(lines)
    }

    /// The next event that has data.
    async fn next(&mut self) -> Option<Message> {
        let mut message = Message::default();
        // An end in the middle is that of a server that stops.
        while let Ok(Some(line)) = timeout(LONG, self.0.next_line()).await.expect("a line") {
            match line.split_once(": ") {
                Some(("event", name)) => message.name = name.into(),
                Some(("id", id)) => message.id = Some(id.into()),
                Some(("data", data)) => message.data.push(data.into()),
                // The length of a chunk, or the end of an event.
                _ if line.is_empty() && !message.data.is_empty() => return Some(message),
                _ => {}
            }
        }
        None
    }

    async fn next_named(&mut self, name: &str) -> Message {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if message.name == name {
                return message;
            }
        }
    }
}

impl Message {
    fn json(&self) -> Value {
        assert_eq!(self.data.len(), 1, "one line: {self:?}");
        serde_json::from_str(&self.data[0]).unwrap()
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_reader_gets_a_snapshot_at_once_and_at_each_refresh_and_events_between() {
    let registry = Registry::new();
    let limit = Limit::queue("frames").scope("a<b>&\"\u{202e}");
    let frames = registry.gauge(limit, Watermarks::percent(10, 80, 50)).unwrap();
    let serving = start(quick(&registry)).await;
    let mut reader = Reader::open(&serving.addr, "").await;
    let charts = reader.next().await.unwrap();
    assert_eq!((charts.name.as_str(), &charts.json()["bucket_ms"]), ("charts", &5_000.into()));
    let first = reader.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.json()), ("silent", Value::Array(vec![])));
    let snapshot = reader.next().await.unwrap();
    assert_eq!(snapshot.name, "snapshot");
    let read = Snapshot::read_from(snapshot.json()).unwrap();
    assert_eq!(read.entries()[0].depth, 0);
    frames.add(9);
    let event = reader.next_named("event").await;
    assert_eq!(event.json()["event"]["kind"], "raised");
    assert_eq!(event.json()["event"]["scope"], "a<b>&\"\u{202e}");
    let text = event.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("raised to elevated: 9 of 10") && !text.contains('\u{202e}'), "{text}");
    assert_eq!(reader.next().await.unwrap().json()["entries"][0]["depth"], 9);
}

#[tokio::test]
async fn who_opens_late_is_told_what_is_logged_and_who_comes_back_what_is_new() {
    let registry = Registry::new();
    let serving = start(quick(&registry).log_events(3)).await;
    for detail in ["a", "b", "c", "d"] {
        registry.warn_exhausted(Limit::memory("heap"), None, Some(9), detail).unwrap();
    }
    let mut reader = Reader::open(&serving.addr, "").await;
    let mut logged = Vec::new();
    for _ in 0..3 {
        logged.push(reader.next_named("event").await);
    }
    let details: Vec<_> =
        logged.iter().map(|event| event.json()["event"]["detail"].clone()).collect();
    assert_eq!(details, ["b", "c", "d"]);
    let last_id = logged[1].id.clone().unwrap();
    let mut reader = Reader::open(&serving.addr, &format!("Last-Event-ID: {last_id}\r\n")).await;
    assert_eq!(reader.next_named("event").await.json()["event"]["detail"], "d");
}

#[tokio::test]
async fn see_1_without_a_reader_no_snapshot_is_taken_and_with_many_one_per_refresh() {
    let registry = Registry::new();
    let reads = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = reads.clone();
    // Relaxed: a count.
    let order = std::sync::atomic::Ordering::Relaxed;
    let length = move || counted.fetch_add(1, order) as u64 % 2;
    let _observed = registry.observe("read", Watermarks::new(10), length).unwrap();
    let serving = start(quick(&registry).refresh(Duration::from_millis(500)).history(false)).await;
    let before = reads.load(order);
    sleep(Duration::from_millis(1200)).await;
    assert_eq!(reads.load(order), before, "nobody reads");

    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(Reader::open(&serving.addr, "").await);
    }
    for reader in &mut readers {
        reader.next_named("snapshot").await;
    }
    let (before, began) = (reads.load(order), Instant::now());
    for _ in 0..3 {
        for reader in &mut readers {
            reader.next_named("snapshot").await;
        }
    }
    let refreshes = began.elapsed().as_millis() / 500 + 1;
    let taken = reads.load(order) - before;
    assert!((1..=refreshes as usize).contains(&taken), "{taken} in {refreshes} refreshes");
    drop(readers);
    until("streams end", || serving.status.open_streams() == 0).await;
    let before = reads.load(order);
    sleep(Duration::from_millis(1200)).await;
    assert_eq!(reads.load(order), before, "nobody reads any more");
}

#[tokio::test]
async fn see_3_a_hundred_streams_are_served_and_more_are_refused_by_a_message() {
    let registry = Registry::new();
    let _frames = registry.gauge("frames", Watermarks::new(10)).unwrap();
    let serving = start(quick(&registry).max_streams(100)).await;
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(Reader::open(&serving.addr, "").await);
    }
    for reader in &mut readers {
        reader.next_named("snapshot").await;
        reader.next_named("snapshot").await;
    }
    assert_eq!(serving.status.open_streams(), 100);
    let mut refused = request(&serving.addr, "/events", "Connection: close\r\n").await;
    let mut answer = String::new();
    refused.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 5"), "{answer}");
    assert!(answer.ends_with("all 100 streams are open: close a page, or try again later\n"));
    readers.pop();
    until("a stream ends when its client closes", || serving.status.open_streams() == 99).await;
    Reader::open(&serving.addr, "").await;
}

#[tokio::test]
async fn see_3_a_reader_that_never_reads_is_dropped_and_so_is_its_connection() {
    let registry = Registry::new();
    let mut gauges = Vec::new();
    // About 200 kB a second: the buffers of a connection are small.
    for number in 0..40 {
        let limit = Limit::queue("frames").scope(format!("guest-{number}"));
        gauges.push(registry.gauge(limit, Watermarks::new(10)).unwrap());
    }
    let serving = start(quick(&registry).reader_timeout(Duration::from_secs(1))).await;
    let idle = request(&serving.addr, "/events", "").await;
    let mut reader = Reader::open(&serving.addr, "").await;
    until("both are open", || serving.status.open_streams() == 2).await;
    let began = Instant::now();
    while serving.status.open_streams() == 2 {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not dropped");
        reader.next_named("snapshot").await;
    }
    assert_eq!(serving.status.open_streams(), 1, "the one that reads goes on");
    reader.next_named("snapshot").await;
    // What was sent is still there, and then the connection is at its end, or reset.
    let mut idle = idle;
    let mut buffer = vec![0; 1 << 16];
    while let Ok(1..) = timeout(LONG, idle.read(&mut buffer)).await.expect("it ends") {}
}

#[tokio::test]
async fn see_3_a_reader_that_never_reads_loses_its_stream_in_a_server_of_the_hosts_own() {
    let registry = Registry::new();
    let mut gauges = Vec::new();
    // About 20 MB a second: such a server has large buffers.
    for number in 0..5_000 {
        let limit = Limit::queue("frames").scope(format!("guest-{number}"));
        gauges.push(registry.gauge(limit, Watermarks::new(10)).unwrap());
    }
    let status = quick(&registry).reader_timeout(Duration::from_secs(1)).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().nest("/status", status.router());
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    let _idle = request(&addr, "/status/events", "").await;
    until("it is open", || status.open_streams() == 1).await;
    until("it is dropped", || status.open_streams() == 0).await;
    server.abort();
}

#[tokio::test]
async fn see_3_a_client_that_asks_nothing_is_dropped() {
    let serving = start(quick(&Registry::new()).reader_timeout(Duration::from_secs(1))).await;
    let mut stream = TcpStream::connect(&serving.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(LONG, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it is not dropped");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_address() {
    let registry = Registry::new();
    let serving = start(Status::builder(&registry)).await;
    let error = timeout(LONG, serve(&registry, &serving.addr)).await.unwrap().unwrap_err();
    assert!(matches!(error, ServeError::Bind { .. }), "{error:?}");
    let begin = format!("cannot listen on {}: ", serving.addr);
    assert!(error.to_string().starts_with(&begin), "{error}");
    let error = Status::new(&registry).spawn(&serving.addr).unwrap_err();
    assert!(error.to_string().starts_with(&begin), "{error}");
}

#[tokio::test]
async fn see_4_other_machines_are_let_in_only_if_that_is_said() {
    let registry = Registry::new();
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7070"] {
        let error = Status::new(&registry).bind(addr).await.unwrap_err();
        assert!(matches!(error, ServeError::Remote { .. }), "{addr}: {error}");
        assert!(error.to_string().contains("allow_remote"), "{error}");
    }
    let status = Status::builder(&registry).allow_remote().build().unwrap();
    let server = status.bind("0.0.0.0:0").await.unwrap();
    assert_ne!(server.local_addr().port(), 0);
}

#[tokio::test]
async fn what_is_no_address_is_an_error_that_names_it() {
    let registry = Registry::new();
    for asked in ["", "7070", "127.0.0.1", "127.0.0.1:70700", "http://127.0.0.1:7070/"] {
        let error = Status::new(&registry).bind(asked).await.unwrap_err();
        assert!(matches!(error, ServeError::Address { .. }), "{asked}: {error:?}");
        assert!(error.to_string().contains(&format!("{asked:?}")), "{error}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_streams_and_waits_for_nobody_else() {
    let registry = Registry::new();
    let serving = start(quick(&registry)).await;
    let mut reader = Reader::open(&serving.addr, "").await;
    reader.next_named("snapshot").await;
    serving.stop.send(()).unwrap();
    while reader.next().await.is_some() {}
    timeout(LONG, serving.server).await.unwrap().unwrap().unwrap();
    assert_eq!(serving.status.open_streams(), 0);
    assert!(TcpStream::connect(&serving.addr).await.is_err(), "nobody listens");
}

#[test]
fn a_thread_serves_until_its_guard_is_dropped() {
    use std::io::{Read, Write};

    let registry = Registry::new();
    let _frames = registry.gauge("frames", Watermarks::new(10)).unwrap();
    let serving = Status::new(&registry).spawn("localhost:0").unwrap();
    let addr = serving.local_addr();
    let mut stream = std::net::TcpStream::connect(addr).unwrap();
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    // A stream that is open does not hold up the end.
    let mut open = std::net::TcpStream::connect(addr).unwrap();
    write!(open, "GET /events HTTP/1.1\r\nHost: {addr}\r\n\r\n").unwrap();
    assert!(open.read(&mut [0; 64]).unwrap() > 0);
    drop(serving);
    assert!(std::net::TcpStream::connect(addr).is_err(), "nobody listens");
}

#[tokio::test]
async fn see_3_a_client_that_asks_byte_by_byte_is_dropped() {
    let serving = start(quick(&Registry::new()).reader_timeout(Duration::from_secs(1))).await;
    let login = format!("POST /login HTTP/1.1\r\nHost: {}\r\n", serving.addr);
    for begin in ["GET / HTTP/1.1\r\nHost: local", &format!("{login}Content-Length: 999\r\n\r\n")] {
        let mut stream = TcpStream::connect(&serving.addr).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let began = Instant::now();
        while stream.write_all(b"x").await.is_ok() {
            assert!(began.elapsed() < LONG, "it is not dropped");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_snapshot_that_takes_longer_than_readers_may_is_answered() {
    let registry = Registry::new();
    let slow = || {
        std::thread::sleep(Duration::from_secs(3));
        1
    };
    let serving =
        start(quick(&registry).reader_timeout(Duration::from_secs(1)).history(false).log_events(0))
            .await;
    let _slow = registry.observe("slow", Watermarks::new(10), slow).unwrap();
    let mut asked = request(&serving.addr, "/snapshot.json", "Connection: close\r\n").await;
    let mut answer = String::new();
    asked.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut reader = Reader::open(&serving.addr, "").await;
    reader.next_named("snapshot").await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused_and_the_server_goes_on() {
    let serving = start(quick(&Registry::new())).await;
    let addr = &serving.addr;
    let header = "x".repeat(1 << 20);
    for (asked, status) in [
        (format!("GET / HTTP/1.1\r\nHost: {addr}\r\nX: {header}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: {addr}\r\n{}\r\n", "a: b\r\n".repeat(1_000)), "431"),
        (format!("GET /{header} HTTP/1.1\r\nHost: {addr}\r\n\r\n"), "4"),
        ("GET http://localhost@evil.example/ HTTP/1.1\r\n\r\n".to_owned(), "403"),
        ("GET http://evil.example/ HTTP/1.1\r\n\r\n".to_owned(), "403"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".to_owned(), "403"),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "403"),
        ("\u{16}\u{3}\u{1}".to_owned(), "400"),
    ] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        // A server that refuses does not read the rest.
        _ = stream.write_all(asked.as_bytes()).await;
        _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let read = timeout(LONG, stream.read_to_end(&mut answer)).await.expect("it ends");
        let answer = String::from_utf8_lossy(&answer);
        let begin: String = asked.chars().take(40).collect();
        let expected = format!(" {status}");
        assert!(read.is_err() || answer[8..].starts_with(&expected), "{begin}: {answer}");
    }
    let mut stream = request(addr, "/healthz", "Connection: close\r\n").await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn see_3_streams_that_come_and_go_quickly_leave_nothing() {
    let registry = Registry::new();
    let _frames = registry.gauge("frames", Watermarks::new(10)).unwrap();
    let serving = start(quick(&registry).max_streams(20)).await;
    for round in 0..300 {
        let mut stream = request(&serving.addr, "/events", "").await;
        if round % 3 == 0 {
            _ = stream.read(&mut [0; 10]).await;
        }
    }
    until("all end", || serving.status.open_streams() == 0).await;
    Reader::open(&serving.addr, "Last-Event-ID: 1-18446744073709551615\r\n").await;
}

#[tokio::test]
async fn see_3_connections_are_bounded_and_others_wait_for_a_place() {
    let serving = start(quick(&Registry::new()).max_streams(1)).await;
    let mut held = Vec::new();
    for _ in 0..65 {
        held.push(request(&serving.addr, "/healthz", "").await);
    }
    for stream in &mut held {
        assert!(timeout(LONG, stream.read(&mut [0; 8])).await.expect("an answer").unwrap() > 0);
    }
    let mut more = request(&serving.addr, "/healthz", "").await;
    let mut begin = [0; 8];
    assert!(timeout(Duration::from_millis(300), more.read(&mut begin)).await.is_err());
    held.pop();
    assert!(
        timeout(Duration::from_secs(3), more.read(&mut begin)).await.is_ok(),
        "a place is free"
    );
}

#[tokio::test]
async fn a_connection_that_is_kept_has_its_time_anew_for_each_request() {
    let serving = start(quick(&Registry::new()).reader_timeout(Duration::from_secs(1))).await;
    let mut stream = request(&serving.addr, "/healthz", "").await;
    let mut answer = vec![0; 1 << 10];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    let asked = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", serving.addr);
    let (begin, rest) = asked.split_at(9);
    // In all longer than nothing may come.
    sleep(Duration::from_secs(4)).await;
    stream.write_all(begin.as_bytes()).await.unwrap();
    sleep(Duration::from_secs(4)).await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let read = timeout(LONG, stream.read(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200 OK"), "{read} bytes");
}
