//! The pool and its tenants, on three lines.

use std::time::Duration;

use super::text::{Ink, Line, span};

/// A pool, the ordinary tenants that it serves, and those that it contains.
#[derive(Clone, Debug)]
pub(crate) struct Tenancy {
    pub(crate) capacity: usize,
    pub(crate) leased: usize,
    pub(crate) idle: usize,
    pub(crate) building: usize,
    pub(crate) waiting: u64,
    /// How long those who had to wait for an instance have waited: p50 and p99.
    pub(crate) wait: [Duration; 2],
    /// Instances that were discarded after their single use, and after a fault.
    pub(crate) discards: [u64; 2],
    /// How many ordinary tenants there are.
    pub(crate) tenants: usize,
    /// Their calls.
    pub(crate) per_second: f64,
    /// How long these took: p50 and p99.
    pub(crate) latency: [Duration; 2],
    /// Those that did not end as they should.
    pub(crate) failed: u64,
    /// Growths that `hoarder` was refused.
    pub(crate) growths_refused: u64,
    /// Calls of `looper` that were stopped.
    pub(crate) stopped: u64,
    /// Calls of `looper` that were not let in.
    pub(crate) turned_away: u64,
}

impl Tenancy {
    /// `5950 calls/s, p50 0.01, p99 0.09 ms`
    pub(crate) fn calls(&self) -> String {
        let [p50, p99] = self.latency.map(ms);
        format!("{:.0} calls/s, p50 {p50}, p99 {p99} ms", self.per_second)
    }
}

/// `0.09`, or `12` where that is enough: milliseconds in four columns.
fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 9.995 { format!("{ms:.2}") } else { format!("{ms:.0}") }
}

/// `812`, `71k`, `3M`: in four columns at most.
fn short(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

pub(super) fn tenancy_lines(it: &Tenancy) -> [Line; 3] {
    let Tenancy { capacity, leased, idle, building, waiting, .. } = it;
    let [used, faulted] = it.discards;
    let (discarded, faulted) = (short(used + faulted), short(faulted));
    let [refused, stopped, off] = [it.growths_refused, it.stopped, it.turned_away].map(short);
    let [wait_p50, wait_p99] = it.wait.map(ms);
    let full = if leased == capacity { Ink::Elevated } else { Ink::Good };
    let failed = match it.failed {
        0 => span(Ink::Good, ", none failed"),
        failed => span(Ink::Full, format!(", {failed} failed")),
    };
    [
        vec![
            span(Ink::Dim, " POOL    "),
            span(full, format!("{leased}/{capacity} in use")),
            span(Ink::Plain, format!(", {idle} idle, {building} building, {waiting} waiting")),
            span(Ink::Dim, format!("  waits p50 {wait_p50}, p99 {wait_p99} ms")),
        ],
        vec![
            span(Ink::Dim, " TENANTS "),
            span(Ink::Plain, format!("{} well-behaved: {}", it.tenants, it.calls())),
            failed,
        ],
        vec![
            span(Ink::Dim, " UNRULY  "),
            span(Ink::Elevated, format!("hoarder refused {refused}")),
            span(Ink::Plain, " · "),
            span(Ink::Elevated, format!("looper stopped {stopped}, off {off}")),
            span(Ink::Dim, format!(" · {faulted} of {discarded} faulted")),
        ],
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn tenancy() -> Tenancy {
        Tenancy {
            capacity: 8,
            leased: 2,
            idle: 5,
            building: 1,
            waiting: 0,
            wait: [Duration::from_micros(40), Duration::from_micros(810)],
            discards: [71_234, 31],
            tenants: 24,
            per_second: 5_950.4,
            latency: [Duration::from_micros(12), Duration::from_micros(90)],
            failed: 0,
            growths_refused: 812,
            stopped: 31,
            turned_away: 410,
        }
    }

    fn texts(tenancy: &Tenancy) -> [String; 3] {
        let text = |line: Line| line.iter().map(|piece| piece.text.as_str()).collect();
        tenancy_lines(tenancy).map(text)
    }

    #[test]
    fn the_pool_and_its_tenants_are_told_on_three_lines() {
        let [pool, tenants, contained] = texts(&tenancy());
        assert_eq!(
            pool,
            " POOL    2/8 in use, 5 idle, 1 building, 0 waiting  waits p50 0.04, p99 0.81 ms"
        );
        assert_eq!(
            tenants,
            " TENANTS 24 well-behaved: 5950 calls/s, p50 0.01, p99 0.09 ms, none failed"
        );
        assert_eq!(
            contained,
            " UNRULY  hoarder refused 812 · looper stopped 31, off 410 · 31 of 71k faulted"
        );
    }

    #[test]
    fn large_numbers_fit_and_failures_are_marked() {
        let mut tenancy = tenancy();
        tenancy.failed = 3;
        let failed = &tenancy_lines(&tenancy)[1][2];
        assert_eq!((failed.ink, failed.text.as_str()), (Ink::Full, ", 3 failed"));
        tenancy.failed = 0;
        // After a day.
        tenancy.discards = [500_000_000, 86_000];
        tenancy.growths_refused = 3_400_000;
        (tenancy.stopped, tenancy.turned_away) = (86_000, 13_000_000);
        tenancy.wait = [Duration::from_micros(9_990); 2];
        tenancy.latency = [Duration::from_micros(9_990); 2];
        for line in texts(&tenancy) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
