//! A view as a document for programs, and for the fleet's section of the status page.

use std::cmp::Reverse;
use std::time::Duration;

use plimsoll::ledger::LedgerKind;
use plimsoll::{Category, Level};
use serde::Serialize;

use super::fleet::FleetView;
use super::heard::Connection;
use super::host::FleetHost;
use super::picture::{FleetLedger, FleetLimit, FleetSilence};
use crate::merge::MergedUser;

/// The version of the form.
const VERSION: u32 = 1;
/// Rows of a list, ledgers, and users of each.
const ROWS_MAX: usize = 100;
pub(super) const LEDGERS_MAX: usize = 20;
pub(super) const USERS_MAX: usize = 10;
/// Characters of a text.
const CHARS_MAX: usize = 200;
/// A host has gone quiet that has said nothing for so many of its intervals.
const INTERVALS_MAX: u32 = 3;

/// What a view shows at one moment: how many there are of everything, and the first rows of each list.
/// [`LiveView::summary`](super::LiveView::summary) makes it.
///
/// It is written by `serde`, in the form that `docs/FLEET.md` has, and read by no program of this
/// repository but the status page: fields are added, and `version` counts other changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FleetSummary {
    version: u32,
    is_connected: bool,
    connection: String,
    gone: Wide,
    hosts: Rows<HostRow>,
    flaws: Rows<FlawRow>,
    raised: Rows<LimitRow>,
    silent: Rows<SilenceRow>,
    ledgers: Rows<LedgerRow>,
    ledgers_age_ms: Wide,
}

/// The first rows, and how many there are with those that are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Rows<R> {
    count: Wide,
    rows: Vec<R>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct HostRow {
    name: String,
    state: HostCondition,
    age_ms: Wide,
    limits: Wide,
    raised: Wide,
    silent: Wide,
    restarts: Wide,
    rivals: Wide,
    dropped: Wide,
    flaw: Option<String>,
}

