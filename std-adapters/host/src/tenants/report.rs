//! What became of the tenants, for people and for programs.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll::Snapshot;
use plimsoll::pool::DiscardReason;
use serde_json::{Value, json};

use super::{Facts, Habit, POOL, QUOTA_BYTES, Tenant};

impl Facts {
    /// Prints what the pool did, whether ordinary tenants came to harm, and what the others did.
    pub(crate) fn print(&self, snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
        let Some(pool) = snapshot.pools().iter().find(|pool| pool.name() == POOL) else {
            return Ok(());
        };
        let stats = &pool.stats;
        writeln!(out, "\nTENANTS: {} instances built for {}", stats.built, self.tenants.len())?;
        let served = self.sum(Habit::Answer, |it| &it.served);
        writeln!(
            out,
            "{} well-behaved: {served} calls served, {:.0} per second, {} failed, {} leaks found",
            self.number(Habit::Answer),
            self.per_second(),
            self.harmed(),
            self.sum(Habit::Answer, |it| &it.leaks)
        )?;
        let [p50, p99] = [0.5, 0.99].map(|of| self.latency.quantile(of).as_micros());
        let waited = |of| stats.wait.quantile(of).map_or(0, |time| time.as_micros());
        writeln!(
            out,
            "a call took p50 {p50} us, p99 {p99} us; of all calls, looper's included, {} waited: \
             p50 {} us, p99 {} us",
            stats.wait.count(),
            waited(0.5),
            waited(0.99)
        )?;
        writeln!(
            out,
            "hoarder: refused to grow beyond {} MiB {} times",
            QUOTA_BYTES >> 20,
            self.sum(Habit::Hoard, |it| &it.growths_refused)
        )?;
        let looper = |of| self.sum(Habit::Spin, of);
        let (stopped, away) = (looper(|it| &it.stopped), looper(|it| &it.turned_away));
        writeln!(out, "looper: stopped {stopped} times at its deadline, turned away {away} times")?;
        let discards = DiscardReason::ALL.map(|reason| (reason, stats.discards(reason)));
        let discards = discards.iter().filter(|(_, number)| *number > 0);
        let discards: Vec<_> =
            discards.map(|(reason, number)| format!("{number} {reason}")).collect();
        writeln!(out, "discarded: {}", discards.join(", "))
    }

    /// The same, with a member for each tenant. What the pool did is in the snapshot.
    pub(crate) fn to_json(&self) -> Value {
        let tenants: Vec<Value> = self.tenants.iter().map(|it| tenant(it)).collect();
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        json!({
            "quota_bytes": QUOTA_BYTES,
            "well_behaved": self.number(Habit::Answer),
            "served": self.sum(Habit::Answer, |it| &it.served),
            "served_per_second": self.per_second(),
            "failed": self.harmed(),
            "latency_p50_us": us(self.latency.quantile(0.5)),
            "latency_p99_us": us(self.latency.quantile(0.99)),
            "principals": tenants,
        })
    }
}

fn tenant(tenant: &Tenant) -> Value {
    let tally = &tenant.tally;
    // Relaxed: the tasks have been joined, which ordered everything.
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    json!({
        "name": tenant.name,
        "served": load(&tally.served),
        "growths_refused": load(&tally.growths_refused),
        "stopped": load(&tally.stopped),
        "turned_away": load(&tally.turned_away),
        "leaks": load(&tally.leaks),
        "failed": load(&tally.failed),
    })
}
