//! Credit: GAUGE-3, GAUGE-4 and GAUGE-5 although most operations do not look.
//!
//! Each channel has been filled to a mark and drained before, or else every send would reach a new
//! mark and there would be no credit to give.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::Watermarks;
use plimsoll_loom::flaw::Flaw;

use crate::common::{Channel, Model};

/// GAUGE-4, GAUGE-5: two handles hold credit at once; together they cannot pass the watermark, nor
/// the mark, unseen.
#[test]
fn flow_credit_of_two_senders() {
    Model::bounded(3).at_least([1_000, 1_000, 1_000]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(5, 4, 1), 3, 0));
        let (mine, theirs) = (channel.flow.join_sender(), channel.flow.join_sender());
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.send(&theirs, 2);
            other.send(&theirs, 2);
        });
        channel.send(&mine, 1);
        channel.send(&mine, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-4, GAUGE-5: the same with three, one of which has been granted credit before.
#[test]
fn flow_credit_of_three_senders() {
    Model::bounded(2).at_least([1_000, 800, 700]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(7, 6, 1), 5, 0));
        let [mine, first, second] = [(); 3].map(|()| channel.flow.join_sender());
        channel.send(&mine, 1);
        let others = [(first, 2), (second, 3)].map(|(credit, thread)| {
            let channel = channel.clone();
            thread::spawn(move || {
                channel.send(&credit, thread);
                channel.send(&credit, thread);
            })
        });
        channel.send(&mine, 1);
        for other in others {
            other.join().unwrap();
        }
        channel.assert_at_rest();
    });
}

/// GAUGE-5: a sender that finds all room granted, and begins anew, ends what another sender has left.
#[test]
fn flow_credit_begins_anew() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(9, 8, 1), 5, 0));
        let (mine, theirs) = (channel.flow.join_sender(), channel.flow.join_sender());
        // Of the room of 4, mine has 2 left; theirs has spent 1.
        for (credit, thread) in [(&mine, 1), (&theirs, 2), (&theirs, 2)] {
            channel.send(credit, thread);
            channel.drain(1);
        }
        let other = channel.clone();
        let other = thread::spawn(move || {
            for _ in 0..3 {
                other.send(&theirs, 2);
            }
        });
        for _ in 0..3 {
            channel.send(&mine, 1);
        }
        other.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3)
        .at_least([1_000, 1_000, 3_000])
        .check_with_flaws(&[Flaw::RenewedInOneGeneration], model);
}

/// GAUGE-4: while raised, receivers hold credit; together they cannot clear unseen.
#[test]
fn flow_credit_of_two_receivers() {
    Model::bounded(3).at_least([900, 1_000, 2_000]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(5, 5, 1), 5, 5));
        let (mine, theirs) = (channel.flow.join_receiver(), channel.flow.join_receiver());
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.receive(&theirs, 2);
            other.receive(&theirs, 2);
        });
        channel.receive(&mine, 1);
        channel.receive(&mine, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-4: the same with several items at once.
#[test]
fn flow_credit_of_many() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(9, 9, 1), 9, 9));
        let (mine, theirs) = (channel.flow.join_receiver(), channel.flow.join_receiver());
        channel.receive(&mine, 1);
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.receive(&theirs, 2);
            other.receive_many(&theirs, 2, 2);
        });
        channel.receive_many(&mine, 1, 2);
        channel.receive_many(&mine, 1, 2);
        other.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3)
        .at_least([2_000, 2_000, 4_000])
        .check_with_flaws(&[Flaw::ManyPaidAsOne], model);
}

/// GAUGE-4: what is left of credit after more items than it was good for came out at once is not spent
/// later, by a receiver who takes itself to have none.
#[test]
fn flow_credit_of_many_is_spent_whole() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(12, 9, 1), 12, 9));
        let receiver = channel.flow.join_receiver();
        // Credit for 6, down to 2.
        channel.receive(&receiver, 1);
        let other = channel.clone();
        let other = thread::spawn(move || other.fill(2));
        channel.receive_many(&receiver, 1, 5);
        channel.receive_many(&receiver, 1, 3);
        other.join().unwrap();
        channel.receive(&receiver, 1);
        channel.assert_at_rest();
    };
    Model::bounded(3).at_least([200, 200, 500]).check_with_flaws(&[Flaw::RestOfCreditKept], model);
}

/// GAUGE-4, GAUGE-5: a sender and a receiver, raised and cleared and raised again.
#[test]
fn flow_credit_in_both_directions() {
    Model::bounded(3).at_least([300, 200, 800]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(3, 2, 0), 3, 1));
        let (sender, receiver) = (channel.flow.join_sender(), channel.flow.join_receiver());
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.send(&sender, 2);
            other.send(&sender, 2);
        });
        channel.receive(&receiver, 1);
        other.join().unwrap();
        channel.receive(&receiver, 1);
        channel.receive(&receiver, 1);
        channel.assert_at_rest();
    });
}

