//! The word of a pressure of `plimsoll`, compiled with the model's atomics: it is set while it is read.

#[allow(unreachable_pub, reason = "public in its own package")]
#[path = "../../../std-adapters/plimsoll/src/pressure/word.rs"]
mod real;

use std::sync::Arc;

use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;

use crate::common::Model;
use real::Word;

/// PRESS-1: who sees a change sees what was done before it, and no state comes back.
#[test]
fn press_1_what_was_done_before_a_change_is_seen_with_it() {
    Model::bounded(3).at_least([200, 400, 150]).check(|| {
        let shared = Arc::new((Word::new(), AtomicU64::new(0)));
        let setter = shared.clone();
        let setter = thread::spawn(move || {
            let (word, done) = &*setter;
            for change in 1..=2 {
                done.store(change, Relaxed);
                assert!(word.set(change % 2 == 1) && !word.set(change % 2 == 1));
            }
        });
        let (word, done) = &*shared;
        let first = word.state();
        assert!(done.load(Relaxed) >= first.sequence, "{first:?}");
        let second = word.state();
        assert!(second.sequence >= first.sequence && done.load(Relaxed) >= second.sequence);
        assert_eq!(first.is_on, first.sequence == 1);
        setter.join().unwrap();
        assert_eq!((word.state().is_on, word.state().sequence), (false, 2));
    });
}
