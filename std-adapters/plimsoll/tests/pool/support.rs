//! A manager whose every step a test decides, and tells what it has seen.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll::keepalive::{Clock, FakeClock};
use plimsoll::pool::{Background, Checkout, CheckoutError, Lease, Manager, Pool, PoolBuilder};

/// What becomes of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Made,
    Fails,
    Panics,
    /// It does not end, until it is dropped.
    Hangs,
}

/// What a manager and its objects share with the test.
#[derive(Default)]
pub(crate) struct World {
    /// What becomes of the next builds; then all are made.
    pub(crate) fates: Mutex<VecDeque<Fate>>,
    pub(crate) made: AtomicUsize,
    pub(crate) live: AtomicUsize,
    pub(crate) live_max: AtomicUsize,
    pub(crate) resets: AtomicUsize,
    pub(crate) retired: AtomicUsize,
    /// Whether checkouts may build and retire themselves.
    pub(crate) is_inline: bool,
    /// Called wherever a user's code runs.
    pub(crate) hook: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

/// What is lent.
pub(crate) struct Object {
    pub(crate) id: usize,
    pub(crate) secret: Option<&'static str>,
    pub(crate) bytes: u64,
    pub(crate) reset_fails: bool,
    pub(crate) reset_panics: bool,
    pub(crate) drop_panics: bool,
    world: Arc<World>,
}

impl Drop for Object {
    fn drop(&mut self) {
        self.world.live.fetch_sub(1, Ordering::SeqCst);
        self.world.visit();
        if self.drop_panics {
            panic!("object {} panics in its drop", self.id);
        }
    }
}

impl World {
    fn visit(&self) {
        if let Some(hook) = self.hook.get() {
            hook();
        }
    }

    pub(crate) fn fate(&self, fates: impl IntoIterator<Item = Fate>) {
        self.fates.lock().unwrap().extend(fates);
    }

    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Maker(pub Arc<World>);

impl Manager for Maker {
    type Object = Object;
    type Error = Broken;

    async fn create(&self) -> Result<Object, Broken> {
        let world = &self.0;
        world.visit();
        let fate = world.fates.lock().unwrap().pop_front().unwrap_or(Fate::Made);
        match fate {
            Fate::Made => {}
            Fate::Fails => return Err(Broken),
            Fate::Panics => panic!("the build panics"),
            Fate::Hangs => poll_fn(|_| Poll::<()>::Pending).await,
        }
        let live = world.live.fetch_add(1, Ordering::SeqCst) + 1;
        world.live_max.fetch_max(live, Ordering::SeqCst);
        Ok(Object {
            id: world.made.fetch_add(1, Ordering::SeqCst),
            secret: None,
            bytes: 0,
            reset_fails: false,
            reset_panics: false,
            drop_panics: false,
            world: world.clone(),
        })
    }

    fn reset(&self, object: &mut Object) -> Result<(), Broken> {
        self.0.resets.fetch_add(1, Ordering::SeqCst);
        self.0.visit();
        assert!(!object.reset_panics, "object {} panics in its reset", object.id);
        if object.reset_fails { Err(Broken) } else { Ok(()) }
    }

    fn retire(&self, object: Object) {
        self.0.retired.fetch_add(1, Ordering::SeqCst);
        self.0.visit();
        drop(object);
    }

    fn may_run_inline(&self) -> bool {
        self.0.is_inline
    }

    fn bytes(&self, object: &Object) -> u64 {
        self.0.visit();
        object.bytes
    }
}

/// A pool that does nothing but in steps, its world and its clock.
pub(crate) struct Stand {
    pub(crate) pool: Pool<Maker>,
    pub(crate) world: Arc<World>,
    pub(crate) clock: FakeClock,
}

pub(crate) fn stand(set: impl FnOnce(PoolBuilder<Maker>) -> PoolBuilder<Maker>) -> Stand {
    stand_of(World::default(), set)
}

pub(crate) fn stand_of(
    world: World,
    set: impl FnOnce(PoolBuilder<Maker>) -> PoolBuilder<Maker>,
) -> Stand {
    let (maker, clock) = (Maker(Arc::new(world)), FakeClock::default());
    let world = maker.0.clone();
    let builder = Pool::builder(maker)
        .wait_for_own_leases()
        .background(Background::Manual)
        .clock(clock.clone());
    let pool = set(builder.warm(0)).build().unwrap();
    Stand { pool, world, clock }
}

impl Stand {
    /// Steps until nothing is to be done.
    pub(crate) fn settle(&self) {
        while self.pool.step() > 0 {}
    }

    /// Lets time pass, tick by tick.
    pub(crate) fn pass(&self, ms: u64) {
        for _ in 0..ms.div_ceil(10) {
            self.clock.advance(Duration::from_millis(10));
            self.settle();
        }
    }

    /// As many idle instances as that.
    pub(crate) fn fill(&self, idle: usize) {
        let filler = self.pool.principal("filler").unwrap();
        let mut asked: Vec<_> = (0..idle).map(|_| self.pool.checkout(&filler)).collect();
        for checkout in &mut asked {
            let _ = poll(checkout);
        }
        // They are cancelled, and their instances are idle.
        drop(asked);
        self.settle();
        assert_eq!(self.pool.counts().idle, idle);
    }
}

pub(crate) type Answer<'a> = Result<Lease<'a, Maker>, CheckoutError>;

/// Polls once, and lets nobody be woken.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The answer that is there.
pub(crate) fn answer<'a>(checkout: &mut Checkout<'a, Maker>) -> Answer<'a> {
    match poll(checkout) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the checkout waits"),
    }
}

pub(crate) fn is_waiting(checkout: &mut Checkout<'_, Maker>) -> bool {
    poll(checkout).is_pending()
}

/// Milliseconds that go wherever the test says.
#[derive(Clone, Default)]
pub(crate) struct Erratic(pub(crate) Arc<AtomicU64>);

impl Clock for Erratic {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}
