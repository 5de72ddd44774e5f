//! The live view, as lines of text with an ink for each piece: a pure function of what there is to
//! show. Legible without colour, and at 80 columns by 24 rows.

use std::time::Duration;

use plimsoll::Level;

/// What a piece of text means; the screen chooses a colour for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Dim,
    Title,
    Good,
    Elevated,
    Critical,
    Full,
}

impl From<Level> for Ink {
    fn from(level: Level) -> Self {
        match level {
            Level::Normal => Self::Good,
            Level::Elevated => Self::Elevated,
            Level::Critical => Self::Critical,
            Level::Full => Self::Full,
        }
    }
}

/// A piece of a line.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) ink: Ink,
    pub(crate) text: String,
}

/// A line of the view, exactly as wide as asked for.
pub(crate) type Line = Vec<Span>;

/// The reading of one limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub(crate) depth: u64,
    pub(crate) high_water: u64,
    pub(crate) capacity: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) level: Level,
}

impl Meter {
    fn ink(&self) -> Ink {
        if self.depth >= self.capacity.max(1) { Ink::Full } else { self.level.into() }
    }
}

/// A queue of the pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) meter: Meter,
    /// Senders blocked on it now.
    pub(crate) waiting: u64,
    /// For how long senders have been blocked on it in all.
    pub(crate) blocked: Duration,
}

/// A principal and what it uses.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) state: String,
    /// Whether the state is one that somebody should look at.
    pub(crate) troubled: bool,
    pub(crate) memory_bytes: Meter,
    pub(crate) turn_ms: Meter,
    pub(crate) frames: u64,
}

/// A thing that happened.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) ink: Ink,
    pub(crate) text: String,
}

/// All that one frame of the view shows.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) elapsed_secs: f64,
    pub(crate) length_secs: f64,
    pub(crate) instances: Meter,
    pub(crate) queues: Vec<Queue>,
    pub(crate) parties: Vec<Party>,
    /// The newest last.
    pub(crate) happenings: Vec<Happening>,
}

const NAME_COLUMNS: usize = 27;
const STATE_COLUMNS: usize = 22;
/// What the queue's row needs beside its bar, and the principal's row beside its two.
const QUEUE_FIXED_COLUMNS: usize = NAME_COLUMNS + 35;
const PARTY_FIXED_COLUMNS: usize = STATE_COLUMNS + 38;

/// Lays the picture out in `rows` lines of `columns` columns, blanks at the end included.
pub(crate) fn lines(picture: &Picture, columns: usize, rows: usize) -> Vec<Line> {
    let mut lines = vec![title(picture, columns), clock_rule(picture, columns)];
    let bar_columns = columns.saturating_sub(QUEUE_FIXED_COLUMNS).clamp(4, 100);
    lines.push(heading(&format!(
        " {:<NAME_COLUMNS$} {:<bar_columns$} {:>7} {:>5} {:>7} {:>7}",
        "QUEUE tokio→crossbeam→std", "", "depth", "peak", "waiting", "blocked"
    )));
    lines.extend(picture.queues.iter().map(|queue| queue_line(queue, bar_columns)));
    lines.push(Vec::new());

    let bars_columns = columns.saturating_sub(PARTY_FIXED_COLUMNS).clamp(8, 120);
    let (memory, turn) = (bars_columns - bars_columns / 2, bars_columns / 2);
    lines.push(heading(&format!(
        " {:<7} {:<STATE_COLUMNS$} {:<memory$} {:>8} {:<turn$} {:>7} {:>6}",
        "GUEST", "state", "memory", "MiB", "turn", "ms", "frames"
    )));
    lines.extend(picture.parties.iter().map(|party| party_line(party, memory, turn)));
    lines.push(Vec::new());

    let room = rows.saturating_sub(lines.len() + 1);
    let newest = picture.happenings.len().saturating_sub(room);
    let happenings = &picture.happenings[newest..];
    lines.extend(happenings.iter().map(|it| vec![span(it.ink, it.text.clone())]));
    lines.resize(rows.saturating_sub(1), Vec::new());
    lines
        .push(heading(" █ depth  ┊ low  │ high watermark  ◆ high-water mark    q or ctrl-c: stop"));
    lines.truncate(rows);
    lines.into_iter().map(|line| fit(line, columns)).collect()
}

fn span(ink: Ink, text: impl Into<String>) -> Span {
    Span { ink, text: text.into() }
}

fn heading(text: &str) -> Line {
    vec![span(Ink::Dim, text)]
}

