//! The ring of deferred events: REG-4.

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::{Ring, RingSlot};

use crate::common::Model;

type Slots = [RingSlot; 2];

fn record(n: u64) -> [u64; 4] {
    [n, n + 100, n + 200, n + 300]
}

/// Pushes these records; the numbers of those that were taken in.
fn push(ring: &Ring<Slots>, numbers: &[u64]) -> Vec<u64> {
    numbers.iter().copied().filter(|n| ring.push(record(*n)).is_ok()).collect()
}

/// Pops so many times; the numbers of the records that came, each of them whole.
fn pop(ring: &Ring<Slots>, times: usize) -> Vec<u64> {
    let records = (0..times).filter_map(|_| ring.pop());
    records
        .inspect(|popped| assert_eq!(*popped, record(popped[0]), "REG-4: torn"))
        .map(|r| r[0])
        .collect()
}

/// Everything that was taken in has come out once, and the rest is counted.
fn assert_complete(ring: &Ring<Slots>, offered: u64, mut pushed: Vec<u64>, mut popped: Vec<u64>) {
    popped.extend(pop(ring, 3));
    popped.sort_unstable();
    pushed.sort_unstable();
    assert_eq!(popped, pushed, "REG-4: nothing lost, nothing twice");
    assert_eq!(ring.dropped(), offered - pushed.len() as u64, "REG-4: what was refused is counted");
}

/// REG-4: two producers for two slots and a consumer, over the end of the first lap.
#[test]
fn ring_4_two_producers() {
    Model::bounded(2).at_least([200, 300, 100]).check(|| {
        let ring = Arc::new(Ring::<Slots>::new());
        ring.push(record(9)).unwrap();
        assert_eq!(ring.pop(), Some(record(9)));
        let producers = [[1, 2], [3, 4]].map(|numbers| {
            let ring = ring.clone();
            thread::spawn(move || push(&ring, &numbers))
        });
        let popped = pop(&ring, 2);
        let pushed = producers.map(|producer| producer.join().unwrap());
        assert_complete(&ring, 4, pushed.concat(), popped);
    });
}

/// REG-4: who finds the next slot taken by another goes on to the one after it: two records for two
/// slots are never refused, on whatever lap.
#[test]
fn ring_4_room() {
    let model = || {
        let ring = Arc::new(Ring::<Slots>::new());
        ring.push(record(9)).unwrap();
        assert_eq!(ring.pop(), Some(record(9)));
        let other = ring.clone();
        let other = thread::spawn(move || push(&other, &[1]));
        let mut pushed = push(&ring, &[2]);
        pushed.extend(other.join().unwrap());
        assert_eq!(pushed.len(), 2, "REG-4: refused beside a free slot");
        assert_complete(&ring, 2, pushed, Vec::new());
    };
    Model::bounded(3).at_least([10, 14, 5]).check_with_flaws(&[Flaw::RefusedBesideRoom], model);
}

/// REG-4: two consumers share what there is, each of them in order.
#[test]
fn ring_4_two_consumers() {
    Model::bounded(2).at_least([200, 300, 100]).check(|| {
        let ring = Arc::new(Ring::<Slots>::new());
        let mut pushed = push(&ring, &[1, 2]);
        let consumers = [1, 2].map(|_| {
            let ring = ring.clone();
            thread::spawn(move || pop(&ring, 2))
        });
        pushed.extend(push(&ring, &[3, 4]));
        let popped = consumers.map(|consumer| consumer.join().unwrap());
        assert!(popped.iter().all(|numbers| numbers.is_sorted()), "REG-4: order");
        assert_complete(&ring, 4, pushed, popped.concat());
    });
}

/// REG-4: one producer and one consumer, lap after lap.
#[test]
fn ring_4_laps() {
    Model::bounded(4).at_least([1, 300, 300]).check(|| {
        let ring = Arc::new(Ring::<Slots>::new());
        let other = ring.clone();
        let producer = thread::spawn(move || push(&other, &[1, 2, 3, 4, 5]));
        let popped = pop(&ring, 4);
        assert!(popped.is_sorted(), "REG-4: order");
        assert_complete(&ring, 5, producer.join().unwrap(), popped);
    });
}
