//! A pool as the plan wants it, and who asks it.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::keepalive::FakeClock;
use plimsoll::pool::{Background, Isolation, Pool, Principal};

use super::world::{Maker, World};
use super::{PRINCIPALS, Setup};

pub(super) const WAIT: Duration = Duration::from_millis(50);
/// Short enough for any build that awaits, and none that does not.
pub(super) const BUILD: Duration = Duration::from_nanos(1);
const OFF_MIN: Duration = Duration::from_millis(20);
pub(super) const OFF_MAX: Duration = Duration::from_millis(80);
const IDLE: Duration = Duration::from_millis(200);

/// The real thing, and what it is asked by.
pub(super) struct Stand {
    pub(super) setup: Setup,
    pub(super) pool: Pool<Maker>,
    pub(super) principals: Vec<Principal>,
    pub(super) world: Arc<World>,
    pub(super) clock: FakeClock,
}

impl Stand {
    pub(super) fn new(setup: Setup) -> Stand {
        let world = Arc::new(World::new(setup.is_inline()));
        let (maker, clock) = (Maker(world.clone()), FakeClock::default());
        let isolation = match setup.isolation {
            1 => Isolation::PerPrincipal,
            2 => Isolation::Shared,
            _ => Isolation::Fresh,
        };
        let builder = Pool::builder(maker).max(setup.max).warm(setup.warm).isolation(isolation);
        let mut builder = builder.background(Background::Manual).clock(clock.clone());
        builder = builder.idle_age(IDLE).no_fault_backoff().min(setup.min);
        if setup.waits_for_own {
            builder = builder.wait_for_own_leases();
        }
        if let Some(max) = setup.line_max {
            builder = builder.max_waiting(max);
        }
        if let Some(cap) = setup.cap {
            builder = builder.per_principal_cap(cap);
        }
        if let Some(uses) = setup.uses {
            builder = builder.retire_after_uses(uses);
        }
        builder = match setup.times_out {
            true => builder.wait_timeout(WAIT),
            false => builder.no_wait_timeout(),
        };
        if setup.is_impatient {
            builder = builder.build_timeout(BUILD);
        }
        if setup.keeps_off {
            builder = builder.fault_backoff(2, OFF_MIN, OFF_MAX);
        }
        let pool = builder.build().expect("settings that can be");
        let name = |number| pool.principal(&format!("p{number}")).expect("a good id");
        let principals = (0..PRINCIPALS).map(name).collect();
        Stand { setup, pool, principals, world, clock }
    }

    /// The background does what is due.
    pub(super) fn step(&self) -> usize {
        self.world.in_background(|| self.pool.step())
    }

    /// Whether everything can be given to everybody.
    pub(super) fn is_simple(&self) -> bool {
        self.setup.isolation != 1 && self.setup.cap.is_none() && !self.setup.keeps_off
    }
}
