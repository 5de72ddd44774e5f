#!/usr/bin/env bash
# tokio 1.54.1: `recv_many` on an unbounded channel and the cooperative budget.
#
# A task has 128 units of budget for each poll, and a receive costs one. `recv_many` costs one as well,
# however many items it takes: a task that drains 10,000 items by it has its budget left, and so is not
# sent back by it to let others run. 10,000 calls of `recv` yield 78 times.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
tokio = { version = "=1.54.1", features = ["rt", "sync"] }
TOML

program <<'RUST'
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::mpsc;

const ITEMS: usize = 10_000;

/// Polls it to its end within a task, and says how often it was pending.
async fn pending(future: impl Future<Output = usize>) -> (usize, usize) {
    let (mut future, mut times) = (pin!(future), 0);
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(items) => Poll::Ready((items, times)),
        Poll::Pending => {
            times += 1;
            Poll::Pending
        }
    })
    .await
}

fn full() -> mpsc::UnboundedReceiver<usize> {
    let (tx, rx) = mpsc::unbounded_channel();
    (0..ITEMS).for_each(|item| tx.send(item).unwrap());
    rx
}

async fn one_by_one() -> usize {
    let mut rx = full();
    let mut items = 0;
    while rx.recv().await.is_some() {
        items += 1;
    }
    items
}

async fn at_once() -> usize {
    full().recv_many(&mut Vec::new(), usize::MAX).await
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (name, run) in [
        ("recv", runtime.spawn(pending(one_by_one()))),
        ("recv_many", runtime.spawn(pending(at_once()))),
    ] {
        let (items, times) = runtime.block_on(run).unwrap();
        println!("{name}: {items} items, {times} yields");
    }
}
RUST

prints <<'TEXT'
recv: 10000 items, 78 yields
recv_many: 10000 items, 0 yields
TEXT
