//! What is answered to whom.

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::latest::{Late, recently};
use crate::status::Status;
use crate::{guard, login, metrics, page};

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
const TEXT: &str = "text/plain; charset=utf-8";

impl Status {
    /// The routes, to be merged into a host's own router or nested in it: `/` with its parts under
    /// `/page/`, `/snapshot.json`, `/fleet.json`, `/events`, `/metrics`, `/healthz` and `/login`.
    ///
    /// They check host and token themselves. A graceful shutdown of the host's server waits for open
    /// streams: [`close`](Self::close) ends them.
    ///
    /// Nested by `nest_service("/status", ...)` the page is at `/status` and at `/status/`; by `nest` it is at
    /// the first one only.
    pub fn router(&self) -> Router {
        router(self)
    }
}

fn router(status: &Status) -> Router {
    let open = Router::new()
        .route("/healthz", get(healthz))
        .route("/page/{file}", get(file))
        .route("/login", post(login::login));
    let guarded = Router::new()
        .route("/", get(index))
        .route("/snapshot.json", get(snapshot))
        .route("/fleet.json", get(fleet))
        .route("/events", get(events))
        .route("/metrics", get(metrics::metrics))
        .route_layer(middleware::from_fn_with_state(status.clone(), guard::known));
    open.merge(guarded)
        .route_layer(middleware::from_fn_with_state(status.clone(), guard::addressed))
        .with_state(status.clone())
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn index(OriginalUri(uri): OriginalUri) -> Response {
    page::index(&uri)
}

async fn file(Path(name): Path<String>) -> Response {
    page::file(&name)
}

async fn snapshot(State(status): State<Status>) -> Response {
    match status.0.frames.since(recently()).await {
        Ok(frame) => ([(CONTENT_TYPE, JSON)], frame.json()).into_response(),
        Err(late) => late.into_response(),
    }
}

async fn fleet(State(status): State<Status>) -> Response {
    let Some(fleet) = &status.0.settings.fleet else {
        return (StatusCode::NOT_FOUND, "this status shows no fleet\n").into_response();
    };
    match fleet.since(recently()).await {
        Ok(fleet) => ([(CONTENT_TYPE, JSON)], fleet.json).into_response(),
        Err(Late) => {
            let text = "the ledgers of the fleet take too long to merge\n";
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], text).into_response()
        }
    }
}

async fn events(State(status): State<Status>, headers: HeaderMap) -> Response {
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    match status.0.stream(last_id) {
        Ok(events) => ([(CONTENT_TYPE, EVENT_STREAM)], Body::from_stream(events)).into_response(),
        Err(_) => {
            let max = status.0.settings.streams_max;
            let text = format!("all {max} streams are open: close a page, or try again later\n");
            let headers = [(RETRY_AFTER, "5"), (CONTENT_TYPE, TEXT)];
            (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response()
        }
    }
}

impl IntoResponse for Late {
    fn into_response(self) -> Response {
        let text = "a snapshot takes too long: a function that the registry asks does not return\n";
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], text).into_response()
    }
}
