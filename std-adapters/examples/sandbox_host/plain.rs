//! The run without a terminal: a line for each event, and one each second for the state of things.

use std::io::{self, Write};

use crate::view::{Happening, Queue};

/// Prints the events.
pub(crate) fn events(out: &mut impl Write, happenings: &[Happening]) -> io::Result<()> {
    happenings.iter().try_for_each(|it| writeln!(out, "{}", it.text))
}

/// Prints one line about the queues that are not empty.
pub(crate) fn status(out: &mut impl Write, elapsed_secs: f64, queues: &[Queue]) -> io::Result<()> {
    let busy: Vec<String> =
        queues.iter().filter(|queue| queue.meter.depth > 0).map(queue_text).collect();
    let busy = if busy.is_empty() { "all queues are empty".to_owned() } else { busy.join(", ") };
    writeln!(out, " {elapsed_secs:>6.2}  - status    {busy}")
}

fn queue_text(queue: &Queue) -> String {
    let Queue { name, meter, waiting, .. } = queue;
    // Beside an instance, the catalog's name says little.
    let name = name.split_once(' ').map_or(name.as_str(), |(_, instance)| instance);
    let waiting = if *waiting > 0 { format!(" ({waiting} waiting)") } else { String::new() };
    format!("{name} {}/{}{waiting}", meter.depth, meter.capacity)
}
