//! The channel wrappers of `hotpath`, a profiler, in a process of their own.
//!
//! Each message is an event of its own, which threads of hotpath gather from the first channel on, as long
//! as the process lives. In the process of the others they would take its processor, and keep what they
//! have gathered. So each sample starts the program beside this one, `plimsoll-bench-hotpath`.

use std::time::Duration;

use hotpath::wrap::crossbeam_channel::{Receiver, Sender};

use super::blocking::{Blocking, one_thread, pair};
use super::{Busy, CAPACITY};
use crate::tool::Tool;

struct Hotpath;

impl Blocking for Hotpath {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn open(&self) -> (Self::Sender, Self::Receiver) {
        hotpath::channel!(crossbeam_channel::bounded::<u64>(CAPACITY), capacity = CAPACITY)
    }

    fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv(receiver: &Self::Receiver) -> u64 {
        receiver.recv().expect("a message is on its way")
    }
}

/// How long so many messages take, on one thread or from one to another; `None` for more threads.
pub fn time(threads: u64, messages: u64) -> Option<Duration> {
    match threads {
        1 => Some(one_thread(Hotpath)(messages)),
        2 => Some(pair(Hotpath, Busy::Nobody)(messages)),
        _ => None,
    }
}

/// The same in a process of its own.
pub(super) fn in_a_process_of_its_own(threads: u64) -> impl FnMut(u64) -> Duration {
    move |messages| {
        let tool = Tool::beside("plimsoll-bench-hotpath");
        Duration::from_nanos(tool.args([threads, messages].map(|n| n.to_string())).number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_one_thread_or_two() {
        assert!([1, 2].iter().all(|threads| time(*threads, 100) > Some(Duration::ZERO)));
        assert_eq!(time(3, 100), None);
    }
}
