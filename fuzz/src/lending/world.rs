//! What a pool is told to make, and what the plan decides of it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
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

#[derive(Default)]
pub(super) struct World {
    pub(super) fates: Mutex<VecDeque<Fate>>,
    pub(super) made: AtomicUsize,
    pub(super) live: AtomicUsize,
    pub(super) failed: AtomicUsize,
    pub(super) panicked: AtomicUsize,
    pub(super) cancelled: AtomicUsize,
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
    world: Arc<World>,
}

impl Drop for Object {
    fn drop(&mut self) {
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
        count(&self.0.cancelled);
        if self.1 == Fate::AwaitsUneasily {
            panic_quietly();
        }
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

#[derive(Clone, Default)]
pub(super) struct Maker(pub(super) Arc<World>);

impl Manager for Maker {
    type Object = Object;
    type Error = Broken;

    async fn create(&self) -> Result<Object, Broken> {
        let world = &self.0;
        let fate = world.fates.lock().expect("nobody panics with it").pop_front();
        match fate.unwrap_or(Fate::Made) {
            Fate::Made => {}
            Fate::Fails => {
                count(&world.failed);
                return Err(Broken);
            }
            Fate::Panics => {
                count(&world.panicked);
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
        world.live.fetch_add(1, Ordering::Relaxed);
        let id = count(&world.made);
        Ok(Object { id, users: Vec::new(), spoilt: 0, world: world.clone() })
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
