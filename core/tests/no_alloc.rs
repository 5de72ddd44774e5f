//! No operation of this crate allocates: asserted with an allocator that counts.

#[path = "no_alloc/budget.rs"]
mod budget;
#[path = "no_alloc/keepalive.rs"]
mod keepalive;
#[path = "no_alloc/ledger.rs"]
mod ledger;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write;
use std::hint::black_box;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::{Demand, PoolId, PoolSlot, PoolSlots, SlotId, Tenant};
use plimsoll_core::{
    FlowGauge, Gauge, Hysteresis, Level, Ring, RingSlot, SampledGauge, SplitCount, Sustain,
    Waiters, Watermarks,
};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    CALLS.with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call is passed on to `System` as it came; counting touches a constant-initialized
// thread-local without a destructor, which does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above; `System` has made the block.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: as above; `System` has made the block.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread calls the allocator in `work`.
fn allocator_calls(work: impl FnOnce()) -> u64 {
    let before = CALLS.get();
    work();
    CALLS.get() - before
}

/// A formatter's target that does not allocate either.
struct Discard;

impl Write for Discard {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        black_box(text);
        Ok(())
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocator_calls(|| ()), 0);
    assert_eq!(allocator_calls(|| drop(black_box(Box::new(1u64)))), 2, "one in, one out");
    assert_eq!(allocator_calls(|| drop(black_box(vec![0u8; 64]))), 2, "zeroed");
    let mut grown = Vec::with_capacity(1);
    assert_eq!(allocator_calls(|| grown.resize(100, 0u64)), 1, "moved");
    let elsewhere = std::thread::spawn(|| allocator_calls(|| ()));
    assert_eq!(elsewhere.join().unwrap(), 0, "each thread has a count of its own");
}

#[test]
fn watermarks() {
    let calls = allocator_calls(|| {
        let levels = Watermarks::counts(100, 50, 20).with_level(80, 60);
        black_box(levels.judge(black_box(Level::Normal), black_box(70)));
        for result in [
            Watermarks::try_new(black_box(0)),
            Watermarks::try_counts(black_box(10), 3, 5),
            Watermarks::try_percent(black_box(10), 101, 5),
            levels.try_with_level(black_box(40), 30),
        ] {
            if let Err(error) = result {
                write!(Discard, "{error} {error:?}").unwrap();
            }
        }
        write!(Discard, "{levels:?}").unwrap();
    });
    assert_eq!(calls, 0);
}

#[test]
fn hysteresis() {
    let calls = allocator_calls(|| {
        let mut machine = Hysteresis::new(Watermarks::new(100));
        for depth in (0..=100).chain((0..100).rev()) {
            black_box(machine.on_depth(black_box(depth)));
        }
        assert_eq!(machine.edges(), 2);
    });
    assert_eq!(calls, 0);
}

#[test]
fn gauge() {
    let calls = allocator_calls(|| {
        let gauge = Gauge::new(Watermarks::counts(100, 50, 20).with_level(80, 60));
        let mut edges = 0;
        for _ in 0..100 {
            edges += u64::from(gauge.add(black_box(1)).is_some());
        }
        let (permit, _) = gauge.permit(black_box(3));
        drop(permit);
        let (permit, _) = gauge.permit(black_box(3));
        black_box(permit.release());
        black_box((gauge.depth(), gauge.level(), gauge.is_raised(), gauge.high_water()));
        black_box((gauge.reading(), gauge.take_high_water(), gauge.settle()));
        for _ in 0..101 {
            edges += u64::from(gauge.sub(black_box(1)).is_some());
        }
        assert_eq!(edges, 4);
        // Beyond the range on either side.
        for _ in 0..80 {
            black_box(gauge.add(u64::MAX));
        }
        for _ in 0..200 {
            black_box(gauge.sub(u64::MAX));
        }
        write!(Discard, "{gauge:?}").unwrap();
    });
    assert_eq!(calls, 0);
}

#[test]
fn sampled_gauge() {
    let calls = allocator_calls(|| {
        let gauge = SampledGauge::new(Watermarks::new(100));
        let depths = || (0..=100).chain((0..100).rev());
        let edges = depths().filter(|depth| gauge.observe_with(|| black_box(*depth)).is_some());
        assert_eq!(edges.count(), 2);
        for depth in depths() {
            black_box((gauge.reading(|| depth), gauge.take_high_water(|| depth)));
        }
        black_box((gauge.level(), gauge.is_raised(), gauge.high_water()));
    });
    assert_eq!(calls, 0);
}

