//! A snapshot, sorted by what its limits are counted in.

use std::borrow::Cow;
use std::collections::HashMap;

use plimsoll::pool::Histogram;
use plimsoll::{Category, Snapshot, SnapshotEntry, SnapshotLedger, SnapshotPool, SnapshotWatcher};

use crate::measure::{Group, Measure};
use crate::sample::{Label, LimitLabels, Sample, Sink, Subject, Times, Value};

/// One snapshot, and what telling its series apart needs.
#[derive(Debug)]
pub(crate) struct Model {
    snapshot: Snapshot,
    shows_principals: bool,
    entries: Vec<Place>,
    ledgers: Vec<Place>,
    pools: Vec<Place>,
    watchers: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    n: u32,
    measure: Measure,
}

impl Model {
    /// Users of a ledger that are told apart, whatever the registry lists.
    pub(crate) const RANKS: [&'static str; 10] =
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

    pub(crate) fn new(snapshot: Snapshot, shows_principals: bool) -> Self {
        let entries = numbered(snapshot.entries(), Subject::Entry);
        let ledgers = numbered(snapshot.ledgers(), Subject::Ledger);
        let pools = numbered(snapshot.pools(), Subject::Pool);
        let watchers = numbered(snapshot.watchers(), Subject::Watcher);
        Self { shows_principals, entries, ledgers, pools, watchers, snapshot }
    }

    pub(crate) const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The labels of everything that has some, by their index.
    #[cfg(feature = "text")]
    pub(crate) fn labels(&self) -> impl Iterator<Item = LimitLabels<'_>> {
        let entries = self.entries().map(|(labels, ..)| labels);
        let ledgers = self.ledgers().map(|(labels, ..)| labels);
        let pools = self.pools().map(|(labels, _)| labels);
        entries.chain(ledgers).chain(pools).chain(self.watchers().map(|(labels, _)| labels))
    }

    fn entries(&self) -> impl Iterator<Item = (LimitLabels<'_>, &SnapshotEntry, Measure)> {
        let entries = self.snapshot.entries().iter().zip(&self.entries).enumerate();
        entries.map(|(index, (entry, place))| {
            let subject = Subject::Entry(entry);
            (LimitLabels { subject, n: place.n, index }, entry, place.measure)
        })
    }

    fn ledgers(&self) -> impl Iterator<Item = (LimitLabels<'_>, &SnapshotLedger, Measure)> {
        let ledgers = self.snapshot.ledgers().iter().zip(&self.ledgers).enumerate();
        ledgers.map(|(index, (ledger, place))| {
            let (subject, index) = (Subject::Ledger(ledger), self.entries.len() + index);
            (LimitLabels { subject, n: place.n, index }, ledger, place.measure)
        })
    }

    fn pools(&self) -> impl Iterator<Item = (LimitLabels<'_>, &SnapshotPool)> {
        let pools = self.snapshot.pools().iter().zip(&self.pools).enumerate();
        pools.map(|(index, (pool, place))| {
            let index = self.entries.len() + self.ledgers.len() + index;
            (LimitLabels { subject: Subject::Pool(pool), n: place.n, index }, pool)
        })
    }

    fn watchers(&self) -> impl Iterator<Item = (LimitLabels<'_>, &SnapshotWatcher)> {
        let before = self.entries.len() + self.ledgers.len() + self.pools.len();
        let watchers = self.snapshot.watchers().iter().zip(&self.watchers).enumerate();
        watchers.map(move |(index, (watcher, place))| {
            let (subject, index) = (Subject::Watcher(watcher), before + index);
            (LimitLabels { subject, n: place.n, index }, watcher)
        })
    }

    /// One series for each limit of a group that has the number, in the unit of the limit.
    pub(crate) fn amounts(
        &self,
        group: Group,
        out: &mut Sink<'_>,
        number: impl Fn(&SnapshotEntry) -> Option<u64>,
    ) {
        for (limit, entry, measure) in self.entries().filter(|entry| group.has(entry.2)) {
            if let Some(amount) = number(entry) {
                out(Sample { limit: Some(limit), labels: &[], value: measure.value(amount) });
            }
        }
    }

    /// One series for each queue, bytes in queues included, that has the number.
    pub(crate) fn queues(
        &self,
        out: &mut Sink<'_>,
        number: impl Fn(&SnapshotEntry) -> Option<Value<'static>>,
    ) {
        self.limits(out, |entry| match entry.category() {
            Category::Queue => number(entry),
            _ => None,
        });
    }

    /// One series for each limit that has the number.
    pub(crate) fn limits(
        &self,
        out: &mut Sink<'_>,
        number: impl Fn(&SnapshotEntry) -> Option<Value<'static>>,
    ) {
        for (limit, entry, _) in self.entries() {
            if let Some(value) = number(entry) {
                out(Sample { limit: Some(limit), labels: &[], value });
            }
        }
    }

