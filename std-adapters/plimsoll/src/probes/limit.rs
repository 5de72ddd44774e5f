//! The catalog of what the probes measure.

use crate::limits;

limits! {
    /// What the probes measure, each under a limit of this name.
    ///
    /// A stall is the time that tasks lost by waiting for the resource: microseconds of each
    /// second, by the average of the kernel over 10 s. `stall` is the time in which one task or
    /// more waited, `full_stall` that in which all did. Its capacity is the second, 1,000,000 us,
    /// so that exporters show a number from 0 to 1. The counts of `memory.events` have no capacity,
    /// and rise only.
    pub enum ProbeLimit {
        Memory:
            CgroupMemoryBytes = "cgroup_memory_bytes",
            ProcessRssBytes = "process_rss_bytes";
        Cpu:
            CpuStallUs = "cpu_stall_us",
            MemoryStallUs = "memory_stall_us",
            MemoryFullStallUs = "memory_full_stall_us",
            IoStallUs = "io_stall_us",
            IoFullStallUs = "io_full_stall_us";
        Resource:
            MemoryHighHits = "cgroup_memory_high_hits",
            MemoryMaxHits = "cgroup_memory_max_hits",
            MemoryOoms = "cgroup_memory_ooms",
            OomKills = "cgroup_oom_kills";
    }
}

/// How many there are.
pub(super) const LIMITS: usize = ProbeLimit::ALL.len();

/// Where a limit is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The memory of the cgroup and of those above it.
    Memory,
    /// `/proc/self/status`.
    Rss,
    /// A line of a pressure file: the name of the resource, and the first word of the line.
    Stall(&'static str, &'static str),
    /// A line of `memory.events`.
    Events(&'static str),
}

impl ProbeLimit {
    pub(super) const fn origin(self) -> Origin {
        match self {
            ProbeLimit::CgroupMemoryBytes => Origin::Memory,
            ProbeLimit::ProcessRssBytes => Origin::Rss,
            ProbeLimit::CpuStallUs => Origin::Stall("cpu", "some"),
            ProbeLimit::MemoryStallUs => Origin::Stall("memory", "some"),
            ProbeLimit::MemoryFullStallUs => Origin::Stall("memory", "full"),
            ProbeLimit::IoStallUs => Origin::Stall("io", "some"),
            ProbeLimit::IoFullStallUs => Origin::Stall("io", "full"),
            ProbeLimit::MemoryHighHits => Origin::Events("high"),
            ProbeLimit::MemoryMaxHits => Origin::Events("max"),
            ProbeLimit::MemoryOoms => Origin::Events("oom"),
            ProbeLimit::OomKills => Origin::Events("oom_kill"),
        }
    }

    /// The default watermarks in percent of the capacity, high and low.
    pub(super) const fn marks(self) -> (u8, u8) {
        match self {
            ProbeLimit::CgroupMemoryBytes => (90, 80),
            ProbeLimit::MemoryStallUs => (10, 5),
            ProbeLimit::MemoryFullStallUs => (5, 2),
            _ => (80, 50),
        }
    }

    /// What provides it.
    pub(super) const fn needs(self) -> &'static str {
        match self.origin() {
            Origin::Memory | Origin::Events(_) => {
                "it needs cgroup v2 with the memory controller, mounted where this process sees it"
            }
            Origin::Rss => "it needs Linux with /proc mounted",
            Origin::Stall(..) => {
                "it needs Linux with CONFIG_PSI, started with psi=1 where that is not the default"
            }
        }
    }
}
