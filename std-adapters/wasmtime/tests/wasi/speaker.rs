//! A component that leaves no handles behind, whose instance is used again.

use std::collections::{BTreeMap, HashSet};
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use plimsoll::Registry;
use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    CallError, ComponentExports, ExportError, InstantiateError, ProgramError, WasmEngine, WasmPool,
    WasmPoolBuilder,
};
use wasmtime::component::{Component, Linker, TypedFunc};

use crate::example::{Data, TABLE_CAPACITY, Tools};
use crate::place::{ISOLATIONS, Place, engine};

struct Speaker {
    say: TypedFunc<(u8,), ()>,
    keep: TypedFunc<(), ()>,
    say_kept: TypedFunc<(u8,), ()>,
    count: TypedFunc<(), (u32,)>,
    random: TypedFunc<(), (u64,)>,
    insecure: TypedFunc<(), (u64,)>,
    seed: TypedFunc<(), (u64,)>,
    now: TypedFunc<(), (u64,)>,
}

impl Speaker {
    fn look_up(exports: &mut ComponentExports<'_, Data>) -> Result<Self, ExportError> {
        Ok(Self {
            say: exports.func("say")?,
            keep: exports.func("keep")?,
            say_kept: exports.func("say-kept")?,
            count: exports.func("count")?,
            random: exports.func("random")?,
            insecure: exports.func("insecure")?,
            seed: exports.func("seed")?,
            now: exports.func("now")?,
        })
    }
}

const SPEAKER: &str = include_str!("speaker.wat");

struct Program {
    engine: WasmEngine,
    component: Component,
}

impl Program {
    fn new() -> Self {
        Self::of(SPEAKER)
    }

    fn of(wat: &str) -> Self {
        let engine = engine();
        let component = Component::new(engine.wasmtime(), wat).unwrap();
        Self { engine, component }
    }

    fn settings(&self, is_async: bool) -> WasmPoolBuilder<Tools, Speaker> {
        let Self { engine, component } = self;
        let mut linker = Linker::new(engine.wasmtime());
        match is_async {
            true => wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap(),
            false => wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap(),
        }
        let tools = Tools { registry: Registry::new(), folders: BTreeMap::new() };
        let builder = WasmPool::component(engine, tools, &linker, component, Speaker::look_up);
        // On a busy machine, a thread may be stopped for long in the guest's own time.
        builder.unwrap().deadline(Duration::from_secs(60)).pool(|pool| pool.no_fault_backoff())
    }
}

/// What each isolation makes of leases to acme, another, and acme again, where there is room for two.
const USES: [(Isolation, [u32; 3]); 3] = [
    (Isolation::Fresh, [1, 1, 1]),
    (Isolation::PerPrincipal, [1, 1, 2]),
    (Isolation::Shared, [1, 2, 3]),
];

#[test]
fn pool_10_output_goes_to_the_lease_that_wrote_it_and_the_guests_memory_stays_as_asked() {
    let program = Program::new();
    for place in Place::all() {
        for (isolation, expected) in USES {
            let pool = place.build(program.settings(place.is_async()).max(2).isolation(isolation));
            let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
            let uses = [(&acme, 1), (&other, 2), (&acme, 3)].map(|(principal, word)| {
                let mut lease = place.lease(&pool, principal);
                let uses = lease.uses();
                assert_eq!(place.call(&mut lease, |guest| &guest.count, ()).unwrap(), (uses,));
                place.call(&mut lease, |guest| &guest.say, (word,)).unwrap();
                place.call(&mut lease, |guest| &guest.say, (word,)).unwrap();
                assert_eq!(lease.complete().written(), [word, word], "{place:?} {isolation:?}");
                uses
            });
            assert_eq!(uses, expected, "{place:?} {isolation:?}");
        }
    }
}

#[test]
fn pool_10_leases_at_the_same_time_have_an_output_each() {
    let program = Program::new();
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let pool = place.build(program.settings(place.is_async()).max(2).isolation(isolation));
            let acme = pool.principal("acme").unwrap();
            let mut leases = [place.lease(&pool, &acme), place.lease(&pool, &acme)];
            for word in [1, 2] {
                for (lease, own) in leases.iter_mut().zip([10, 20]) {
                    place.call(lease, |guest| &guest.say, (own + word,)).unwrap();
                }
            }
            let written = leases.map(|lease| lease.complete().written());
            assert_eq!(written, [[11, 12], [21, 22]], "{place:?} {isolation:?}");
        }
    }
}