#[test]
fn flow_gauge() {
    let calls = allocator_calls(|| {
        let depth = AtomicU64::new(0);
        let look = || depth.load(SeqCst);
        let flow = FlowGauge::new(Watermarks::new(1_000));
        let (mut sender, mut receiver) = (flow.join_sender(), flow.join_receiver());
        let threads = [1, 2].map(|number| NonZeroU64::new(number).unwrap());
        let mut edges = 0;
        for round in 0..3 {
            for thread in threads {
                for _ in 0..450 {
                    depth.fetch_add(1, SeqCst);
                    edges += u64::from(flow.after_send(&sender, thread, look).is_some());
                }
            }
            black_box((flow.reading(look), flow.settle(look), flow.gauge().level()));
            for thread in threads {
                for _ in 0..450 {
                    depth.fetch_sub(1, SeqCst);
                    edges += u64::from(flow.after_receive(&receiver, thread, look).is_some());
                }
            }
            assert_eq!(edges, 2 * (round + 1));
            black_box(flow.take_high_water(look));
        }
        flow.leave_sender(&mut sender);
        flow.leave_receiver(&mut receiver);
    });
    assert_eq!(calls, 0);
}

#[test]
fn counts_and_waiters() {
    let calls = allocator_calls(|| {
        let count = SplitCount::new();
        count.on_sent(black_box(3));
        count.on_received(black_box(1));
        count.on_received_shared(black_box(1));
        assert_eq!(count.depth(), 1);
        count.close();

        let waiters = Waiters::new();
        waiters.enter(black_box(10));
        black_box((waiters.waiting(), waiters.blocked_us(20)));
        waiters.exit(10, black_box(30));
    });
    assert_eq!(calls, 0);
}

#[test]
fn ring() {
    let calls = allocator_calls(|| {
        let mut slots: [RingSlot; 4] = std::array::from_fn(|_| RingSlot::new());
        let ring = Ring::with_slots(&mut slots).unwrap();
        for _ in 0..3 {
            for n in 0..6 {
                black_box(ring.push([n; 4]))
                    .unwrap_or_else(|full| write!(Discard, "{full}").unwrap());
            }
            assert_eq!(std::iter::from_fn(|| ring.pop()).count(), 4);
        }
        assert_eq!(ring.dropped(), 6);
        let error = Ring::with_slots([const { RingSlot::new() }; 3]).unwrap_err();
        write!(Discard, "{error} {error:?}").unwrap();
    });
    assert_eq!(calls, 0);
}

#[test]
fn sustain() {
    let calls = allocator_calls(|| {
        let mut machine = Hysteresis::new(Watermarks::new(10));
        let mut sustain = Sustain::new(5, Some(20));
        let mut announced = 0;
        for now_ms in 0..200u64 {
            let depth = if now_ms / 50 % 2 == 0 { 9 } else { 1 };
            if let Some(edge) = machine.on_depth(depth) {
                announced += sustain.on_edge(now_ms, &edge).map(black_box).count();
            }
            let tick = sustain.on_tick(now_ms, machine.level(), depth);
            announced += usize::from(black_box(tick).is_some());
            black_box(sustain.due_ms());
        }
        // Of each of two stretches: raised, twice again, cleared.
        assert_eq!(announced, 8);
    });
    assert_eq!(calls, 0);
}

#[test]
fn pool() {
    let calls = allocator_calls(|| {
        let slots: PoolSlots<[PoolSlot; 2]> = PoolSlots::new(PoolId::new(1));
        let (ours, demand, now) = (Tenant::MAX, Demand::new(), Tick::new(black_box(1)));
        slots.fail(slots.reserve(ours).unwrap()).unwrap();
        slots.finish(slots.reserve(Tenant::NONE).unwrap(), now).unwrap();
        let lease = slots.finish_leased(slots.reserve(ours).unwrap()).unwrap();
        let other: PoolSlots<[PoolSlot; 1]> = PoolSlots::new(PoolId::new(2));
        let foreign = other.give_back(lease, now).unwrap_err();
        write!(Discard, "{foreign} {foreign:?}").unwrap();
        slots.give_back(foreign.token, now).unwrap();
        demand.arrive().unwrap();
        black_box(demand.look_after_release());
        let lease = slots.take(ours, Some(SlotId::new(1))).unwrap();
        let pristine = slots.take(Tenant::NONE, None).unwrap();
        let claimed = slots.claim(pristine, ours).unwrap();
        slots.vacate(slots.condemn(claimed).unwrap()).unwrap();
        slots.give_back(lease, now).unwrap();
        black_box((slots.counts(), slots.views().count(), slots.evict_other(ours).is_none()));
        slots.vacate(slots.evict(now).unwrap()).unwrap();
        demand.close();
        write!(Discard, "{slots:?} {:?}", demand.arrive()).unwrap();
    });
    assert_eq!(calls, 0);
}
