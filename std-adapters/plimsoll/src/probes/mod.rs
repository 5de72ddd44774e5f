//! Probes: what the kernel says of the memory, the processors and the disks of this process, as
//! gauges.
//!
//! [`Probes`] reads the files of cgroup v2, of pressure stall information (PSI) and of the process,
//! and lists what is there in a [`Registry`] as limits of the catalog [`ProbeLimit`]. A
//! [thread](Probes::spawn_thread) samples once a second, or the host calls [`Probes::sample`] from
//! a timer of its own.
//!
//! ```
//! use plimsoll::Registry;
//! use plimsoll::probes::{ProbeLimit, Probes};
//!
//! let registry = Registry::new();
//! let probes = Probes::builder().build(&registry)?;
//! for error in probes.errors() {
//!     eprintln!("{error}"); // once: what this container does not have
//! }
//! let sampler = probes.spawn_thread()?;
//! let resident = probes.value(ProbeLimit::ProcessRssBytes);
//! let may_be_granted = probes.headroom(64 << 20); // beside 64 MiB that are granted already
//! let memory_is_short = probes.pressure(ProbeLimit::CgroupMemoryBytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is measured
//! - *Memory of the cgroup*: `memory.current` without `inactive_file` of `memory.stat`, the file
//!   cache that the kernel takes back first: a process that reads files fills its cgroup with cache
//!   up to `memory.max`, and is in no need. The capacity is the least `memory.max` of the cgroup
//!   and those above it, and capacity less depth is what is left under the tightest of them, so
//!   that a neighbour that fills a cgroup above shows as well. Without any `memory.max` there is no
//!   capacity.
//! - *Memory of the process*: `VmRSS`. Pages that it shares with others count in full.
//! - *Stalls*: the 10 s averages of the cgroup's `cpu.pressure`, `memory.pressure` and
//!   `io.pressure`, or else of the system's in `/proc/pressure`.
//! - *Counts of `memory.events`*: `high`, `max`, `oom`, `oom_kill` are gauges without a capacity,
//!   so that a snapshot shows them. A rise of `oom_kill` is an
//!   [exhausted](crate::EventKind::Exhausted) event of the memory of the cgroup too.
//!
//! # What is missed
//! Memory is read at the moment of a sample: what comes and goes between two of them is not seen,
//! nor is it in the high-water mark. Stalls are averages that the kernel keeps, and counts are its
//! totals: of these nothing is missed, and an average follows a change by a few seconds. A
//! `memory.high` is no capacity: it shows as stalls by memory, and in its count. Bounds of cgroups
//! that are not mounted here, such as those above a container, cannot be seen.
//!
//! # What is not here
//! Only Linux has these files; elsewhere everything is built and nothing is here. What is missing
//! is a [`ProbeError::NotHere`] that names the file and what provides it. Each kind of error of a
//! limit is returned by one [`sample`](Probes::sample), and is a warning of `tracing` then;
//! [`Probes::errors`] has those that stand now. A limit that is not measured is not listed, so that
//! no old number stays; it is listed again once it is measured. Control files of cgroup v1 are not
//! read.
//!
//! # Cost
//! A sample opens about 15 small files, and three more for each cgroup above that has a
//! `memory.max`: 80 us in all on Linux 6.18 (median of 2,000 samples of a release build in a
//! virtual machine, of recorded files and of the live ones alike), which is 0.008 % of a processor
//! at one sample a second.

mod builder;
mod cgroup;
mod error;
mod files;
mod limit;
mod listed;
mod measure;
mod measured;
mod parse;
mod thread;

pub use builder::ProbesBuilder;
pub use error::{ProbeError, ProbesError};
pub use limit::ProbeLimit;
pub use thread::SamplerThread;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::Watermarks;

use crate::pressure::Pressure;
use crate::registry::Registry;
use crate::sync::Mutex;
use crate::telemetry::Limit;
use cgroup::Cgroup;
use files::Root;
use limit::LIMITS;
use listed::Listed;
use measure::measure;
use measured::Measured;

/// Gauges of what the kernel says of this process: see [the module](self).
///
/// Clones are handles to the same probes; with the last one their limits leave the registry.
///
/// # Progress
/// A sample blocks for as long as the kernel takes to answer. To read a value takes a lock for a
/// copy.
#[derive(Clone)]
pub struct Probes(Arc<Inside>);

struct Inside {
    registry: Registry,
    root: Root,
    period: Duration,
    marks: [Option<(u8, u8)>; LIMITS],
    place: Mutex<Place>,
    listed: Listed,
}

/// Where the cgroup was found last, and by which text.
struct Place {
    membership: Option<String>,
    cgroup: Arc<Cgroup>,
}

impl Probes {
    /// Settings for probes.
    pub fn builder() -> ProbesBuilder {
        ProbesBuilder::new()
    }

    fn start(builder: ProbesBuilder, registry: &Registry) -> Self {
        let ProbesBuilder { root, period, marks } = builder;
        let root = Root::new(root);
        let membership = Cgroup::membership(&root);
        let cgroup = Arc::new(Cgroup::find(&root, membership.as_deref()));
        let place = Mutex::new(Place { membership, cgroup });
        let registry = registry.clone();
        let probes =
            Self(Arc::new(Inside { registry, root, period, marks, place, listed: Listed::new() }));
        // What it returns is in `errors`.
        let _ = probes.sample();
        probes
    }