#[test]
fn pool_10_a_handle_that_is_kept_ends_its_instance() {
    let program = Program::new();
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let pool = place.build(program.settings(place.is_async()).max(1).isolation(isolation));
            let acme = pool.principal("acme").unwrap();
            let mut lease = place.lease(&pool, &acme);
            place.call(&mut lease, |guest| &guest.keep, ()).unwrap();
            place.call(&mut lease, |guest| &guest.say_kept, (1,)).unwrap();
            assert_eq!(lease.complete().written(), [1]);

            // Neither this lease's output nor the last one's is to be had by the old number.
            let mut lease = place.lease(&pool, &acme);
            assert_eq!(lease.uses(), 1, "{place:?} {isolation:?}");
            let error = place.call(&mut lease, |guest| &guest.say_kept, (2,)).unwrap_err();
            assert!(matches!(error, CallError::BrokenAbi { .. }), "{error:?}");
            assert!(lease.complete().written().is_empty());
        }
    }
}

#[test]
fn pool_10_a_guest_that_has_handles_from_its_start_is_refused() {
    let start = "(func $start (global.set $kept (call $get-stdout))) (start $start) (global $calls";
    let program = Program::of(&SPEAKER.replace("(global $calls", start));
    let error = program.settings(false).max(1).build().unwrap_err();
    let ProgramError::Instance(InstantiateError::HandlesAtStart) = error else {
        panic!("{error:?}")
    };
}

#[test]
fn pool_10_no_two_leases_share_random_numbers_or_a_seed() {
    const LEASES: usize = 20;
    let program = Program::new();
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let pool = place.build(program.settings(place.is_async()).max(1).isolation(isolation));
            let acme = pool.principal("acme").unwrap();
            let mut seen = HashSet::new();
            for _ in 0..LEASES {
                let mut lease = place.lease(&pool, &acme);
                let (random,) = place.call(&mut lease, |guest| &guest.random, ()).unwrap();
                let (insecure,) = place.call(&mut lease, |guest| &guest.insecure, ()).unwrap();
                let (seed,) = place.call(&mut lease, |guest| &guest.seed, ()).unwrap();
                seen.extend([random, insecure, seed]);
                lease.complete();
            }
            assert_eq!(seen.len(), 3 * LEASES, "{place:?} {isolation:?}");
        }
    }
}

#[test]
fn pool_10_the_monotonic_clock_begins_with_the_lease() {
    let program = Program::new();
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let pool = place.build(program.settings(place.is_async()).max(1).isolation(isolation));
            let acme = pool.principal("acme").unwrap();
            for _ in 0..3 {
                let begin = Instant::now();
                let mut lease = place.lease(&pool, &acme);
                let (now_ns,) = place.call(&mut lease, |guest| &guest.now, ()).unwrap();
                assert!(
                    u128::from(now_ns) <= begin.elapsed().as_nanos(),
                    "{place:?} {isolation:?}"
                );
                lease.complete();
            }
        }
    }
}

#[test]
fn meter_5_waiting_for_room_in_its_output_is_not_the_guests_time() {
    let deadline = Duration::from_millis(500);
    let [place, ..] = Place::all();
    let Place::Task(runtime) = &place else { panic!("{place:?}") };
    let pool = place.build(Program::new().settings(true).max(1).deadline(deadline));
    let acme = pool.principal("acme").unwrap();
    runtime.block_on(async {
        let mut lease = pool.checkout(&acme).await.unwrap();
        let mut output = lease.state().output.take().unwrap();
        let reader = tokio::spawn(async move {
            // The queue has room for four.
            tokio::time::sleep(3 * deadline).await;
            let mut words = Vec::new();
            while words.len() < 6 {
                words.extend(output.recv().await.unwrap());
            }
            words
        });
        for word in 0..6 {
            lease.call(|guest| &guest.say, (word,)).await.unwrap();
        }
        lease.complete();
        assert_eq!(reader.await.unwrap(), [0, 1, 2, 3, 4, 5]);
    });
    assert_eq!(acme.faults(), 0);
}

