//! The order of waiters: first come first served within a principal, turn by turn between
//! principals.
//!
//! A principal with a waiter is in a ring, unless it is parked: at its cap nothing can be given to
//! it, and it blocks no other. A principal that is served goes to the end of the ring, so that each
//! of `k` principals is served within `k` grants (POOL-11).
//!
//! A slot that is on its way to be idle (it is built, or torn down first) is *supply*. It is
//! assigned to one waiter at most and a waiter to one such slot, so that there are never more
//! builds than there is need for. Whatever becomes idle first serves the ring all the same.

mod supply;

use std::collections::{BTreeMap, HashMap};

/// A waiter's place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pool) struct Ticket {
    /// The key of its principal.
    pub(in crate::pool) principal: u64,
    /// Ascends with the arrivals.
    number: u64,
}

struct Place<W> {
    waiter: W,
    supply: Option<usize>,
}

struct Entry<W> {
    places: BTreeMap<u64, Place<W>>,
    /// Its place in the ring; `None` while it is parked.
    turn: Option<u64>,
    /// How many of its waiters have supply on its way.
    supplied: usize,
}

impl<W> Entry<W> {
    fn new() -> Self {
        Self { places: BTreeMap::new(), turn: None, supplied: 0 }
    }
}

/// With room on both sides: turns are given back.
const FIRST_TURN: u64 = 1 << 63;

/// Waiters `W`. Pure: it wakes nobody and drops nothing that it was given.
pub(super) struct FairQueue<W> {
    entries: HashMap<u64, Entry<W>>,
    ring: BTreeMap<u64, u64>,
    next_turn: u64,
    next_number: u64,
    waiting: usize,
    assigned: HashMap<usize, Ticket>,
    unassigned: Vec<usize>,
}

