//! The atomics of the words that are model checked: the models put their own in the place of this file.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
