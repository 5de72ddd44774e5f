//! Channels whose operations block the thread.

use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use plimsoll::{Limit, Registry};

use super::{Busy, CAPACITY, LIMIT};
use crate::peers::in_use::InUseGauge;
use crate::threads::{Job, together};

/// A channel of numbers that blocks when it is full or empty.
pub(super) trait Blocking: 'static {
    type Sender: Send;
    type Receiver: Send;
    fn open(&self) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, message: u64);
    fn recv(receiver: &Self::Receiver) -> u64;
}

pub(super) struct Crossbeam;

impl Blocking for Crossbeam {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        crossbeam_channel::bounded(CAPACITY)
    }

    fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        receiver.recv().expect("a message is on its way")
    }
}

/// The least that a wrapper which always knows the depth can do.
pub(super) struct CrossbeamLen;

impl Blocking for CrossbeamLen {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        Crossbeam.open()
    }

    fn send(sender: &Self::Sender, message: u64) {
        Crossbeam::send(sender, message);
        black_box(sender.len());
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        let message = Crossbeam::recv(receiver);
        black_box(receiver.len());
        message
    }
}

pub(super) struct StdSync;

impl Blocking for StdSync {
    type Sender = mpsc::SyncSender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        mpsc::sync_channel(CAPACITY)
    }

    fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        receiver.recv().expect("a message is on its way")
    }
}

/// Counts before it sends and after it has received.
pub(super) struct InUseStd;

impl Blocking for InUseStd {
    type Sender = (mpsc::SyncSender<u64>, Arc<InUseGauge>);
    type Receiver = (mpsc::Receiver<u64>, Arc<InUseGauge>);

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        let gauge = Arc::new(InUseGauge::new(CAPACITY));
        let (sender, receiver) = StdSync.open();
        ((sender, Arc::clone(&gauge)), (receiver, gauge))
    }

    fn send((sender, gauge): &Self::Sender, message: u64) {
        black_box(gauge.enqueue());
        StdSync::send(sender, message);
    }

    fn recv((receiver, gauge): &Self::Receiver) -> u64 {
        let message = StdSync::recv(receiver);
        black_box(gauge.dequeue());
        message
    }
}

pub(super) struct TrackedCrossbeam(pub(super) Registry);

impl Blocking for TrackedCrossbeam {
    type Sender = plimsoll::channel::crossbeam::Sender<u64>;
    type Receiver = plimsoll::channel::crossbeam::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        plimsoll::channel::crossbeam::bounded(&self.0, LIMIT, CAPACITY).expect("a good limit")
    }

    fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        receiver.recv().expect("a message is on its way")
    }
}

/// The same, with flow totals.
pub(super) struct TotalledCrossbeam(pub(super) Registry);

impl Blocking for TotalledCrossbeam {
    type Sender = plimsoll::channel::crossbeam::Sender<u64>;
    type Receiver = plimsoll::channel::crossbeam::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        plimsoll::channel::crossbeam::bounded(&self.0, Limit::queue(LIMIT).flow_totals(), CAPACITY)
            .expect("a good limit")
    }

    fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        receiver.recv().expect("a message is on its way")
    }
}

pub(super) struct TrackedStd(pub(super) Registry);

impl Blocking for TrackedStd {
    type Sender = plimsoll::channel::mpsc::SyncSender<u64>;
    type Receiver = plimsoll::channel::mpsc::Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        plimsoll::channel::mpsc::sync_channel(&self.0, LIMIT, CAPACITY).expect("a good limit")
    }

    fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        receiver.recv().expect("a message is on its way")
    }
}

/// One thread sends a message and receives it, again and again.
pub(super) fn one_thread<C: Blocking>(channel: C) -> impl FnMut(u64) -> Duration {
    move |messages| {
        let (sender, receiver) = channel.open();
        let start = Instant::now();
        let mut sum = 0_u64;
        for number in 0..messages {
            C::send(&sender, number);
            sum = sum.wrapping_add(C::recv(&receiver));
        }
        black_box(sum);
        start.elapsed()
    }
}

/// One thread sends, another one receives.
pub(super) fn pair<C: Blocking>(channel: C, busy: Busy) -> impl FnMut(u64) -> Duration {
    move |messages| {
        let (sender, receiver) = channel.open();
        together(vec![
            Box::new(move || produce::<C>(&sender, messages, busy)),
            Box::new(move || consume::<C>(&receiver, messages, busy)),
        ])
    }
}

/// Two threads send, two others receive, one half of the messages each.
pub(super) fn two_by_two<C: Blocking>(channel: C) -> impl FnMut(u64) -> Duration
where
    C::Sender: Clone,
    C::Receiver: Clone,
{
    move |messages| {
        let (sender, receiver) = channel.open();
        let (senders, receivers) = ([sender.clone(), sender], [receiver.clone(), receiver]);
        // An odd number is rounded up: half a message more or less in a batch of thousands.
        let half = messages.div_ceil(2);
        let producers = senders.map(|sender| -> Job<'_> {
            Box::new(move || produce::<C>(&sender, half, Busy::Nobody))
        });
        let consumers = receivers.map(|receiver| -> Job<'_> {
            Box::new(move || consume::<C>(&receiver, half, Busy::Nobody))
        });
        together(producers.into_iter().chain(consumers).collect())
    }
}

fn produce<C: Blocking>(sender: &C::Sender, messages: u64, busy: Busy) {
    for number in 0..messages {
        C::send(sender, busy.before_send(number));
    }
}

fn consume<C: Blocking>(receiver: &C::Receiver, messages: u64, busy: Busy) {
    let mut sum = 0_u64;
    for _ in 0..messages {
        sum = sum.wrapping_add(busy.after_recv(C::recv(receiver)));
    }
    black_box(sum);
}
