//! The view of a fleet.

use std::cmp::Reverse;
use std::time::Duration;

use plimsoll::Category;
use plimsoll::ledger::LedgerKind;
use plimsoll_fleet::merge::MergedUser;
use plimsoll_fleet::view::{FleetHost, FleetLedger, FleetLimit, FleetView, Heard};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Cell, Row, Table};

use super::app::{Action, Key};
use super::bar::bar;
use super::lines::{dim, line, plain, whole};
use super::text::{BOLD, DIM, amount, depth, label, of_level, shown, time};

/// How often ledgers are merged: a fleet of a thousand hosts takes a good part of a second for it.
const MERGE_EVERY: Duration = Duration::from_secs(2);
/// Users of one ledger that are looked at for a line.
const USERS_MAX: usize = 10;
/// Events that are drawn at most.
const EVENTS_MAX: usize = 200;
/// Rows that parts take at most or at least, with their headings.
const HOSTS_ROWS: u16 = 6;
const RAISED_ROWS_MIN: u16 = 4;
const EVENTS_ROWS_MIN: u16 = 4;

/// What the view of a fleet shows. Times are counted from one moment that the caller chooses.
///
/// ```
/// use std::time::Duration;
///
/// use plimsoll_top::view::FleetApp;
/// use ratatui::{Terminal, backend::TestBackend};
///
/// let mut app = FleetApp::new("nats://127.0.0.1:4222");
/// app.advance(Duration::from_secs(1));
/// let mut terminal = Terminal::new(TestBackend::new(80, 24))?;
/// terminal.draw(|frame| app.draw(frame))?;
/// assert!(terminal.backend().to_string().contains("0 hosts"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FleetApp {
    title: String,
    status: String,
    now: Duration,
    view: FleetView,
    ledgers: Vec<FleetLedger>,
    merged: Option<Duration>,
    is_paused: bool,
}

impl FleetApp {
    /// A view that has nothing to show yet, with a title of the caller's.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            status: String::new(),
            now: Duration::ZERO,
            view: FleetView::default(),
            ledgers: Vec::new(),
            merged: None,
            is_paused: false,
        }
    }

    /// Takes in what a reader has heard.
    pub fn on_heard(&mut self, now: Duration, heard: Heard) {
        if let Heard::Connection(state) = &heard {
            self.status = state.to_string();
        }
        self.view.on_heard(now, heard);
    }

    /// Lets time pass: hosts age out, and ledgers are merged every two seconds. A view that is paused stays as
    /// it is.
    pub fn advance(&mut self, now: Duration) {
        if self.is_paused {
            return;
        }
        self.now = now;
        self.view.advance(now);
        if self.merged.is_none_or(|merged| now.saturating_sub(merged) >= MERGE_EVERY) {
            self.merged = Some(now);
            let names = self.view.ledgers();
            let merged = names.iter().map(|name| self.view.merged(name, USERS_MAX));
            self.ledgers = merged.filter_map(Result::ok).collect();
        }
    }

    /// Does what a key asks for.
    pub fn on_key(&mut self, key: Key) -> Action {
        match key {
            Key::Interrupt | Key::Esc | Key::Char('q') => return Action::Quit,
            Key::Char('p' | ' ') => self.is_paused = !self.is_paused,
            _ => {}
        }
        Action::Draw
    }

    /// What the hosts say.
    pub const fn view(&self) -> &FleetView {
        &self.view
    }

    /// Draws the view into a frame of any size. What has no room is left out.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let raised = self.view.raised(self.now);
        let middle = self.middle(usize::from(area.width));
        let hosts = rows(self.view.hosts().len() + self.view.flaws().count());
        let hosts = hosts.saturating_add(1).min(HOSTS_ROWS);
        let middle_rows = rows(middle.len());
        let fixed = 2 + hosts + middle_rows + EVENTS_ROWS_MIN;
        let raised_rows = rows(raised.len()).saturating_add(1).max(RAISED_ROWS_MIN);
        let raised_rows = raised_rows.min(area.height.saturating_sub(fixed).max(RAISED_ROWS_MIN));
        let [title, hosts, limits, text, events, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(hosts),
            Constraint::Length(raised_rows),
            Constraint::Length(middle_rows),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(area);
        self.draw_title(frame, title, raised.len());
        frame.render_widget(self.hosts(), hosts);
        frame.render_widget(raised_table(&raised, limits.width), limits);
        frame.render_widget(Text::from(middle), text);
        self.draw_events(frame, events);
        frame.render_widget(Line::styled("q quit  p pause", DIM), footer);
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect, raised: usize) {
        let silent = self.view.silent_count();
        let facts = [
            (format!("  {} hosts, ", self.view.hosts().len()), false),
            (format!("{raised} raised, "), raised > 0),
            (format!("{silent} silent, "), silent > 0),
            (format!("{} gone", self.view.gone()), false),
        ];
        let mut title = vec![Span::styled(shown(&self.title), BOLD)];
        title.extend(
            facts.map(|(text, is_bold)| Span::styled(text, if is_bold { BOLD } else { DIM })),
        );
        if self.is_paused {
            title.push(Span::styled("  PAUSED", BOLD));
        }
        let status = Line::from(shown(&self.status)).right_aligned();
        let [left, right] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Max(rows(status.width()))])
                .areas(area);
        frame.render_widget(Line::from(title), left);
        frame.render_widget(status, right);
    }

    /// The hosts with the most raised limits first, and then the oldest states.
    fn hosts(&self) -> Table<'static> {
        let mut hosts: Vec<&FleetHost> = self.view.hosts().collect();
        hosts.sort_by_key(|host| {
            Reverse((host.raised().count(), host.silent_count(), host.age(self.now)))
        });
        let rows = hosts.into_iter().take(HOSTS_ROWS.into()).map(|host| {
            let raised = host.raised().count();
            let cells = [
                shown(host.name().as_str()),
                time(host.age(self.now)),
                host.state().snapshot.entries().len().to_string(),
                raised.to_string(),
                host.silent_count().to_string(),
                host.restarts.to_string(),
                trouble(host),
            ];
            Row::new(cells).style(if raised > 0 { BOLD } else { Style::new() })
        });
        let flaws = self.view.flaws().map(|(key, flaw)| {
            let dash = String::from("-");
            let [one, two, three, four, five] = std::array::from_fn(|_| dash.clone());
            Row::new([shown(key), one, two, three, four, five, shown(&flaw.to_string())])
        });
        let widths = [
            Constraint::Max(24),
            Constraint::Length(7),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Length(8),
            Constraint::Fill(1),
        ];
        let headings = ["HOST", "AGE", "LIMITS", "RAISED", "SILENT", "RESTARTS", "FLAW"];
        Table::new(rows.chain(flaws), widths).header(Row::new(headings).style(BOLD))
    }

    /// The largest users of each ledger, and who is silent.
    fn middle(&self, columns: usize) -> Vec<Line<'static>> {
        let mut lines: Vec<_> = self.ledgers.iter().map(|it| most(it, columns)).collect();
        lines.push(self.silent(columns));
        lines
    }

    fn silent(&self, columns: usize) -> Line<'static> {
        let silent = self.view.silent(self.now);
        if silent.is_empty() {
            return line("SILENT", [dim("nobody")]);
        }
        let each = silent.iter().take(columns).map(|it| {
            let (guest, run) = (shown(&it.guest.guest), shown(&it.guest.run));
            let (silent_for, age) = (time(it.silent_for), time(it.age));
            plain(format!(", {guest} ({run}) on {} for {silent_for}, seen {age} ago", it.host))
        });
        let count = Span::styled(self.view.silent_count().to_string(), BOLD);
        line("SILENT", whole(std::iter::once(count).chain(each), columns))
    }

    fn draw_events(&self, frame: &mut Frame<'_>, area: Rect) {
        let block = Block::new().borders(Borders::TOP).border_style(DIM).title("EVENTS");
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let most = usize::from(inner.height).min(EVENTS_MAX);
        let lines = self.view.newest_events(most);
        let lines = lines.map(|event| Line::from(format!("{} {}", event.host, shown(&event.text))));
        frame.render_widget(Text::from_iter(lines), inner);
    }
}

