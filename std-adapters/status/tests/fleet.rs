//! What is answered of a fleet, whose view is fed without a server.

#![cfg(feature = "fleet")]

mod hosts;

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use futures_core::Stream;
use plimsoll::Registry;
use plimsoll_fleet::view::{Connection, Heard, LiveView};
use plimsoll_status::Status;
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt;

use hosts::Sample;

const TOKEN: &str = "a-long-and-secret-text";
const LONG: Duration = Duration::from_secs(20);

fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path).header("host", "localhost:7070")
}

async fn ask(router: &Router, request: axum::http::request::Builder) -> Response {
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn fleet_of(router: &Router) -> Value {
    let response = ask(router, get("/fleet.json")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Two hosts: `web-1` has a raised limit, a silent guest and most of the fuel.
fn view() -> LiveView {
    let view = LiveView::default();
    let frames = |host, frames, users, silent| {
        Sample { host, sequence: 1, scope: "guest-7", frames, users, silent }.heard()
    };
    view.on_heard(frames("web-1", 900, &[("acme", 700), ("umbrella", 20)], Some("agent-3")));
    view.on_heard(frames("web-2", 10, &[("acme", 300)], None));
    view.on_heard(Heard::Connection(Connection::Connected));
    view
}

fn status(view: &LiveView) -> plimsoll_status::StatusBuilder {
    Status::builder(&Registry::new()).refresh(Duration::from_millis(100)).fleet(view)
}

#[tokio::test]
async fn fleet_4_the_fleet_is_served_as_json_with_hosts_and_ages() {
    let view = view();
    let router = status(&view).show_principals(true).build().unwrap().router();
    let fleet = fleet_of(&router).await;
    assert_eq!((&fleet["version"], &fleet["is_connected"]), (&1.into(), &true.into()));
    assert_eq!((&fleet["hosts"]["count"], &fleet["silent"]["count"]), (&2.into(), &1.into()));
    let raised = &fleet["raised"]["rows"][0];
    assert_eq!((&raised["host"], &raised["scope"]), (&"web-1".into(), &"guest-7".into()));
    assert!(raised["age_ms"].is_u64(), "{raised}");
    let user = &fleet["ledgers"]["rows"][0]["users"][0];
    assert_eq!((&user["principal"], &user["at_least"]), (&"acme".into(), &1_000.into()));
    assert_eq!((&user["most_on"], &user["hosts"]), (&"web-1".into(), &2.into()));
    // Nothing but reading is allowed.
    let response = ask(&router, get("/fleet.json").method(Method::POST)).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[ALLOW], "GET,HEAD");
}

#[tokio::test]
async fn see_4_principals_of_a_fleet_are_shown_only_if_asked_for() {
    let router = status(&view()).build().unwrap().router();
    let fleet = fleet_of(&router).await;
    let user = &fleet["ledgers"]["rows"][0]["users"][0];
    assert_eq!((&user["principal"], &user["at_least"]), (&Value::Null, &1_000.into()));
    let mut events = Events::open(&router).await;
    let event = events.next_named("fleet").await;
    for text in [fleet.to_string(), event] {
        assert!(!text.contains("acme") && text.contains("agent-3"), "{text}");
    }
}

#[tokio::test]
async fn see_4_a_fleet_is_guarded_as_all_else_is() {
    let router = status(&view()).token(TOKEN).build().unwrap().router();
    let status_of = async |request| ask(&router, request).await.status();
    assert_eq!(status_of(get("/fleet.json")).await, StatusCode::UNAUTHORIZED);
    let with = |token: &str| get("/fleet.json").header("authorization", format!("Bearer {token}"));
    assert_eq!(status_of(with("another-secret-text")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status_of(with(TOKEN)).await, StatusCode::OK);
    let rebound = Request::get("/fleet.json").header("host", "rebound.example");
    assert_eq!(status_of(rebound).await, StatusCode::FORBIDDEN);
    let without = Status::builder(&Registry::new()).build().unwrap().router();
    assert_eq!(ask(&without, get("/fleet.json")).await.status(), StatusCode::NOT_FOUND);
}

/// A reader of `/events`.
struct Events(BodyDataStream);

impl Events {
    async fn open(router: &Router) -> Self {
        Self(ask(router, get("/events")).await.into_body().into_data_stream())
    }

    /// The next event, as its name and its text.
    async fn next(&mut self) -> (String, String) {
        let next = poll_fn(|cx| Pin::new(&mut self.0).poll_next(cx));
        let part = timeout(LONG, next).await.expect("an event").expect("it goes on").unwrap();
        let text = String::from_utf8(part.to_vec()).unwrap();
        let name = text.strip_prefix("event: ").and_then(|rest| rest.lines().next());
        (name.unwrap_or_default().to_owned(), text)
    }

    async fn next_named(&mut self, name: &str) -> String {
        loop {
            let (found, text) = self.next().await;
            if found == name {
                return text;
            }
        }
    }
}

#[tokio::test]
async fn fleet_4_a_stream_has_the_fleet_before_each_snapshot() {
    let view = view();
    let router = status(&view).history(false).build().unwrap().router();
    let mut events = Events::open(&router).await;
    for _ in 0..3 {
        let fleet = events.next_named("fleet").await;
        assert!(fleet.contains(r#""hosts":{"count":2,"#), "{fleet}");
        assert_eq!(events.next().await.0, "snapshot");
    }
    view.on_heard(
        Sample {
            host: "web-3",
            sequence: 1,
            scope: "guest-7",
            frames: 0,
            users: &[],
            silent: None,
        }
        .heard(),
    );
    while !events.next_named("fleet").await.contains(r#""hosts":{"count":3,"#) {}
    // Without one there is no such event.
    let router = Status::builder(&Registry::new()).build().unwrap().router();
    let mut events = Events::open(&router).await;
    while events.next().await.0 != "snapshot" {}
    let between = [events.next().await.0, events.next().await.0];
    assert_eq!(between, ["snapshot", "snapshot"]);
}

#[tokio::test]
async fn see_1_the_fleet_is_made_once_for_all_readers() {
    let router = status(&view()).build().unwrap().router();
    let (mut one, mut other) = (Events::open(&router).await, Events::open(&router).await);
    let mut seen = Vec::new();
    // Each has the age of its hosts to a millisecond: equal ones are the same.
    for _ in 0..5 {
        let (one, other) = tokio::join!(one.next_named("fleet"), other.next_named("fleet"));
        seen.push((one, other));
    }
    let shared = |text: &String| seen.iter().any(|(one, _)| one == text);
    assert!(seen.iter().filter(|(_, other)| shared(other)).count() >= 3, "{seen:?}");
}

#[tokio::test]
async fn see_3_of_a_thousand_hosts_the_first_are_sent_and_all_are_counted() {
    let view = LiveView::default();
    for number in 0..1_000 {
        let host = &format!("web-{number}");
        let sample = Sample {
            host,
            sequence: 1,
            scope: "guest-7",
            frames: 900,
            users: &[],
            silent: Some("g"),
        };
        view.on_heard(sample.heard());
    }
    let router = status(&view).build().unwrap().router();
    let fleet = fleet_of(&router).await;
    assert_eq!(
        (&fleet["hosts"]["count"], &fleet["raised"]["count"]),
        (&1_000.into(), &1_000.into())
    );
    assert_eq!(fleet["hosts"]["rows"].as_array().map(Vec::len), Some(100));
    assert!(fleet.to_string().len() < 100_000);
}