fn title(picture: &Picture, columns: usize) -> Line {
    let name = " PLIMSOLL · sandbox host";
    let Meter { depth, capacity, .. } = picture.instances;
    let facts = format!("   {depth} of {capacity} instances");
    let clock = format!("{:.1} s of {} s ", picture.elapsed_secs, picture.length_secs);
    let used: usize = [name, &facts, &clock].iter().map(|text| text.chars().count()).sum();
    let gap = " ".repeat(columns.saturating_sub(used));
    vec![span(Ink::Title, name), span(Ink::Dim, facts + &gap), span(Ink::Plain, clock)]
}

/// How much of the run is over, as a line from edge to edge.
fn clock_rule(picture: &Picture, columns: usize) -> Line {
    let part = (picture.elapsed_secs / picture.length_secs).clamp(0.0, 1.0);
    let done = (part * columns as f64) as usize;
    vec![span(Ink::Title, "━".repeat(done)), span(Ink::Dim, "─".repeat(columns - done))]
}

fn queue_line(queue: &Queue, bar_columns: usize) -> Line {
    let meter = &queue.meter;
    let mut line = vec![span(Ink::Plain, format!(" {:<NAME_COLUMNS$} ", queue.name))];
    line.extend(bar(meter, bar_columns));
    let depth = format!("{}/{}", meter.depth, meter.capacity);
    line.push(span(meter.ink(), format!(" {depth:>7}")));
    line.push(span(Ink::Dim, format!(" {:>5}", meter.high_water)));
    line.push(match queue.waiting {
        0 => span(Ink::Dim, format!(" {:>7}", "·")),
        senders => span(Ink::Full, format!(" {senders:>7}")),
    });
    let blocked = format!("{:.1} s", queue.blocked.as_secs_f64());
    line.push(span(Ink::Dim, format!(" {blocked:>7}")));
    line
}

fn party_line(party: &Party, memory_columns: usize, turn_columns: usize) -> Line {
    let ink = if party.troubled { Ink::Full } else { Ink::Good };
    let mut line = vec![
        span(Ink::Plain, format!(" {:<7} ", party.name)),
        span(ink, format!("{:<STATE_COLUMNS$} ", party.state)),
    ];
    let memory = &party.memory_bytes;
    line.extend(bar(memory, memory_columns));
    let used = mib_of(memory.depth, memory.capacity);
    line.push(span(memory.ink(), format!(" {used:>8} ")));
    let turn = &party.turn_ms;
    line.extend(bar(turn, turn_columns));
    let used = format!("{}/{}", turn.depth, turn.capacity);
    line.push(span(turn.ink(), format!(" {used:>7}")));
    line.push(span(Ink::Plain, format!(" {:>6}", party.frames)));
    line
}

/// `15.1/16`, in MiB.
pub(crate) fn mib_of(bytes: u64, max: u64) -> String {
    let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
    format!("{:.1}/{:.0}", mib(bytes), mib(max))
}

