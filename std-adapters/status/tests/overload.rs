//! Overload of an axum service: real requests over loopback, shed by the layer of `plimsoll`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{BoxError, Router};
use plimsoll::pressure::Pressure;
use plimsoll::pressure::tower::{Overloaded, PressureLayer};
use plimsoll::{Registry, TrackedGauge, Watermarks};
use plimsoll_status::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const LONG: Duration = Duration::from_secs(60);
const JOB: Duration = Duration::from_millis(4);

const BULK_CLIENTS: usize = 100;
/// How long a client of bulk work waits after it was refused.
const BACK_OFF: Duration = Duration::from_millis(200);
const DESK_CLIENTS: usize = 4;
const DESK_REQUESTS: usize = 6;

const CAPACITY: u64 = 128;
const HIGH: u64 = 8;

/// A worker that does one job at a time, in the order in which they came, and counts them.
#[derive(Clone)]
struct Desk {
    waiting: TrackedGauge,
    done: Arc<AtomicU64>,
    worker: Arc<Mutex<()>>,
}

impl Desk {
    fn new(registry: &Registry) -> Self {
        let watermarks = Watermarks::counts(CAPACITY, HIGH, HIGH / 2);
        let waiting = registry.gauge("jobs", watermarks).unwrap();
        Self { waiting, done: Arc::default(), worker: Arc::default() }
    }
}

/// Answers with how many jobs were done since this one came.
async fn job(State(desk): State<Desk>) -> String {
    let _waiting = desk.waiting.permit(1);
    let came = desk.done.load(Ordering::SeqCst);
    let _turn = desk.worker.lock().await;
    sleep(JOB).await;
    let done = desk.done.fetch_add(1, Ordering::SeqCst);
    (done - came).to_string()
}

fn refused(_overloaded: Overloaded) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response()
}

async fn serve(app: Router) -> (String, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (addr, tokio::spawn(async move { axum::serve(listener, app).await }))
}

/// The status line and all that follows.
async fn ask(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(LONG, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    answer
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(answer)
}

fn is_refusal(answer: &str) -> bool {
    status(answer) == 503 && answer.to_lowercase().contains("\r\nretry-after: 1\r\n")
}

/// What clients saw of a service that is offered several times what it can do.
#[derive(Debug)]
struct Seen {
    /// Of the requests of the desk: the largest number of jobs done while one waited, and the 99th
    /// percentile of their times, which of so few is the longest.
    jobs_max: u64,
    p99: Duration,
    bulk_done: u64,
    bulk_refused: u64,
    deepest: u64,
}

/// Bulk work meets the layer if it is to be shed; the work of the desk never does.
async fn overload(is_shed: bool) -> Seen {
    let registry = Registry::new();
    let desk = Desk::new(&registry);
    let mut app = Router::new().route("/bulk", get(job));
    if is_shed {
        let pressure = Pressure::builder(&registry).when(&desk.waiting).build().unwrap();
        app = app.layer(PressureLayer::shed(&pressure).respond(refused));
    }
    let status_page = Status::new(&registry).router();
    let app = app.route("/desk", get(job)).with_state(desk.clone()).nest("/status", status_page);
    let (addr, server) = serve(app).await;

    let stop = Arc::new(AtomicBool::new(false));
    let bulk: Vec<_> =
        (0..BULK_CLIENTS).map(|_| tokio::spawn(bulk_client(addr.clone(), stop.clone()))).collect();
    let began = Instant::now();
    while desk.waiting.high_water() < HIGH {
        assert!(began.elapsed() < LONG, "no overload");
        sleep(JOB).await;
    }
    let clients: Vec<_> =
        (0..DESK_CLIENTS).map(|_| tokio::spawn(desk_client(addr.clone()))).collect();
    // The page is mounted beside what is shed.
    let snapshot = ask(&addr, "/status/snapshot.json").await;
    assert!(status(&snapshot) == 200 && snapshot.contains("\"jobs\""), "{snapshot}");
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    stop.store(true, Ordering::SeqCst);
    let (mut bulk_done, mut bulk_refused) = (0, 0);
    for client in bulk {
        let (done, refused) = client.await.unwrap();
        bulk_done += done;
        bulk_refused += refused;
    }
    server.abort();
    let deepest = desk.waiting.high_water();
    let jobs_max = times.iter().map(|(_, jobs)| *jobs).max().unwrap();
    times.sort();
    let (p99, _) = times[times.len() * 99 / 100];
    Seen { jobs_max, p99, bulk_done, bulk_refused, deepest }
}

/// Asks until it is stopped.
///
/// # Returns
/// How many jobs were done, and how many refused.
async fn bulk_client(addr: String, stop: Arc<AtomicBool>) -> (u64, u64) {
    let (mut done, mut refused) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        let answer = ask(&addr, "/bulk").await;
        if is_refusal(&answer) {
            refused += 1;
            sleep(BACK_OFF).await;
        } else {
            assert_eq!(status(&answer), 200, "{answer}");
            done += 1;
        }
    }
    (done, refused)
}

