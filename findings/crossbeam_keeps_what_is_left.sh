#!/usr/bin/env bash
# crossbeam-channel 0.5.17: what is left in a channel when its last receiver goes.
#
# An unbounded channel drops the items at once. A bounded one keeps them until its last *sender* is gone,
# although nobody can receive them any more: memory, permits and reply handles inside stay taken for as
# long as a producer lives, and `Sender::len` still counts them.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
crossbeam-channel = "=0.5.17"
TOML

program <<'RUST'
use std::sync::Arc;

fn main() {
    let channels = [
        ("bounded", crossbeam_channel::bounded(4)),
        ("unbounded", crossbeam_channel::unbounded()),
    ];
    for (kind, (tx, rx)) in channels {
        let item = Arc::new(());
        (0..4).for_each(|_| tx.send(item.clone()).unwrap());
        let dropped = || 5 - Arc::strong_count(&item);
        drop(rx);
        print!("{kind}: without receiver {} of 4 dropped, len {}; ", dropped(), tx.len());
        drop(tx);
        println!("without sender {} of 4 dropped", dropped());
    }
}
RUST

prints <<'TEXT'
bounded: without receiver 0 of 4 dropped, len 4; without sender 4 of 4 dropped
unbounded: without receiver 4 of 4 dropped, len 0; without sender 4 of 4 dropped
TEXT
