//! The table of limits, and the history of the selected one.

use plimsoll::SnapshotEntry;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Sparkline, Table, TableState};

use super::app::App;
use super::bar::bar;
use super::history::id_of;
use super::text::{BOLD, DIM, amount, depth, label, of_level, time};

/// From so many columns on, there is one more for the peak.
const WIDE: u16 = 100;

pub(super) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let limits = app.limits();
    let is_wide = area.width >= WIDE;
    let mut widths = vec![
        Constraint::Fill(5),
        Constraint::Fill(2),
        Constraint::Length(8),
        Constraint::Length(13),
        Constraint::Length(4),
        Constraint::Length(7),
    ];
    let mut headings = vec!["LIMIT", "USED", "LEVEL", "DEPTH", "WAIT", "BLOCKED"];
    if is_wide {
        widths.push(Constraint::Length(10));
        headings.push("PEAK");
    }
    // What the table leaves to its bars: it is asked as the table lays itself out.
    let columns = Layout::horizontal(widths.iter().copied())
        .spacing(1)
        .split(Rect { width: area.width.saturating_sub(MARK.chars().count() as u16), ..area });
    let bar_columns = columns.get(1).map_or(0, |column| usize::from(column.width));

    let selected = app.selected_row(&limits);
    let rows = limits.iter().map(|entry| row(entry, bar_columns, is_wide));
    let table = Table::new(rows, widths)
        .header(Row::new(headings).style(BOLD))
        .column_spacing(1)
        .highlight_symbol(MARK)
        .row_highlight_style(Style::new().add_modifier(Modifier::BOLD));
    let mut state = TableState::new().with_selected((!limits.is_empty()).then_some(selected));
    frame.render_stateful_widget(table, area, &mut state);
}

/// Stands before the selected limit.
const MARK: &str = "›";

fn row(entry: &SnapshotEntry, bar_columns: usize, is_wide: bool) -> Row<'static> {
    let style = of_level(entry.level);
    let waiting = match entry.waiting {
        0 => Span::styled("·", DIM),
        waiting => Span::styled(waiting.to_string(), BOLD),
    };
    let of = |depth_now| depth(entry.category(), depth_now, entry.capacity());
    let mut cells = vec![
        Cell::from(label(entry.name(), entry.scope())),
        Cell::from(bar(entry, bar_columns)),
        Cell::from(Span::styled(entry.level.as_str(), style)),
        Cell::from(Line::styled(of(entry.depth), style).right_aligned()),
        Cell::from(Line::from(waiting).right_aligned()),
        Cell::from(Line::styled(time(entry.blocked), DIM).right_aligned()),
    ];
    if is_wide {
        let peak = amount(entry.category(), entry.high_water);
        cells.push(Cell::from(Line::styled(peak, DIM).right_aligned()));
    }
    Row::new(cells)
}

/// One line: what a limit was filled by in the last snapshots, and its name.
pub(super) fn draw_history(app: &App, frame: &mut Frame, area: Rect) {
    let limits = app.limits();
    let Some(entry) = limits.get(app.selected_row(&limits)) else { return };
    let name = label(entry.name(), entry.scope());
    let peak = depth(entry.category(), entry.high_water, entry.capacity());
    let minute = entry.recent.and_then(|recent| recent.peak_minute);
    let minute = minute.map(|peak| format!(" ({} last minute)", amount(entry.category(), peak)));
    let text = Line::styled(format!("{name}, peak {peak}{}", minute.unwrap_or_default()), DIM);
    let columns = u16::try_from(text.width()).unwrap_or(u16::MAX).min(area.width);
    let [spark, beside] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(columns)])
        .spacing(1)
        .areas(area);
    let readings = app.history.newest(&id_of(entry), spark.width.into(), app.held_back_snapshots);
    // Of a limit without a bound, the largest reading fills the line.
    let full = match entry.capacity() {
        Some(1..) => 1_000,
        _ => readings.iter().copied().max().unwrap_or(1).max(1),
    };
    let pad = usize::from(spark.width).saturating_sub(readings.len());
    let data: Vec<Option<u64>> =
        std::iter::repeat_n(None, pad).chain(readings.into_iter().map(Some)).collect();
    let style = of_level(entry.level);
    let sparkline = Sparkline::default().data(data).max(full).style(style);
    frame.render_widget(sparkline.absent_value_symbol(" "), spark);
    frame.render_widget(text, beside);
}
