//! The examples that are services answer as they say.

#[allow(dead_code, reason = "its `main` is for `cargo run`")]
#[path = "../examples/axum_service.rs"]
mod axum_service;

use std::time::{Duration, Instant};

use plimsoll::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(20);

/// The status line and all that follows.
async fn ask(addr: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!("Host: {addr}\r\nConnection: close\r\nContent-Length: {}", body.len());
    let request = format!("{request} HTTP/1.1\r\n{head}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_axum_service_refuses_under_pressure_and_shows_it() {
    let registry = Registry::new();
    let app = axum_service::service(&registry).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let post = || async { ask(&addr, "POST /jobs", "hello").await };
    assert!(post().await.starts_with("HTTP/1.1 202 "), "an empty queue has room");
    let until = Instant::now() + LONG;
    while !post().await.starts_with("HTTP/1.1 503 ") {
        assert!(Instant::now() < until, "it never refuses");
    }
    let page = ask(&addr, "GET /status", "").await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<html"), "{page}");
    let snapshot = ask(&addr, "GET /status/snapshot.json", "").await;
    assert!(snapshot.contains("\"jobs\""), "{snapshot}");
    let entry = registry.snapshot().entries()[0].clone();
    assert!(entry.name() == "jobs" && entry.high_water == 4, "{entry}");
    while !post().await.starts_with("HTTP/1.1 202 ") {
        assert!(Instant::now() < until, "it never recovers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.abort();
}
