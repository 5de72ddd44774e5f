//! The parts of the view, each in its place.

use plimsoll::Level;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders};

use super::app::App;
use super::text::{BOLD, DIM, of_level, shown};
use super::{limits, lines};

/// Rows of events, with their heading, that limits do not take away.
const EVENTS_MIN: u16 = 5;
/// Rows of limits, with their heading, that the other parts do not take away.
const LIMITS_MIN: u16 = 6;

impl App {
    /// Draws the view into a frame of any size. What has no room is left out.
    pub fn draw(&self, frame: &mut Frame) {
        let area = frame.area();
        let columns = usize::from(area.width);
        let mut middle = lines::selected(self, columns);
        middle.extend(lines::pools(self, columns));
        middle.extend(lines::ledgers(self, columns));
        middle.push(lines::silent(self));
        middle.extend(lines::facts(self));

        // Title, history and footer are a row each.
        let left = area.height.saturating_sub(3);
        let middle_rows = rows(middle.len()).min(left.saturating_sub(LIMITS_MIN + EVENTS_MIN));
        let left = left - middle_rows;
        let limit_rows = rows(self.limits().len()).saturating_add(1).max(LIMITS_MIN);
        let limit_rows = limit_rows.min(left.saturating_sub(EVENTS_MIN)).max(left.min(2));
        let [title, table, history, text, events, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(limit_rows),
            Constraint::Length(1),
            Constraint::Length(middle_rows),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(area);

        self.draw_title(frame, title);
        limits::draw(self, frame, table);
        limits::draw_history(self, frame, history);
        frame.render_widget(Text::from(middle), text);
        self.draw_events(frame, events);
        frame.render_widget(self.footer(), footer);
    }

    fn draw_title(&self, frame: &mut Frame, area: Rect) {
        let entries = self.snapshot.as_ref().map_or(&[][..], |snapshot| snapshot.entries());
        let raised = entries.iter().filter(|entry| entry.level > Level::Normal).count();
        let mut title = vec![
            Span::styled(shown(&self.title), BOLD),
            Span::styled(format!("  {} limits, ", entries.len()), DIM),
            Span::styled(format!("{raised} raised"), if raised > 0 { BOLD } else { DIM }),
        ];
        if self.is_paused {
            title.push(Span::styled("  PAUSED", BOLD));
        }
        let status = Line::from(shown(&self.status)).right_aligned();
        let [left, right] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(rows(status.width()))])
                .areas(area);
        frame.render_widget(Line::from(title), left);
        frame.render_widget(status, right);
    }

    fn draw_events(&self, frame: &mut Frame, area: Rect) {
        let block = Block::new().borders(Borders::TOP).border_style(DIM).title("EVENTS");
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = self.newest(inner.height.into()).map(|notice| {
            let style = if notice.level > Level::Normal { of_level(notice.level) } else { DIM };
            Line::styled(notice.line(), style)
        });
        frame.render_widget(Text::from_iter(lines), inner);
    }

    fn footer(&self) -> Line<'static> {
        if self.is_filtering {
            return Line::from(format!("/{}▏ enter: keep  esc: drop", shown(&self.filter)));
        }
        let mut keys = format!("q quit  p pause  s sort: {}  ", self.sort.as_str());
        keys += "↑↓ select  ┊ low │ high ◆ peak  / filter";
        if !self.filter.is_empty() {
            keys += &format!(": {}  esc: all", shown(&self.filter));
        }
        Line::styled(keys, Style::new().patch(DIM))
    }
}

fn rows(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
