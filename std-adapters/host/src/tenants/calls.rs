//! A tenant's calls, one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::pool::{CheckoutError, Quota};
use plimsoll_wasmtime::{CallError, WasmPrincipal};

use super::program::Pool;
use super::{Facts, Habit, PAUSE, QUOTA_BYTES, RUDE_PAUSE, Tenant, count};
use crate::stop::Stop;

/// One who calls in the name of a tenant.
pub(super) struct Caller {
    pub(super) tenant: Arc<Tenant>,
    pub(super) facts: Arc<Facts>,
    pub(super) pool: Pool,
    pub(super) principal: WasmPrincipal,
}

/// What came of a call, if it was let in and returned.
enum Outcome {
    Served,
    GrowthRefused,
    Leaked,
    Wrong,
}

/// Why there is no outcome.
enum Failed {
    TurnedAway,
    Stopped,
    Other,
}

impl From<CheckoutError> for Failed {
    fn from(error: CheckoutError) -> Self {
        match error {
            CheckoutError::Refused { quota: Quota::Faults { .. } } => Self::TurnedAway,
            _ => Self::Other,
        }
    }
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        match error {
            CallError::DeadlineExceeded { .. } => Self::Stopped,
            _ => Self::Other,
        }
    }
}

impl Caller {
    /// Calls until the stop, which a call under way does not hear.
    pub(super) async fn run(self, first: Duration, stop: Stop) {
        let _end = stop.at_end();
        let is_ordinary = self.tenant.habit == Habit::Answer;
        let mut pause = first;
        let mut request = 0;
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = if is_ordinary { PAUSE } else { RUDE_PAUSE };
            request += 1;
            let began = Instant::now();
            let result = self.call(request).await;
            if is_ordinary {
                self.facts.latency.record(began.elapsed());
            }
            self.book(&result);
        }
    }

    async fn call(&self, request: u64) -> Result<Outcome, Failed> {
        let mut lease = self.pool.checkout(&self.principal).await?;
        let outcome = match self.tenant.habit {
            Habit::Answer => {
                let call = lease.call(|program| &program.answer, request as i64);
                let (found, answer) = call.await?;
                match (found, answer as u64 == hash(request)) {
                    (0, true) => Outcome::Served,
                    (0, false) => Outcome::Wrong,
                    _ => Outcome::Leaked,
                }
            }
            Habit::Hoard => {
                lease.call(|program| &program.hoard, ()).await?;
                if lease.usage().bytes == QUOTA_BYTES {
                    Outcome::GrowthRefused
                } else {
                    Outcome::Wrong
                }
            }
            Habit::Spin => {
                lease.call(|program| &program.spin, ()).await?;
                Outcome::Wrong
            }
        };
        lease.complete();
        Ok(outcome)
    }

    fn book(&self, result: &Result<Outcome, Failed>) {
        let tally = &self.tenant.tally;
        count(match result {
            Ok(Outcome::Served) => &tally.served,
            Ok(Outcome::GrowthRefused) => &tally.growths_refused,
            Ok(Outcome::Leaked) => &tally.leaks,
            Err(Failed::TurnedAway) => &tally.turned_away,
            Err(Failed::Stopped) => &tally.stopped,
            Ok(Outcome::Wrong) | Err(Failed::Other) => &tally.failed,
        });
    }
}

/// The answer that a request has: FNV-1a of its bytes.
fn hash(request: u64) -> u64 {
    let bytes = request.to_le_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
