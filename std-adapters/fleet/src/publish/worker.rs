//! The task of a publisher: connects, opens, and then sends until that has to be done again.

use std::sync::Arc;

use async_nats::Client;

use super::cloud::Origin;
use super::events::Events;
use super::publisher::Publisher;
use super::shared::Shared;
use super::states::States;
use super::stats::{Board, Part};
use super::waiting::{Backoff, connected};

/// Runs until it is dropped.
pub(super) async fn run(publisher: Publisher, incarnation: u64, shared: Arc<Shared>) {
    let Shared { outbox, board, asked } = &*shared;
    let client = connect(&publisher, board).await;
    let origin = Origin::new(&publisher.fleet, &publisher.host, incarnation);
    let (mut events, mut states) = (Events::new(origin), States::new(&publisher, incarnation));
    let mut backoff = Backoff::new();
    loop {
        connected(&client, board).await;
        match publisher.fleet.open(&client, publisher.ack_timeout).await {
            Ok(opened) => {
                board.set_problem(Part::Server, None);
                board.set_open(true);
                let opened_at = tokio::time::Instant::now();
                let problem = tokio::select! {
                    problem = events.run(&opened, outbox, board) => problem,
                    problem = states.run(&opened, &shared, asked) => problem,
                };
                board.set_open(false);
                board.set_problem(Part::Server, Some(problem));
                if opened_at.elapsed() > Backoff::MAX {
                    backoff = Backoff::new();
                }
            }
            Err(problem) => board.set_problem(Part::Server, Some(problem)),
        }
        backoff.wait().await;
    }
}

/// A client that connects in the background. To make one fails only while addresses cannot be
/// resolved, or credentials not be read.
async fn connect(publisher: &Publisher, board: &Board) -> Client {
    let mut backoff = Backoff::new();
    loop {
        match publisher.fleet.connect().await {
            Ok(client) => return client,
            Err(problem) => board.set_problem(Part::Server, Some(problem)),
        }
        backoff.wait().await;
    }
}
