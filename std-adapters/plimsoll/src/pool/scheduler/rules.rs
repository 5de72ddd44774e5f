//! The settings that the scheduler decides by, fixed when the pool is made.

use std::time::Duration;

use crate::pool::config::{Config, Isolation};
use crate::pool::error::{CheckoutError, Stage};

/// The part of a pool's configuration that the scheduler goes by.
#[derive(Clone)]
pub(in crate::pool) struct Rules {
    pub(in crate::pool) isolation: Isolation,
    pub(in crate::pool) cap: Option<usize>,
    pub(in crate::pool) waiting_max: Option<usize>,
    pub(in crate::pool) line_max: Option<usize>,
    pub(in crate::pool) waits_for_own: bool,
    pub(in crate::pool) wait_timeout: Option<Duration>,
    pub(in crate::pool) build_timeout: Option<Duration>,
    pub(in crate::pool) cleanup_timeout: Option<Duration>,
    pub(in crate::pool) max_abandoned: Option<usize>,
    pub(in crate::pool) tick: Duration,
}

impl Rules {
    pub(in crate::pool) fn new(config: &Config) -> Self {
        Self {
            isolation: config.isolation,
            cap: config.cap,
            waiting_max: config.waiting_max,
            line_max: config.line_max,
            waits_for_own: config.waits_for_own,
            wait_timeout: config.wait_timeout,
            build_timeout: config.build_timeout,
            cleanup_timeout: config.cleanup_timeout,
            max_abandoned: config.max_abandoned,
            tick: config.tick,
        }
    }
}

/// The error of a waiter whose build has taken longer than it may.
pub(in crate::pool) fn out_of_time(build_timeout: Option<Duration>) -> CheckoutError {
    CheckoutError::TimedOut { stage: Stage::Build, after: build_timeout.unwrap_or_default() }
}
