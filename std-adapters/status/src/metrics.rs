//! What Prometheus scrapes.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use plimsoll_export::Format;
use tokio::task;

use crate::latest::{Late, recently};
use crate::status::Status;

/// Answers a scrape in the format that it asks for, with what the page and the JSON say of the moment.
pub(crate) async fn metrics(State(status): State<Status>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::negotiate(accept.unwrap_or_default());
    let text = async {
        let frame = status.0.frames.since(recently()).await?;
        // Ten thousand limits are milliseconds of work.
        task::spawn_blocking(move || frame.metrics(format)).await.map_err(|_| Late)
    };
    match text.await {
        Ok(text) => ([(CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(late) => late.into_response(),
    }
}
