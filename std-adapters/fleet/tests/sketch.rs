//! Sketches against those of Apache DataSketches.

mod random;

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use plimsoll::ledger::{Key, LedgerKind, SumLedger};
use plimsoll::{Limit, Registry};
use plimsoll_fleet::merge::Merged;
use plimsoll_fleet::sketch::{FrequentItems, SketchError};
use plimsoll_fleet::state::LedgerState;

use random::Random;

fn ledger(seed: u64, of: impl Fn(u64) -> String) -> (LedgerState, Vec<u64>) {
    let random = &mut Random::new(seed);
    let registry = Registry::new();
    let fuel: SumLedger = registry.sum_ledger(Limit::cpu("fuel"), 40).unwrap();
    let mut truth = vec![0; 1 + random.below(200) as usize];
    for _ in 0..random.below(3_000) {
        let (guest, amount) = (random.below(truth.len() as u64), 1 + random.below(10_000));
        let text = of(guest);
        match text.parse::<u64>() {
            Ok(number) => fuel.record(number, amount).unwrap(),
            Err(_) => fuel.record(&text, amount).unwrap(),
        };
        truth[guest as usize] += amount;
    }
    let snapshot = registry.snapshot_with_users(usize::MAX);
    (LedgerState::of(&snapshot.ledgers()[0], usize::MAX), truth)
}

#[test]
fn fleet_5_a_ledger_of_text_is_read_by_datasketches() {
    for seed in 0..60 {
        let (ledger, truth) = ledger(seed, |guest| format!("guest {guest} ü"));
        let ours = FrequentItems::of_ledger(&ledger).unwrap();
        let theirs = FrequentItemsSketch::<String>::deserialize(&ours.to_bytes()).unwrap();
        assert_eq!(theirs.total_weight(), truth.iter().sum::<u64>(), "seed {seed}");
        assert_eq!(theirs.maximum_error(), ledger.absent_max(), "seed {seed}");
        for (guest, truth) in truth.iter().enumerate() {
            let name = format!("guest {guest} ü");
            let range = theirs.lower_bound(&*name)..=theirs.upper_bound(&*name);
            assert!(range.contains(truth), "seed {seed}: {name} had {truth}, not {range:?}");
        }
        // What the ledger shows, the sketch estimates.
        for user in ledger.users().filter(|user| user.value > ledger.absent_max()) {
            let key = user.principal.key().unwrap();
            assert_eq!(theirs.estimate(key.as_str().unwrap()), user.value, "seed {seed}");
        }
    }
}

#[test]
fn fleet_5_a_sketch_of_datasketches_is_read() {
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let mut longs = FrequentItemsSketch::<u64>::new(64).unwrap();
        let mut texts = FrequentItemsSketch::<String>::new(64).unwrap();
        for _ in 0..random.below(2_000) {
            let (item, count) = (random.below(300), 1 + random.below(50));
            longs.update_with_count(item, count);
            texts.update_with_count(format!("item-{item}"), count);
        }
        let read = FrequentItems::integers_from_bytes(&longs.serialize()).unwrap();
        assert_eq!((read.total(), read.offset()), (longs.total_weight(), longs.maximum_error()));
        assert_eq!(read.items().len(), longs.num_active_items());
        for (key, at_least, at_most) in read.items() {
            let item = key.as_integer().unwrap();
            assert_eq!((at_least, at_most), (longs.lower_bound(&item), longs.upper_bound(&item)));
        }
        let read = FrequentItems::text_from_bytes(&texts.serialize()).unwrap();
        for (key, at_least, at_most) in read.items() {
            let item = key.as_str().unwrap();
            assert_eq!((at_least, at_most), (texts.lower_bound(item), texts.upper_bound(item)));
        }
        // And back.
        let again = FrequentItemsSketch::<String>::deserialize(&read.to_bytes()).unwrap();
        let rows = |sketch: &FrequentItemsSketch<String>| {
            let mut rows = sketch.frequent_items(ErrorType::NoFalseNegatives);
            rows.sort_by(|a, b| a.item().cmp(b.item()));
            rows
        };
        assert_eq!(rows(&again), rows(&texts), "seed {seed}");
    }
}

