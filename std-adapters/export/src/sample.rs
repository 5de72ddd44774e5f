//! One series of a family: its labels and its value.

use std::time::Duration;

use plimsoll::{Category, SnapshotEntry, SnapshotLedger, SnapshotPool, SnapshotWatcher};

/// One series of a [`Family`](crate::Family) at one moment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// Whose number it is; `None` for numbers of the registry itself.
    pub limit: Option<LimitLabels<'a>>,
    /// The labels beside those of the limit, such as `state` or `reason`.
    pub labels: &'a [Label<'a>],
    /// The number.
    pub value: Value<'a>,
}

/// Where samples go.
pub(crate) type Sink<'a> = dyn FnMut(Sample<'_>) + 'a;

/// The name of a label, and its value.
pub type Label<'a> = (&'static str, &'a str);

/// What tells the series of one limit from those of others. No two limits of a scrape have the same
/// labels.
#[derive(Clone, Copy, Debug)]
pub struct LimitLabels<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) n: u32,
    #[cfg_attr(not(feature = "text"), expect(dead_code, reason = "only text goes by it"))]
    pub(crate) index: usize,
}

/// What has a name, a category and a scope.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    Entry(&'a SnapshotEntry),
    Ledger(&'a SnapshotLedger),
    Pool(&'a SnapshotPool),
    Watcher(&'a SnapshotWatcher),
}

macro_rules! of_each {
    ($subject:expr, $method:ident) => {
        match $subject {
            Subject::Entry(it) => it.$method(),
            Subject::Ledger(it) => it.$method(),
            Subject::Pool(it) => it.$method(),
            Subject::Watcher(it) => it.$method(),
        }
    };
}

impl<'a> LimitLabels<'a> {
    /// The label `limit`: the name of the limit.
    pub fn limit(&self) -> &'a str {
        of_each!(self.subject, name)
    }

    /// The label `category`.
    pub fn category(&self) -> Category {
        of_each!(self.subject, category)
    }

    /// The label `scope`, if the limit has one.
    pub fn scope(&self) -> Option<&'a str> {
        of_each!(self.subject, scope)
    }

    /// The label `n`: the number of this limit among those of the same name and scope, in the order of
    /// their registration. The first has none, the second is 2.
    pub fn n(&self) -> Option<u32> {
        (self.n > 1).then_some(self.n)
    }
}

impl<'a> Sample<'a> {
    /// Hands over each label of the series, those of the limit first.
    pub fn for_each_label(&self, mut label: impl FnMut(&'static str, &str)) {
        if let Some(limit) = &self.limit {
            label("limit", limit.limit());
            label("category", limit.category().as_str());
            if let Some(scope) = limit.scope() {
                label("scope", scope);
            }
            if let Some(n) = limit.n() {
                label("n", &n.to_string());
            }
        }
        for (name, value) in self.labels {
            label(name, value);
        }
    }
}

/// The number of a [`Sample`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A count.
    Integer(u64),
    /// Seconds, or a ratio.
    Real(f64),
    /// How long things took.
    Histogram(&'a Times),
}

/// How often things took how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// How many there were up to each of [`BOUNDS`](Self::BOUNDS), and longer than all of them.
    counts: [u64; Self::BOUNDS.len() + 1],
    sum: Duration,
}

impl Times {
    /// The upper bounds of the buckets in seconds: powers of four of nanoseconds, from a microsecond
    /// to a quarter of a minute. A pool's own buckets end there, so that no count is an estimate.
    pub const BOUNDS: [f64; 13] = bounds();

    pub(crate) fn of(times: &plimsoll::pool::Histogram) -> Self {
        let mut counts = [0; Self::BOUNDS.len() + 1];
        for (upper, count) in times.buckets() {
            let bucket = bounds_ns().position(|bound| upper.as_nanos() <= u128::from(bound));
            counts[bucket.unwrap_or(Self::BOUNDS.len())] += count;
        }
        Self { counts, sum: times.sum() }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum in seconds.
    pub fn sum(&self) -> f64 {
        self.sum.as_secs_f64()
    }

    /// The bound of each bucket, [`f64::INFINITY`] last, and how many there were that are in this
    /// bucket and no smaller one.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        Self::BOUNDS.into_iter().chain([f64::INFINITY]).zip(self.counts)
    }

    /// The same, but each with how many there were up to its bound.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.buckets().scan(0, |below, (bound, count)| {
            *below += count;
            Some((bound, *below))
        })
    }
}

const FIRST_BOUND_NS: u64 = 1 << 10;

fn bounds_ns() -> impl Iterator<Item = u64> {
    (0..Times::BOUNDS.len() as u32).map(|place| FIRST_BOUND_NS << (2 * place))
}

const fn bounds<const N: usize>() -> [f64; N] {
    let mut bounds = [0.0; N];
    let mut place = 0;
    while place < N {
        bounds[place] = (FIRST_BOUND_NS << (2 * place)) as f64 / 1e9;
        place += 1;
    }
    bounds
}
