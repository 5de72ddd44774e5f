//! Channels whose operations suspend a task. All of them run on one runtime of two workers.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use plimsoll::Registry;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, mpsc};

use super::{Busy, CAPACITY, LIMIT};
use crate::threads::span;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads can be started")
});

/// A channel of numbers that suspends its task when it is full or empty.
pub(super) trait Tasks: 'static {
    type Sender: Send + 'static;
    type Receiver: Send + 'static;
    fn open(&self) -> (Self::Sender, Self::Receiver);
    fn send(sender: &mut Self::Sender, message: u64) -> impl Future<Output = ()> + Send;
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

pub(super) struct Tokio;

impl Tasks for Tokio {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(CAPACITY)
    }

    async fn send(sender: &mut Self::Sender, message: u64) {
        sender.send(message).await.expect("the receiver is there");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("a message is on its way")
    }
}

pub(super) struct TrackedTokio(pub(super) Registry);

impl Tasks for TrackedTokio {
    type Sender = plimsoll::channel::tokio::Sender<u64>;
    type Receiver = plimsoll::channel::tokio::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        plimsoll::channel::tokio::channel(&self.0, LIMIT, CAPACITY).expect("a good limit")
    }

    async fn send(sender: &mut Self::Sender, message: u64) {
        sender.send(message).await.expect("the receiver is there");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("a message is on its way")
    }
}

/// What [`Metered`] is made of.
pub(super) struct AsyncChannel;

impl Tasks for AsyncChannel {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(CAPACITY)
    }

    async fn send(sender: &mut Self::Sender, message: u64) {
        sender.send(message).await.expect("the receiver is there");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("a message is on its way")
    }
}

/// `prioritized-metered-channel`.
pub(super) struct Metered;

impl Tasks for Metered {
    type Sender = prioritized_metered_channel::MeteredSender<u64>;
    type Receiver = prioritized_metered_channel::MeteredReceiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        prioritized_metered_channel::channel(CAPACITY)
    }

    async fn send(sender: &mut Self::Sender, message: u64) {
        sender.send(message).await.expect("the receiver is there");
    }

    async fn recv(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("a message is on its way")
    }
}

/// One task sends a message and receives it, again and again.
pub(super) fn one_thread<C: Tasks>(channel: C) -> impl FnMut(u64) -> Duration {
    move |messages| {
        let (mut sender, mut receiver) = channel.open();
        RUNTIME.block_on(async {
            let start = Instant::now();
            let mut sum = 0_u64;
            for number in 0..messages {
                C::send(&mut sender, number).await;
                sum = sum.wrapping_add(C::recv(&mut receiver).await);
            }
            black_box(sum);
            start.elapsed()
        })
    }
}

/// One task sends, another one receives.
pub(super) fn pair<C: Tasks>(channel: C, busy: Busy) -> impl FnMut(u64) -> Duration {
    move |messages| {
        let (mut sender, mut receiver) = channel.open();
        let line = Arc::new(Barrier::new(2));
        let producer = timed(Arc::clone(&line), async move {
            for number in 0..messages {
                C::send(&mut sender, busy.before_send(number)).await;
            }
        });
        let consumer = timed(line, async move {
            let mut sum = 0_u64;
            for _ in 0..messages {
                sum = sum.wrapping_add(busy.after_recv(C::recv(&mut receiver).await));
            }
            black_box(sum);
        });
        let (producer, consumer) = (RUNTIME.spawn(producer), RUNTIME.spawn(consumer));
        RUNTIME.block_on(async {
            let times = [producer.await, consumer.await];
            span(times.map(|time| time.expect("no task panics")))
        })
    }
}

/// Waits for the other task, then runs `job`; answers when it began and when it was done.
async fn timed(line: Arc<Barrier>, job: impl Future<Output = ()>) -> (Instant, Instant) {
    line.wait().await;
    let start = Instant::now();
    job.await;
    (start, Instant::now())
}
