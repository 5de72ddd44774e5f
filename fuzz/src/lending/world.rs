//! What a pool is told to make, and what the plan decides of it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use plimsoll::pool::Manager;

/// What becomes of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Made,
    Fails,
    Panics,
    /// It awaits once, and is made then.
    Awaits,
    /// It awaits once, and panics in the drop of what it holds if it is cancelled there.
    AwaitsUneasily,
}

impl Fate {
    pub(super) const ALL: [Fate; 5] =
        [Fate::Made, Fate::Fails, Fate::Panics, Fate::Awaits, Fate::AwaitsUneasily];
}

/// How the builds of one side have ended: of the background, or of those who ask.
#[derive(Default)]
pub(super) struct Builds {
    pub(super) made: AtomicUsize,
    pub(super) failed: AtomicUsize,
    pub(super) panicked: AtomicUsize,
    pub(super) cancelled: AtomicUsize,
}

#[derive(Default)]
pub(super) struct World {
    is_inline: bool,
    pub(super) fates: Mutex<VecDeque<Fate>>,
    pub(super) background: Builds,
    pub(super) inline: Builds,
    pub(super) inserted: AtomicUsize,
    /// Objects that are dead, or panic when they are asked.
    pub(super) ailing: Mutex<BTreeMap<usize, bool>>,
    pub(super) found_dead: AtomicUsize,
    pub(super) asked_in_vain: AtomicUsize,
    /// The background works now.
    is_stepping: AtomicBool,
    /// No build of those who ask has been dropped since one was quick.
    is_quick: AtomicBool,
    /// One was dropped since the background has worked last, which now has to make room.
    is_left: AtomicBool,
    pub(super) live: AtomicUsize,
    pub(super) live_max: AtomicUsize,
    pub(super) resets_failed: AtomicUsize,
    pub(super) resets_panicked: AtomicUsize,
    pub(super) drops_panicked: AtomicUsize,
}

pub(super) fn count(counter: &AtomicUsize) -> usize {
    counter.fetch_add(1, Ordering::Relaxed)
}

pub(super) fn read(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}

impl World {
    /// Those who ask may build, if `is_inline`.
    pub(super) fn new(is_inline: bool) -> World {
        World { is_inline, ..World::default() }
    }

    /// Those of the thread that builds now.
    fn builds(&self) -> &Builds {
        match self.is_stepping.load(Ordering::Relaxed) {
            true => &self.background,
            false => &self.inline,
        }
    }

    /// What the background does.
    pub(super) fn in_background<R>(&self, work: impl FnOnce() -> R) -> R {
        self.is_stepping.store(true, Ordering::Relaxed);
        let done = work();
        self.is_stepping.store(false, Ordering::Relaxed);
        self.is_left.store(false, Ordering::Relaxed);
        done
    }

    /// Of both sides, and by the plan itself.
    pub(super) fn made(&self) -> usize {
        read(&self.background.made) + read(&self.inline.made) + read(&self.inserted)
    }

    /// How many objects were not lent because they were dead.
    pub(super) fn not_alive(&self) -> usize {
        read(&self.found_dead) + read(&self.asked_in_vain)
    }

    /// An object of the plan's own, which counts once it is [taken](Self::take_in).
    pub(super) fn foreign(self: &Arc<World>) -> Object {
        let (id, world) = (self.made(), self.clone());
        Object { id, users: Vec::new(), spoilt: 0, is_counted: false, world }
    }

    /// Whether those who find nothing build for themselves.
    pub(super) fn builds_inline(&self) -> bool {
        self.is_inline && self.is_quick.load(Ordering::Relaxed)
    }

    /// Whether no room may be left to the background while a checkout waits.
    pub(super) fn takes_room(&self) -> bool {
        self.builds_inline() && !self.is_left.load(Ordering::Relaxed)
    }