/// GAUGE-3, GAUGE-4: send credit that was good for one level is void at another, lower one.
#[test]
fn flow_edge_while_send_credit_is_out() {
    Model::bounded(3).at_least([100, 100, 200]).check(|| {
        let watermarks = Watermarks::counts(6, 2, 1).with_level(6, 2);
        let channel = Arc::new(Channel::with_mark(watermarks, 5, 2));
        let (sender, receiver) = (channel.flow.join_sender(), channel.flow.join_receiver());
        channel.send(&sender, 2);
        let other = channel.clone();
        let other = thread::spawn(move || other.send(&sender, 2));
        channel.receive(&receiver, 1);
        channel.receive(&receiver, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-3, GAUGE-4: nor can it be granted for a level that is being left.
#[test]
fn flow_edge_while_send_credit_is_granted() {
    Model::bounded(3).at_least([20_000, 7_000, 3_000]).check(|| {
        let watermarks = Watermarks::counts(6, 2, 1).with_level(6, 2);
        let channel = Arc::new(Channel::with_mark(watermarks, 5, 2));
        let (sender, receiver) = (channel.flow.join_sender(), channel.flow.join_receiver());
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.send(&sender, 2);
            other.send(&sender, 2);
        });
        channel.receive(&receiver, 1);
        channel.receive(&receiver, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-3, GAUGE-4: receive credit that was good for one level is void at another, higher one.
#[test]
fn flow_edge_while_receive_credit_is_out() {
    Model::bounded(3).at_least([1_000, 800, 1_000]).check(|| {
        let watermarks = Watermarks::counts(6, 3, 0).with_level(5, 3);
        let channel = Arc::new(Channel::with_mark(watermarks, 4, 4));
        let (sender, receiver) = (channel.flow.join_sender(), channel.flow.join_receiver());
        channel.receive(&receiver, 1);
        channel.fill(1);
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.receive(&receiver, 2);
            other.receive(&receiver, 2);
        });
        channel.send(&sender, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-5: a new window makes lower depths interesting, whatever credit is out.
#[test]
fn flow_mark_taken_while_credit_is_out() {
    Model::bounded(3).at_least([30, 30, 50]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(5, 5, 1), 4, 0));
        let (sender, receiver) = (channel.flow.join_sender(), channel.flow.join_receiver());
        channel.send(&sender, 2);
        let other = channel.clone();
        let other = thread::spawn(move || other.send(&sender, 2));
        channel.take_high_water();
        channel.receive(&receiver, 1);
        other.join().unwrap();
        channel.receive(&receiver, 1);
        channel.assert_at_rest();
    });
}

/// GAUGE-5: nor can credit be granted up to a mark that has been taken.
#[test]
fn flow_mark_taken_while_credit_is_granted() {
    Model::bounded(3).at_least([100, 100, 100]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(5, 5, 1), 4, 0));
        let (sender, receiver) = (channel.flow.join_sender(), channel.flow.join_receiver());
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.send(&sender, 2);
            other.send(&sender, 2);
        });
        channel.take_high_water();
        other.join().unwrap();
        channel.receive(&receiver, 1);
        channel.receive(&receiver, 1);
        channel.assert_at_rest();
    });
}

/// GAUGE-4: who has moved the channel without a handle settles, against an edge that is being made.
#[test]
fn flow_settled_by_hand() {
    Model::bounded(3).at_least([100, 100, 300]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(2, 1, 0), 2, 1));
        let receiver = channel.flow.join_receiver();
        let other = channel.clone();
        let other = thread::spawn(move || other.fill(1));
        channel.receive(&receiver, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-4: what moves in without a handle uses up the room that senders' credit counts on, granted
/// before, after or meanwhile.
#[test]
fn flow_send_credit_beside_a_move_by_hand() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(6, 5, 0), 4, 0));
        let sender = channel.flow.join_sender();
        channel.send(&sender, 1);
        let other = channel.clone();
        let other = thread::spawn(move || other.fill(2));
        channel.send(&sender, 1);
        channel.send(&sender, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3).at_least([800, 600, 300]).check_with_flaws(&[Flaw::MoveNotPaid], model);
}

/// GAUGE-4: the same of receivers' credit, while raised.
#[test]
fn flow_receive_credit_beside_a_move_by_hand() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(6, 5, 1), 6, 6));
        let receiver = channel.flow.join_receiver();
        channel.receive(&receiver, 1);
        let other = channel.clone();
        let other = thread::spawn(move || other.drain(2));
        channel.receive(&receiver, 1);
        channel.receive(&receiver, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3).at_least([400, 500, 600]).check_with_flaws(&[Flaw::MoveNotPaid], model);
}

