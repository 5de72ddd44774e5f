//! Merged ledgers against what was really recorded, and against the union of sketches of DataSketches.

mod random;

use std::collections::HashMap;

use datasketches::frequencies::FrequentItemsSketch;
use plimsoll::ledger::{Key, LedgerKind, PeakLedger, SumLedger};
use plimsoll::{Limit, Registry};
use plimsoll_fleet::merge::{MergeError, Merged};
use plimsoll_fleet::sketch::FrequentItems;
use plimsoll_fleet::state::LedgerState;

use random::Random;

type Truth = HashMap<String, u64>;

/// Hosts with ledgers that have too few slots for all principals, and what each principal has really had.
struct Fleet {
    states: Vec<LedgerState>,
    truth: Truth,
}

/// What the ledgers of a random fleet are like.
fn shape(random: &mut Random) -> (u64, u64, u64) {
    let hosts = 1 + random.below(8);
    let principals = 20 + random.below(400);
    (hosts, principals, 200 + random.below(2_000))
}

fn name_of(random: &mut Random, principals: u64) -> String {
    // Small numbers come more often than large ones.
    let at = random.below(principals).min(random.below(principals)).min(random.below(principals));
    format!("tenant-{at}")
}

fn peaks(random: &mut Random) -> Fleet {
    let (hosts, principals, records) = shape(random);
    let mut truth = Truth::new();
    let states = (0..hosts).map(|_| {
        let registry = Registry::new();
        let ledger: PeakLedger = registry.peak_ledger(Limit::memory("heaps"), 40).unwrap();
        for _ in 0..records {
            let (name, amount) = (name_of(random, principals), 1 + random.below(1_000_000));
            ledger.record(&name, amount).unwrap();
            let peak = truth.entry(name).or_default();
            *peak = amount.max(*peak);
        }
        state_of(&registry)
    });
    let states = states.collect();
    Fleet { states, truth }
}

fn sums(random: &mut Random) -> Fleet {
    let (hosts, principals, records) = shape(random);
    let mut truth = Truth::new();
    let states = (0..hosts).map(|_| {
        let registry = Registry::new();
        let ledger: SumLedger = registry.sum_ledger(Limit::cpu("fuel"), 40).unwrap();
        for _ in 0..records {
            let (name, amount) = (name_of(random, principals), 1 + random.below(1_000));
            ledger.record(&name, amount).unwrap();
            *truth.entry(name).or_default() += amount;
        }
        state_of(&registry)
    });
    let states = states.collect();
    Fleet { states, truth }
}

fn state_of(registry: &Registry) -> LedgerState {
    LedgerState::of(&registry.snapshot_with_users(usize::MAX).ledgers()[0], usize::MAX)
}

fn name(key: &Key) -> &str {
    key.as_str().expect("text")
}

/// What holds of every merge, against the truth.
fn check(fleet: &Fleet, merged: &Merged) {
    for user in merged.users() {
        let truth = fleet.truth[name(&user.principal)];
        assert!((user.at_least..=user.at_most).contains(&truth), "{user:?} had {truth}");
        assert!(user.most <= user.at_most && user.states <= fleet.states.len(), "{user:?}");
    }
    let listed: HashMap<_, _> =
        merged.users().iter().map(|user| (name(&user.principal), user)).collect();
    assert_eq!(listed.len(), merged.users().len(), "each principal once");
    let others_max = merged.bound.max(merged.left_out_max);
    for (name, truth) in &fleet.truth {
        assert!(listed.contains_key(&**name) || *truth <= others_max, "{name} had {truth}");
    }
    // Certified: nobody else has more than any of them.
    let certified = &merged.users()[..merged.certified];
    let least = certified.iter().map(|user| fleet.truth[name(&user.principal)]).min();
    let is_certified = |of: &str| certified.iter().any(|user| name(&user.principal) == of);
    let others = fleet.truth.iter().filter(|(name, _)| !is_certified(name));
    let most = others.map(|(_, truth)| *truth).max().unwrap_or(0);
    assert!(least.is_none_or(|least| least >= most), "{most} is above {least:?} of the certified");
}