    /// One series for each limit and value of a label that has the number.
    pub(crate) fn limits_by<const N: usize>(
        &self,
        out: &mut Sink<'_>,
        label: &'static str,
        numbers: impl Fn(&SnapshotEntry) -> [(&'static str, Option<Value<'static>>); N],
    ) {
        for (limit, entry, _) in self.entries() {
            for (name, value) in numbers(entry) {
                if let Some(value) = value {
                    out(Sample { limit: Some(limit), labels: &[(label, name)], value });
                }
            }
        }
    }

    /// One series for each watcher.
    pub(crate) fn each_watcher(
        &self,
        out: &mut Sink<'_>,
        number: impl Fn(&SnapshotWatcher) -> Value<'static>,
    ) {
        for (limit, watcher) in self.watchers() {
            out(Sample { limit: Some(limit), labels: &[], value: number(watcher) });
        }
    }

    /// One series for each ledger of a group that has the number, in the unit of the ledger.
    pub(crate) fn ledger_amounts(
        &self,
        group: Group,
        out: &mut Sink<'_>,
        number: impl Fn(&SnapshotLedger) -> Option<u64>,
    ) {
        for (limit, ledger, measure) in self.ledgers() {
            if let Some(amount) = number(ledger).filter(|_| group.has_of_ledger(measure)) {
                out(Sample { limit: Some(limit), labels: &[], value: measure.value(amount) });
            }
        }
    }

    /// One series for each ledger that has the number.
    pub(crate) fn each_ledger(
        &self,
        out: &mut Sink<'_>,
        number: impl Fn(&SnapshotLedger) -> Option<u64>,
    ) {
        for (limit, ledger, _) in self.ledgers() {
            if let Some(amount) = number(ledger) {
                out(Sample { limit: Some(limit), labels: &[], value: Value::Integer(amount) });
            }
        }
    }

    /// The amounts of the largest users, by their ranks.
    pub(crate) fn top(&self, group: Group, out: &mut Sink<'_>) {
        for (limit, ledger, measure) in self.ledgers().filter(|it| group.has_of_ledger(it.2)) {
            for (user, rank) in ledger.users().iter().zip(Self::RANKS) {
                let (labels, value) = ([("rank", rank)], measure.value(user.value()));
                out(Sample { limit: Some(limit), labels: &labels, value });
            }
        }
    }

    /// Who the largest users are, if that was asked for.
    pub(crate) fn principals(&self, out: &mut Sink<'_>) {
        if !self.shows_principals {
            return;
        }
        for (limit, ledger, _) in self.ledgers() {
            for (user, rank) in ledger.users().iter().zip(Self::RANKS) {
                // A user without a name is no series: the snapshot came without principals.
                let Some(key) = user.principal() else { continue };
                // A number is no text. Text has no control characters: a ledger refuses them.
                let principal = key.as_str().map_or_else(|| key.to_string().into(), Cow::Borrowed);
                let labels = [("rank", rank), ("principal", &*principal)];
                out(Sample { limit: Some(limit), labels: &labels, value: Value::Integer(1) });
            }
        }
    }

    /// One series for each pool.
    pub(crate) fn pool_counts(&self, out: &mut Sink<'_>, number: impl Fn(&SnapshotPool) -> u64) {
        for (limit, pool) in self.pools() {
            out(Sample { limit: Some(limit), labels: &[], value: Value::Integer(number(pool)) });
        }
    }

    /// One series for each pool and value of a label.
    pub(crate) fn pool_counts_by<const N: usize>(
        &self,
        out: &mut Sink<'_>,
        label: &'static str,
        numbers: impl Fn(&SnapshotPool) -> [(&'static str, u64); N],
    ) {
        for (limit, pool) in self.pools() {
            for (name, number) in numbers(pool) {
                let (labels, value) = ([(label, name)], Value::Integer(number));
                out(Sample { limit: Some(limit), labels: &labels, value });
            }
        }
    }

    /// One histogram for each pool.
    pub(crate) fn pool_times(
        &self,
        out: &mut Sink<'_>,
        times: impl Fn(&SnapshotPool) -> &Histogram,
    ) {
        for (limit, pool) in self.pools() {
            let times = Times::of(times(pool));
            out(Sample { limit: Some(limit), labels: &[], value: Value::Histogram(&times) });
        }
    }
}

/// Numbers of what the registry itself has done.
pub(crate) fn one(out: &mut Sink<'_>, labels: &[Label<'_>], number: u64) {
    out(Sample { limit: None, labels, value: Value::Integer(number) });
}

/// The places of what is listed: how many there were of the same name and scope before.
fn numbered<'a, T>(listed: &'a [T], subject: impl Fn(&'a T) -> Subject<'a>) -> Vec<Place> {
    let mut seen = HashMap::with_capacity(listed.len());
    let place = |it: &'a T| {
        let labels = LimitLabels { subject: subject(it), n: 0, index: 0 };
        let n = seen.entry((labels.limit(), labels.scope())).or_insert(0);
        *n += 1;
        Place { n: *n, measure: Measure::of(labels.limit(), labels.category()) }
    };
    listed.iter().map(place).collect()
}
