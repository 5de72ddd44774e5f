//! How the pooling allocator is set up.

use wasmtime::{Config, Enabled, PoolingAllocationConfig};

use super::error::{EngineError, InstanceLimit};

/// What there is room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) instances: usize,
    /// Bytes of all memories and tables of one instance.
    pub(super) quota: u64,
    pub(super) memories: u32,
    pub(super) tables: u32,
    pub(super) table_elements: usize,
    pub(super) core_instances: u32,
    pub(super) keep_resident: usize,
}

/// So much address space lets guests run without bounds checks: an index of 32 bits can not leave
/// it.
const UNCHECKED_BYTES: u64 = 1 << 32;

/// After each memory; wasmtime's default.
const GUARD_BYTES: u64 = 32 << 20;

/// All memories together get half of what a process has on the common 64-bit processors.
const ADDRESSES_MAX: u64 = if cfg!(target_pointer_width = "64") { 1 << 46 } else { 1 << 30 };

/// A module may have this many of anything, so that it is this crate which says that it has too
/// many for an instance, with numbers.
const LENIENT: u32 = 1_000;

/// Of each stack; most calls use less.
const STACK_KEPT_BYTES: usize = 16 << 10;

impl Default for Room {
    fn default() -> Self {
        Self {
            instances: 64,
            quota: 64 << 20,
            memories: 2,
            tables: 4,
            table_elements: 20_000,
            core_instances: 16,
            keep_resident: 1 << 20,
        }
    }
}

impl Room {
    /// # Errors
    /// [`EngineError`], if the numbers can not be.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), EngineError> {
        let Self { instances, memories, tables, core_instances, .. } = *self;
        let count = u32::try_from(instances).ok().filter(|&count| count > 0);
        let count = count.ok_or(EngineError::Instances { asked: instances })?;
        let zeros = [
            (InstanceLimit::Bytes, self.quota == 0),
            (InstanceLimit::CoreInstances, core_instances == 0),
        ];
        if let Some((limit, _)) = zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(EngineError::Zero { limit });
        }
        let reservation = self.reservation()?;
        let mut pooling = PoolingAllocationConfig::new();
        pooling
            .total_core_instances(count.saturating_mul(core_instances))
            .total_component_instances(count)
            .total_memories(count.saturating_mul(memories))
            .total_tables(count.saturating_mul(tables))
            // A host function that calls its guest back runs on a second one.
            .total_stacks(count.saturating_mul(2))
            .max_core_instances_per_component(core_instances)
            .max_memories_per_module(LENIENT)
            .max_memories_per_component(LENIENT)
            .max_tables_per_module(LENIENT)
            .max_tables_per_component(LENIENT)
            .table_elements(self.table_elements)
            .max_memory_size(usize::try_from(reservation).unwrap_or(usize::MAX))
            // Images stay mapped in all slots: the next instance of the same program is there
            // soonest.
            .max_unused_warm_slots(count.saturating_mul(memories))
            // Cleared by hand: what a call touches first is there, and giving it back to the system
            // would interrupt every thread of the process.
            .async_stack_keep_resident(STACK_KEPT_BYTES);
        if PoolingAllocationConfig::is_pagemap_scan_available() {
            // Without it, pages that nobody has touched would be cleared as well: milliseconds.
            pooling
                .pagemap_scan(Enabled::Yes)
                .linear_memory_keep_resident(self.keep_resident)
                .table_keep_resident(self.keep_resident);
        }
        config
            .memory_reservation(reservation)
            .memory_guard_size(GUARD_BYTES)
            .allocation_strategy(pooling);
        Ok(())
    }

    /// Address space for each memory: as much as makes bounds checks needless, else the quota.
    fn reservation(&self) -> Result<u64, EngineError> {
        let memories = (self.instances as u64).saturating_mul(self.memories.into());
        let fits = |bytes: u64| {
            memories.saturating_mul(bytes.saturating_add(GUARD_BYTES)) <= ADDRESSES_MAX
        };
        if fits(UNCHECKED_BYTES) && self.quota <= UNCHECKED_BYTES {
            return Ok(UNCHECKED_BYTES);
        }
        let page = 65_536;
        let whole_pages = self.quota.checked_next_multiple_of(page).filter(|&bytes| fits(bytes));
        let (quota, max) = (self.quota, ADDRESSES_MAX);
        whole_pages.ok_or(EngineError::AddressSpace { memories, quota, max })
    }

    /// How many of something an instance may have.
    pub(super) fn allowed(&self, limit: InstanceLimit) -> u64 {
        match limit {
            InstanceLimit::Memories => self.memories.into(),
            InstanceLimit::Tables => self.tables.into(),
            InstanceLimit::CoreInstances => self.core_instances.into(),
            InstanceLimit::Bytes => self.quota,
        }
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn few_memories_need_no_bounds_checks_and_many_get_the_quota() {
        let room = Room { instances: 1_000, ..Room::default() };
        assert_eq!(room.reservation().unwrap(), UNCHECKED_BYTES);
        let room = Room { instances: 60_000, quota: (1 << 20) + 1, ..room };
        assert_eq!(room.reservation().unwrap(), (1 << 20) + 65_536);
        let room = Room { instances: 60_000, quota: 1 << 40, ..room };
        let text = "120000 memories of 1099511627776 bytes need more than the 70368744177664 bytes \
                    of address space that there are for them";
        assert_eq!(room.reservation().unwrap_err().to_string(), text);
    }

    #[test]
    fn one_huge_memory_gets_what_it_asks_for() {
        let room = Room { instances: 1, quota: 1 << 34, ..Room::default() };
        assert_eq!(room.reservation().unwrap(), 1 << 34);
    }

    #[test]
    fn impossible_numbers_are_typed_errors() {
        let text = |room: Room| room.apply(&mut Config::new()).unwrap_err().to_string();
        let none = Room { instances: 0, ..Room::default() };
        assert_eq!(text(none), "an engine has room for 1 to 2^32 - 1 instances (asked 0)");
        let empty = Room { quota: 0, ..Room::default() };
        assert_eq!(text(empty), "the limit on bytes must be above zero");
    }
}