#[test]
fn meter_7_a_wall_limit_ends_a_guest_that_waits_for_its_output_and_blames_nobody() {
    let [place, ..] = Place::all();
    let pool =
        place.build(Program::new().settings(true).max(1).wall_limit(Duration::from_millis(100)));
    let acme = pool.principal("acme").unwrap();
    let mut lease = place.lease(&pool, &acme);
    let error = (0..5)
        .find_map(|word| place.call(&mut lease, |guest| &guest.say, (word,)).err())
        .expect("nobody reads");
    assert!(matches!(error, CallError::WallLimit { .. }), "{error:?}");
    lease.complete();
    assert_eq!(acme.faults(), 0);
    // The next one has room.
    let mut lease = place.lease(&pool, &acme);
    place.call(&mut lease, |guest| &guest.say, (7,)).unwrap();
    assert_eq!(lease.complete().written(), [7]);
}

#[test]
fn meter_7_a_guest_that_fills_its_table_is_to_blame() {
    let program = Program::new();
    for place in Place::all() {
        let pool = place.build(program.settings(place.is_async()).max(1));
        let acme = pool.principal("acme").unwrap();
        let mut lease = place.lease(&pool, &acme);
        for _ in 0..TABLE_CAPACITY {
            place.call(&mut lease, |guest| &guest.keep, ()).unwrap();
        }
        let error = place.call(&mut lease, |guest| &guest.keep, ()).unwrap_err();
        assert!(matches!(error, CallError::OutOfHandles) && error.is_fault(), "{error:?}");
        lease.complete();
        let mut lease = place.lease(&pool, &acme);
        place.call(&mut lease, |guest| &guest.say, (1,)).unwrap();
        assert_eq!(lease.complete().written(), [1]);
    }
}

#[test]
fn pool_3_a_call_that_is_cancelled_while_it_waits_for_its_output_writes_to_nobody_elses() {
    let [place, ..] = Place::all();
    let Place::Task(runtime) = &place else { panic!("{place:?}") };
    for isolation in ISOLATIONS {
        let pool = place.build(Program::new().settings(true).max(1).isolation(isolation));
        let acme = pool.principal("acme").unwrap();
        let mut output = runtime.block_on(async {
            let mut lease = pool.checkout(&acme).await.unwrap();
            let output = lease.state().output.take().unwrap();
            for _ in 0..4 {
                lease.call(|guest| &guest.say, (1,)).await.unwrap();
            }
            let full = lease.call(|guest| &guest.say, (2,));
            tokio::time::timeout(Duration::from_millis(20), full).await.unwrap_err();
            output
        });
        for _ in 0..3 {
            let mut lease = place.lease(&pool, &acme);
            place.call(&mut lease, |guest| &guest.say, (3,)).unwrap();
            assert_eq!(lease.complete().written(), [3], "{isolation:?}");
        }
        // The queue ends with the instance that had it: nothing holds its other side.
        let words = runtime.block_on(async {
            let mut words = Vec::new();
            while let Some(more) = output.recv().await {
                words.extend(more);
            }
            words
        });
        assert!(words.starts_with(&[1; 4]) && !words.contains(&3), "{words:?}");
    }
}

#[test]
fn pool_3_what_is_linked_sync_panics_on_a_thread_of_a_runtime_and_the_pool_goes_on() {
    let pool = Program::new().settings(false).max(1).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let say = || {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.say, (1,)).unwrap();
        lease.complete().written()
    };
    let panicked = runtime.block_on(async { panic::catch_unwind(AssertUnwindSafe(say)).is_err() });
    assert!(panicked);
    assert_eq!(say(), [1]);
    // A runtime has threads for what blocks.
    let (pool, acme) = (pool.clone(), acme.clone());
    let task = runtime.spawn_blocking(move || {
        let mut lease = pool.checkout_blocking(&acme).unwrap();
        lease.call_blocking(|guest| &guest.say, (2,)).unwrap();
        lease.complete().written()
    });
    assert_eq!(runtime.block_on(task).unwrap(), [2]);
}

#[test]
fn what_is_linked_async_cannot_run_in_place() {
    let error = Program::new().settings(true).max(1).fuel(1_000).in_place().build().unwrap_err();
    assert!(error.to_string().contains("async"), "{error}");
}