impl<W> FairQueue<W> {
    pub(super) fn new() -> Self {
        Self {
            entries: HashMap::new(),
            ring: BTreeMap::new(),
            next_turn: FIRST_TURN,
            next_number: 0,
            waiting: 0,
            assigned: HashMap::new(),
            unassigned: Vec::new(),
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// How many of this principal wait.
    pub(super) fn len_of(&self, principal: u64) -> usize {
        self.entries.get(&principal).map_or(0, |entry| entry.places.len())
    }

    /// How many principals are in the ring.
    pub(super) fn in_ring(&self) -> usize {
        self.ring.len()
    }

    /// Queues a waiter, last of its principal's.
    pub(super) fn push(&mut self, key: u64, waiter: W) -> Ticket {
        let number = self.next_number;
        self.next_number += 1;
        self.waiting += 1;
        let entry = self.entries.entry(key).or_insert_with(Entry::new);
        if entry.places.is_empty() {
            entry.turn = Some(self.next_turn);
            self.ring.insert(self.next_turn, key);
            self.next_turn += 1;
        }
        entry.places.insert(number, Place { waiter, supply: None });
        Ticket { principal: key, number }
    }

    /// The first turn from `turn` on, and whose it is.
    pub(super) fn turn_from(&self, turn: u64) -> Option<(u64, u64)> {
        self.ring.range(turn..).next().map(|(turn, key)| (*turn, *key))
    }

    /// The first waiter of a principal.
    pub(super) fn first(&self, key: u64) -> Option<&W> {
        self.entries.get(&key)?.places.values().next().map(|place| &place.waiter)
    }

    /// The waiter of that ticket.
    pub(super) fn get(&self, ticket: Ticket) -> Option<&W> {
        let place = self.entries.get(&ticket.principal)?.places.get(&ticket.number)?;
        Some(&place.waiter)
    }

    /// Takes the first waiter of a principal, which goes to the end of the ring.
    pub(super) fn pop(&mut self, key: u64) -> Option<(Ticket, W)> {
        let number = *self.entries.get(&key)?.places.keys().next()?;
        let ticket = Ticket { principal: key, number };
        let waiter = self.remove(ticket)?;
        if let Some(entry) = self.entries.get_mut(&key) {
            if let Some(turn) = entry.turn.replace(self.next_turn) {
                self.ring.remove(&turn);
            }
            self.ring.insert(self.next_turn, key);
            self.next_turn += 1;
        }
        Some((ticket, waiter))
    }

    /// Puts a waiter back where it was when it was taken: it is first of its principal's, whose
    /// turn comes next.
    pub(super) fn restore(&mut self, ticket: Ticket, waiter: W) {
        let key = ticket.principal;
        self.waiting += 1;
        let first = self.ring.keys().next().map_or(self.next_turn, |turn| turn - 1);
        let entry = self.entries.entry(key).or_insert_with(Entry::new);
        entry.places.insert(ticket.number, Place { waiter, supply: None });
        if let Some(turn) = entry.turn.replace(first) {
            self.ring.remove(&turn);
        }
        self.ring.insert(first, key);
        self.next_turn = self.next_turn.max(first + 1);
    }

    /// Takes a waiter out, wherever it is. Supply that was on its way to it is free for others.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<W> {
        let Ticket { principal: key, number } = ticket;
        let entry = self.entries.get_mut(&key)?;
        let place = entry.places.remove(&number)?;
        self.waiting -= 1;
        if let Some(slot) = place.supply {
            entry.supplied -= 1;
            self.assigned.remove(&slot);
            self.unassigned.push(slot);
        }
        if entry.places.is_empty() {
            if let Some(turn) = entry.turn {
                self.ring.remove(&turn);
            }
            self.entries.remove(&key);
        }
        Some(place.waiter)
    }

    /// The waiters that `is_such` accepts.
    pub(super) fn find_all(&self, is_such: impl Fn(&W) -> bool) -> Vec<Ticket> {
        let places = self.entries.iter().flat_map(|(principal, entry)| {
            entry.places.iter().map(|(number, place)| (*principal, *number, place))
        });
        let such = places.filter(|(.., place)| is_such(&place.waiter));
        such.map(|(principal, number, _)| Ticket { principal, number }).collect()
    }

    /// Takes a principal out of the ring, until [`rejoin`](Self::rejoin).
    pub(super) fn park(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if let Some(turn) = entry.turn.take() {
            self.ring.remove(&turn);
        }
    }

    /// Puts a parked principal at the end of the ring.
    pub(super) fn rejoin(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.turn.is_none() {
            entry.turn = Some(self.next_turn);
            self.ring.insert(self.next_turn, key);
            self.next_turn += 1;
        }
    }

    /// Takes all waiters out, in the order of arrival.
    pub(super) fn drain(&mut self) -> Vec<(Ticket, W)> {
        let tickets = self.entries.iter().flat_map(|(key, entry)| {
            entry.places.keys().map(|number| Ticket { principal: *key, number: *number })
        });
        let mut tickets: Vec<_> = tickets.collect();
        tickets.sort_unstable_by_key(|ticket| ticket.number);
        tickets.into_iter().filter_map(|ticket| Some((ticket, self.remove(ticket)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Queue = FairQueue<&'static str>;

    fn push(queue: &mut Queue, key: u64, waiter: &'static str) -> Ticket {
        queue.push(key, waiter)
    }

    /// Who is served if everything can be given to everybody.
    fn serve(queue: &mut Queue) -> Vec<&'static str> {
        let next = || {
            let (_, key) = queue.turn_from(0)?;
            queue.pop(key).map(|(_, waiter)| waiter)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn pool_11_principals_take_turns_and_their_waiters_keep_their_order() {
        let mut queue = Queue::new();
        for waiter in ["a1", "a2", "a3", "a4"] {
            push(&mut queue, 1, waiter);
        }
        push(&mut queue, 2, "b1");
        push(&mut queue, 3, "c1");
        push(&mut queue, 2, "b2");
        assert_eq!((queue.len(), queue.len_of(1), queue.in_ring()), (7, 4, 3));
        assert_eq!(serve(&mut queue), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
        assert_eq!((queue.len(), queue.in_ring()), (0, 0));
    }

    #[test]
    fn pool_6_a_waiter_that_leaves_changes_nobody_elses_place() {
        let mut queue = Queue::new();
        push(&mut queue, 1, "a1");
        let second = push(&mut queue, 1, "a2");
        let only = push(&mut queue, 2, "b1");
        push(&mut queue, 1, "a3");
        push(&mut queue, 3, "c1");
        assert_eq!(queue.remove(second), Some("a2"));
        assert_eq!(queue.remove(second), None, "once");
        assert_eq!(queue.remove(only), Some("b1"), "its principal leaves the ring");
        assert_eq!(serve(&mut queue), ["a1", "c1", "a3"]);
    }

    #[test]
    fn pool_11_who_is_put_back_has_its_turn_again() {
        let mut queue = Queue::new();
        for (key, waiter) in [(1, "a1"), (2, "b1"), (1, "a2"), (3, "c1")] {
            push(&mut queue, key, waiter);
        }
        let (ticket, waiter) = queue.pop(1).unwrap();
        queue.park(1);
        queue.restore(ticket, waiter);
        assert_eq!((queue.len(), queue.len_of(1), queue.in_ring()), (4, 2, 3));
        assert_eq!(queue.pop(1), Some((ticket, waiter)));
        queue.restore(ticket, waiter);
        assert_eq!(serve(&mut queue), ["a1", "b1", "c1", "a2"]);
        queue.restore(ticket, "a1");
        push(&mut queue, 2, "b1");
        assert_eq!((serve(&mut queue), queue.len()), (vec!["a1", "b1"], 0));
    }

    #[test]
    fn a_parked_principal_blocks_nobody_and_comes_back_at_the_end() {
        let mut queue = Queue::new();
        push(&mut queue, 1, "a1");
        push(&mut queue, 2, "b1");
        queue.park(1);
        push(&mut queue, 1, "a2");
        assert_eq!((queue.in_ring(), queue.len_of(1)), (1, 2));
        queue.rejoin(1);
        queue.rejoin(1);
        assert_eq!(serve(&mut queue), ["b1", "a1", "a2"]);
        queue.rejoin(1);
        assert_eq!(queue.in_ring(), 0, "nobody is there");
    }

    #[test]
    fn supply_is_assigned_once_and_freed_by_a_waiter_that_leaves() {
        let mut queue = Queue::new();
        let first = push(&mut queue, 1, "a1");
        let second = push(&mut queue, 1, "a2");
        assert!(queue.lacks_supply(1, 2) && !queue.lacks_supply(1, 0));
        queue.assign(7, Some(1));
        assert!(queue.is_supplied(first) && !queue.is_supplied(second));
        assert!(!queue.lacks_supply(1, 1), "one is all it may have");
        queue.assign(8, Some(1));
        assert!(!queue.lacks_supply(1, 9));
        queue.assign(9, Some(1));
        assert_eq!(queue.take_unassigned(), Some(9), "nobody was left to get it");

        queue.pop(1);
        assert_eq!(queue.unassigned(), 1, "who was served needs no supply");
        assert_eq!(queue.arrived(8), Some(second));
        assert!(queue.lacks_supply(1, 1));
        assert_eq!(queue.arrived(7), None);
        assert_eq!((queue.unassigned(), queue.take_unassigned()), (0, None));
    }

    #[test]
    fn drain_is_in_the_order_of_arrival() {
        let mut queue = Queue::new();
        for (key, waiter) in [(2, "b1"), (1, "a1"), (2, "b2"), (3, "c1")] {
            push(&mut queue, key, waiter);
        }
        queue.park(2);
        let drained: Vec<_> = queue.drain().into_iter().map(|(_, waiter)| waiter).collect();
        assert_eq!(drained, ["b1", "a1", "b2", "c1"]);
        assert_eq!((queue.len(), queue.in_ring()), (0, 0));
    }
}