    /// Measures everything now, and hands edges that are due to the registry.
    ///
    /// # Returns
    /// The errors that no earlier sample has returned: each kind of error of each limit once.
    pub fn sample(&self) -> Vec<ProbeError> {
        let inside = &*self.0;
        let cgroup = inside.cgroup();
        let mut new = Vec::new();
        for (limit, marks) in ProbeLimit::ALL.iter().zip(inside.marks) {
            let Some(marks) = marks else { continue };
            let measured = measure(*limit, &inside.root, &cgroup);
            let recorded = measured.and_then(|measured| inside.record(*limit, marks, measured));
            new.extend(recorded.err().and_then(|error| inside.listed.fail(error)));
        }
        #[cfg(feature = "tracing")]
        for error in &new {
            tracing::warn!(target: "plimsoll", limit = error.limit().as_str(), "{error}");
        }
        new
    }

    /// The errors that stand now: what is not measured, and why.
    pub fn errors(&self) -> Vec<ProbeError> {
        self.0.listed.errors()
    }

    /// What the last sample has measured, in the unit of the limit.
    ///
    /// # Returns
    /// `None` if it is not measured.
    pub fn value(&self, limit: ProbeLimit) -> Option<u64> {
        self.0.listed.measured(limit).map(|measured| measured.value)
    }

    /// How much it can be: of the cgroup's memory the tightest bound in bytes, of a stall the
    /// second.
    ///
    /// # Returns
    /// `None` if it is not measured, or has no bound.
    pub fn capacity(&self, limit: ProbeLimit) -> Option<u64> {
        self.0.listed.measured(limit)?.capacity
    }

    /// How many bytes may be granted beside the `granted` ones: the capacity of the cgroup's memory
    /// less what is measured or granted, whichever is more. What is granted and not used yet is not
    /// granted again, and neither is what others have taken.
    ///
    /// # Returns
    /// `None` if the memory of the cgroup is not measured, or has no bound.
    pub fn headroom(&self, granted: u64) -> Option<u64> {
        let Measured { value, capacity } = self.0.listed.measured(ProbeLimit::CgroupMemoryBytes)?;
        Some(capacity?.saturating_sub(value.max(granted)))
    }

    /// A pressure that is on while a limit is raised: from its high
    /// [watermark](ProbesBuilder::watermarks) on, until it is back at the low one. Its
    /// [scale](Pressure::scaled) is 0 at the low and 1 at the high one. It follows the samples, and
    /// stays the same when the capacity changes; it is off while the limit is not measured or has
    /// no capacity, and once the last handle to the probes is gone.
    pub fn pressure(&self, limit: ProbeLimit) -> Pressure {
        self.0.listed.pressure(limit)
    }

    /// The time between two samples of a [thread](Self::spawn_thread).
    pub fn period(&self) -> Duration {
        self.0.period
    }
}

impl Inside {
    /// Where the cgroup is, which is found again once this process has moved.
    fn cgroup(&self) -> Arc<Cgroup> {
        let membership = Cgroup::membership(&self.root);
        let mut place = self.place.lock();
        if place.membership != membership {
            let cgroup = Arc::new(Cgroup::find(&self.root, membership.as_deref()));
            *place = Place { membership, cgroup };
            // The counts of another cgroup are no rise.
            ProbeLimit::ALL.iter().for_each(|limit| self.listed.forget(*limit));
        }
        place.cgroup.clone()
    }

    fn record(
        &self,
        limit: ProbeLimit,
        (high, low): (u8, u8),
        measured: Measured,
    ) -> Result<(), ProbeError> {
        // A bound that no gauge has is none: 64 TiB of memory, or more.
        let bounded =
            measured.capacity.map(|bytes| Watermarks::try_percent(bytes.max(1), high, low));
        let watermarks = bounded.and_then(Result::ok).unwrap_or(Watermarks::unbounded());
        let before = self.listed.record(&self.registry, limit, watermarks, measured)?;
        if limit == ProbeLimit::OomKills {
            let before = before.map_or(measured.value, |before| before.value);
            self.report_kills(measured.value.saturating_sub(before));
        }
        Ok(())
    }

    /// Makes an event of processes that the kernel has killed for want of memory.
    fn report_kills(&self, kills: u64) {
        if kills > 0 {
            let memory = self.listed.measured(ProbeLimit::CgroupMemoryBytes);
            let (value, capacity) = memory.map_or((None, None), |it| (Some(it.value), it.capacity));
            let detail = format!("processes killed by the kernel: {kills}");
            let limit = Limit::from(ProbeLimit::CgroupMemoryBytes);
            // The name is valid.
            let _ = self.registry.warn_exhausted(limit, value, capacity, detail);
        }
    }
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Probes");
        debug.field("root", &self.0.root.folder()).field("period", &self.0.period);
        debug.field("errors", &self.errors()).finish_non_exhaustive()
    }
}
