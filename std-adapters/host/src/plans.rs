//! The principals, and everything that is decided about them beforehand.

use std::time::Duration;

/// Instances that may run at once, over all principals.
pub(crate) const INSTANCES_MAX: u64 = 16;

/// A principal's program, limits and habits.
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    /// The guest's program, as WebAssembly text.
    pub(crate) wat: &'static str,
    /// How many instances run at once.
    pub(crate) instances: u64,
    /// The most memory, over all instances.
    pub(crate) memory_max_bytes: u64,
    /// The longest turn of one instance.
    pub(crate) turn_max_ms: u64,
    /// A run is silent after this time without a frame.
    pub(crate) window: Duration,
    /// A run is late after this time without a frame.
    pub(crate) late_after: Duration,
    /// When the first run begins.
    pub(crate) start_after: Duration,
    /// How long to wait before a guest that ended is started afresh.
    pub(crate) rest: Duration,
}

const MIB: u64 = 1 << 20;

/// A principal with one instance that beats many times a second and is soon missed.
const ORDINARY: Plan = Plan {
    name: "",
    wat: "",
    instances: 1,
    memory_max_bytes: MIB,
    turn_max_ms: 100,
    window: Duration::from_secs(2),
    late_after: Duration::from_secs(1),
    start_after: Duration::ZERO,
    rest: Duration::from_secs(1),
};

/// The principals whose output flows into the pipeline.
pub(crate) const PRODUCERS: [Plan; 4] = [
    Plan { name: "steady", wat: include_str!("guests/steady.wat"), ..ORDINARY },
    Plan {
        name: "burst",
        wat: include_str!("guests/burst.wat"),
        instances: 3,
        // It rests for up to four seconds, and that is as it should be.
        window: Duration::from_secs(8),
        late_after: Duration::from_secs(6),
        start_after: Duration::from_millis(300),
        ..ORDINARY
    },
    Plan {
        name: "hog",
        wat: include_str!("guests/hog.wat"),
        memory_max_bytes: 16 * MIB,
        window: Duration::from_millis(400),
        late_after: Duration::from_millis(250),
        rest: Duration::from_secs(2),
        ..ORDINARY
    },
    Plan {
        name: "spin",
        wat: include_str!("guests/spin.wat"),
        // Longer than its window: it is known to be silent before it is stopped.
        turn_max_ms: 800,
        window: Duration::from_millis(400),
        late_after: Duration::from_millis(250),
        start_after: Duration::from_millis(200),
        rest: Duration::from_secs(2),
        ..ORDINARY
    },
];

/// The principal at the pipeline's end.
pub(crate) const SINK: Plan =
    Plan { name: "sink", wat: include_str!("guests/sink.wat"), rest: Duration::ZERO, ..ORDINARY };
