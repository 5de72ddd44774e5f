//! The selected limit, pools, top users, silent guests and the caller's facts: a line for each.

use plimsoll::ledger::Key;
use plimsoll::pool::{Histogram, PoolCheckouts, PoolStats};
use plimsoll::{Category, SnapshotEntry, SnapshotFlow, SnapshotLedger, SnapshotPool, SnapshotUser};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::app::App;
use super::text::{BOLD, DIM, amount, label, percent, shown, time};

/// Columns of a line's heading.
const HEADING: usize = 8;

/// Users of one ledger that are looked at for a line.
const USERS_MAX: usize = 10;

/// `POOL     tenants 2/8 leased, 6 idle`
pub(super) fn line(heading: &str, spans: impl IntoIterator<Item = Span<'static>>) -> Line<'static> {
    let mut line = vec![Span::styled(format!("{:<HEADING$} ", shown(heading)), BOLD)];
    line.extend(spans);
    Line::from(line)
}

pub(super) fn plain(text: impl Into<String>) -> Span<'static> {
    Span::raw(text.into())
}

pub(super) fn dim(text: impl Into<String>) -> Span<'static> {
    Span::styled(text.into(), DIM)
}

/// What has gone through the selected limit, and for how long it has blocked; no line if neither is known.
pub(super) fn selected(app: &App, columns: usize) -> Vec<Line<'static>> {
    let limits = app.limits();
    let parts = limits.get(app.selected_row(&limits)).map_or_else(Vec::new, |it| parts(it));
    if parts.is_empty() {
        return Vec::new();
    }
    let separated = parts.into_iter().enumerate();
    let spans = separated.map(|(at, part)| dim(if at == 0 { part } else { format!(", {part}") }));
    vec![line("SELECTED", whole(spans, columns))]
}

/// `blocked 40 %/10 s`, `12 %/60 s`, `oldest 340 ms`, `813 sent`, `797 received`, `3 refused`
fn parts(entry: &SnapshotEntry) -> Vec<String> {
    let recent = entry.recent.unwrap_or_default();
    let mut parts = Vec::new();
    parts.extend(recent.blocked_share_10s.map(|it| format!("blocked {}/10 s", percent(it))));
    parts.extend(recent.blocked_share_60s.map(|it| format!("{}/60 s", percent(it))));
    let Some(SnapshotFlow { sent, received, oldest_age, refused, .. }) = entry.flow else {
        return parts;
    };
    let count = |number| amount(Category::Queue, number);
    parts.extend(oldest_age.map(|age| format!("oldest {}", time(age))));
    parts.extend(sent.map(|sent| format!("{} sent", count(sent))));
    parts.extend(received.map(|received| format!("{} received", count(received))));
    parts.push(format!("{} refused", count(refused.total())));
    parts
}

pub(super) fn pools(app: &App, columns: usize) -> Vec<Line<'static>> {
    let pools = app.snapshot.iter().flat_map(|snapshot| snapshot.pools());
    pools.map(|it| pool(it, columns)).collect()
}

fn pool(pool: &SnapshotPool, columns: usize) -> Line<'static> {
    let PoolStats { counts, waiting, wait, hold, create, checkouts, built, .. } = &pool.stats;
    let p99 = |times: &Histogram| times.quantile(0.99).map_or("-".to_owned(), time);
    // None idle, and checkouts wait: starvation.
    let starves = counts.idle == 0 && *waiting > 0;
    let waiting = format!(", {waiting} waiting{}", if starves { " (starved)" } else { "" });
    let spans = [
        plain(format!("{} ", label(pool.name(), pool.scope()))),
        plain(format!("{}/{} leased, {} idle", counts.leased, counts.capacity(), counts.idle)),
        Span::styled(waiting, if starves { BOLD } else { Style::new() }),
        dim(format!(", wait p99 {}", p99(wait))),
        dim(format!(", {}", served(checkouts))),
        dim(format!(", build p99 {}", p99(create))),
        dim(format!(", hold p99 {}", p99(hold))),
        dim(format!(", {built} built, {} discarded", pool.stats.discarded())),
    ];
    line("POOL", whole(spans, columns))
}

/// How checkouts were served: `1.2k warm/3 cold/12 waited`.
fn served(checkouts: &PoolCheckouts) -> String {
    let [warm, cold, waited] = [checkouts.warm, checkouts.cold, checkouts.waited]
        .map(|number| amount(Category::Queue, number));
    format!("{warm} warm/{cold} cold/{waited} waited")
}

/// As many of the spans as have room after a heading in so many columns, each of them whole; at
/// least one.
pub(super) fn whole(
    spans: impl IntoIterator<Item = Span<'static>>,
    columns: usize,
) -> impl Iterator<Item = Span<'static>> {
    let mut used = HEADING + 1;
    spans.into_iter().enumerate().map_while(move |(at, span)| {
        used += span.width();
        (at == 0 || used <= columns).then_some(span)
    })
}

/// The largest users of each ledger: as many as have room in so many columns, each of them whole.
pub(super) fn ledgers(app: &App, columns: usize) -> Vec<Line<'static>> {
    let ledgers = app.snapshot.iter().flat_map(|snapshot| snapshot.ledgers());
    ledgers.map(|it| ledger(it, columns)).collect()
}

fn ledger(ledger: &SnapshotLedger, columns: usize) -> Line<'static> {
    let users = ledger.users().iter().take(USERS_MAX).enumerate().map(|(at, user)| {
        plain(format!("{}{}", if at == 0 { ": " } else { ", " }, user_text(ledger, user)))
    });
    let nobody = ledger.users().is_empty().then(|| dim(": nobody"));
    let name = plain(label(ledger.name(), ledger.scope()));
    line("MOST", whole(std::iter::once(name).chain(users).chain(nobody), columns))
}

/// `hog 15.1 MiB 72 %`, with `?` where others may have used more.
fn user_text(ledger: &SnapshotLedger, user: &SnapshotUser) -> String {
    let of = |principal: &Key| principal.as_str().map_or_else(|| principal.to_string(), shown);
    // A status page tells no principals by default.
    let name = user.principal().map_or_else(|| "(hidden)".to_owned(), of);
    let or_more = if user.is_saturated { "+" } else { "" };
    let doubt = if user.is_certified { "" } else { "?" };
    let value = amount(ledger.category(), user.value());
    format!("{name} {value}{or_more} {:.0} %{doubt}", user.share * 100.0)
}

/// Who is silent, longest first, and how many are late beside them.
pub(super) fn silent(app: &App) -> Line<'static> {
    let watchers = app.snapshot.iter().flat_map(|snapshot| snapshot.watchers());
    let late = match watchers.map(|watcher| watcher.late).sum::<u64>() {
        0 => String::new(),
        late => format!(", {late} late"),
    };
    if app.silent.is_empty() {
        return line("SILENT", [dim("nobody"), dim(late)]);
    }
    let mut silent: Vec<_> = app.silent.iter().collect();
    silent.sort_by_key(|(_, since)| **since);
    let texts = silent.iter().map(|((guest, run), since)| {
        let silent_for = time(app.now.saturating_sub(**since));
        format!("{} ({}) for {silent_for}", shown(guest), shown(run))
    });
    let text = texts.collect::<Vec<_>>().join(", ");
    line("SILENT", [Span::styled(format!("{}{late}: {text}", silent.len()), BOLD)])
}

pub(super) fn facts(app: &App) -> Vec<Line<'static>> {
    app.facts.iter().map(|(heading, text)| line(heading, [plain(shown(text))])).collect()
}
