//! Model-checked atomics: loom's, with three switches that the models need.
//!
//! *Load mode.* Loom can hide an interleaving behind a thread's own load of the same word
//! (tokio-rs/loom#166), but never one of read-modify-writes. See [`Loads`]: each model runs in all
//! of its modes.
//!
//! *Freezing.* [`freeze_after`] stops a thread for ever before one of its atomic steps.
//!
//! *Order mutants.* `PLIMSOLL_MUTANT=file:line:column/operand=Ordering` weakens the one ordering at
//! that call site, `PLIMSOLL_SITES=1` prints every site that a run passes. A model that still
//! passes with a weakened ordering does not need that ordering, or does not check it.

extern crate std;

pub use loom::sync::atomic::Ordering;

use core::cell::Cell;
use core::panic::Location;
use std::boxed::Box;
use std::collections::BTreeSet;
use std::string::String;
use std::sync::{Mutex, OnceLock, PoisonError};

use loom::thread::ThreadId;

/// How a model loads.
///
/// Natural loads keep the stale values, read-modify-writes keep the interleavings. Where loads are
/// replaced, stores are too (by `swap`), because loom knows no order between a store and another
/// thread's read-modify-write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// Every load is a load.
    Natural,
    /// A `Relaxed` load is a load, any other one a `fetch_add(0)` of the same ordering.
    Mixed,
    /// Every load is a `fetch_add(0)` of the same ordering.
    Rmw,
}

// All threads of a model run on one thread of the system: these are a model's own.
std::thread_local! {
    static LOADS: Cell<Loads> = const { Cell::new(Loads::Natural) };
    static FREEZE: Cell<Option<(ThreadId, u32)>> = const { Cell::new(None) };
}

/// Chooses how the models load that this thread runs.
pub fn set_loads(loads: Loads) {
    LOADS.with(|mode| mode.set(loads));
}

/// Whether a load of this ordering is to be a `fetch_add(0)`: see [`Loads`].
pub fn is_rmw_load(ordering: Ordering) -> bool {
    match LOADS.with(Cell::get) {
        Loads::Natural => false,
        Loads::Mixed => ordering != Ordering::Relaxed,
        Loads::Rmw => true,
    }
}

/// What a thread unwinds with that has been stopped by [`freeze_after`].
#[derive(Debug)]
pub struct Frozen;

/// Stops the calling thread of the model for ever once it has made `steps` atomic steps more.
///
/// It unwinds with [`Frozen`] then, which its closure has to catch. That is as good as a thread that
/// never runs again: what it has written stays, and nothing here undoes anything while unwinding.
pub fn freeze_after(steps: u32) {
    FREEZE.with(|freeze| freeze.set(Some((loom::thread::current().id(), steps))));
}

/// Takes back [`freeze_after`], for a thread that has come to its end before.
pub fn thaw() {
    FREEZE.with(|freeze| freeze.set(None));
}

/// One atomic step of the calling thread, which may be the one that it never makes.
fn step() {
    let Some((thread, steps)) = FREEZE.with(Cell::get) else { return };
    if thread != loom::thread::current().id() {
        return;
    }
    if steps == 0 {
        thaw();
        std::panic::resume_unwind(Box::new(Frozen));
    }
    FREEZE.with(|freeze| freeze.set(Some((thread, steps - 1))));
}

struct Mutant {
    site: String,
    line: u32,
    weakened: Ordering,
}

fn mutant() -> Option<&'static Mutant> {
    static MUTANT: OnceLock<Option<Mutant>> = OnceLock::new();
    let parse = || {
        let text = std::env::var("PLIMSOLL_MUTANT").ok()?;
        let (site, ordering) = text.split_once('=').expect("PLIMSOLL_MUTANT: site=Ordering");
        let line = site.split(':').nth(1).and_then(|line| line.parse().ok());
        let line = line.expect("PLIMSOLL_MUTANT: file:line:column/operand");
        let weakened = match ordering {
            "Relaxed" => Ordering::Relaxed,
            "Acquire" => Ordering::Acquire,
            "Release" => Ordering::Release,
            "AcqRel" => Ordering::AcqRel,
            other => panic!("PLIMSOLL_MUTANT: unknown ordering {other}"),
        };
        Some(Mutant { site: site.into(), line, weakened })
    };
    MUTANT.get_or_init(parse).as_ref()
}

/// The ordering to use for `operand` (0: the only one or success, 1: failure) of the calling site.
#[track_caller]
fn chosen(ordering: Ordering, operation: &str, operand: u8) -> Ordering {
    static LIST: OnceLock<bool> = OnceLock::new();
    let caller = Location::caller();
    let site = || std::format!("{caller}/{operand}");
    if *LIST.get_or_init(|| std::env::var_os("PLIMSOLL_SITES").is_some()) {
        list(std::format!("site {} {operation} {ordering:?}", site()));
    }
    match mutant() {
        Some(mutant) if mutant.line == caller.line() && mutant.site == site() => mutant.weakened,
        _ => ordering,
    }
}

fn list(site: String) {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen.contains(&site) {
        std::println!("{site}");
        seen.insert(site);
    }
}

/// A fence, weakened by a mutant: `Relaxed` removes it.
#[track_caller]
pub(crate) fn fence(ordering: Ordering) {
    match chosen(ordering, "fence", 0) {
        Ordering::Relaxed => {}
        kept => loom::sync::atomic::fence(kept),
    }
}

/// A word of 64 bits, for models of words that are not the core's own.
#[derive(Debug)]
pub struct AtomicU64(loom::sync::atomic::AtomicU64);

impl AtomicU64 {
    /// A word.
    #[track_caller]
    pub fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }

    /// As of loom, in the load mode of the model.
    #[track_caller]
    pub fn load(&self, ordering: Ordering) -> u64 {
        step();
        let is_rmw = is_rmw_load(ordering);
        let ordering = chosen(ordering, "load", 0);
        if is_rmw { self.0.fetch_add(0, ordering) } else { self.0.load(ordering) }
    }

    /// As of loom, in the load mode of the model.
    #[track_caller]
    pub fn store(&self, value: u64, ordering: Ordering) {
        step();
        let ordering = chosen(ordering, "store", 0);
        match LOADS.with(Cell::get) {
            Loads::Natural => self.0.store(value, ordering),
            Loads::Mixed | Loads::Rmw => {
                self.0.swap(value, ordering);
            }
        }
    }

    /// As of loom.
    #[track_caller]
    pub fn fetch_add(&self, value: u64, ordering: Ordering) -> u64 {
        step();
        self.0.fetch_add(value, chosen(ordering, "fetch_add", 0))
    }

    /// As of loom.
    #[track_caller]
    pub fn fetch_sub(&self, value: u64, ordering: Ordering) -> u64 {
        step();
        self.0.fetch_sub(value, chosen(ordering, "fetch_sub", 0))
    }

    /// As of loom.
    #[track_caller]
    pub fn fetch_max(&self, value: u64, ordering: Ordering) -> u64 {
        step();
        self.0.fetch_max(value, chosen(ordering, "fetch_max", 0))
    }

    /// As of loom.
    #[track_caller]
    pub fn fetch_or(&self, value: u64, ordering: Ordering) -> u64 {
        step();
        self.0.fetch_or(value, chosen(ordering, "fetch_or", 0))
    }

    /// As of loom.
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        step();
        let success = chosen(success, "compare_exchange", 0);
        let failure = chosen(failure, "compare_exchange", 1);
        self.0.compare_exchange(current, new, success, failure)
    }

    /// As of loom, without spurious failures.
    #[track_caller]
    pub fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange(current, new, success, failure)
    }
}
