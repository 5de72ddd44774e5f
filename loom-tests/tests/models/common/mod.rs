//! What the models share: the runner, and ghosts that know the truth.

mod channel;
mod counted;
mod ghost;
mod queue;
mod run;

pub(crate) use channel::Channel;
pub(crate) use counted::Counted;
pub(crate) use ghost::Ghost;
pub(crate) use queue::{Depth, Queue};
pub(crate) use run::{Freezer, Model};