/// The depth as a bar to the eighth of a column, with the two watermarks and the high-water mark.
fn bar(meter: &Meter, columns: usize) -> Vec<Span> {
    const EIGHTHS: [char; 8] = ['·', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = |depth: u64| {
        let part = depth.min(meter.capacity) as f64 / meter.capacity.max(1) as f64;
        (part * (columns * 8) as f64).round() as usize
    };
    // The column in which a bar of this depth ends.
    let column = |depth: u64| eighths(depth).div_ceil(8).clamp(1, columns) - 1;
    let filled = if meter.depth == 0 { 0 } else { eighths(meter.depth).max(1) };
    let mut cells: Vec<(Ink, char)> = (0..columns)
        .map(|at| match filled.saturating_sub(at * 8) {
            0 => (Ink::Dim, EIGHTHS[0]),
            part @ 1..8 => (meter.ink(), EIGHTHS[part]),
            _ => (meter.ink(), '█'),
        })
        .collect();
    cells[column(meter.low)] = (Ink::Dim, '┊');
    cells[column(meter.high)] = (Ink::Plain, '│');
    if meter.high_water > meter.depth {
        cells[column(meter.high_water)] = (Ink::Elevated, '◆');
    }
    let mut spans: Vec<Span> = Vec::new();
    for (ink, cell) in cells {
        match spans.last_mut() {
            Some(last) if last.ink == ink => last.text.push(cell),
            _ => spans.push(span(ink, cell)),
        }
    }
    spans
}

/// Cuts a line off at the edge of the screen, or fills it up to there.
fn fit(line: Line, columns: usize) -> Line {
    let mut room = columns;
    let mut fitted: Line = Vec::new();
    for piece in line {
        let text: String = piece.text.chars().take(room).collect();
        room -= text.chars().count();
        fitted.push(span(piece.ink, text));
    }
    fitted.push(span(Ink::Plain, " ".repeat(room)));
    fitted.retain(|piece| !piece.text.is_empty());
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(depth: u64, high_water: u64, capacity: u64) -> Meter {
        let (low, high) = (capacity / 2, (capacity * 8).div_ceil(10));
        let level = if depth >= high { Level::Elevated } else { Level::Normal };
        Meter { depth, high_water, capacity, low, high, level }
    }

    fn queue(name: &str, meter: Meter, waiting: u64) -> Queue {
        Queue { name: name.to_owned(), meter, waiting, blocked: Duration::from_millis(1_234) }
    }

    fn picture(happenings: usize) -> Picture {
        let hog = Party {
            name: "hog".to_owned(),
            state: "memory refused ×2".to_owned(),
            troubled: true,
            memory_bytes: meter(15 << 20, 15 << 20, 16 << 20),
            turn_ms: meter(0, 10, 100),
            frames: 1_234,
        };
        let happening = |at| Happening { ink: Ink::Plain, text: format!(" {at} happened") };
        Picture {
            elapsed_secs: 7.5,
            length_secs: 15.0,
            instances: meter(6, 7, 16),
            queues: vec![
                queue("sidecar_stdout_frames burst", meter(16, 16, 16), 3),
                queue("completed_sidecar_responses", meter(4, 16, 16), 0),
            ],
            parties: vec![hog],
            happenings: (0..happenings).map(happening).collect(),
        }
    }

    fn text(line: &Line) -> String {
        line.iter().map(|piece| piece.text.as_str()).collect()
    }

    fn bar_text(meter: Meter, columns: usize) -> String {
        text(&bar(&meter, columns))
    }

    #[test]
    fn every_size_is_filled_exactly() {
        for (columns, rows) in [(80, 24), (200, 60), (79, 12), (40, 5), (1, 1), (0, 0)] {
            for happenings in [0, 3, 100] {
                let lines = lines(&picture(happenings), columns, rows);
                assert_eq!(lines.len(), rows, "{columns} x {rows}");
                for line in &lines {
                    assert_eq!(text(line).chars().count(), columns, "{columns} x {rows}");
                }
            }
        }
    }

    #[test]
    fn at_80_by_24_nothing_is_cut_off() {
        let lines: Vec<String> = lines(&picture(100), 80, 24).iter().map(text).collect();
        let has = |part: &str| assert!(lines.iter().any(|line| line.contains(part)), "{part}");
        has("6 of 16 instances");
        has("7.5 s of 15 s");
        has("  16/16    16       3   1.2 s");
        has("   4/16    16       ·   1.2 s");
        has("memory refused ×2");
        has(" 15.0/16 ");
        has("  1234 ");
        has(" 99 happened");
        has("q or ctrl-c: stop");
    }

    #[test]
    fn the_newest_events_are_the_ones_that_fit() {
        let lines: Vec<String> = lines(&picture(100), 80, 24).iter().map(text).collect();
        let first = lines.iter().position(|line| line.contains("happened")).unwrap();
        for (row, at) in (first..23).zip(100 - (23 - first)..) {
            assert!(lines[row].starts_with(&format!(" {at} happened ")), "{}", lines[row]);
        }
    }

    #[test]
    fn a_bar_shows_depth_watermarks_and_high_water() {
        assert_eq!(bar_text(meter(0, 0, 16), 16), "·······┊····│···");
        assert_eq!(bar_text(meter(4, 4, 16), 16), "████···┊····│···");
        assert_eq!(bar_text(meter(4, 16, 16), 16), "████···┊····│··◆");
        assert_eq!(bar_text(meter(16, 16, 16), 16), "███████┊████│███");
        assert_eq!(bar_text(meter(1, 1, 16), 8), "▌··┊··│·");
        assert_eq!(bar_text(meter(1, 1, 1_000), 8), "▏··┊··│·", "a little is not nothing");
    }

    #[test]
    fn a_bar_survives_readings_that_should_not_be() {
        let beyond = Meter { depth: 99, high_water: 120, ..meter(0, 0, 16) };
        assert_eq!(bar_text(beyond, 16).chars().count(), 16);
        let unbounded = Meter { capacity: 0, low: 0, high: 0, ..beyond };
        assert_eq!(bar_text(unbounded, 16).chars().count(), 16);
    }

    #[test]
    fn a_full_queue_and_its_waiting_senders_are_marked() {
        let line = queue_line(&queue("burst", meter(16, 16, 16), 2), 20);
        let full = |part| line.iter().any(|it| it.ink == Ink::Full && it.text.contains(part));
        assert!(full("16/16") && full("       2"));
        let line = queue_line(&queue("calm", meter(2, 2, 16), 0), 20);
        assert!(line.iter().all(|piece| piece.ink != Ink::Full));
    }
}