/// Whether a host's word can be taken for what is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum HostCondition {
    Live,
    /// It has said nothing for several of its intervals.
    Quiet,
    /// The last word could not be read: what is shown is the one before.
    Unreadable,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct FlawRow {
    key: String,
    flaw: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct LimitRow {
    host: String,
    age_ms: Wide,
    name: String,
    scope: Option<String>,
    category: Category,
    level: &'static str,
    depth: Wide,
    capacity: Option<Wide>,
    waiting: Wide,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SilenceRow {
    host: String,
    age_ms: Wide,
    watcher: String,
    guest: String,
    run: String,
    silent_for_ms: Wide,
    window_ms: Wide,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct LedgerRow {
    name: String,
    scope: Option<String>,
    category: Category,
    kind: LedgerKind,
    hosts: Wide,
    total: Wide,
    bound: Wide,
    saturated: bool,
    users: Vec<UserRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct UserRow {
    principal: Option<String>,
    at_least: Wide,
    at_most: Wide,
    share: f64,
    certified: bool,
    most_on: Option<String>,
    most: Wide,
    hosts: Wide,
}

/// A number up to 2^53, and text above that, as in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wide(u64);

impl Serialize for Wide {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number <= 1 << 53 => serializer.serialize_u64(number),
            number => serializer.collect_str(&number),
        }
    }
}

impl FleetSummary {
    /// Of a view, and of ledgers that are merged, with how many more there are and their age.
    pub(super) fn of(
        view: &FleetView,
        now: Duration,
        connection: &Connection,
        (ledgers, ledgers_more, ledgers_age): (&[FleetLedger], usize, Duration),
    ) -> Self {
        Self {
            version: VERSION,
            is_connected: *connection == Connection::Connected,
            connection: cut(&connection.to_string()),
            gone: Wide(view.gone()),
            hosts: hosts(view, now),
            flaws: Rows::of(view.flaws(), |(key, flaw)| FlawRow {
                key: cut(key),
                flaw: cut(&flaw.to_string()),
            }),
            raised: Rows::of(view.raised(now), limit),
            silent: Rows {
                // Some are counted, and not named.
                count: Wide(view.silent_count()),
                ..Rows::of(view.silent(now), silence)
            },
            ledgers: Rows {
                count: wide(ledgers.len() + ledgers_more),
                ..Rows::of(ledgers, ledger)
            },
            ledgers_age_ms: ms(ledgers_age),
        }
    }

    /// Leaves principals out; ranks, amounts and hosts stay.
    #[must_use]
    pub fn without_principals(mut self) -> Self {
        let users = self.ledgers.rows.iter_mut().flat_map(|ledger| &mut ledger.users);
        users.for_each(|user| user.principal = None);
        self
    }
}

impl<R> Rows<R> {
    fn of<T>(all: impl IntoIterator<Item = T>, row: impl Fn(T) -> R) -> Self {
        let mut all = all.into_iter();
        let rows: Vec<R> = all.by_ref().take(ROWS_MAX).map(row).collect();
        let more = all.count();
        Self { count: wide(rows.len() + more), rows }
    }
}

/// Those with the most raised limits first, then with silent guests, then with a flaw, then the oldest.
fn hosts(view: &FleetView, now: Duration) -> Rows<HostRow> {
    let counted = view.hosts().map(|host| {
        let entries = host.state().snapshot.entries().iter();
        let raised = entries.filter(|entry| entry.level > Level::Normal).count();
        (host, raised, host.silent())
    });
    let mut counted: Vec<_> = counted.collect();
    let is_flawed = |host: &FleetHost| host.flaw.is_some() || host.rivals > 0;
    counted.sort_by_key(|(host, raised, silent)| {
        Reverse((*raised, *silent, is_flawed(host), host.age(now)))
    });
    Rows::of(counted, |(host, raised, silent)| HostRow {
        name: host.name().to_string(),
        state: condition(host, now),
        age_ms: ms(host.age(now)),
        limits: wide(host.state().snapshot.entries().len()),
        raised: wide(raised),
        silent: Wide(silent),
        restarts: Wide(host.restarts),
        rivals: Wide(host.rivals),
        dropped: Wide(host.state().events.dropped),
        flaw: host.flaw.as_ref().map(|flaw| cut(&flaw.to_string())),
    })
}

fn condition(host: &FleetHost, now: Duration) -> HostCondition {
    // A second at least: what is fast is not quiet for want of a moment.
    let interval = Duration::from_millis(host.state().interval_ms).max(Duration::from_secs(1));
    match &host.flaw {
        Some(_) => HostCondition::Unreadable,
        None if host.age(now) > interval.saturating_mul(INTERVALS_MAX) => HostCondition::Quiet,
        None => HostCondition::Live,
    }
}

fn limit(limit: FleetLimit<'_>) -> LimitRow {
    let entry = limit.entry;
    LimitRow {
        host: limit.host.to_string(),
        age_ms: ms(limit.age),
        name: cut(entry.name()),
        scope: entry.scope().map(cut),
        category: entry.category(),
        level: entry.level.as_str(),
        depth: Wide(entry.depth),
        capacity: entry.capacity().map(Wide),
        waiting: Wide(entry.waiting),
    }
}

fn silence(silence: FleetSilence<'_>) -> SilenceRow {
    SilenceRow {
        host: silence.host.to_string(),
        age_ms: ms(silence.age),
        watcher: cut(&silence.guest.watcher),
        guest: cut(&silence.guest.guest),
        run: cut(&silence.guest.run),
        silent_for_ms: ms(silence.silent_for),
        window_ms: Wide(silence.guest.window_ms),
    }
}

fn ledger(ledger: &FleetLedger) -> LedgerRow {
    let merged = &ledger.merged;
    let user = |(place, user): (usize, &MergedUser)| UserRow {
        principal: Some(
            user.principal.as_str().map_or_else(|| user.principal.to_string(), Into::into),
        ),
        at_least: Wide(user.at_least),
        at_most: Wide(user.at_most),
        share: user.share,
        certified: place < merged.certified,
        most_on: ledger.most_on(user).map(ToString::to_string),
        most: Wide(user.most),
        hosts: wide(user.states),
    };
    LedgerRow {
        name: cut(&merged.name.name),
        scope: merged.name.scope.as_deref().map(cut),
        category: merged.name.category,
        kind: merged.name.kind,
        hosts: wide(merged.states),
        total: Wide(merged.total),
        bound: Wide(merged.bound),
        saturated: merged.is_saturated,
        users: merged.users().iter().enumerate().map(user).collect(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}

fn wide(count: usize) -> Wide {
    Wide(count as u64)
}

fn ms(time: Duration) -> Wide {
    Wide(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
