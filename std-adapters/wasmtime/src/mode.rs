//! The modes in which guests run.

/// How much fuel a guest uses before it lets other tasks run, by default.
pub(crate) const YIELD_INTERVAL: u64 = 100_000;

/// Handles that a component has at most by default.
pub(crate) const HANDLES_MAX: usize = 10_000;

/// How the guest of a store runs, whatever holds the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// After how much fuel the guest yields; `None` if it runs on its caller's stack, where it cannot.
    pub(crate) yield_interval: Option<u64>,
    /// How many handles a component has at most.
    #[cfg_attr(not(feature = "component-model"), allow(dead_code, reason = "of components"))]
    pub(crate) handles_max: usize,
}

impl Mode {
    pub(crate) fn is_in_place(&self) -> bool {
        self.yield_interval.is_none()
    }
}

impl Default for Mode {
    fn default() -> Self {
        Self { yield_interval: None, handles_max: HANDLES_MAX }
    }
}
