//! Waits: for the server, and between two tries.

use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;

use super::stats::{Board, Part};
use crate::error::FleetError;

/// Waits until the client is connected, and says so meanwhile. The client tells nobody when it is.
pub(super) async fn connected(client: &Client, board: &Board) {
    if client.connection_state() == State::Connected {
        return;
    }
    board.set_problem(Part::Server, Some(FleetError::Away));
    while client.connection_state() != State::Connected {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    board.set_problem(Part::Server, None);
}

/// Waits that double from 50 ms to 5 s.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const MAX: Duration = Duration::from_secs(5);

    pub(super) const fn new() -> Self {
        Self(Duration::from_millis(50))
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::MAX);
    }
}