/// Written by the C++ library (the Python package `datasketches` 5.2.0) of `tenant-0` to `tenant-16`.
#[test]
fn fleet_5_a_sketch_of_another_language_is_read() {
    let hex = "04010a030300000004000000000000005802000000000000670000000000000005000000000000000100\
               000000000000020000000000000004000000000000000900000074656e616e742d31320800000074656e\
               616e742d360800000074656e616e742d370900000074656e616e742d3131";
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect();
    let read = FrequentItems::text_from_bytes(&bytes).unwrap();
    assert_eq!((read.total(), read.offset()), (600, 103));
    let items: Vec<_> = read.items().map(|(key, low, high)| (key.to_string(), low, high)).collect();
    let of = |name: &str, low, high| (name.to_owned(), low, high);
    let expected = [
        of("tenant-12", 5, 108),
        of("tenant-6", 1, 104),
        of("tenant-7", 2, 105),
        of("tenant-11", 4, 107),
    ];
    assert_eq!(items, expected);
}

#[test]
fn fleet_5_a_merged_ledger_of_numbers_is_a_sketch_of_longs() {
    for seed in 0..40 {
        let (one, truth_one) = ledger(seed, |guest| guest.to_string());
        let (other, truth_other) = ledger(seed + 1_000, |guest| guest.to_string());
        for listed in [1 << 20, 10] {
            let merged = Merged::of([&one, &other], listed).unwrap();
            let bytes = FrequentItems::of_merged(&merged).unwrap().to_bytes();
            let theirs = FrequentItemsSketch::<u64>::deserialize(&bytes).unwrap();
            for guest in 0..200 {
                let of = |truth: &Vec<u64>| truth.get(guest as usize).copied().unwrap_or(0);
                let truth = of(&truth_one) + of(&truth_other);
                let range = theirs.lower_bound(&guest)..=theirs.upper_bound(&guest);
                assert!(range.contains(&truth), "seed {seed}: {guest} had {truth}, not {range:?}");
            }
        }
    }
}

#[test]
fn an_empty_ledger_is_an_empty_sketch() {
    let empty = LedgerState::new(&Limit::cpu("fuel"), LedgerKind::Sum, [], 0, 0);
    let bytes = FrequentItems::of_ledger(&empty).unwrap().to_bytes();
    assert!(FrequentItemsSketch::<u64>::deserialize(&bytes).unwrap().is_empty());
    let read = FrequentItems::integers_from_bytes(&bytes).unwrap();
    assert_eq!((read.items().len(), read.offset(), read.total()), (0, 0, 0));
    let theirs = FrequentItemsSketch::<String>::new(64).unwrap().serialize();
    assert_eq!(FrequentItems::text_from_bytes(&theirs), Ok(read));
}

#[test]
fn ledgers_that_are_no_sketches_are_named() {
    let state = |kind, keys: &[Key]| {
        let users = keys.iter().map(|key| (*key, 5, 0));
        FrequentItems::of_ledger(&LedgerState::new(&Limit::cpu("fuel"), kind, users, 0, 10))
    };
    let kind = LedgerKind::Peak;
    assert_eq!(state(kind, &[]).unwrap_err(), SketchError::NotSums { kind });
    let both = [Key::from(7), Key::new(b"7").unwrap()];
    assert_eq!(state(LedgerKind::Sum, &both).unwrap_err(), SketchError::Mixed);
    let principal = Key::new(b"pla\xe9").unwrap();
    let error = state(LedgerKind::Sum, &[principal]).unwrap_err();
    assert_eq!(error, SketchError::NotText { principal });
    assert_eq!(error.to_string(), "a sketch of text holds UTF-8 (this ledger has pla\\xe9)");
    // A digest is the text of its digits.
    let digest = state(LedgerKind::Sum, &[Key::digest([b'a'; 64])]).unwrap();
    let theirs = FrequentItemsSketch::<String>::deserialize(&digest.to_bytes()).unwrap();
    assert_eq!(theirs.estimate(&*"a".repeat(64)), 5);
}

/// Bytes of others: cut anywhere, or changed anywhere, they are an error or a sketch, and nothing else.
#[test]
fn bytes_that_are_no_sketch_are_errors() {
    let mut theirs = FrequentItemsSketch::<String>::new(64).unwrap();
    (0..40_u64).for_each(|item| theirs.update_with_count(format!("item-{item}"), 1 + item));
    let bytes = theirs.serialize();
    for end in 0..bytes.len() {
        let error = FrequentItems::text_from_bytes(&bytes[..end]).unwrap_err();
        assert!(matches!(error, SketchError::Short { .. }), "{end}: {error}");
    }
    let mut read = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            read += usize::from(FrequentItems::text_from_bytes(&changed).is_ok());
            let _ = FrequentItems::integers_from_bytes(&changed);
        }
    }
    assert!(read > 0, "some changes make another sketch");
    let mut foreign = bytes.clone();
    foreign[2] = 3;
    let error = FrequentItems::text_from_bytes(&foreign).unwrap_err().to_string();
    assert_eq!(error, "this is no frequent-items sketch: the family is 3 (expected 10)");
}
