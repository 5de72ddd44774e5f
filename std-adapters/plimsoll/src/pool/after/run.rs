//! What is done once the lock is free.

use super::After;
use crate::pool::contain::{contain, wake_all};
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;

impl After {
    pub(in crate::pool) fn run<M: Manager>(self, shared: &Shared<M>) {
        for (condemned, reason) in self.doomed {
            shared.on_condemned(condemned, reason);
        }
        for building in self.builds {
            shared.work.push_build(shared, building);
        }
        for slot in self.hung {
            shared.work.give_up(shared, Some(slot), false);
        }
        for slot in self.given_up {
            shared.work.give_up(shared, slot, true);
        }
        wake_all(self.wakers);
        if self.is_drained {
            shared.on_drained();
        }
        for error in self.untold {
            let _ = contain(|| drop(error));
        }
    }
}
