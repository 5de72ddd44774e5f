//! Guards of a host function while it works for itself, or calls its guest back.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::error::TooDeep;
use crate::running::Running;

/// Time that is the host's: it does not count against the guest's deadline while this lives.
///
/// A host function that computes for long holds one; time in which it sleeps or awaits does not count
/// anyway. A guest that is [called back](crate::Meter::call_back) meanwhile has its own time. It stays on
/// its thread, so it cannot be held across an `await`. Of [`Meter::host_time`](crate::Meter::host_time).
#[must_use = "the host's time ends when this is dropped"]
#[derive(Debug)]
pub struct HostTime {
    running: Arc<Running>,
    _not_send: PhantomData<*const ()>,
}

impl HostTime {
    pub(crate) fn begin(running: &Arc<Running>) -> Self {
        running.leave();
        running.enter_as_host();
        Self { running: running.clone(), _not_send: PhantomData }
    }
}

impl Drop for HostTime {
    fn drop(&mut self) {
        self.running.enter_again();
    }
}

/// A call of a host function back into its guest. Of [`Meter::call_back`](crate::Meter::call_back).
#[must_use = "the call back ends when this is dropped"]
#[derive(Debug)]
pub struct CalledBack {
    running: Arc<Running>,
    /// Whether it began in the host's time, which goes on after it.
    was_hosts: bool,
}

impl CalledBack {
    pub(crate) fn begin(running: &Arc<Running>) -> Result<Self, TooDeep> {
        let was_hosts = running.begin_call_back()?;
        Ok(Self { running: running.clone(), was_hosts })
    }
}

impl Drop for CalledBack {
    fn drop(&mut self) {
        self.running.end_call_back(self.was_hosts);
    }
}