/// GAUGE-4, GAUGE-5: a handle that was alone is joined by another, which leaves again.
#[test]
fn flow_clone_joins_and_leaves() {
    Model::bounded(3).at_least([3_000, 5_000, 1_000]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(5, 4, 1), 3, 0));
        let mine = channel.flow.join_sender();
        channel.send(&mine, 1);
        let mut clone = channel.flow.join_sender();
        let other = channel.clone();
        let other = thread::spawn(move || {
            other.send(&clone, 2);
            other.send(&clone, 2);
            other.flow.leave_sender(&mut clone);
        });
        channel.send(&mine, 1);
        channel.send(&mine, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-4, GAUGE-5: the same, with a handle that joins in the middle.
#[test]
fn flow_clone_joins_late() {
    Model::bounded(3).at_least([2_000, 1_000, 2_000]).check(|| {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(5, 4, 1), 3, 0));
        let mine = channel.flow.join_sender();
        let other = channel.clone();
        let other = thread::spawn(move || {
            let clone = other.flow.join_sender();
            other.send(&clone, 2);
            other.send(&clone, 2);
        });
        channel.send(&mine, 1);
        channel.send(&mine, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    });
}

/// GAUGE-4, GAUGE-5: one handle in the hands of two threads, which take its credit from each other.
#[test]
fn flow_theft() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(6, 5, 1), 4, 0));
        let shared = Arc::new(channel.flow.join_sender());
        channel.send(&shared, 1);
        let (other, theirs) = (channel.clone(), shared.clone());
        let other = thread::spawn(move || {
            other.send(&theirs, 2);
            other.send(&theirs, 2);
        });
        channel.send(&shared, 1);
        channel.send(&shared, 1);
        other.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3)
        .at_least([1_000, 1_000, 1_000])
        .check_with_flaws(&[Flaw::MisfitIgnored], model);
}

/// GAUGE-4: what the former owner is granted until the moment of the theft is void, or the new one
/// spends what the former has spent and not yet noted.
#[test]
fn flow_theft_voids_last() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(10, 9, 0), 8, 6));
        let shared = Arc::new(channel.flow.join_sender());
        // Credit for 1, which is spent.
        channel.send(&shared, 1);
        channel.send(&shared, 1);
        channel.drain(4);
        // Looks for the first time, and takes the credit the next time.
        channel.send(&shared, 2);
        let (other, theirs) = (channel.clone(), shared.clone());
        let owner = thread::spawn(move || {
            other.send(&theirs, 1);
            other.send(&theirs, 1);
        });
        channel.send(&shared, 2);
        channel.send(&shared, 2);
        owner.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3)
        .at_least([15_000, 8_000, 10_000])
        .check_with_flaws(&[Flaw::TheftNotVoided, Flaw::TheftVoidedEarly], model);
}

/// GAUGE-4: the former owner, who was stopped in the middle of its last operation, does not bring
/// back credit that the new owner has spent.
#[test]
fn flow_theft_from_a_stopped_owner() {
    let model = || {
        let channel = Arc::new(Channel::with_mark(Watermarks::counts(8, 7, 1), 6, 0));
        let shared = Arc::new(channel.flow.join_sender());
        channel.send(&shared, 1);
        channel.send(&shared, 2);
        let (other, theirs) = (channel.clone(), shared.clone());
        let thief = thread::spawn(move || other.send(&theirs, 2));
        // The same thread, as far as the handle can tell: a place more to change over at.
        let (other, theirs) = (channel.clone(), shared.clone());
        let spender = thread::spawn(move || {
            thief.join().unwrap();
            for _ in 0..3 {
                other.send(&theirs, 2);
            }
        });
        channel.send(&shared, 1);
        spender.join().unwrap();
        channel.assert_at_rest();
    };
    Model::bounded(3)
        .at_least([100_000, 20_000, 20_000])
        .check_with_flaws(&[Flaw::TheftInOneGeneration], model);
}

/// GAUGE-4: one handle, two threads in turn: who does not own the credit looks every time, and finds
/// that the owner's credit no longer fits.
#[test]
fn flow_theft_in_turn() {
    let model = || {
        let channel = Channel::with_mark(Watermarks::counts(9, 8, 1), 7, 0);
        let shared = channel.flow.join_sender();
        for thread in [1, 2, 1, 2, 1, 2, 1, 1] {
            channel.send(&shared, thread);
        }
        channel.assert_at_rest();
    };
    Model::bounded(3).at_least([1, 1, 1]).check_with_flaws(&[Flaw::MisfitIgnored], model);
}
