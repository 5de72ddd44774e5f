//! Instances that have just been made.

use super::{Live, Shell, expiry};
use crate::clock::ceil_ms;
use crate::pool::config::Isolation;
use crate::pool::manager::Manager;
use crate::pool::moments::NEVER;
use crate::pool::shared::Shared;

impl<M: Manager> Shared<M> {
    /// For an object that is to be made, by whoever has a slot for it.
    pub(in crate::pool) fn new_shell(&self) -> Shell<M> {
        Shell::New(self.manager().expect("the manager stays while a slot is held"))
    }

    /// Puts an object that was built among those that the pool has, with bounds of its own.
    pub(in crate::pool) fn enliven(&self, object: M::Object, shell: Shell<M>) -> Box<Live<M>> {
        let retirement = &self.config.retirement;
        let bound = |whole: Option<u64>| {
            whole.map_or(u64::MAX, |whole| retirement.jittered(whole, self.random.next()))
        };
        let uses_max = u32::try_from(bound(retirement.uses.map(u64::from))).unwrap_or(u32::MAX);
        let expires = match retirement.age {
            Some(age) => {
                let now_ms = self.refresh().as_millis() as u64;
                expiry(now_ms.saturating_add(bound(Some(ceil_ms(age)))))
            }
            None => NEVER,
        };
        let bytes_max = bound(retirement.bytes);
        let (object, uses, began, idle_since) = (Some(object), 0, None, NEVER);
        let is_timed =
            self.config.isolation != Isolation::Fresh || self.stats.is_next_build_timed();
        self.stats.built.count();
        match shell {
            Shell::Spare(mut live) => {
                (live.object, live.uses, live.uses_max) = (object, uses, uses_max);
                (live.expires, live.bytes_max) = (expires, bytes_max);
                (live.is_timed, live.began, live.idle_since) = (is_timed, began, idle_since);
                live
            }
            Shell::New(manager) => Box::new(Live {
                object,
                manager,
                uses,
                uses_max,
                expires,
                bytes_max,
                is_timed,
                began,
                idle_since,
            }),
        }
    }
}