#[test]
fn fleet_3_merged_peaks_are_the_exact_maximum() {
    let (mut exact, mut certified) = (0, 0);
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let fleet = peaks(random);
        let merged = Merged::of(&fleet.states, 1 + random.below(100) as usize).unwrap();
        check(&fleet, &merged);
        for user in merged.users().iter().filter(|user| user.at_least >= merged.bound) {
            assert_eq!(user.at_most, fleet.truth[name(&user.principal)], "seed {seed}");
            assert_eq!(user.error(), 0, "seed {seed}");
            exact += 1;
        }
        certified += merged.certified;
    }
    assert!(exact > 500 && certified > 500, "{exact} exact and {certified} certified");
}

#[test]
fn fleet_3_merged_sums_keep_their_bounds_and_certificates() {
    let mut certified = 0;
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let fleet = sums(random);
        let merged = Merged::of(&fleet.states, 1 + random.below(100) as usize).unwrap();
        check(&fleet, &merged);
        assert_eq!(merged.total, fleet.truth.values().sum::<u64>(), "seed {seed}");
        let bounds: u64 = fleet.states.iter().map(LedgerState::absent_max).sum();
        assert!(merged.bound == bounds && merged.users().iter().all(|user| user.error() <= bounds));
        certified += merged.certified;
    }
    assert!(certified > 100, "{certified} certified");
}

#[test]
fn fleet_3_states_that_leave_users_out_keep_their_bounds() {
    for seed in 0..30 {
        let random = &mut Random::new(seed);
        for mut fleet in [peaks(random), sums(random)] {
            for state in &mut fleet.states {
                let users: Vec<_> = state.users().collect();
                let kept = random.below(users.len() as u64) as usize;
                let left_out = users[kept].value.max(state.absent_max());
                let users = users[..kept].iter();
                let users = users.map(|it| (it.principal.key().unwrap(), it.value, it.error));
                let limit = Limit::new(state.name().to_owned(), state.category());
                *state = LedgerState::new(&limit, state.kind(), users, left_out, state.total());
            }
            check(&fleet, &Merged::of(&fleet.states, 50).unwrap());
        }
    }
}

#[test]
fn fleet_3_neither_the_order_of_the_states_nor_of_the_hashes_matters() {
    for seed in 0..20 {
        let random = &mut Random::new(seed);
        for fleet in [peaks(random), sums(random)] {
            let forwards = Merged::of(&fleet.states, 30).unwrap();
            let backwards = Merged::of(fleet.states.iter().rev(), 30).unwrap();
            let shown = |merged: &Merged| {
                let users = merged.users().iter();
                let users =
                    users.map(|it| (it.principal, it.at_least, it.at_most, it.most, it.states));
                (users.collect::<Vec<_>>(), merged.certified, merged.bound, merged.total)
            };
            assert_eq!(shown(&forwards), shown(&backwards), "seed {seed}");
        }
    }
}

/// The union of the same states as sketches is as true, and no user of ours has a wider range.
#[test]
fn fleet_5_our_ranges_lie_within_those_of_the_union_of_sketches() {
    for seed in 0..40 {
        let fleet = sums(&mut Random::new(seed));
        let mut union = FrequentItemsSketch::<String>::new(64).unwrap();
        for state in &fleet.states {
            let bytes = FrequentItems::of_ledger(state).unwrap().to_bytes();
            union.merge(&FrequentItemsSketch::deserialize(&bytes).unwrap());
        }
        let merged = Merged::of(&fleet.states, 1 << 20).unwrap();
        assert_eq!(union.total_weight(), merged.total);
        assert!(merged.bound <= union.maximum_error(), "seed {seed}");
        for user in merged.users() {
            let name = name(&user.principal);
            let (at_least, at_most) = (union.lower_bound(name), union.upper_bound(name));
            let truth = fleet.truth[name];
            assert!(at_least <= truth && truth <= at_most, "seed {seed}: {name} had {truth}");
            assert!(at_least <= user.at_least && user.at_most <= at_most, "seed {seed}: {user:?}");
        }
    }
}

