//! The sender of events.

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use futures_util::future::join_all;

use super::cloud::{Message, Origin};
use super::outbox::Outbox;
use super::stats::{Board, Part};
use super::waiting::{Backoff, connected};
use crate::connect::server_error;
use crate::error::FleetError;
use crate::open::Opened;

/// Messages that are sent before their acknowledgements are awaited.
const BATCH: usize = 64;

/// Sends what is in the buffer, until it is acknowledged.
#[derive(Debug)]
pub(super) struct Events {
    origin: Origin,
    /// What is not acknowledged. It outlives connections.
    batch: Vec<Message>,
}

/// What the server said of a message.
enum Answer {
    Acknowledged(PublishAck),
    /// It is to be sent again.
    Again(FleetError),
    /// It can never be sent.
    TooLarge(FleetError),
    /// Nobody listens: the stream is gone, or not up yet.
    NoStream(FleetError),
}

impl Events {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, batch: Vec::new() }
    }

    /// Sends for as long as the stream is there.
    ///
    /// # Returns
    /// Why it is to be opened again.
    pub(super) async fn run(
        &mut self,
        opened: &Opened,
        outbox: &Outbox,
        board: &Board,
    ) -> FleetError {
        let mut backoff = Backoff::new();
        loop {
            self.fill(outbox, board).await;
            // While the server is away, what is sent only fills the queue of the client.
            connected(&opened.jetstream.client(), board).await;
            match self.send(opened, outbox, board).await {
                Ok(()) => {
                    board.set_problem(Part::Events, None);
                    backoff = Backoff::new();
                }
                Err(Trouble::Again(problem)) => {
                    board.set_problem(Part::Events, Some(problem));
                    backoff.wait().await;
                }
                Err(Trouble::NoStream(problem)) => return problem,
            }
        }
    }

    /// Waits for something to send.
    async fn fill(&mut self, outbox: &Outbox, board: &Board) {
        while self.batch.is_empty() {
            let taken = outbox.take(BATCH);
            if taken.is_empty() {
                outbox.pushed.notified().await;
            }
            for out in &taken {
                match self.origin.message(out) {
                    Ok(message) => self.batch.push(message),
                    Err(why) => drop_one(outbox, board, server_error("write an event", &*why)),
                }
            }
        }
    }

    /// Sends the batch, and keeps what has to be sent again.
    async fn send(
        &mut self,
        opened: &Opened,
        outbox: &Outbox,
        board: &Board,
    ) -> Result<(), Trouble> {
        let resent = self.batch.iter().filter(|message| message.is_sent).count() as u64;
        board.count(|counts| counts.resent += resent);
        self.batch.iter_mut().for_each(|message| message.is_sent = true);
        let answers = join_all(self.batch.iter().map(|message| publish(opened, message))).await;
        let mut trouble = Ok(());
        let mut answers = answers.into_iter();
        // One answer for each message, in their order.
        self.batch.retain(|_| match answers.next() {
            Some(Answer::Acknowledged(ack)) => {
                outbox.done(1);
                board.count(|counts| {
                    counts.acknowledged += 1;
                    counts.duplicates += u64::from(ack.duplicate);
                });
                false
            }
            Some(Answer::TooLarge(problem)) => {
                drop_one(outbox, board, problem);
                false
            }
            Some(Answer::NoStream(problem)) => {
                trouble = Err(Trouble::NoStream(problem));
                true
            }
            Some(Answer::Again(problem)) => {
                if trouble.is_ok() {
                    trouble = Err(Trouble::Again(problem));
                }
                true
            }
            None => true,
        });
        trouble
    }
}

enum Trouble {
    Again(FleetError),
    NoStream(FleetError),
}

fn drop_one(outbox: &Outbox, board: &Board, problem: FleetError) {
    board.set_problem(Part::Events, Some(problem));
    outbox.dropped_one();
    outbox.done(1);
}

async fn publish(opened: &Opened, message: &Message) -> Answer {
    match acknowledged(opened, message).await {
        Ok(ack) => Answer::Acknowledged(ack),
        Err(error) => {
            let problem = server_error("publish an event", &error);
            match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => Answer::TooLarge(problem),
                PublishErrorKind::StreamNotFound => Answer::NoStream(problem),
                // Too late, or a broken connection: it may be stored or not.
                _ => Answer::Again(problem),
            }
        }
    }
}

async fn acknowledged(opened: &Opened, message: &Message) -> Result<PublishAck, PublishError> {
    let publish = PublishMessage::build().payload(message.payload.clone()).message_id(&message.id);
    opened.jetstream.send_publish(message.subject.clone(), publish).await?.await
}