/// `MOST     guest_fuel: acme 1.2M 40 % (web-1), ...`, with `?` where others may have used more.
fn most(ledger: &FleetLedger, columns: usize) -> Line<'static> {
    let merged = &ledger.merged;
    let user = |(place, user): (usize, &MergedUser)| {
        let name = user.principal.as_str().map_or_else(|| user.principal.to_string(), shown);
        // Peaks are listed by what is certain.
        let value = if merged.name.kind == LedgerKind::Sum { user.at_most } else { user.at_least };
        let (value, share) = (amount(merged.name.category, value), 100.0 * user.share);
        let doubt = if place < merged.certified { "" } else { "?" };
        let host = ledger.most_on(user).map_or("-", |host| host.as_str());
        let comma = if place == 0 { ":" } else { "," };
        plain(format!("{comma} {name} {value} {share:.0} %{doubt} ({host})"))
    };
    let users = merged.users().iter().enumerate().map(user);
    let name = plain(label(&merged.name.name, merged.name.scope.as_deref()));
    line("MOST", whole(std::iter::once(name).chain(users), columns))
}

fn raised_table(raised: &[FleetLimit<'_>], width: u16) -> Table<'static> {
    let widths = [
        Constraint::Fill(5),
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(8),
        Constraint::Length(13),
        Constraint::Length(7),
    ];
    let columns = Layout::horizontal(widths).spacing(1).split(Rect::new(0, 0, width, 1));
    let bar_columns = columns.get(2).map_or(0, |column| usize::from(column.width));
    let row = |limit: &FleetLimit<'_>| {
        let entry = limit.entry;
        let style = of_level(entry.level);
        Row::new([
            Cell::new(label(entry.name(), entry.scope())),
            Cell::new(shown(limit.host.as_str())),
            Cell::new(bar(entry, bar_columns)),
            Cell::new(Span::styled(entry.level.to_string(), style)),
            Cell::new(depth(entry.category(), entry.depth, entry.capacity())),
            Cell::new(time(limit.age)),
        ])
    };
    // No terminal has more rows.
    let rows: Vec<_> = raised.iter().take(usize::from(u16::MAX)).map(row).collect();
    let headings = ["RAISED", "HOST", "USED", "LEVEL", "DEPTH", "AGE"];
    Table::new(rows, widths).header(Row::new(headings).style(BOLD))
}

fn trouble(host: &FleetHost) -> String {
    match (&host.flaw, host.rivals) {
        (Some(flaw), _) => shown(&flaw.to_string()),
        (None, 0) => "-".into(),
        (None, rivals) => format!("{} of another run", amount(Category::Queue, rivals)),
    }
}

fn rows(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