#[test]
fn what_cannot_be_merged_is_named() {
    assert_eq!(Merged::of([], 10), Err(MergeError::Nothing));
    let one = LedgerState::new(&Limit::memory("heaps"), LedgerKind::Peak, [], 0, 0);
    let other = LedgerState::new(&Limit::memory("heaps\n").scope("a"), LedgerKind::Sum, [], 0, 0);
    let error = Merged::of([&one, &other], 10).unwrap_err().to_string();
    assert!(
        error.starts_with("memory heaps\\n[a] (sum) cannot be merged with memory heaps (peak)"),
        "{error}"
    );
    let nobody = Merged::of([&one, &one], 0).unwrap();
    assert_eq!((nobody.users().len(), nobody.states), (0, 2));
}

/// A host can say anything: numbers of its own, the same principal twice. Nothing overflows.
#[test]
fn values_at_the_end_of_their_range_are_cut() {
    let key = Key::from(7);
    for kind in [LedgerKind::Peak, LedgerKind::Sum, LedgerKind::Window] {
        let users = [(key, u64::MAX, 0), (key, u64::MAX, u64::MAX)];
        let state = LedgerState::new(&Limit::cpu("fuel"), kind, users, u64::MAX, u64::MAX);
        let merged = Merged::of([&state, &state], 10).unwrap();
        let user = &merged.users()[0];
        assert_eq!((merged.users().len(), user.at_most, merged.total), (1, u64::MAX, u64::MAX));
        assert!(merged.is_saturated && user.at_least <= user.at_most);
    }
}

#[test]
fn text_numbers_and_digests_are_different_principals() {
    let digits = [b'7'; 64];
    let users = [Key::from(7), Key::new(b"7").unwrap(), Key::new(&7_u64.to_le_bytes()).unwrap()];
    let users = users.into_iter().chain([Key::digest(digits), Key::new(&digits).unwrap()]);
    let users: Vec<_> = users.map(|key| (key, 5, 0)).collect();
    let state = LedgerState::new(&Limit::memory("heaps"), LedgerKind::Sum, users, 0, 25);
    let merged = Merged::of([&state, &state], 10).unwrap();
    assert_eq!((merged.users().len(), merged.certified), (5, 5));
    assert!(merged.users().iter().all(|user| user.at_least == 10 && user.share == 0.2));
}

/// What is left out before it is gathered is what cannot be among the largest: the few largest are the same as of a
/// merge that leaves nothing out, which a list of more than 1,024 users is.
#[test]
fn fleet_3_the_largest_are_the_same_however_few_are_listed() {
    for seed in 0..6 {
        let random = &mut Random::new(seed);
        let mut users = |host: u64| {
            let users = (0..3_000_u64).map(|at| {
                let value = 1 + 1_000_000 / (1 + random.below(3_000));
                (Key::from(at + 500 * host), value, random.below(value))
            });
            users.collect::<Vec<_>>()
        };
        let states: Vec<_> = (0..10)
            .map(|host| {
                let (users, total) = (users(host), 1 << 40);
                LedgerState::new(&Limit::cpu("fuel"), LedgerKind::Sum, users, host * 10, total)
            })
            .collect();
        let all = Merged::of(&states, 100_000).unwrap();
        for listed in [1, 10, 100, 1_000] {
            let few = Merged::of(&states, listed).unwrap();
            assert_eq!(few.users(), &all.users()[..listed], "seed {seed}");
            assert!(few.certified <= all.certified.min(listed));
            assert!(few.left_out_max >= all.users()[listed].at_most, "seed {seed}");
        }
    }
}