/// The time of each request, and how many jobs were done in it.
async fn desk_client(addr: String) -> Vec<(Duration, u64)> {
    let mut times = Vec::new();
    for _ in 0..DESK_REQUESTS {
        let began = Instant::now();
        let answer = ask(&addr, "/desk").await;
        let jobs = answer.rsplit("\r\n").next().and_then(|jobs| jobs.parse().ok()).expect(&answer);
        times.push((began.elapsed(), jobs));
    }
    times
}

#[tokio::test]
async fn overload_is_shed_and_what_is_not_shed_keeps_its_p99() {
    let kept = overload(true).await;
    assert!(kept.bulk_refused > 0 && kept.bulk_done > 0, "{kept:?}");
    // What was let in before the pressure came on, and the desk itself: on one thread, no request is
    // judged between another's judgement and its permit.
    let most = HIGH + DESK_CLIENTS as u64;
    assert!(kept.deepest <= most && kept.jobs_max <= most, "{kept:?}, at most {most}");

    let lost = overload(false).await;
    assert!(lost.bulk_refused == 0 && lost.deepest > 4 * HIGH, "{lost:?}");
    assert!(lost.jobs_max > 3 * kept.jobs_max, "{kept:?}, and unshed {lost:?}");
    assert!(lost.p99 > 2 * kept.p99, "{kept:?}, and unshed {lost:?}");
}

#[tokio::test]
async fn errors_of_the_layer_are_for_handle_error() {
    let (switch, pressure) = Pressure::manual();
    let answer = |error: BoxError| async move {
        match error.downcast_ref::<Overloaded>() {
            Some(overloaded) => refused(*overloaded),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let layers = tower::ServiceBuilder::new()
        .layer(HandleErrorLayer::new(answer))
        .layer(PressureLayer::shed(&pressure));
    let (addr, server) =
        serve(Router::new().route("/", get(|| async { "hello" })).layer(layers)).await;
    for on in [false, true, false] {
        switch.set(on);
        let answer = ask(&addr, "/").await;
        assert!(if on { is_refusal(&answer) } else { answer.ends_with("hello") }, "{answer}");
    }
    server.abort();
}

#[tokio::test]
async fn requests_wait_and_are_answered_when_the_pressure_is_off() {
    let (switch, pressure) = Pressure::manual();
    let app = Router::new().route("/", get(|| async { "hello" }));
    let app = app.layer(PressureLayer::wait(&pressure));
    let (addr, server) = serve(app).await;
    switch.set(true);
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let addr = addr.clone();
            tokio::spawn(async move { ask(&addr, "/").await })
        })
        .collect();
    sleep(Duration::from_millis(50)).await;
    assert!(requests.iter().all(|request| !request.is_finished()));
    switch.set(false);
    for request in requests {
        assert!(request.await.unwrap().ends_with("hello"));
    }
    server.abort();
}
