//! Does what the scheduler decides: jobs, the threads or tasks that do them, and the timekeeper.
//!
//! The manager's code, wakers and the drops of objects run here, outside of every lock (POOL-7) and
//! with their panics contained.

mod background;
mod build;
mod contain;
mod decide;
mod inline;
mod keeper;
mod maintain;
mod running;
mod work;

pub(in crate::pool) use background::start;
pub(in crate::pool) use contain::{ask, contain, wake_all};
pub(in crate::pool) use inline::{Inline, Vacancy};
pub(in crate::pool) use keeper::Keeper;
pub(in crate::pool) use running::Running;
pub(in crate::pool) use work::Work;
