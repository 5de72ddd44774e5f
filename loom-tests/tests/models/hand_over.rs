//! The words of the pool of `plimsoll`, compiled with the model's atomics: whose hands a slot is in
//! (POOL-12, POOL-15), and the order in which slots become idle (POOL-8).

#[path = "../../../std-adapters/plimsoll/src/pool/store/hands.rs"]
mod hands;
#[path = "../../../std-adapters/plimsoll/src/pool/store/moments.rs"]
mod moments;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use plimsoll_loom::pool::{Leased, Moment, Observed, PoolId, PoolSlot, PoolSlots, SlotId, Tenant};

use crate::common::Model;
use hands::{Hands, Holding};
use moments::{Moments, NEVER};

const PLACE: SlotId = SlotId::new(0);

/// A note beside a slot: whom it is lent to, or that its holder calls the manager.
trait Note: Send + Sync + 'static {
    fn new() -> Self;
    fn lend(&self, token: &Leased, tenant: Tenant);
    fn call(&self, token: &Leased);
    fn end_call(&self);
    fn is_lent(&self, observed: Observed, tenant: Tenant) -> bool;
    fn is_calling(&self, observed: Observed) -> bool {
        self.is_lent(observed, Tenant::NONE)
    }
}

impl Note for Hands {
    fn new() -> Self {
        Hands::new()
    }
    fn lend(&self, token: &Leased, tenant: Tenant) {
        self.lend(token, tenant);
    }
    fn call(&self, token: &Leased) {
        let holding = Holding::from(token);
        assert_eq!(holding.slot, PLACE);
        self.call(holding);
    }
    fn end_call(&self) {
        self.end_call();
    }
    fn is_lent(&self, observed: Observed, tenant: Tenant) -> bool {
        self.is_lent(observed, tenant)
    }
    fn is_calling(&self, observed: Observed) -> bool {
        self.is_calling(observed)
    }
}

/// A twin that notes who it is and not by which token.
struct Bare(AtomicU64);

impl Note for Bare {
    fn new() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
    fn lend(&self, _: &Leased, tenant: Tenant) {
        self.0.store(tenant.get(), Ordering::Relaxed);
    }
    fn call(&self, _: &Leased) {
        self.0.store(Tenant::NONE.get(), Ordering::Relaxed);
    }
    fn end_call(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }
    fn is_lent(&self, _: Observed, tenant: Tenant) -> bool {
        self.0.load(Ordering::Relaxed) == tenant.get()
    }
}

/// A slot, what is noted beside it, and what is true.
struct Stand<N> {
    slots: PoolSlots<[PoolSlot; 1]>,
    note: N,
    /// By the mark of a token: whom it was lent to, and whether its holder has called the manager.
    truth: Mutex<BTreeMap<u64, (Tenant, bool)>>,
}

fn tenant(number: u64) -> Tenant {
    Tenant::new(number).expect("a small number")
}

impl<N: Note> Stand<N> {
    /// With an idle object.
    fn new() -> Arc<Self> {
        let slots = PoolSlots::new(PoolId::new(1));
        let built = slots.reserve(Tenant::NONE).expect("it is vacant");
        slots.finish(built, plimsoll_loom::keepalive::Tick::new(0)).expect("ours");
        Arc::new(Self { slots, note: N::new(), truth: Mutex::default() })
    }

    fn knows(&self, mark: u64, what: (Tenant, bool)) {
        self.truth.lock().unwrap().insert(mark, what);
    }

    fn truth_of(&self, observed: Observed) -> Option<(Tenant, bool)> {
        self.truth.lock().unwrap().get(&observed.mark(Tenant::NONE)).copied()
    }

    /// A lease, with a reset at its end if so.
    ///
    /// # Returns
    /// Whether its slot was its own to the end; `None` if it was lent.
    fn lease(&self, number: u64, resets: bool) -> Option<bool> {
        let token = self.slots.take(Tenant::NONE, None)?;
        let (mark, whose) = (token.mark(Tenant::NONE), tenant(number));
        self.knows(mark, (whose, false));
        self.note.lend(&token, whose);
        if resets {
            self.knows(mark, (whose, true));
            self.note.call(&token);
        }
        Some(self.slots.give_back(token, plimsoll_loom::keepalive::Tick::new(number)).is_ok())
    }
}

fn hands_are_of_one_token<N: Note>() {
    let stand = Stand::<N>::new();
    let holders = [1, 2].map(|number| {
        let stand = stand.clone();
        thread::spawn(move || stand.lease(number, false))
    });
    if let Some(observed) = stand.slots.observe(PLACE) {
        for number in [1, 2] {
            if stand.note.is_lent(observed, tenant(number)) {
                let truth = stand.truth_of(observed).map(|(whose, _)| whose);
                assert_eq!(truth, Some(tenant(number)), "POOL-15: it is another's");
            }
        }
    }
    holders.into_iter().for_each(|holder| assert_ne!(holder.join().unwrap(), Some(false)));
    // A holder finds its own note.
    let token = stand.slots.take(Tenant::NONE, None).expect("it is idle");
    stand.note.lend(&token, tenant(3));
    let observed = stand.slots.observe(PLACE).expect("it is lent");
    assert!(stand.note.is_lent(observed, tenant(3)), "POOL-15: its own");
    stand.slots.give_back(token, plimsoll_loom::keepalive::Tick::new(3)).expect("ours");
}