    fn begin(&self) -> Fate {
        if self.is_stepping.load(Ordering::Relaxed) {
            // No time passes for it, however it ends.
            self.is_quick.store(true, Ordering::Relaxed);
        }
        let fate = self.fates.lock().expect("nobody panics with it").pop_front();
        fate.unwrap_or(Fate::Made)
    }

    fn cancel(&self, fate: Fate) {
        let is_inline = !self.is_stepping.load(Ordering::Relaxed);
        if is_inline && fate == Fate::AwaitsUneasily {
            // A panic of the build, as any other.
            count(&self.inline.panicked);
        } else {
            count(&self.builds().cancelled);
        }
        if fate == Fate::AwaitsUneasily {
            panic_quietly();
        }
        if is_inline {
            self.is_quick.store(false, Ordering::Relaxed);
            self.is_left.store(true, Ordering::Relaxed);
        }
    }
}

/// A panic that no hook hears of: a fuzzer's would end the process.
pub(super) fn panic_quietly() -> ! {
    resume_unwind(Box::new("of the plan"))
}

pub(super) struct Object {
    pub(super) id: usize,
    /// Whom it has served.
    pub(super) users: Vec<usize>,
    /// As of `Op::Spoil`.
    pub(super) spoilt: u8,
    /// Whether it is one of those that live: not if it was never the pool's.
    is_counted: bool,
    world: Arc<World>,
}

impl Object {
    /// It is the pool's, or is about to be.
    pub(super) fn take_in(mut self) -> Self {
        self.is_counted = true;
        count(&self.world.live);
        count(&self.world.inserted);
        self
    }

    /// The pool has not taken it.
    pub(super) fn take_out(mut self) {
        self.is_counted = false;
        self.world.live.fetch_sub(1, Ordering::Relaxed);
        self.world.inserted.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        self.world.live.fetch_sub(1, Ordering::Relaxed);
        if self.spoilt & 4 != 0 {
            count(&self.world.drops_panicked);
            panic_quietly();
        }
    }
}

/// What a build holds while it awaits.
struct Pending<'a>(&'a World, Fate);

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.cancel(self.1);
    }
}

#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

pub(super) struct Maker(pub(super) Arc<World>);

impl Manager for Maker {
    type Object = Object;
    type Error = Broken;

    async fn create(&self) -> Result<Object, Broken> {
        let world = &self.0;
        match world.begin() {
            Fate::Made => {}
            Fate::Fails => {
                count(&world.builds().failed);
                return Err(Broken);
            }
            Fate::Panics => {
                count(&world.builds().panicked);
                panic_quietly();
            }
            fate => {
                let pending = Pending(world, fate);
                let mut has_waited = false;
                poll_fn(|context| {
                    if std::mem::replace(&mut has_waited, true) {
                        return Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                std::mem::forget(pending);
            }
        }
        world.live_max.fetch_max(count(&world.live) + 1, Ordering::Relaxed);
        let id = world.made();
        count(&world.builds().made);
        world.is_quick.store(true, Ordering::Relaxed);
        let world = world.clone();
        Ok(Object { id, users: Vec::new(), spoilt: 0, is_counted: true, world })
    }

    fn is_alive(&self, object: &Object) -> bool {
        let ailing = self.0.ailing.lock().expect("no panic").get(&object.id).copied();
        match ailing {
            None => true,
            Some(false) => {
                count(&self.0.found_dead);
                false
            }
            Some(true) => {
                count(&self.0.asked_in_vain);
                panic_quietly();
            }
        }
    }

    fn may_run_inline(&self) -> bool {
        self.0.is_inline
    }

    fn reset(&self, object: &mut Object) -> Result<(), Broken> {
        if object.spoilt & 2 != 0 {
            count(&self.0.resets_panicked);
            panic_quietly();
        }
        if object.spoilt & 1 != 0 {
            count(&self.0.resets_failed);
            return Err(Broken);
        }
        Ok(())
    }
}
