//! A view as text.

use std::fmt::{self, Write};
use std::time::Duration;

use plimsoll::InLine;
use plimsoll::ledger::Key;

use super::fleet::FleetView;
use super::picture::FleetLedger;

/// A view at one moment, as tables: hosts, raised limits, silent guests, and the largest users of each ledger.
#[derive(Clone, Copy, Debug)]
pub struct FleetTable<'v> {
    view: &'v FleetView,
    now: Duration,
    users_max: usize,
}

impl FleetView {
    /// What is known at this moment, with so many users of each ledger, as text.
    pub const fn table(&self, now: Duration, users_max: usize) -> FleetTable<'_> {
        FleetTable { view: self, now, users_max }
    }
}

/// Columns, each as wide as its widest cell; of text, what breaks a line or steers a terminal is escaped.
struct Table<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Table<N> {
    fn new(head: [&str; N]) -> Self {
        Self(vec![head.map(Into::into)])
    }

    fn row(&mut self, cells: [String; N]) {
        self.0.push(cells.map(|cell| InLine(&cell).to_string()));
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |at: usize| self.0.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.0 {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                write!(line, "{cell:width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for FleetTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hosts().write(f)?;
        f.write_char('\n')?;
        self.raised().write(f)?;
        f.write_char('\n')?;
        self.silent().write(f)?;
        f.write_char('\n')?;
        self.users().write(f)
    }
}

impl FleetTable<'_> {
    fn hosts(&self) -> Table<7> {
        let mut table =
            Table::new(["HOST", "AGE", "LIMITS", "RAISED", "SILENT", "RESTARTS", "FLAW"]);
        for host in self.view.hosts() {
            let entries = host.state().snapshot.entries();
            let raised = entries.iter().filter(|entry| entry.level > plimsoll::Level::Normal);
            let mut flaw = host.flaw.as_ref().map_or("-".to_owned(), ToString::to_string);
            if host.rivals > 0 {
                flaw = format!("{} states of another run; {flaw}", host.rivals);
            }
            table.row([
                host.name().to_string(),
                seconds(host.age(self.now)),
                entries.len().to_string(),
                raised.count().to_string(),
                host.silent().to_string(),
                host.restarts.to_string(),
                flaw,
            ]);
        }
        for (key, flaw) in self.view.flaws() {
            let dash = || "-".to_owned();
            table.row([key.into(), dash(), dash(), dash(), dash(), dash(), flaw.to_string()]);
        }
        table
    }

    fn raised(&self) -> Table<6> {
        let mut table = Table::new(["RAISED", "HOST", "LEVEL", "DEPTH", "CAPACITY", "AGE"]);
        for limit in self.view.raised(self.now) {
            let entry = limit.entry;
            table.row([
                labelled(entry.name(), entry.scope()),
                limit.host.to_string(),
                entry.level.to_string(),
                entry.depth.to_string(),
                entry.capacity().map_or("-".into(), |capacity| capacity.to_string()),
                seconds(limit.age),
            ]);
        }
        table
    }

    fn silent(&self) -> Table<5> {
        let mut table = Table::new(["SILENT", "RUN", "HOST", "FOR", "AGE"]);
        for silence in self.view.silent(self.now) {
            table.row([
                silence.guest.guest.clone(),
                silence.guest.run.clone(),
                silence.host.to_string(),
                seconds(silence.silent_for),
                seconds(silence.age),
            ]);
        }
        table
    }

    fn users(&self) -> Table<8> {
        let head =
            ["TOP USER", "LEDGER", "AT LEAST", "AT MOST", "SHARE", "CERTAIN", "MOST ON", "HOSTS"];
        let mut table = Table::new(head);
        for name in self.view.ledgers() {
            // A ledger that is listed can be merged.
            let Ok(ledger) = self.view.merged(&name, self.users_max) else { continue };
            rows(&mut table, &ledger);
        }
        table
    }
}

fn rows(table: &mut Table<8>, ledger: &FleetLedger) {
    let merged = &ledger.merged;
    for (place, user) in merged.users().iter().enumerate() {
        table.row([
            text_of(&user.principal),
            labelled(&merged.name.name, merged.name.scope.as_deref()),
            user.at_least.to_string(),
            user.at_most.to_string(),
            format!("{:.1}%", 100.0 * user.share),
            if place < merged.certified { "yes" } else { "-" }.into(),
            ledger.most_on(user).map_or("-".into(), ToString::to_string),
            user.states.to_string(),
        ]);
    }
}

fn text_of(key: &Key) -> String {
    key.as_str().map_or_else(|| key.to_string(), Into::into)
}

fn labelled(name: &str, scope: Option<&str>) -> String {
    scope.map_or_else(|| name.into(), |scope| format!("{name}[{scope}]"))
}

fn seconds(time: Duration) -> String {
    format!("{:.0}s", time.as_secs_f64())
}
