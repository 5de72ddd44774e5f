//! An axum service whose handlers send into a tracked queue, shed work while the queue is under
//! pressure, and show it: `cargo run -p plimsoll-status --example axum_service`, then
//! `curl -d hello localhost:8080/jobs` a few times, and open `localhost:8080/status`.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use plimsoll::Registry;
use plimsoll::channel::tokio::{Receiver, Sender, channel};
use plimsoll::pressure::Pressure;
use plimsoll::pressure::tower::PressureLayer;
use plimsoll_status::Status;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, service(&Registry::new())?).await?)
}

/// The routes of the service; its worker runs on this runtime.
pub(crate) fn service(registry: &Registry) -> Result<Router, Box<dyn Error>> {
    let (jobs, queue) = channel(registry, "jobs", 4)?;
    let overload = Pressure::builder(registry).when(&jobs).build()?;
    tokio::spawn(work(queue));
    let shed = PressureLayer::shed(&overload).respond(|_overloaded| refused());
    let jobs = Router::new().route("/jobs", post(accept)).with_state(jobs).layer(shed);
    // The page is outside of the layer: it answers under pressure too.
    Ok(jobs.nest("/status", Status::new(registry).router()))
}

/// Queues a job. While the queue is above its watermark the layer refuses it before, so that those
/// that are accepted do not wait for long.
async fn accept(State(jobs): State<Sender<String>>, job: String) -> Response {
    match jobs.try_send(job) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(_) => refused(),
    }
}

fn refused() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response()
}

async fn work(mut queue: Receiver<String>) {
    while let Some(job) = queue.recv().await {
        tokio::time::sleep(Duration::from_millis(300)).await;
        println!("done: {}", plimsoll::InLine(&job));
    }
}
