//! What the amounts of a limit are counted in.

use plimsoll::Category;

use crate::sample::Value;

/// What an amount is counted in. A sum over one family must mean something: so queues have families of
/// their own, and so have bytes and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Items in a queue.
    Queue,
    /// Anything else that can be counted.
    Items,
    Bytes,
    Time {
        per_second: u32,
    },
}

impl Measure {
    /// Names say their unit at the end; memory is in bytes without that.
    pub(crate) fn of(name: &str, category: Category) -> Self {
        let suffix = name.rsplit('_').next().unwrap_or_default();
        match (suffix, category) {
            ("bytes", _) | (_, Category::Memory) => Measure::Bytes,
            ("ns", _) => Measure::Time { per_second: 1_000_000_000 },
            ("us", _) => Measure::Time { per_second: 1_000_000 },
            ("ms", _) => Measure::Time { per_second: 1_000 },
            ("seconds", _) => Measure::Time { per_second: 1 },
            (_, Category::Queue) => Measure::Queue,
            _ => Measure::Items,
        }
    }

    pub(crate) fn value(self, amount: u64) -> Value<'static> {
        match self {
            Measure::Time { per_second } => Value::Real(amount as f64 / f64::from(per_second)),
            _ => Value::Integer(amount),
        }
    }
}

/// Of which limits a family has series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Queue,
    Items,
    Bytes,
    Time,
}

impl Group {
    pub(crate) fn has(self, measure: Measure) -> bool {
        match measure {
            Measure::Queue => self == Group::Queue,
            Measure::Items => self == Group::Items,
            Measure::Bytes => self == Group::Bytes,
            Measure::Time { .. } => self == Group::Time,
        }
    }

    /// Ledgers have no queues.
    pub(crate) fn has_of_ledger(self, measure: Measure) -> bool {
        self.has(measure) || (self == Group::Items && measure == Measure::Queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_counted() {
        use Category::{Cpu, Memory, Queue, Resource};
        let ms = Measure::Time { per_second: 1_000 };
        for (name, category, measure) in [
            ("stdout_frames", Queue, Measure::Queue),
            ("stdout_bytes", Queue, Measure::Bytes),
            ("vm_sockets", Resource, Measure::Items),
            ("vm_filesystem_bytes", Resource, Measure::Bytes),
            ("bytes", Resource, Measure::Bytes),
            ("kilobytes", Resource, Measure::Items),
            ("heap", Memory, Measure::Bytes),
            ("v8_cpu_time_ms", Cpu, ms),
            ("guest_keepalive_lag_ms", Resource, ms),
            ("memory_stall_us", Cpu, Measure::Time { per_second: 1_000_000 }),
            ("cgroup_memory_bytes", Memory, Measure::Bytes),
            ("cgroup_oom_kills", Resource, Measure::Items),
            ("fuel", Cpu, Measure::Items),
        ] {
            assert_eq!(Measure::of(name, category), measure, "{name}");
        }
        assert_eq!(ms.value(1_500), Value::Real(1.5));
    }
}
