//! What is answered to whom, asked of the router without sockets.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use plimsoll::{Level, Limit, Registry, Snapshot, Watermarks};
use plimsoll_status::{Status, StatusError};
use serde_json::Value;
use tower::ServiceExt;

const TOKEN: &str = "a-long-and-secret-text";
const ROUTES: [&str; 5] = ["/", "/snapshot.json", "/events", "/metrics", "/healthz"];

/// `default-src` says nothing of forms, bases and frames.
const POLICY: [&str; 10] = [
    "base-uri 'none'",
    "connect-src 'self'",
    "default-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self'",
    "require-trusted-types-for 'script'",
    "script-src 'self'",
    "style-src 'self'",
    "trusted-types 'none'",
];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let is_stream = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let body = if is_stream { "".into() } else { to_bytes(body, 1 << 20).await.unwrap() };
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path).header("host", "localhost:7070")
}

async fn status_of(router: &Router, request: axum::http::request::Builder) -> StatusCode {
    ask(router, request.body(Body::empty()).unwrap()).await.status
}

fn guarded(registry: &Registry) -> Router {
    Status::builder(registry).token(TOKEN).build().unwrap().router()
}

#[tokio::test]
async fn each_route_answers_with_its_content_type() {
    let router = Status::new(&Registry::new()).router();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/snapshot.json", "application/json"),
        ("/events", "text/event-stream"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/fleet.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = ask(&router, get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[CONTENT_TYPE], kind, "{path}");
    }
    for path in ["/page/other.js", "/page/..%2fCargo.toml", "/snapshot", "/page/", "/fleet.json"] {
        assert_eq!(status_of(&router, get(path)).await, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn see_4_nothing_but_reading_is_allowed() {
    let router = Status::new(&Registry::new()).router();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in ROUTES {
            let request = get(path).method(&method).body(Body::empty()).unwrap();
            let answer = ask(&router, request).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.headers[ALLOW], "GET,HEAD", "{method} {path}");
        }
    }
    let head = get("/snapshot.json").method(Method::HEAD).body(Body::empty()).unwrap();
    let answer = ask(&router, head).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn see_4_only_loopback_and_configured_hosts_are_answered() {
    let status = Status::builder(&Registry::new()).host("status.example.org").build().unwrap();
    let router = status.router();
    for path in ROUTES.into_iter().chain(["/page/main.js"]) {
        let of = |host: &str| Request::get(path).header("host", host);
        for host in ["localhost", "127.0.0.1:7070", "[::1]:7070", "status.example.org:443"] {
            let status = status_of(&router, of(host)).await;
            assert_ne!(status, StatusCode::FORBIDDEN, "{path} {host}");
        }
        for host in ["rebound.example", "rebound.example:7070", "192.168.0.1", ""] {
            let status = status_of(&router, of(host)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {host}");
        }
        assert_eq!(status_of(&router, Request::get(path)).await, StatusCode::FORBIDDEN);
        let twice = of("localhost").header("host", "rebound.example");
        assert_eq!(status_of(&router, twice).await, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn each_answer_has_the_headers_of_a_page_that_runs_nothing_of_others() {
    let router = guarded(&Registry::new());
    let requests = [
        get("/").header("accept", "text/html"),
        get("/snapshot.json"),
        get("/healthz"),
        Request::get("/").header("host", "rebound.example"),
    ];
    for request in requests {
        let answer = ask(&router, request.body(Body::empty()).unwrap()).await;
        let said = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        let policy = said("content-security-policy");
        let mut parts: Vec<_> = policy.split("; ").collect();
        parts.sort_unstable();
        assert_eq!(parts, POLICY);
        assert_eq!(said("x-content-type-options"), "nosniff");
        assert_eq!(said("referrer-policy"), "no-referrer");
        assert_eq!(said("x-frame-options"), "DENY");
        assert_eq!(said("cross-origin-resource-policy"), "same-origin");
        assert_eq!(said("cross-origin-opener-policy"), "same-origin");
        assert_eq!(said("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn see_4_a_token_is_asked_of_programs_and_of_people() {
    let router = guarded(&Registry::new());
    for path in ["/", "/snapshot.json", "/events", "/metrics"] {
        let with = |value: &str| get(path).header("authorization", value);
        for wrong in [
            "Bearer",
            "Bearer ",
            "Bearer a-long-and-secret-texT",
            "Bearer a-long-and-secret-text2",
            "Basic a-long-and-secret-text",
            TOKEN,
        ] {
            let status = status_of(&router, with(wrong)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {wrong}");
        }
        assert_eq!(status_of(&router, get(path)).await, StatusCode::UNAUTHORIZED, "{path}");
        let in_url = format!("{path}?token={TOKEN}");
        assert_eq!(status_of(&router, get(&in_url)).await, StatusCode::UNAUTHORIZED, "{path}");
        let as_cookie = get(path).header(COOKIE, format!("plimsoll_status_7070={TOKEN}"));
        assert_eq!(status_of(&router, as_cookie).await, StatusCode::UNAUTHORIZED, "{path}");
        let right = status_of(&router, with(&format!("bearer {TOKEN}"))).await;
        assert_ne!(right, StatusCode::UNAUTHORIZED, "{path}");
    }
    let page = get("/").header("accept", "text/html,*/*").body(Body::empty()).unwrap();
    let answer = ask(&router, page).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("<form method=\"post\" action=\"./login\">"), "{}", answer.body);
    let plain = ask(&router, get("/snapshot.json").body(Body::empty()).unwrap()).await;
    assert_eq!(plain.body, "a token is needed: send it as `Authorization: Bearer TOKEN`\n");
    let other = get("/snapshot.json").header("authorization", "Bearer another");
    let wrong = ask(&router, other.body(Body::empty()).unwrap()).await;
    assert_eq!(wrong.body, "this is not the token: send it as `Authorization: Bearer TOKEN`\n");
    assert_eq!(status_of(&router, get("/healthz")).await, StatusCode::OK, "it says nothing");
}

fn form(body: String) -> Request<Body> {
    let kind = "application/x-www-form-urlencoded";
    get("/login").method(Method::POST).header(CONTENT_TYPE, kind).body(body.into()).unwrap()
}

#[tokio::test]
async fn see_4_the_form_gives_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let router = guarded(&Registry::new());
    let answer = ask(&router, form(format!("token={TOKEN}"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers[LOCATION], "./", "a proxy may have taken the front of the path away");
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    assert!(pair.starts_with("plimsoll_status_7070=") && !pair.contains(TOKEN), "{pair}");
    let page = get("/").header(COOKIE, format!("other=1; {pair}; more=2"));
    assert_eq!(status_of(&router, page).await, StatusCode::OK);
    let again = guarded(&Registry::new());
    let page = get("/").header(COOKIE, pair);
    assert_eq!(status_of(&again, page).await, StatusCode::UNAUTHORIZED, "of another start");

    let wrong = ask(&router, form("token=%3Cscript%3E&x=1".into())).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("This is not the token.") && !wrong.body.contains("<script"));
    assert!(!wrong.headers.contains_key(SET_COOKIE));
    let none = ask(&router, form("key=1".into())).await;
    assert!(none.status.is_client_error(), "{}", none.status);
    let huge = ask(&router, form(format!("token={}", "x".repeat(1 << 20)))).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_for_tls_only() {
    let router = guarded(&Registry::new());
    let mut request = form(format!("token={TOKEN}"));
    request.headers_mut().insert("x-forwarded-proto", "https".parse().unwrap());
    let answer = ask(&router, request).await;
    assert!(answer.headers[SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
}

#[tokio::test]
async fn a_status_can_be_mounted_below_a_path() {
    let registry = Registry::new();
    let open = Router::new().nest("/ops/status", Status::new(&registry).router());
    let page = ask(&open, get("/ops/status").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("src=\"./status/page/main.js\""), "{}", page.body);
    assert!(page.body.contains("data-base=\"./status/\""), "{}", page.body);
    for route in &ROUTES[1..] {
        let path = format!("/ops/status{route}");
        assert_ne!(status_of(&open, get(&path)).await, StatusCode::NOT_FOUND, "{path}");
    }
    let guarded = Router::new().nest("/ops/status", guarded(&registry));
    let mut request = form(format!("token={TOKEN}"));
    *request.uri_mut() = "/ops/status/login".parse().unwrap();
    let answer = ask(&guarded, request).await;
    assert_eq!(answer.headers[LOCATION], "../status");
    let tenants = Router::new().nest("/{tenant}/status", Status::new(&registry).router());
    let hostile = "/%22onload=%22/status".parse::<axum::http::Uri>().unwrap();
    let page = ask(&tenants, get(hostile.path()).body(Body::empty()).unwrap()).await;
    assert!(!page.body.contains("onload"), "only the last part of the path is in the page");
    let service = Router::new().nest_service("/ops/status", Status::new(&registry).router());
    for (path, base) in [("/ops/status", "./status/"), ("/ops/status/", "./")] {
        let page = ask(&service, get(path).body(Body::empty()).unwrap()).await;
        let base = format!("data-base=\"{base}\"");
        assert!(page.status == StatusCode::OK && page.body.contains(&base), "{path} {}", page.body);
    }
}

#[tokio::test]
async fn no_path_leads_the_form_to_another_host() {
    let router = Router::new().nest("/{tenant}", guarded(&Registry::new()));
    let mut request = form(format!("token={TOKEN}"));
    *request.uri_mut() = "//evil.example/login".parse().unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let location = answer.headers().get(LOCATION).map(|location| location.to_str().unwrap());
    assert!(location.is_none_or(|location| location.starts_with('.')), "{location:?}");
    let mut request = form(format!("token={TOKEN}"));
    *request.uri_mut() = "/\\evil.example/login".parse().unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.headers()[LOCATION], "../\\evil.example", "a browser takes \\ for /");
}

#[tokio::test]
async fn the_snapshot_is_that_of_the_registry_and_at_most_a_moment_old() {
    let registry = Registry::new();
    let frames = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
    frames.add(9);
    let router = Status::new(&registry).router();
    let snapshot = async || {
        let answer = ask(&router, get("/snapshot.json").body(Body::empty()).unwrap()).await;
        serde_json::from_str::<Value>(&answer.body).unwrap()
    };
    let first = snapshot().await;
    let read = Snapshot::read_from(&first).unwrap();
    let known = registry.snapshot();
    let (read, known) = (&read.entries()[0], &known.entries()[0]);
    assert_eq!((read.id, read.name(), read.level), (known.id, "frames", Level::Elevated));
    assert_eq!((read.depth, read.high_water, read.watermarks()), (9, 9, known.watermarks()));
    frames.sub(9);
    assert_eq!(snapshot().await["entries"][0]["depth"], 9, "the snapshot of that moment is kept");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(snapshot().await["entries"][0]["depth"], 0);
}

#[tokio::test]
async fn see_4_principals_are_shown_only_if_asked_for() {
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 16).unwrap();
    let hostile = "<img src=x onerror=alert(1)>&\"'";
    fuel.record(hostile, 500).unwrap();
    fuel.record("agent-7", 100).unwrap();
    for (shows, expected) in [(false, [None, None]), (true, [Some(hostile), Some("agent-7")])] {
        let status = Status::builder(&registry).show_principals(shows).build().unwrap();
        let answer =
            ask(&status.router(), get("/snapshot.json").body(Body::empty()).unwrap()).await;
        let snapshot: Value = serde_json::from_str(&answer.body).unwrap();
        let users = snapshot["ledgers"][0]["users"].as_array().unwrap();
        let principals: Vec<_> = users.iter().map(|user| user["principal"].as_str()).collect();
        assert_eq!(principals, expected);
        assert_eq!(users[0]["value"], 500);
        assert_eq!(answer.body.contains("agent-7"), shows);
    }
}

#[tokio::test]
async fn see_3_a_function_of_the_host_that_hangs_is_asked_once_and_readers_are_told() {
    let registry = Registry::new();
    let (go_on, hung) = std::sync::mpsc::channel::<()>();
    let hung = std::sync::Mutex::new(hung);
    let (calls, called) = std::sync::mpsc::channel();
    let length = move || {
        calls.send(()).unwrap();
        // Until the other end is dropped.
        _ = hung.lock().unwrap().recv();
        0
    };
    let _observed = registry.observe("hung", Watermarks::new(10), length).unwrap();
    while called.try_recv().is_ok() {}
    let router = Status::builder(&registry).history(false).build().unwrap().router();
    let request = || get("/snapshot.json").body(Body::empty()).unwrap();
    let (one, other) = tokio::join!(ask(&router, request()), ask(&router, request()));
    for answer in [one, other] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.body.contains("does not return"), "{}", answer.body);
    }
    assert_eq!(called.try_iter().count(), 1);
    drop(go_on);
    let answer = ask(&router, request()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[test]
fn settings_out_of_range_are_refused_by_what_is_wrong() {
    let registry = Registry::new();
    let builder = || Status::builder(&registry);
    let error = builder().token("short").build().unwrap_err();
    assert_eq!(error.to_string(), "a token has 16 to 512 bytes (this one: 5)");
    let error = builder().host("http://a.example").build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "a host is a name or an IP address, without scheme, port or path (asked \"http://a.example\")"
    );
    let asked = Duration::from_millis(99);
    assert_eq!(builder().refresh(asked).build().unwrap_err(), StatusError::Refresh { asked });
    let asked = Duration::from_secs(16);
    let error = builder().refresh(asked).build().unwrap_err();
    assert_eq!(error.to_string(), "the refresh is 100ms to 15s (asked 16s)");
    let asked = Duration::ZERO;
    let error = builder().reader_timeout(asked).build().unwrap_err();
    assert_eq!(error, StatusError::ReaderTimeout { asked });
    assert_eq!(builder().max_streams(0).build().unwrap_err(), StatusError::ZeroStreams);
    let debug = format!("{:?}", builder().token(TOKEN));
    assert!(!debug.contains(TOKEN), "{debug}");
}

#[tokio::test]
async fn see_5_metrics_say_what_the_snapshot_says_in_the_format_that_is_asked_for() {
    let registry = Registry::new();
    let frames = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 16).unwrap();
    fuel.record("agent-7", 100).unwrap();
    let router = Status::builder(&registry).show_principals(true).build().unwrap().router();
    for depth in 0..5 {
        frames.set(depth);
        let answer = ask(&router, get("/snapshot.json").body(Body::empty()).unwrap()).await;
        let snapshot: Value = serde_json::from_str(&answer.body).unwrap();
        frames.set(9);
        for accept in ["", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"] {
            let request = get("/metrics").header("accept", accept).body(Body::empty()).unwrap();
            let answer = ask(&router, request).await;
            let kind = answer.headers[CONTENT_TYPE].to_str().unwrap();
            assert_eq!(kind.starts_with("application/openmetrics-text"), !accept.is_empty());
            let size = "plimsoll_queue_size{limit=\"frames\",category=\"queue\"} ";
            let line = answer.body.lines().find_map(|line| line.strip_prefix(size));
            assert_eq!(line.unwrap(), snapshot["entries"][0]["depth"].to_string());
            assert!(!answer.body.contains("agent-7"), "no series has a principal");
        }
        tokio::time::sleep(Duration::from_millis(260)).await;
    }
}
