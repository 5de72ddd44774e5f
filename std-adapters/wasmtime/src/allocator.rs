//! Settings of the pooling allocator.

use wasmtime::{Config, Enabled, PoolingAllocationConfig};

use crate::error::{EngineError, InstanceLimit};

/// What there is room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) instances: usize,
    /// Bytes of all memories and tables of one instance.
    pub(crate) quota: u64,
    pub(crate) memories: u32,
    pub(crate) tables: u32,
    pub(crate) table_elements: usize,
    pub(crate) core_instances: u32,
    pub(crate) keep_resident: usize,
    /// Stores of the host's own, outside all pools.
    pub(crate) stores: usize,
    /// How deep host functions call a guest back.
    pub(crate) reentrancy: u32,
    /// Tasks that a component may have at one time; 0 without component-model async.
    pub(crate) tasks: u32,
    pub(crate) has_gc: bool,
    /// Address space for each memory, if the host says it.
    pub(crate) reservation: Option<u64>,
}

/// How many of each thing one store may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) memories: u32,
    pub(crate) tables: u32,
    pub(crate) core_instances: u32,
}

/// So much address space lets guests run without bounds checks: an index of 32 bits cannot leave
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
            stores: 0,
            reentrancy: 1,
            tasks: 0,
            has_gc: false,
            reservation: None,
        }
    }
}

impl Room {
    /// # Errors
    /// [`EngineError`], if the numbers are out of range.
    pub(crate) fn apply(&self, config: &mut Config) -> Result<(), EngineError> {
        let Self { instances, tables, core_instances, .. } = *self;
        let asked = if instances > 0 { instances.saturating_add(self.stores) } else { 0 };
        let count = u32::try_from(asked).ok().filter(|count| *count > 0);
        let count = count.ok_or(EngineError::Instances { asked })?;
        // A garbage-collected heap takes the place of a memory.
        let memories = self.memories_each();
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
            .total_stacks(count.saturating_mul(self.stacks_each()))
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
        #[cfg(feature = "gc")]
        pooling.total_gc_heaps(if self.has_gc { count } else { 0 });
        config
            .memory_reservation(reservation)
            .memory_guard_size(GUARD_BYTES)
            .allocation_strategy(pooling);
        Ok(())
    }

    /// Places that the memories of one store take, its GC heap included.
    fn memories_each(&self) -> u32 {
        self.memories.saturating_add(self.has_gc.into())
    }

    /// Stacks that one store takes: its call, calls back into it, and the tasks of a component.
    fn stacks_each(&self) -> u32 {
        1_u32.saturating_add(self.reentrancy).saturating_add(self.tasks)
    }

    /// How many of each thing one store may have.
    pub(crate) fn counts(&self) -> Counts {
        let Self { memories, tables, core_instances, .. } = *self;
        Counts { memories, tables, core_instances }
    }

    /// Address space for each memory: as much as makes bounds checks needless, else the quota.
    pub(crate) fn reservation(&self) -> Result<u64, EngineError> {
        let stores = self.instances.saturating_add(self.stores) as u64;
        let memories = stores.saturating_mul(self.memories_each().into());
        let fits = |bytes: u64| {
            memories.saturating_mul(bytes.saturating_add(GUARD_BYTES)) <= ADDRESSES_MAX
        };
        let page = 65_536;
        if let Some(asked) = self.reservation {
            return match asked.is_multiple_of(page) && asked >= self.quota {
                true if fits(asked) => Ok(asked),
                true => {
                    Err(EngineError::AddressSpace { memories, quota: asked, max: ADDRESSES_MAX })
                }
                false => Err(EngineError::Reservation { asked, quota: self.quota }),
            };
        }
        if fits(UNCHECKED_BYTES) && self.quota <= UNCHECKED_BYTES {
            return Ok(UNCHECKED_BYTES);
        }
        let whole_pages = self.quota.checked_next_multiple_of(page).filter(|&bytes| fits(bytes));
        let (quota, max) = (self.quota, ADDRESSES_MAX);
        whole_pages.ok_or(EngineError::AddressSpace { memories, quota, max })
    }

    /// How many of something an instance may have.
    pub(crate) fn allowed(&self, limit: InstanceLimit) -> u64 {
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
    fn meter_6_what_an_instance_takes_is_counted() {
        let room = Room { memories: 3, has_gc: true, reentrancy: 2, tasks: 5, ..Room::default() };
        assert_eq!((room.memories_each(), room.stacks_each()), (4, 8));
        let room = Room::default();
        assert_eq!((room.memories_each(), room.stacks_each()), (2, 2));
    }

    #[test]
    fn a_stated_reservation_is_kept_whatever_the_number_of_instances() {
        for instances in [1, 10_000] {
            let room =
                Room { instances, quota: 1 << 20, reservation: Some(8 << 20), ..Room::default() };
            assert_eq!(room.reservation().unwrap(), 8 << 20);
        }
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
        let odd = Room { reservation: Some(100), ..Room::default() };
        let reservation = "a reservation is a multiple of 65536 bytes, and no less than the quota of \
                           67108864 (asked 100)";
        assert_eq!(text(odd), reservation);
        let empty = Room { quota: 0, ..Room::default() };
        assert_eq!(text(empty), "the quota must be above zero");
    }
}
