//! The scheduler's access to slots and idle instances.

use plimsoll_core::pool::{Condemned, Leased, Tenant};

use crate::pool::store::{Hands, Words};

/// Instances and slots, as the scheduler sees them. All of it is done by a few exchanges on words.
pub(in crate::pool) trait Stock {
    /// The words that leases and decisions share.
    fn words(&self) -> &Words;

    /// What the holder of a slot has noted.
    fn hands(&self, slot: usize) -> Option<&Hands>;

    /// Adds as many slots as there are.
    fn grow(&self);

    /// An idle instance that this tenant may have, the warmest first.
    fn take_idle(&self, tenant: Tenant) -> Option<Leased>;

    /// A slot whose instance is to be retired, for a waiter that does so and builds its own there.
    fn take_room(&self) -> Option<Condemned>;
}