/// POOL-15: a slot is said to be in a tenant's hands only if it is by this very token.
#[test]
fn pool_15_hands_are_of_one_token() {
    let model = Model::bounded(3).at_least([130, 2100, 380]);
    model.check(hands_are_of_one_token::<Hands>);
    model.check_wrong(hands_are_of_one_token::<Bare>);
}

fn only_calls_are_revoked<N: Note>() {
    let stand = Stand::<N>::new();
    let holders = [(1, true), (2, false)].map(|(number, resets)| {
        let stand = stand.clone();
        thread::spawn(move || stand.lease(number, resets))
    });
    let observed = stand.slots.observe(PLACE);
    let calls = observed.filter(|observed| stand.note.is_calling(*observed));
    let revoked = calls.and_then(|observed| Some((observed, stand.slots.revoke(observed)?)));
    let [with_reset, without] = holders.map(|holder| holder.join().unwrap());
    if let Some((observed, condemned)) = revoked {
        assert_eq!(stand.truth_of(observed), Some((tenant(1), true)), "POOL-12: it was lent");
        assert_eq!(with_reset, Some(false), "POOL-12: one of the two has the slot");
        stand.slots.vacate(condemned).expect("ours");
    } else {
        assert_ne!(with_reset, Some(false), "POOL-12: nobody has taken it away");
    }
    assert_ne!(without, Some(false), "POOL-12: a lease is not taken away");
    // A call that has ended is none.
    let token = stand.slots.take(Tenant::NONE, None);
    let token =
        token.or_else(|| stand.slots.finish_leased(stand.slots.reserve(Tenant::NONE)?).ok());
    let token = token.expect("it is idle or vacant");
    stand.note.call(&token);
    stand.note.end_call();
    let observed = stand.slots.observe(PLACE).expect("it is lent");
    assert!(!stand.note.is_calling(observed), "POOL-12: the call has ended");
    stand.slots.give_back(token, plimsoll_loom::keepalive::Tick::new(3)).expect("ours");
}

/// POOL-12: a slot is taken from a holder that is in a call of the manager, never from a lease.
#[test]
fn pool_12_hands_only_calls_are_revoked() {
    let model = Model::bounded(3).at_least([130, 2100, 380]);
    model.check(only_calls_are_revoked::<Hands>);
    model.check_wrong(only_calls_are_revoked::<Bare>);
}

/// How the pool counts what becomes idle.
trait Order: Send + Sync + 'static {
    fn new() -> Self;
    fn next(&self, last: Moment) -> Moment;
    /// # Returns
    /// The time from then on.
    fn publish(&self, ms: u64) -> u64;
}

impl Order for Moments {
    fn new() -> Self {
        Moments::new()
    }
    fn next(&self, last: Moment) -> Moment {
        self.next(last)
    }
    fn publish(&self, ms: u64) -> u64 {
        self.publish(ms);
        self.now_ms()
    }
}

/// A twin that loads and stores.
struct Stored(AtomicU64);

impl Order for Stored {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }
    fn next(&self, _: Moment) -> Moment {
        let next = Moment::from_word(self.0.load(Ordering::Relaxed)).next().expect("few");
        self.0.store(next.to_word(), Ordering::Relaxed);
        next
    }
    fn publish(&self, ms: u64) -> u64 {
        let word = Moment::from(plimsoll_loom::keepalive::Tick::new(ms)).to_word();
        self.0.fetch_max(word, Ordering::Relaxed);
        Moment::from_word(self.0.load(Ordering::Relaxed)).tick().get()
    }
}

fn later_is_larger<O: Order>() {
    let moments = Arc::new(O::new());
    let others = [2, 3].map(|ms| {
        let moments = moments.clone();
        thread::spawn(move || {
            let first = moments.next(NEVER);
            assert!(moments.publish(ms) >= ms, "POOL-8: time turns back");
            let second = moments.next(first);
            assert!(second >= first && second.tick().get() >= ms, "POOL-8: time turns back");
            (first, second)
        })
    });
    let own = moments.next(NEVER);
    let again = moments.next(own);
    assert!(again >= own, "POOL-8: time turns back");
    let mut all = BTreeSet::from([own]);
    for (first, second) in others.map(|other| other.join().unwrap()) {
        assert!(all.insert(first), "POOL-8: two at one moment");
        assert!(second == first || all.insert(second), "POOL-8: two at one moment");
    }
    // The last one has its moment still.
    assert!(again == own || all.insert(again), "POOL-8: two at one moment");
    assert!(all.iter().all(|moment| moments.next(NEVER) > *moment), "POOL-8: a later one");
}

/// POOL-8: of two instances that become idle one after the other the second has a larger moment.
#[test]
fn pool_8_order_later_is_larger() {
    let model = Model::bounded(2).at_least([590, 590, 100]);
    model.check(later_is_larger::<Moments>);
    model.check_wrong(later_is_larger::<Stored>);
}
