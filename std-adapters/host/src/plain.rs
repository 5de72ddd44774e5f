//! The run without a terminal: a line for each event, and one each second for the state of things.

use std::io::{self, Write};

use crate::view::{Happening, Picture, Queue, Ranking};

/// Prints the events.
pub(crate) fn events(out: &mut impl Write, happenings: &[Happening]) -> io::Result<()> {
    happenings.iter().try_for_each(|it| writeln!(out, "{}", it.text))
}

/// Prints one line about the queues that are not empty, the guests that are silent, the largest
/// users, and the tenants.
pub(crate) fn status(out: &mut impl Write, picture: &Picture) -> io::Result<()> {
    let busy = picture.queues.iter().filter(|queue| queue.meter.depth > 0).map(queue_text);
    let mut facts: Vec<String> = busy.collect();
    if facts.is_empty() {
        facts.push("all queues are empty".to_owned());
    }
    let silent = picture.parties.iter().filter(|party| party.silent_for.is_some());
    facts.extend(silent.map(|party| format!("{} {}", party.name, party.state)));
    let most = |it: &Ranking| Some(format!("most {} {}", it.of, it.users.first()?.text()));
    facts.extend(picture.rankings.iter().filter_map(most));
    let tenancy = &picture.tenancy;
    facts.push(format!("tenants {}, {} failed", tenancy.calls(), tenancy.failed));
    writeln!(out, " {:>6.2}  - status    {}", picture.elapsed_secs, facts.join(", "))
}

fn queue_text(queue: &Queue) -> String {
    let Queue { name, meter, waiting, .. } = queue;
    // Beside an instance, the catalog's name says little.
    let name = name.split_once(' ').map_or(name.as_str(), |(_, instance)| instance);
    let waiting = if *waiting > 0 { format!(" ({waiting} waiting)") } else { String::new() };
    format!("{name} {}/{}{waiting}", meter.depth, meter.capacity)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::view::tests::picture;

    #[test]
    fn a_status_names_what_is_not_empty_and_who_is_silent() {
        let mut picture = picture(0);
        let status = |picture: &crate::view::Picture| {
            let mut line = Vec::new();
            super::status(&mut line, picture).expect("there is room");
            String::from_utf8(line).expect("text")
        };
        let quiet =
            "   7.50  - status    burst 16/16 (3 waiting), completed_sidecar_responses 4/16";
        let most = "most memory hog 15.0 MiB, most fuel spin 800 ms, \
                    most tenant fuel looper 12.0 M, tenants 5950 calls/s, p50 0.01, p99 0.09 ms, 0 failed";
        assert_eq!(status(&picture), format!("{quiet}, {most}\n"));
        picture.parties[0].state = "silent for 1.5 s".to_owned();
        picture.parties[0].silent_for = Some(Duration::from_millis(1_500));
        assert_eq!(status(&picture), format!("{quiet}, hog silent for 1.5 s, {most}\n"));
        picture.queues.clear();
        assert!(status(&picture).contains("all queues are empty, hog silent"));
    }

    #[test]
    fn each_event_is_a_line() {
        let mut lines = Vec::new();
        super::events(&mut lines, &picture(2).happenings).expect("there is room");
        assert_eq!(lines, b" 0 happened\n 1 happened\n");
    }
}
