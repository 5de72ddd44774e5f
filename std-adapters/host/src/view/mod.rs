//! The live view, as lines of text with an ink for each piece: a pure function of what there is to
//! show. Legible without colour, and at 80 columns by 24 rows.

mod bar;
mod ranking;
mod tenancy;
mod text;

use std::time::Duration;

pub(crate) use bar::Meter;
use bar::bar;
use ranking::ranking_line;
pub(crate) use ranking::{Ranking, User};
pub(crate) use tenancy::Tenancy;
use tenancy::tenancy_lines;
pub(crate) use text::{Ink, Line};
use text::{fit, heading, span};

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
    /// How long it has been silent, if it is.
    pub(crate) silent_for: Option<Duration>,
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
    /// Instances that are silent.
    pub(crate) silent: u64,
    pub(crate) queues: Vec<Queue>,
    pub(crate) parties: Vec<Party>,
    pub(crate) rankings: Vec<Ranking>,
    pub(crate) tenancy: Tenancy,
    /// The newest last.
    pub(crate) happenings: Vec<Happening>,
}

const ROWS_MIN: usize = 24;
const NAME_COLUMNS: usize = 27;
const STATE_COLUMNS: usize = 22;
/// What the queue's row needs beside its bar, and the principal's row beside its two.
const QUEUE_FIXED_COLUMNS: usize = NAME_COLUMNS + 35;
const PARTY_FIXED_COLUMNS: usize = STATE_COLUMNS + 38;

/// Lays the picture out in `rows` lines of `columns` columns, blanks at the end included.
pub(crate) fn lines(picture: &Picture, columns: usize, rows: usize) -> Vec<Line> {
    // Where rows are few, events are worth more than blank ones.
    let gap = (rows > ROWS_MIN).then(Line::new);
    let mut lines = vec![title(picture, columns), clock_rule(picture, columns)];
    let bar_columns = columns.saturating_sub(QUEUE_FIXED_COLUMNS).clamp(4, 100);
    lines.push(heading(&format!(
        " {:<NAME_COLUMNS$} {:<bar_columns$} {:>7} {:>5} {:>7} {:>7}",
        "QUEUE tokio→crossbeam→std", "", "depth", "peak", "waiting", "blocked"
    )));
    lines.extend(picture.queues.iter().map(|queue| queue_line(queue, bar_columns)));
    lines.extend(gap.clone());

    let bars_columns = columns.saturating_sub(PARTY_FIXED_COLUMNS).clamp(8, 120);
    let (memory, turn) = (bars_columns - bars_columns / 2, bars_columns / 2);
    lines.push(heading(&format!(
        " {:<7} {:<STATE_COLUMNS$} {:<memory$} {:>8} {:<turn$} {:>7} {:>6}",
        "GUEST", "state", "memory", "MiB", "turn", "ms", "frames"
    )));
    lines.extend(picture.parties.iter().map(|party| party_line(party, memory, turn)));
    let rankings = picture.rankings.iter().filter(|ranking| ranking.has_room());
    lines.extend(rankings.map(|ranking| ranking_line(ranking, columns)));
    lines.extend(gap.clone());
    lines.extend(tenancy_lines(&picture.tenancy));
    lines.extend(gap);

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

fn title(picture: &Picture, columns: usize) -> Line {
    let name = " PLIMSOLL · sandbox host";
    let Meter { depth, capacity, .. } = picture.instances;
    let silent = match picture.silent {
        0 => String::new(),
        silent => format!(", {silent} silent"),
    };
    let facts = format!("   {depth} of {capacity} instances");
    let clock = format!("{:.1} s of {} s ", picture.elapsed_secs, picture.length_secs);
    let used: usize = [name, &facts, &silent, &clock].iter().map(|text| text.chars().count()).sum();
    let gap = " ".repeat(columns.saturating_sub(used));
    vec![
        span(Ink::Title, name),
        span(Ink::Dim, facts),
        span(Ink::Full, silent),
        span(Ink::Dim, gap),
        span(Ink::Plain, clock),
    ]
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

#[cfg(test)]
pub(crate) mod tests {
    use plimsoll::Level;

    use super::*;

    pub(super) fn meter(depth: u64, high_water: u64, capacity: u64) -> Meter {
        let (low, high) = (capacity / 2, (capacity * 8).div_ceil(10));
        let level = if depth >= high { Level::Elevated } else { Level::Normal };
        Meter { depth, high_water, capacity, low, high, level }
    }

    fn queue(name: &str, meter: Meter, waiting: u64) -> Queue {
        Queue { name: name.to_owned(), meter, waiting, blocked: Duration::from_millis(1_234) }
    }

    pub(crate) fn picture(happenings: usize) -> Picture {
        let hog = Party {
            name: "hog".to_owned(),
            state: "memory refused ×2".to_owned(),
            troubled: true,
            silent_for: None,
            memory_bytes: meter(15 << 20, 15 << 20, 16 << 20),
            turn_ms: meter(0, 10, 100),
            frames: 1_234,
        };
        let user = |name: &str, amount: &str, share| User {
            name: name.to_owned(),
            amount: amount.to_owned(),
            share,
            certain: true,
        };
        let ranking = |of, users| Ranking { of, users };
        let happening = |at| Happening { ink: Ink::Plain, text: format!(" {at} happened") };
        Picture {
            elapsed_secs: 7.5,
            length_secs: 15.0,
            instances: meter(6, 7, 16),
            silent: 1,
            queues: vec![
                queue("sidecar_stdout_frames burst", meter(16, 16, 16), 3),
                queue("completed_sidecar_responses", meter(4, 16, 16), 0),
            ],
            parties: vec![hog],
            rankings: vec![
                ranking("memory", vec![user("hog", "15.0 MiB", 0.9), user("spin", "0.1 MiB", 0.1)]),
                ranking("fuel", vec![user("spin", "800 ms", 1.0)]),
                ranking("tenant fuel", vec![user("looper", "12.0 M", 1.0)]),
            ],
            tenancy: tenancy::tests::tenancy(),
            happenings: (0..happenings).map(happening).collect(),
        }
    }

    fn text(line: &Line) -> String {
        line.iter().map(|piece| piece.text.as_str()).collect()
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
        has("6 of 16 instances, 1 silent");
        has("7.5 s of 15 s");
        has("  16/16    16       3   1.2 s");
        has("   4/16    16       ·   1.2 s");
        has("memory refused ×2");
        has(" 15.0/16 ");
        has("  1234 ");
        has(" MOST MEMORY  hog 15.0 MiB 90 %  spin 0.1 MiB 10 %");
        has(" MOST FUEL    spin 800 ms 100 %");
        has(" POOL ");
        has(" TENANTS ");
        has(" off 410 · 31 of 71k faulted ");
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
    fn a_full_queue_and_its_waiting_senders_are_marked() {
        let line = queue_line(&queue("burst", meter(16, 16, 16), 2), 20);
        let full = |part| line.iter().any(|it| it.ink == Ink::Full && it.text.contains(part));
        assert!(full("16/16") && full("       2"));
        let line = queue_line(&queue("calm", meter(2, 2, 16), 0), 20);
        assert!(line.iter().all(|piece| piece.ink != Ink::Full));
    }
}
