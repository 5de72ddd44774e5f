//! The channel wrappers of `hotpath`, a profiler, in a process of their own.
//!
//! Each message is an event of its own, which threads of hotpath gather from the first channel on, as long
//! as the process lives. In the process of the others they would take its processor, and keep what they
//! have gathered. So each sample starts the program beside this one, `plimsoll-bench-hotpath`.

use std::time::Duration;

use hotpath::wrap::crossbeam_channel::{Receiver, Sender};

use crate::areas::channel::{Blocking, Busy, CAPACITY, on_one_thread, on_two_threads};
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
        1 => Some(on_one_thread(Hotpath)(messages)),
        2 => Some(on_two_threads(Hotpath, Busy::Nobody)(messages)),
        _ => None,
    }
}

/// The same in a process of its own.
pub(crate) fn in_a_process_of_its_own(threads: u64) -> impl FnMut(u64) -> Duration {
    move |messages| {
        let tool = Tool::beside("plimsoll-bench-hotpath");
        let output = tool.args([threads, messages].map(|number| number.to_string())).output();
        let text = output.unwrap_or_else(|error| panic!("{error}"));
        let nanoseconds = text.trim().parse().unwrap_or_else(|_| panic!("no number: {text}"));
        Duration::from_nanos(nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_its_own_says_how_long_it_took() {
        assert_eq!(time(3, 1), None);
        let took = in_a_process_of_its_own(1)(1_000);
        assert!((Duration::from_micros(1)..Duration::from_secs(10)).contains(&took), "{took:?}");
    }
}
